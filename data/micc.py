"""The Florence 2D/3D face dataset of MICC, in the layout in which it is released.

Source: A. Bagdanov, A. Del Bimbo, I. Masi, "The Florence 2D/3D hybrid face dataset", J-HGBU 2011. Below the root lie

    subject_01..53/Model/{frontal1,frontal2,sidel,sider}/obj/TIMESTAMP.obj
    subject_01..53/Video/{Indoor-Cooperative,PTZ-Indoor,PTZ-Outdoor}.mjpg (or another extension)

Landmarks of the frontal scans come in a folder of the same layout: TIMESTAMP.ljson in the place of TIMESTAMP.obj.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from data.faces_dataset import SETTINGS, DatasetError, FaceDataset, Missing, ScanFile, Subject

SCANS = ("frontal1", "frontal2")
VIDEOS = dict(zip(SETTINGS, ("Indoor-Cooperative", "PTZ-Indoor", "PTZ-Outdoor"), strict=True))
"""The released name of each setting's video, without its extension."""

_SUBJECT = re.compile(r"subject[_ -]?0*(\d+)", re.IGNORECASE)
_VIDEO_EXTENSIONS = frozenset({".mjpg", ".mjpeg", ".mpg", ".mpeg", ".avi", ".mp4", ".mkv", ".mov"})


def parse_micc(root: Path, landmarks: Path | None = None) -> FaceDataset:
    """What the dataset below ``root`` consists of, and every gap of it; no file is opened.

    Names may be in upper or lower case. Of several meshes in a scan's folder the first with landmarks is taken, else
    the first by name; of several videos of a setting the first by name. A number of a subject that is skipped counts as
    a gap.

    Args:
        root: folder of the subjects.
        landmarks: folder of the same layout that holds the landmarks; by default they lie beside the scans.

    Raises:
        DatasetError: a folder does not exist or cannot be read, or holds no subject.
    """
    for folder in (root, landmarks):
        if folder is not None and not folder.is_dir():
            raise DatasetError(f"no such folder: {folder}")
    subjects: list[Subject] = []
    missing: list[Missing] = []
    unused: list[Path] = []
    folders: dict[int, Path] = {}
    for folder in _entries(root):
        if (match := _SUBJECT.fullmatch(folder.name)) and folder.is_dir():
            if int(match[1]) in folders:
                unused.append(folder)
            else:
                folders[int(match[1])] = folder
    if not folders:
        raise DatasetError(f"no folder subject_01, subject_02, ... in {root}")
    for number in range(1, max(folders) + 1):
        subject_id = f"subject_{number:02d}"
        if number not in folders:
            missing.append(Missing(subject_id, "folder"))
            continue
        parser = _SubjectParser(subject_id, folders[number], landmarks or root)
        subjects.append(parser.parse())
        missing += parser.missing
        unused += parser.unused
    return FaceDataset("micc", root, tuple(subjects), tuple(missing), tuple(unused))


class _SubjectParser:
    """Parses one subject's folder, noting what is missing and what is left over."""

    def __init__(self, subject_id: str, folder: Path, landmarks_root: Path) -> None:
        self._id, self._folder, self._landmarks_root = subject_id, folder, landmarks_root
        self.missing: list[Missing] = []
        self.unused: list[Path] = []

    def parse(self) -> Subject:
        scans = tuple(scan for name in SCANS if (scan := self._scan(name)))
        videos = {setting: video for setting in SETTINGS if (video := self._video(setting))}
        return Subject(self._id, scans, videos)

    def _scan(self, name: str) -> ScanFile | None:
        meshes = _files(_below(self._folder, "Model", name, "obj"), {".obj", ".ply"})
        landmarks_folder = _below(self._landmarks_root, self._folder.name, "Model", name, "obj")
        landmarks = {path.stem: path for path in _files(landmarks_folder, {".ljson"})}
        if not meshes:
            self._miss(f"scan {name}")
            return None
        mesh = next((path for path in meshes if path.stem in landmarks), meshes[0])
        own = landmarks.pop(mesh.stem, None)
        if own is None:
            self._miss(f"landmarks of {name} ({mesh.stem}.ljson)")
        self.unused += [path for path in meshes if path != mesh]
        self.unused += landmarks.values()
        return ScanFile(name, mesh, own)

    def _video(self, setting: str) -> Path | None:
        name = VIDEOS[setting]
        candidates = [path for path in _entries(_below(self._folder, "Video")) if _is_video(path, name)]
        if not candidates:
            self._miss(f"video {setting} ({name})")
            return None
        self.unused += candidates[1:]
        return candidates[0]

    def _miss(self, what: str) -> None:
        self.missing.append(Missing(self._id, what))


def _is_video(path: Path, name: str) -> bool:
    """Whether it is a video of this released name, or a folder of its frames."""
    stem, extension = (path.name, "") if path.is_dir() else (path.stem, path.suffix.lower())
    known = path.is_dir() or extension in _VIDEO_EXTENSIONS
    return known and _plain(stem) == _plain(name)


def _plain(name: str) -> str:
    """Without case and separators."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _below(folder: Path | None, *names: str) -> Path | None:
    """The folder of these names, one below the other, in upper or lower case."""
    for name in names:
        matches: Iterator[Path] = (path for path in _entries(folder) if path.name.lower() == name.lower())
        folder = next((path for path in matches if path.is_dir()), None)
    return folder


def _files(folder: Path | None, extensions: set[str]) -> list[Path]:
    return [path for path in _entries(folder) if path.suffix.lower() in extensions and path.is_file()]


def _entries(folder: Path | None) -> list[Path]:
    """What lies in the folder, sorted, hidden entries left out; nothing for no folder."""
    if folder is None:
        return []
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise DatasetError(f"folder cannot be read: {folder} ({error.strerror})") from error
