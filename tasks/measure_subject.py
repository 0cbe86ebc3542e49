"""Predictions of a person's face and the person's scans -> errors by protocols."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.spatial import cKDTree

from data import assets
from data.faces_dataset import ScanFile, Subject
from data.scans import ScanError, read_ljson, read_scan
from evaluation.alignment import NOSE_TIP, Prediction, Scan, align
from evaluation.measure import Measurement, measure_subject, register
from evaluation.protocols import PROTOCOLS, Protocol
from ganfit_core.alignment_check import heat_map, write_alignment
from ganfit_core.export import write_png
from ganfit_core.mesh import Surface
from ganfit_core.morphable import MorphableModel
from ganfit_core.perception.detect import CenterFace
from ganfit_core.perception.landmarks import DlibLandmarks
from ganfit_core.scan_landmarks import landmarks_of_scan
from tasks.check_micc import OFF_SCAN_MM
from tasks.micc_recipes import Recipe
from tasks.run import one_line

logger = logging.getLogger(__name__)

RELEASED_CROPS = {"subject_28": 60.0}
"""mm: of whom the authors' script measures less, and only that script."""
RELEASED = "micc/ganfit-release"
_LEAST_LANDMARKS = 3


class NoScanError(RuntimeError):
    """A person has no scan that could be used; the message says why."""


@dataclass(frozen=True)
class Scans:
    """A person's scans that could be read."""

    names: list[str]
    scans: list[Scan]
    notes: list[str]
    """Repairs, sources of landmarks, and scans that could not be used."""


def read_scans(subject: Subject) -> Scans:
    """The scans with their landmarks, from the file beside each or found on a rendering of it.

    Raises:
        NoScanError: none could be read.
    """
    found = Scans([], [], [])
    for file in subject.scans:
        try:
            scan, notes = _read(file)
        except Exception as error:
            logger.debug("%s, %s: no scan", subject.id, file.name, exc_info=True)
            found.notes.append(f"{file.name} left out: {one_line(error)}")
            continue
        found.names.append(file.name)
        found.scans.append(scan)
        found.notes.extend(f"{file.name}: {note}" for note in notes)
    if not found.scans:
        raise NoScanError("; ".join(found.notes) or "no scan in the dataset")
    return found


def measure_predictions(
    subject: Subject,
    predictions: Sequence[Mapping[str, Any]],
    protocols: Sequence[str],
    scales: Mapping[tuple[str, Recipe], float],
    out: Path,
    pictured: str | None = None,
) -> list[dict[str, Any]]:
    """A row's measured columns for each prediction and protocol, in this order; a failure is a row with its reason.

    Args:
        predictions: of tasks.predict_subject.
        protocols: ids of evaluation.protocols.PROTOCOLS.
        scales: (protocol, recipe) -> scale, for protocols with one scale for all people.
        pictured: the setting whose predictions are shown with their errors by the first protocol, below
            ``out``/checks.
    """
    rows = []
    try:
        scans = read_scans(subject)
    except Exception as error:
        logger.debug("%s: no scans", subject.id, exc_info=True)
        stopped = {"status": "failed", "stage": "scan", "reason": one_line(error), "notes": []}
        return [
            {**_unmeasured(prediction, name), **(stopped if prediction["status"] == "ok" else {})}
            for prediction in predictions
            for name in protocols
        ]
    if any(PROTOCOLS[name].needs_registration for name in protocols):
        scans = _all_registered(scans)
    for prediction in predictions:
        for name in protocols:
            row = {**_unmeasured(prediction, name), "notes": scans.notes}
            if prediction["status"] == "ok":
                picture = pictured == prediction["setting"] and name == protocols[0]
                row |= _measured(subject, prediction, PROTOCOLS[name], scans, scales, out if picture else None)
            rows.append(row)
    return rows


def first_scan(subject: Subject, protocols: Sequence[str]) -> Scan:
    """A person's first usable scan, registered where one of the protocols needs it.

    Raises NoScanError for none, ValueError where it cannot be registered.
    """
    scan = read_scans(subject).scans[0]
    return _registered(scan) if any(PROTOCOLS[name].needs_registration for name in protocols) else scan


def can_be_laid(protocol: Protocol, prediction: Prediction, scan: Scan) -> bool:
    """Whether a prediction can be laid on a scan at all; what cannot takes no part in a scale for all people."""
    try:
        align(protocol, prediction, scan, None)
    except ValueError:
        return False
    return True


def _measured(
    subject: Subject,
    prediction: Mapping[str, Any],
    protocol: Protocol,
    scans: Scans,
    scales: Mapping[tuple[str, Recipe], float],
    out: Path | None,
) -> dict[str, Any]:
    """The columns of one measure; with a picture below ``out``, unless that is None."""
    face = predicted(prediction["identity"])
    radius = RELEASED_CROPS.get(subject.id) if protocol.id.startswith(RELEASED) else None
    against = [dataclasses.replace(scan, crop_radius_override=radius) for scan in scans.scans]
    recipe = recipe_of(prediction)
    try:
        found = measure_subject(protocol, face, against, scales.get((protocol.id, recipe)))
    except Exception as error:
        logger.debug("%s, %s: %s failed", subject.id, recipe.name, protocol.id, exc_info=True)
        return {"status": "failed", "stage": "measure", "reason": one_line(error)}
    row: dict[str, Any] = {
        "stage": "measure",
        "check": None,
        "error_mm": found.error,
        "rigid_error_mm": found.rigid_error,
        "scale": found.scale,
        "rmse_mm": found.rmse,
        "median_mm": found.median,
        "scan": None if found.scan is None else scans.names[found.scan],
        "scans": found.scans,
        "crop_radius_mm": found.crop_radius,
        "iterations": found.iterations,
        "converged": found.converged,
        "crop_vertices": found.crop_vertices,
    }
    if out is not None:
        try:
            row["check"] = _check(subject, prediction, found, face, out)
        except Exception as error:
            logger.debug("%s, %s: no picture", subject.id, recipe.name, exc_info=True)
            row["notes"] = [*scans.notes, f"no picture: {one_line(error)}"]
    return row


