"""The error of a prediction against scans, by a protocol."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float64

from evaluation.alignment import Prediction, Registration, Scan, align
from evaluation.icp import global_scale
from evaluation.nicp import nicp
from evaluation.protocols import Protocol
from evaluation.similarity import Similarity
from evaluation.surface_distance import Statistics
from ganfit_core.mesh import Surface


@dataclass(frozen=True, eq=False)
class Measurement:
    """What a protocol says of a prediction."""

    protocol: str
    version: str
    error: float
    """The protocol's statistic, mm."""
    rigid_error: float
    """The same after rotation and translation alone, mm."""
    scale: float
    """By which the prediction was enlarged; 1 where the protocol leaves it alone."""
    mean: float
    """Of the distances, mm; like rmse and median the mean of both directions where the protocol has two."""
    rmse: float
    median: float
    iterations: int
    converged: bool
    crop_radius: float
    """Of the ball that was measured, mm: the protocol's, the face's, or the scan's override."""
    crop_vertices: int
    """Of the scan, or of its registration, within the crop."""
    transform: Similarity
    """Prediction to scan."""
    crop: Surface
    """The part of the scan, or of its registration, that was measured; in the scan's frame."""
    distances: Float64[np.ndarray, " n"]
    """Of the crop's vertices from the aligned prediction, mm; not a number where the protocol does not count them."""
    scan: int | None
    """Which of the person's scans this is; None for a mean of several, whose geometry is that of the first."""
    scans: int
    """How many scans were measured: without those that could not be, and 1 where the protocol takes the first."""


def register(template: Prediction, scan: Scan) -> Registration:
    """Register a model's mean face, with the topology of its predictions, to a scan: once for each scan.

    Put it in place by `dataclasses.replace(scan, registration=...)`. Raises ValueError for too few known landmarks.
    """
    return Registration(template, nicp(template.surface, scan.surface, template.landmarks, scan.landmarks))


def measure(
    protocol: Protocol, prediction: Prediction, scan: Scan, calibrated_scale: float | None = None
) -> Measurement:
    """The error of one prediction against one scan.

    Args:
        calibrated_scale: what `calibrate` found, for protocols with one scale for all people.

    Raises:
        ValueError: the scan is not registered, or the scale not given, where the protocol needs it; landmarks that the
            protocol needs are unknown; nothing of the scan lies within the crop, or nothing corresponds.
    """
    if (protocol.scale == "one for all") != (calibrated_scale is not None):
        needs = "needs the scale that `calibrate` finds" if calibrated_scale is None else "takes no scale"
        raise ValueError(f"{protocol.id} {needs}")
    scale = 1.0 if protocol.scale == "none" else calibrated_scale
    fit = align(protocol, prediction, scan, scale)
    rigid = fit if scale == 1 else align(protocol, prediction, scan, 1.0)
    statistics = Statistics.mean_of(fit.directions)
    return Measurement(
        protocol=protocol.id,
        version=protocol.version,
        error=getattr(statistics, protocol.statistic),
        rigid_error=getattr(Statistics.mean_of(rigid.directions), protocol.statistic),
        scale=fit.transform.scale,
        mean=statistics.mean,
        rmse=statistics.rmse,
        median=statistics.median,
        iterations=fit.iterations,
        converged=fit.converged,
        crop_radius=fit.crop_radius,
        crop_vertices=len(fit.crop.vertices),
        transform=fit.transform,
        crop=fit.crop,
        distances=fit.distances,
        scan=0,
        scans=1,
    )


def measure_subject(
    protocol: Protocol, prediction: Prediction, scans: Sequence[Scan], calibrated_scale: float | None = None
) -> Measurement:
    """The error of one prediction against the scans of its person, by the protocol's rule for several.

    Scans that cannot be measured are left out. Raises ValueError where there is no scan, and as `measure` does for the
    first where none can be measured.
    """
    if not scans:
        raise ValueError("there is no scan to measure against")
    if protocol.scans == "first":
        scans = scans[:1]
    found: list[Measurement] = []
    failures: list[ValueError] = []
    for i, scan in enumerate(scans):
        try:
            found.append(replace(measure(protocol, prediction, scan, calibrated_scale), scan=i))
        except ValueError as failure:
            failures.append(failure)
    if not found:
        raise failures[0]
    if protocol.scans == "mean" and len(found) > 1:
        return replace(
            found[0],
            error=_mean(one.error for one in found),
            rigid_error=_mean(one.rigid_error for one in found),
            scale=_mean(one.scale for one in found),
            mean=_mean(one.mean for one in found),
            rmse=_mean(one.rmse for one in found),
            median=_mean(one.median for one in found),
            iterations=max(one.iterations for one in found),
            converged=all(one.converged for one in found),
            scan=None,
            scans=len(found),
        )
    return replace(min(found, key=lambda one: one.error), scans=len(found))


def calibrate(protocol: Protocol, pairs: Iterable[tuple[Prediction, Scan]]) -> float:
    """The one scale for all people, from the predictions of a method and their scans (Genova et al. 2018).

    Raises ValueError for a protocol that has none, and where there are no pairs.
    """
    if protocol.scale != "one for all":
        raise ValueError(f"{protocol.id} has no scale in common to all people")
    fits = (align(protocol, prediction, scan, None) for prediction, scan in pairs)
    return global_scale((fit.paired @ fit.transform.rotation.T, fit.matches) for fit in fits)


def _mean(numbers: Iterable[float]) -> float:
    return float(np.mean(list(numbers)))
