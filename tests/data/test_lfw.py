"""The people of LFW's official folds."""

import os
from pathlib import Path

import pytest

from data.lfw import PAIRS_PER_CLASS, LfwError, fold_people, person_of

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


def test_real_held_out_fold() -> None:
    if "GANFIT_DATASETS" not in os.environ:
        pytest.skip("GANFIT_DATASETS is not set: no LFW")
    root = Path(os.environ["GANFIT_DATASETS"]) / "lfw"
    people = fold_people(root / "pairs.txt")
    assert len(people) == 451
    assert all((root / "lfw-deepfunneled" / name).is_dir() for name in people)
    assert not people & fold_people(root / "pairs.txt", 1)
