"""Photographs to learn from, and those of people nothing is learnt from, in shards."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from data.collections import Unit, discover
from data.lfw import fold_people, person_of
from ganfit_core.training.splits import HELD_OUT, TRAIN


def shards_of(photos: list[Path], pairs: Path | None, size: int) -> list[tuple[str, list[Unit]]]:
    """Split and photographs of every shard: shuffled, so that what an interrupted run did is a fair sample.

    Args:
        photos: files or folders.
        pairs: LFW's pairs.txt, whose held-out fold's people are of the split "held_out"; None: all are "train".
        size: photographs of a shard at most.

    Raises data.collections.CollectionError and data.lfw.LfwError.
    """
    held_out = fold_people(pairs) if pairs else set()
    units: dict[str, list[Unit]] = {TRAIN: [], HELD_OUT: []}
    for unit in discover(photos).units:
        units[HELD_OUT if person_of(unit.unit_id) in held_out else TRAIN].append(unit)
    shards = []
    for split, members in units.items():
        order = np.random.default_rng(0).permutation(len(members))
        shards += [(split, [members[i] for i in order[start : start + size]]) for start in range(0, len(members), size)]
    return shards
