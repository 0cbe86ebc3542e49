"""Labeled Faces in the Wild: the pairs of its official protocol (pairs.txt, "view 2"), and who is in which fold."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

import numpy as np

PAIRS_PER_CLASS = 300
FOLDS = 10
HELD_OUT_FOLD = 10
"""Nobody of this fold is shown to anything that is trained here."""


class LfwError(ValueError):
    """A file or folder is not what the data set's page describes."""


class Lfw(NamedTuple):
    """Where the data set lies."""

    photographs: Path
    """Folder of NAME/NAME_0001.jpg."""
    pairs: Path
    """pairs.txt."""


class Pair(NamedTuple):
    """Two photographs of one person or of two."""

    fold: int
    """1 to 10."""
    same: bool
    first: str
    """Path below the folder of photographs: NAME/NAME_0001.jpg."""
    second: str


def open_lfw(root: Path) -> Lfw:
    """The data set in a folder that holds pairs.txt and, in a folder whose name begins with "lfw", the photographs.

    Raises:
        LfwError: one of them is not there, or there are several such folders.
    """
    pairs = root / "pairs.txt"
    if not root.is_dir():
        raise LfwError(f"no such folder: {root}")
    if not pairs.is_file():
        raise LfwError(f"no pairs.txt in {root}: it is published with the photographs of LFW")
    folders = sorted(folder for folder in root.iterdir() if folder.is_dir() and folder.name.startswith("lfw"))
    if len(folders) != 1:
        found = ", ".join(folder.name for folder in folders) or "none"
        raise LfwError(f"{root} must hold one folder of photographs whose name begins with lfw; it holds {found}")
    return Lfw(folders[0], pairs)


def read_pairs(path: Path, folds: Sequence[int]) -> list[Pair]:
    """The pairs of some folds (1 to 10) of pairs.txt, fold by fold: 300 of one person each, then 300 of two.

    Raises:
        LfwError: the file is missing, short, or not in the format "NAME n m" / "NAME n OTHER m".
    """
    try:
        lines = path.read_text().splitlines()[1:]
    except OSError as error:
        raise LfwError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise LfwError(f"{path} is no text") from error
    if unknown := sorted(set(folds) - set(range(1, FOLDS + 1))):
        raise LfwError(f"no such fold: {', '.join(map(str, unknown))}; there are 1 to {FOLDS}")
    size = 2 * PAIRS_PER_CLASS
    pairs = []
    for fold in folds:
        chosen = lines[(fold - 1) * size : fold * size]
        if len(chosen) != size:
            raise LfwError(f"{path} has no fold {fold} of {size} pairs")
        pairs += [_pair(line, fold, path) for line in chosen]
    return pairs


def fold_people(path: Path, fold: int = HELD_OUT_FOLD) -> set[str]:
    """Names of everyone in one fold (1 to 10) of pairs.txt; errors as those of `read_pairs`."""
    return {person_of(photo) for pair in read_pairs(path, [fold]) for photo in (pair.first, pair.second)}


def photographs_of(pairs: Iterable[Pair]) -> list[str]:
    """The photographs of some pairs: one of each person, people in a random order that never changes, then second ones,
    and so on. Any number of them from the start on are of as many people as can be."""
    photos: dict[str, list[str]] = defaultdict(list)
    for photo in dict.fromkeys(photo for pair in pairs for photo in (pair.first, pair.second)):
        photos[person_of(photo)].append(photo)
    names = sorted(photos)
    order = [names[place] for place in np.random.default_rng(0).permutation(len(names))]
    rounds = zip_longest(*(photos[name] for name in order))
    return [photo for each in rounds for photo in each if photo is not None]


def person_of(unit_id: str) -> str:
    """NAME of NAME/NAME_0001.jpg, at whatever depth."""
    return Path(unit_id).stem.rsplit("_", 1)[0]


def _pair(line: str, fold: int, path: Path) -> Pair:
    fields = line.split("\t")
    numbers = fields[1::2] if len(fields) == 4 else fields[1:]
    if len(fields) not in (3, 4) or not all(number.isdigit() for number in numbers):
        raise LfwError(f"{path}: not a pair: {line!r}")
    names = (fields[0], fields[2]) if len(fields) == 4 else (fields[0], fields[0])
    first, second = (f"{name}/{name}_{int(number):04d}.jpg" for name, number in zip(names, numbers, strict=True))
    return Pair(fold, len(fields) == 3, first, second)
