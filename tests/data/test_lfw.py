"""LFW's official folds: their pairs, photographs and people."""

import os
from pathlib import Path

import pytest

from data.lfw import (
    PAIRS_PER_CLASS,
    Lfw,
    LfwError,
    Pair,
    fold_people,
    open_lfw,
    person_of,
    photographs_of,
    read_pairs,
)

FOLDS = 3


def pairs_lines() -> list[str]:
    lines = [f"{FOLDS}\t{PAIRS_PER_CLASS}"]
    for fold in range(1, FOLDS + 1):
        lines += [f"Same_{fold}_{i % 50}\t1\t2" for i in range(PAIRS_PER_CLASS)]
        lines += [f"One_{fold}\t1\tOther_{fold}_{i % 7}\t3" for i in range(PAIRS_PER_CLASS)]
    return lines


def write(path: Path, lines: list[str]) -> Path:
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("fold", range(1, FOLDS + 1))
def test_everyone_of_a_fold_and_nobody_else(fold: int, tmp_path: Path) -> None:
    people = fold_people(write(tmp_path / "pairs.txt", pairs_lines()), fold)
    expected = {f"Same_{fold}_{i}" for i in range(50)} | {f"One_{fold}"} | {f"Other_{fold}_{i}" for i in range(7)}
    assert people == expected


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(LfwError, match="No such file"):
        fold_people(tmp_path / "pairs.txt", 1)


def test_short_file(tmp_path: Path) -> None:
    pairs = write(tmp_path / "pairs.txt", pairs_lines()[:-1])
    assert fold_people(pairs, FOLDS - 1)
    with pytest.raises(LfwError, match=f"no fold {FOLDS}"):
        fold_people(pairs, FOLDS)
    with pytest.raises(LfwError, match="no fold 10"):
        fold_people(pairs)


@pytest.mark.parametrize("line", ["Alone", "One\t2", "A\t1\tB\t2\tC", "A 1 2"])
def test_line_that_is_no_pair(line: str, tmp_path: Path) -> None:
    lines = pairs_lines()
    lines[5] = line
    with pytest.raises(LfwError, match="not a pair"):
        fold_people(write(tmp_path / "pairs.txt", lines), 1)


def test_person_of() -> None:
    assert person_of("lfw/Jean-Luc_van_Damme/Jean-Luc_van_Damme_0012.jpg") == "Jean-Luc_van_Damme"
    assert person_of("portrait.png") == "portrait"


def test_pairs_of_a_fold_are_those_of_one_person_then_those_of_two(tmp_path: Path) -> None:
    pairs = read_pairs(write(tmp_path / "pairs.txt", pairs_lines()), [2])
    assert [pair.same for pair in pairs] == [True] * PAIRS_PER_CLASS + [False] * PAIRS_PER_CLASS
    assert pairs[0] == Pair(2, True, "Same_2_0/Same_2_0_0001.jpg", "Same_2_0/Same_2_0_0002.jpg")
    assert pairs[-1] == Pair(2, False, "One_2/One_2_0001.jpg", "Other_2_5/Other_2_5_0003.jpg")


def test_folds_come_in_the_order_asked_for(tmp_path: Path) -> None:
    pairs = read_pairs(write(tmp_path / "pairs.txt", pairs_lines()), [3, 1])
    assert [pair.fold for pair in pairs] == [3] * 2 * PAIRS_PER_CLASS + [1] * 2 * PAIRS_PER_CLASS


def test_any_number_of_photographs_is_of_as_many_people_as_can_be() -> None:
    pairs = [Pair(1, True, f"{name}/{name}_0001.jpg", f"{name}/{name}_0002.jpg") for name in "ABCDEFG"]
    pairs += [Pair(1, False, f"{name}/{name}_0003.jpg", "H/H_0001.jpg") for name in "ABC"]
    photos = photographs_of(pairs)
    people = [person_of(photo) for photo in photos]
    assert sorted(photos) == sorted({photo for pair in pairs for photo in (pair.first, pair.second)})
    assert [len(set(part)) for part in (people[:8], people[8:15], people[15:])] == [8, 7, 3]
    assert people[:8] != sorted(people[:8])  # those who come first in the alphabet are no sample


def test_the_order_of_photographs_never_changes() -> None:
    pairs = [Pair(1, True, f"{name}/{name}_0001.jpg", f"{name}/{name}_0002.jpg") for name in "ABCDE"]
    assert [person_of(photo) for photo in photographs_of(pairs)] == ["C", "E", "D", "A", "B"] * 2


def test_a_data_set_is_a_list_of_pairs_and_one_folder_of_photographs(tmp_path: Path) -> None:
    (tmp_path / "lfw-deepfunneled").mkdir()
    (tmp_path / "notes").mkdir()
    (tmp_path / "lfw.tgz").write_bytes(b"")
    pairs = write(tmp_path / "pairs.txt", pairs_lines())
    assert open_lfw(tmp_path) == Lfw(tmp_path / "lfw-deepfunneled", pairs)


@pytest.mark.parametrize(
    ("folders", "files", "message"),
    [
        (["lfw"], [], r"no pairs\.txt"),
        ([], ["pairs.txt"], "holds none"),
        (["lfw", "lfw-deepfunneled"], ["pairs.txt"], "holds lfw, lfw-deepfunneled"),
        ([], ["pairs.txt", "lfw"], "holds none"),
    ],
)
def test_another_folder_is_told_what_it_lacks(
    folders: list[str], files: list[str], message: str, tmp_path: Path
) -> None:
    for folder in folders:
        (tmp_path / folder).mkdir()
    for file in files:
        (tmp_path / file).write_text("")
    with pytest.raises(LfwError, match=message):
        open_lfw(tmp_path)


def test_no_folder_at_all(tmp_path: Path) -> None:
    with pytest.raises(LfwError, match="no such folder"):
        open_lfw(tmp_path / "nowhere")


def test_real_held_out_fold() -> None:
    if "GANFIT_DATASETS" not in os.environ:
        pytest.skip("GANFIT_DATASETS is not set: no LFW")
    root = Path(os.environ["GANFIT_DATASETS"]) / "lfw"
    people = fold_people(root / "pairs.txt")
    assert len(people) == 451
    assert all((root / "lfw-deepfunneled" / name).is_dir() for name in people)
    assert not people & fold_people(root / "pairs.txt", 1)
