"""What every parser of a dataset of scanned and filmed people returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SETTINGS = ("cooperative", "indoor", "outdoor")
"""In which a person may have been filmed, from the easiest to the hardest."""


class DatasetError(ValueError):
    """The folder holds no such dataset; the message is one line for a user."""


@dataclass(frozen=True)
class ScanFile:
    """One scan of a person's face."""

    name: str
    """Which of the person's scans, such as frontal1."""
    mesh: Path
    landmarks: Path | None
    """File of the 68 landmarks on it, if there is one."""


@dataclass(frozen=True)
class Subject:
    """One person."""

    id: str
    scans: tuple[ScanFile, ...]
    """In the dataset's own order; () if there is none."""
    videos: Mapping[str, Path]
    """By setting (of `SETTINGS`): a file, or a folder of frames."""


@dataclass(frozen=True)
class Missing:
    """A gap of the dataset."""

    subject: str
    what: str
    """Such as "scan frontal2", with the place where it was looked for where that helps."""


@dataclass(frozen=True)
class FaceDataset:
    """A dataset as it lies on this machine."""

    name: str
    root: Path
    subjects: tuple[Subject, ...]
    """Sorted by id; those with gaps too."""
    missing: tuple[Missing, ...]
    """Every gap, in the order of the subjects."""
    unused: tuple[Path, ...]
    """Files where a scan, its landmarks or a video belong, of which another was taken."""
