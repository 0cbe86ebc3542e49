"""Aligned faces -> fitted models."""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Sequence

import numpy as np

from data.schemas import LOSS_TERMS
from ganfit_core.perception.align import AlignedFace
from tasks import models
from tasks.progress import current
from tasks.run import Run, Work

logger = logging.getLogger(__name__)

_COEFFICIENTS = ("identity", "expression", "texture", "camera", "light")


def fit_faces(batch: Sequence[Work], run: Run) -> list[Work]:
    """The same work with results. Where a batch cannot be fitted, its members are tried one by one."""
    try:
        return _fit(batch, run)
    except Exception as error:
        if len(batch) == 1:
            logger.debug("%s: fitting failed", batch[0].unit.unit_id, exc_info=True)
            return [batch[0].failed("fit", error)]
        names = ", ".join(work.unit.unit_id for work in batch)
        logger.warning("%s: a batch of %d faces failed (%s); fitting them one by one", names, len(batch), error)
    return [fitted for work in batch for fitted in fit_faces([work], run)]


def _fit(batch: Sequence[Work], run: Run) -> list[Work]:
    faces: list[AlignedFace] = [work.face for work in batch if work.face is not None]
    listener = current()
    started = time.perf_counter()
    what = "fitting a face" if len(faces) == 1 else f"fitting {len(faces)} faces"
    results = models.models_of(run).reconstructor.fit(
        faces, run.seed, lambda done, total: listener.step(what, done, total)
    )
    seconds = (time.perf_counter() - started) / len(batch)
    fitted = []
    for work, result in zip(batch, results, strict=True):
        known = work.with_columns(
            stage="fit",
            losses={term: float(result.losses.get(term, np.nan)) for term in LOSS_TERMS},
            iterations=int(result.iterations),
            converged=bool(result.converged),
            seconds={"fit": seconds},
            **{name: np.asarray(getattr(result, name), dtype=np.float32) for name in _COEFFICIENTS},
        )
        fitted.append(dataclasses.replace(known, result=result))
    return fitted
