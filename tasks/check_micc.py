"""What a dataset of scans and videos holds, what is missing, and what is wrong with its scans, as text."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.spatial import cKDTree

from data.faces_dataset import SETTINGS, FaceDataset, ScanFile, Subject
from data.scans import ScanError, read_ljson, read_scan

OFF_SCAN_MM = 10.0
"""Landmarks whose median distance from the scan's vertices is larger do not belong to it."""


def report(dataset: FaceDataset, remarks: Sequence[str] = ()) -> str:
    """A table with a line per subject, then every gap, every file that is not used, and remarks on the scans."""
    names = list(dict.fromkeys(scan.name for subject in dataset.subjects for scan in subject.scans))
    rows = [["subject", *names, *SETTINGS], *(_row(subject, names) for subject in dataset.subjects)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    table = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    gaps = [f"{gap.subject}: {gap.what}" for gap in dataset.missing]
    unused = [
        str(path.relative_to(dataset.root) if path.is_relative_to(dataset.root) else path) for path in dataset.unused
    ]
    return "\n".join(
        [
            f"{dataset.name} in {dataset.root}: {len(dataset.subjects)} subjects",
            "",
            *table,
            *_section("missing", gaps or ["nothing"]),
            *_section("not used", unused),
            *_section("scans", remarks),
        ]
    )


def remarks_on_scans(dataset: FaceDataset, on_scan: Callable[[int, int], None] | None = None) -> list[str]:
    """Reads every scan and its landmarks (a third of a second each), and says what is wrong with which.

    ``on_scan`` is told after each how many of all are done.
    """
    scans = [(subject, scan) for subject in dataset.subjects for scan in subject.scans]
    remarks = []
    for done, (subject, scan) in enumerate(scans, 1):
        remarks += [f"{subject.id} {scan.name}: {remark}" for remark in _remarks(scan)]
        if on_scan is not None:
            on_scan(done, len(scans))
    return remarks


def _remarks(scan: ScanFile) -> list[str]:
    try:
        mesh = read_scan(scan.mesh)
        if scan.landmarks is None:
            return list(mesh.notes)
        landmarks = read_ljson(scan.landmarks)
    except ScanError as error:
        return [str(error)]
    known = landmarks[np.isfinite(landmarks).all(axis=1)]
    remarks = list(mesh.notes)
    if len(known) < len(landmarks):
        remarks.append(f"landmarks that were not set: {len(landmarks) - len(known)}")
    off = float(np.median(cKDTree(mesh.surface.vertices).query(known)[0])) if len(known) else 0.0
    if off > OFF_SCAN_MM:
        remarks.append(f"the landmarks lie {off:.0f} mm off the scan: they belong to another one, or to another unit")
    return remarks


def _row(subject: Subject, names: Sequence[str]) -> list[str]:
    scans = {scan.name: "scan" + ", landmarks" * (scan.landmarks is not None) for scan in subject.scans}
    videos = {setting: path.suffix.lstrip(".") or "frames" for setting, path in subject.videos.items()}
    return [subject.id, *(scans.get(name, "-") for name in names), *(videos.get(setting, "-") for setting in SETTINGS)]


def _section(title: str, lines: Sequence[str]) -> list[str]:
    return ["", f"{title}:", *(f"  {line}" for line in lines)] if lines else []