def _check(subject: Subject, prediction: Mapping[str, Any], found: Measurement, face: Prediction, out: Path) -> str:
    """Write picture and meshes of an alignment, and return the picture's path below ``out``."""
    to_face = found.transform.inverse()
    scan = Surface(to_face.apply(found.crop.vertices) * found.scale, found.crop.faces)
    aligned = Surface(face.surface.vertices * found.scale, face.surface.faces)
    name = recipe_of(prediction).name
    path = out / "checks" / subject.id / f"{prediction['setting']}-{name.replace(', ', '-').replace(' ', '-')}.png"
    title = (
        f"{subject.id}, {prediction['setting']}, {name}: {found.error:.2f} mm by {found.protocol}, "
        f"rigid {found.rigid_error:.2f} mm, scale {found.scale:.3f}"
    )
    write_png(path, heat_map(aligned, scan, found.distances, title))
    write_alignment(path.with_suffix(".glb"), aligned, scan, found.distances)
    return path.relative_to(out).as_posix()


def _all_registered(scans: Scans) -> Scans:
    """A scan that cannot be registered stays as it is, for the protocols that need no registration."""
    registered, notes = [], list(scans.notes)
    for name, scan in zip(scans.names, scans.scans, strict=True):
        try:
            registered.append(_registered(scan))
        except Exception as error:
            logger.debug("%s: no registration", name, exc_info=True)
            registered.append(scan)
            notes.append(f"{name} could not be registered: {one_line(error)}")
    return Scans(scans.names, registered, notes)


def _registered(scan: Scan) -> Scan:
    return dataclasses.replace(scan, registration=register(predicted(None), scan))


def recipe_of(prediction: Mapping[str, Any]) -> Recipe:
    """The recipe of a prediction or row."""
    return Recipe(prediction["method"], prediction["fusion"], tuple(prediction["without"]))


def _unmeasured(prediction: Mapping[str, Any], protocol: str) -> dict[str, Any]:
    return {**prediction, "protocol": protocol, "protocol_version": PROTOCOLS[protocol].version}


@cache
def _model() -> MorphableModel:
    return MorphableModel.load(assets.find("morphable"))


@cache
def _skin() -> np.ndarray:
    """(F, 3) triangles without the inside of the mouth and the eyeballs' backs, which no scanner sees."""
    model = _model()
    inside = model.regions["mouth"]
    return np.asarray(model.faces[~inside[model.faces].any(dim=1)].numpy())


def predicted(identity: Sequence[float] | None) -> Prediction:
    """The neutral face of an identity, the mean one for None: scans are neutral, and videos are of all expressions."""
    model = _model()
    coefficients = torch.zeros(1, model.n_identity) if identity is None else torch.tensor([identity])
    with torch.no_grad():
        vertices = model(coefficients, torch.zeros(1, model.n_expression))
        landmarks = model.landmarks(vertices)[0].numpy().astype(np.float64)
    return Prediction(_compact(vertices[0].numpy().astype(np.float64), _skin()), landmarks)


def _compact(vertices: np.ndarray, faces: np.ndarray) -> Surface:
    """The surface of some triangles, without vertices that none of them has."""
    used, renumbered = np.unique(faces, return_inverse=True)
    return Surface(vertices[used], renumbered.reshape(-1, 3).astype(np.int64))


def _read(file: ScanFile) -> tuple[Scan, list[str]]:
    mesh = read_scan(file.mesh)
    notes = list(mesh.notes)
    if file.landmarks is not None:
        landmarks = read_ljson(file.landmarks)
    else:
        detect = CenterFace(assets.find("centerface"))
        predict = DlibLandmarks(assets.find("dlib-landmarks-68"))
        landmarks = landmarks_of_scan(mesh.surface, detect, predict, mesh.colours, mesh.texture)
        notes.append("landmarks found on a rendering")
    _check_landmarks(landmarks, mesh.surface)
    return Scan(mesh.surface, landmarks), notes


def _check_landmarks(landmarks: np.ndarray, surface: Surface) -> None:
    """Raises ScanError for those that no protocol can start from: such a scan would spoil the scale for all people."""
    known = landmarks[np.isfinite(landmarks).all(axis=1)]
    if len(known) < _LEAST_LANDMARKS or not np.isfinite(landmarks[NOSE_TIP]).all():
        raise ScanError(f"{len(known)} landmarks are known; {_LEAST_LANDMARKS} are needed, the nose tip among them")
    away = float(np.median(cKDTree(surface.vertices).query(known)[0]))
    if away > OFF_SCAN_MM:
        raise ScanError(f"the landmarks lie {away:.4g} mm from the scan: they are of another one")
