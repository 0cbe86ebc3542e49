"""The pictures that several methods left of one photograph -> one picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from prefect import task
from prefect.cache_policies import NO_CACHE

from data import tables
from data.collections import Unit
from ganfit_core.comparison import comparison
from ganfit_core.export import write_png


class ComparisonError(RuntimeError):
    """A method has no picture of the photograph; the message says why."""


@task(name="write comparison", tags=["io"], cache_policy=NO_CACHE, persist_result=False)
def write_comparison(unit: Unit, methods: Sequence[str], out: Path) -> Path:
    """Write ``out``/comparison-PHOTO.png from the latest row of each method, and return its path.

    Raises ComparisonError for a photograph that one of the methods could not reconstruct.
    """
    latest = {}
    for row in sorted(tables.read(out).to_pylist(), key=lambda row: row["created_at"]):
        if row["unit_id"] == unit.unit_id:
            latest[row["method"]] = row
    panels = {}
    for method in methods:
        row = latest[method]
        if row["status"] != "ok":
            raise ComparisonError(f"{unit.unit_id}: {method}: {row['status']}: {row['reason']}")
        panels[method] = np.asarray(Image.open(out / row["overlay"]))
    path = out / f"comparison-{Path(unit.unit_id).stem}.png"
    write_png(path, comparison(panels))
    return path
