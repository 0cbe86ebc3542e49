"""Of every unit the rows of its last computation stay, each once."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.doubles import doubles, drop_doubles
from data.parts import survey
from tests.data.stored import face, faces, frame, write, write_version_1


def part_names(out: Path, table: str = "reconstructions") -> list[str]:
    return [part.path for part in survey(out, table)[0]]


def test_rows_of_the_run_that_came_last_stay(tmp_path: Path) -> None:
    old = write(tmp_path, [face("a.jpg", 0), face("a.jpg", 1), face("b.jpg")], "one")
    write(tmp_path, [face("a.jpg", None, run=1)], "two")  # all faces of a.jpg are gone, b.jpg was left alone
    assert doubles(tmp_path, part_names(tmp_path)) == {old: [0, 1]}
    assert drop_doubles(tmp_path, part_names(tmp_path)) == 2
    assert faces(tmp_path) == [("a.jpg", None, "run-1"), ("b.jpg", 0, "run-0")]


def test_of_equal_rows_that_of_the_larger_part_stays(tmp_path: Path) -> None:
    small = write(tmp_path, [face("a.jpg")], "a")
    write(tmp_path, [face("a.jpg"), face("b.jpg")], "merged")
    other = write(tmp_path, [face("b.jpg")], "z")
    assert doubles(tmp_path, part_names(tmp_path)) == {small: [0], other: [0]}


def test_photographs_of_the_same_name_in_two_collections_are_two(tmp_path: Path) -> None:
    write(tmp_path, [face("a.jpg")], "one")
    write(tmp_path, [face("a.jpg", collection_key="others", run=1)], "two")
    assert doubles(tmp_path, part_names(tmp_path)) == {}


def test_rows_of_version_1_are_the_same_unit_only_within_a_run(tmp_path: Path) -> None:
    write_version_1(tmp_path, [face("a.jpg"), face("b.jpg")], "one")
    write_version_1(tmp_path, [face("a.jpg", run=1)], "two")
    assert doubles(tmp_path, part_names(tmp_path)) == {}
    again = write_version_1(tmp_path, [face("a.jpg")], "three")
    assert doubles(tmp_path, part_names(tmp_path)) == {again: [0]}


def test_frames_of_a_video_filmed_anew_replace_the_old_ones(tmp_path: Path) -> None:
    old = write(tmp_path, [frame("a.mp4", number) for number in range(4)], "one")
    write(tmp_path, [frame("a.mp4", number, run=1) for number in range(2)], "two")
    write(tmp_path, [frame("b.mp4", number) for number in range(2)], "three")
    assert doubles(tmp_path, part_names(tmp_path, "frames")) == {old: [0, 1, 2, 3]}


def test_nothing_is_doubled_in_no_parts(tmp_path: Path) -> None:
    assert doubles(tmp_path, []) == {}


@st.composite
def histories(draw: st.DrawFn) -> list[list[tuple[str, int | None, int]]]:
    """Parts, each of (unit, face, run)."""
    row = st.tuples(st.sampled_from("abc"), st.sampled_from([None, 0, 1]), st.integers(0, 2))
    return draw(st.lists(st.lists(row, min_size=1, max_size=5, unique=True), min_size=1, max_size=4))


@settings(max_examples=15, deadline=None)
@given(histories())
def test_every_unit_is_left_with_the_faces_of_its_newest_run(history: list[list[tuple[str, int | None, int]]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        for number, part in enumerate(history):
            write(out, [face(unit, index, run=run) for unit, index, run in part], str(number))
        drop_doubles(out, part_names(out))
        all_rows = {row for part in history for row in part}
        newest = {unit: max(run for other, _, run in all_rows if other == unit) for unit, _, _ in all_rows}
        expected = {(unit, index, f"run-{run}") for unit, index, run in all_rows if run == newest[unit]}
        assert faces(out) == sorted(expected, key=str)
        assert survey(out, "reconstructions")[1] == []


@pytest.mark.parametrize("keep", ["older", "newer"])
def test_the_time_decides_and_not_the_order_of_the_files(tmp_path: Path, keep: str) -> None:
    runs = {"older": (1, 0), "newer": (0, 1)}[keep]
    for key, run in zip(("a", "z"), runs, strict=True):
        write(tmp_path, [face("a.jpg", run=run)], key)
    drop_doubles(tmp_path, part_names(tmp_path))
    assert faces(tmp_path) == [("a.jpg", 0, "run-1")]
