"""Who is learnt from."""

from __future__ import annotations

from pathlib import Path

import pytest

from data.collections import CollectionError
from data.lfw import PAIRS_PER_CLASS
from ganfit_core.training.splits import HELD_OUT, TRAIN
from tasks.splits import PEOPLE_PER_HELD_OUT, shards_of


def photographs(folder: Path, *names: str) -> Path:
    """Empty files."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def people(folder: Path, count: int) -> Path:
    """Two photographs of each in a folder of their own."""
    return photographs(folder, *(f"person {number}/{shot}.jpg" for number in range(count) for shot in (1, 2)))


def ids(shards: list[tuple[str, list]], split: str) -> set[str]:
    return {unit.unit_id for name, units in shards if name == split for unit in units}


def test_all_are_learnt_from_unless_asked_otherwise(tmp_path: Path) -> None:
    shards = shards_of([people(tmp_path, 30)], None, 16)
    assert [split for split, _ in shards] == [TRAIN] * 4
    assert len(ids(shards, TRAIN)) == 60


@pytest.mark.parametrize(("count", "expected"), [(1, 0), (2, 1), (39, 1), (60, 60 // PEOPLE_PER_HELD_OUT)])
def test_a_share_of_people_is_held_out_with_all_their_photographs(count: int, expected: int, tmp_path: Path) -> None:
    folder = people(tmp_path / "photos", count)
    shards = shards_of([folder], None, 16, always_hold_out=True)
    learnt, held_out = ids(shards, TRAIN), ids(shards, HELD_OUT)
    assert len(learnt | held_out) == 2 * count
    assert len(held_out) == 2 * expected
    assert {name.split("/")[0] for name in learnt}.isdisjoint({name.split("/")[0] for name in held_out})
    assert shards == shards_of([folder], None, 16, always_hold_out=True)


def test_who_is_held_out_is_known_by_name_wherever_the_folder_lies(tmp_path: Path) -> None:
    one = ids(shards_of([people(tmp_path / "a", 60)], None, 16, always_hold_out=True), HELD_OUT)
    assert one
    other = ids(shards_of([people(tmp_path / "b" / "deeper", 60).parent], None, 16, always_hold_out=True), HELD_OUT)
    assert other == {f"deeper/{name}" for name in one}


def test_photographs_in_no_folder_are_of_one_person_each(tmp_path: Path) -> None:
    folder = photographs(tmp_path, *(f"{number}.jpg" for number in range(40)))
    shards = shards_of([folder], None, 64, always_hold_out=True)
    assert (len(ids(shards, TRAIN)), len(ids(shards, HELD_OUT))) == (38, 2)


def test_the_fold_of_pairs_goes_before_the_share(tmp_path: Path) -> None:
    folder = photographs(tmp_path / "photos", *(f"P_{n}/P_{n}_0001.jpg" for n in range(40)))
    lines = ["Some_One\t1\t2"] * (9 * 2 * PAIRS_PER_CLASS) + ["P_7\t1\tP_9\t1"] * (2 * PAIRS_PER_CLASS)
    pairs = tmp_path / "pairs.txt"
    pairs.write_text("\n".join(["10\t300", *lines]))
    for always in (False, True):
        held_out = ids(shards_of([folder], pairs, 16, always), HELD_OUT)
        assert held_out == {"P_7/P_7_0001.jpg", "P_9/P_9_0001.jpg"}


def test_a_folder_without_photographs_is_told(tmp_path: Path) -> None:
    with pytest.raises(CollectionError):
        shards_of([tmp_path], None, 16, always_hold_out=True)
