"""The people of Labeled Faces in the Wild's official folds (pairs.txt, "view 2")."""

from __future__ import annotations

from pathlib import Path

PAIRS_PER_CLASS = 300
HELD_OUT_FOLD = 10
"""Nobody of this fold is shown to anything that is trained here."""


class LfwError(ValueError):
    """pairs.txt is not what the data set's page describes."""


def fold_people(pairs: Path, fold: int = HELD_OUT_FOLD) -> set[str]:
    """Names of everyone in one fold (1 to 10) of pairs.txt.

    Raises:
        LfwError: the file is missing, short, or not in the format "NAME n m" / "NAME n OTHER m".
    """
    try:
        lines = pairs.read_text().splitlines()[1:]
    except OSError as error:
        raise LfwError(f"cannot read {pairs}: {error.strerror}") from error
    size = 2 * PAIRS_PER_CLASS
    chosen = lines[(fold - 1) * size : fold * size]
    names: set[str] = set()
    for line in chosen:
        fields = line.split("\t")
        if len(fields) not in (3, 4):
            raise LfwError(f"{pairs}: not a pair: {line!r}")
        names.update(fields[:1] if len(fields) == 3 else (fields[0], fields[2]))
    if len(chosen) != size:
        raise LfwError(f"{pairs} has no fold {fold} of {size} pairs")
    return names


def person_of(unit_id: str) -> str:
    """NAME of NAME/NAME_0001.jpg, at whatever depth."""
    return Path(unit_id).stem.rsplit("_", 1)[0]
