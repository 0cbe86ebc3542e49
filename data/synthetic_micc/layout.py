"""Names and file formats of the MICC Florence release, and of what is known here besides."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from jaxtyping import Float

from data.files import replace_bytes
from data.synthetic_micc.scanner import Scan

SCANS = ("frontal1", "frontal2")
TRUTH = "truth"


def subject_name(number: int) -> str:
    """Name of the folder of a person, counted from one."""
    return f"subject_{number:02d}"


def scan_path(root: Path, number: int, scan: str) -> Path:
    """Of an OBJ file; the release names them by the time of day, this one by numbers of the same look."""
    stamp = f"{number:04d}{SCANS.index(scan) + 1:02d}{number * 7919 % 1000000:06d}"
    return root / subject_name(number) / "Model" / scan / "obj" / f"{stamp}.obj"


def video_path(root: Path, number: int, filename: str) -> Path:
    """Of a stream of JPEGs."""
    return root / subject_name(number) / "Video" / filename


def truth_path(root: Path, number: int) -> Path:
    """Of the true parameters; outside the folders that a release has."""
    return root / TRUTH / f"{subject_name(number)}.npz"


def write_scan(path: Path, scan: Scan) -> None:
    """The OBJ in mm, with a colour per vertex, and its landmarks beside it."""
    rows = np.concatenate([scan.surface.vertices, scan.colours], axis=1)
    vertices = ("v %.4f %.4f %.4f %.4f %.4f %.4f\n" * len(rows)) % tuple(rows.ravel().tolist())
    corners = scan.surface.faces + 1  # OBJ counts from one
    faces = ("f %d %d %d\n" * len(corners)) % tuple(corners.ravel().tolist())
    replace_bytes(path, f"# millimetres\n{vertices}{faces}".encode())
    replace_bytes(path.with_suffix(".ljson"), _ljson(scan.landmarks).encode())


def _ljson(landmarks: Float[np.ndarray, "68 3"]) -> str:
    """menpo's format, version 3; a point that is not known is null."""
    points = [
        [round(value, 4) for value in point] if np.isfinite(point).all() else [None] * 3 for point in landmarks.tolist()
    ]
    group = {"labels": [{"label": "all", "mask": list(range(68))}], "landmarks": {"points": points, "connectivity": []}}
    return json.dumps({"groups": {"LJSON": group}, "version": 3})
