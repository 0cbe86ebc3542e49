"""Photographs to learn from, and those of people nothing is learnt from, in shards."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from data.collections import Unit, discover
from data.lfw import fold_people, person_of
from ganfit_core.training.splits import HELD_OUT, TRAIN

PEOPLE_PER_HELD_OUT = 20
"""Without pairs.txt, one person of as many is held out; LFW's fold is a tenth."""


def shards_of(
    photos: list[Path], pairs: Path | None, size: int, always_hold_out: bool = False
) -> list[tuple[str, list[Unit]]]:
    """Split and photographs of every shard: shuffled, so that what an interrupted run did is a fair sample.

    Args:
        photos: files or folders.
        pairs: LFW's pairs.txt, whose held-out fold's people are of the split "held_out"; None: all are "train", but for
            those that `always_hold_out` sets apart.
        size: photographs of a shard at most.
        always_hold_out: without `pairs`, hold out every 20th person, at least one of two or more. The photographs of a
            folder show one person, and so does each that lies in no folder below the common one; a hash of the
            folder's name, or of the file's without its extension, says who is held out.

    Raises data.collections.CollectionError and data.lfw.LfwError.
    """
    name_of = person_of if pairs else _folder_or_stem
    held_out = fold_people(pairs) if pairs else set()
    found = discover(photos).units
    if always_hold_out and not pairs:
        held_out = _share_of({name_of(unit.unit_id) for unit in found})
    units: dict[str, list[Unit]] = {TRAIN: [], HELD_OUT: []}
    for unit in found:
        units[HELD_OUT if name_of(unit.unit_id) in held_out else TRAIN].append(unit)
    shards = []
    for split, members in units.items():
        order = np.random.default_rng(0).permutation(len(members))
        shards += [(split, [members[i] for i in order[start : start + size]]) for start in range(0, len(members), size)]
    return shards


def _folder_or_stem(unit_id: str) -> str:
    path = Path(unit_id)
    return path.parent.name or path.stem


def _share_of(people: set[str]) -> set[str]:
    """The lowest hashes: who is held out seldom changes where people are added."""
    if len(people) < 2:
        return set()
    ordered = sorted(people, key=lambda name: hashlib.sha256(name.encode()).digest())
    return set(ordered[: max(1, len(people) // PEOPLE_PER_HELD_OUT)])
