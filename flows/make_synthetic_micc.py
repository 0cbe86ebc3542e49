"""Invented people in the layout of MICC Florence, with their true shapes."""

from __future__ import annotations

from pathlib import Path

from prefect import flow

from tasks.make_synthetic_micc import make_subject, open_dataset
from tasks.progress import current
from tasks.steps import call


@flow(name="make-synthetic-micc")
def make_synthetic_micc(
    out: Path, subjects: int = 20, seed: int = 0, source: str = "ict", frames: int = 25, ict: Path | None = None
) -> Path:
    """Make a dataset of scans and videos; called again, it continues where it stopped.

    Args:
        out: gets subject_01, subject_02, ... as MICC has them, truth/ and truth.json.
        subjects: how many people.
        source: ict, for heads of ICT-FaceKit, or open, for those of the model that this project ships.
        frames: per video.
        ict: folder or archive of ICT-FaceKit, where it is not among the assets.

    Raises OtherDatasetError where `out` holds another dataset, AssetError for a missing model, IctFaceKitError where
    `ict` is not ICT-FaceKit.
    """
    call(open_dataset, out, subjects, frames, seed, source, ict)
    for number in range(1, subjects + 1):
        call(make_subject, out, number, frames, seed, source, ict)
        current().step("synthetic people", number, subjects)
    return out
