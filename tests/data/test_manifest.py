"""The journal of part files: what it knows survives whatever happens while it is written."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from data import manifest, tables
from tests.data.stored import face, write


def test_an_entry_tells_what_the_file_is(tmp_path: Path) -> None:
    name = write(tmp_path, [face("a.jpg"), face("b.jpg")], "one")
    assert name == "reconstructions/method=ganfit/texture_model=gan/part-one-00000.parquet"
    entry = manifest.entries(tmp_path)[name]
    content = (tmp_path / name).read_bytes()
    assert (entry.part, entry.rows, entry.bytes, entry.version) == (name, 2, len(content), 3)
    assert (entry.sha256, entry.run_id) == (hashlib.sha256(content).hexdigest(), "run-0")


def test_there_are_no_entries_without_a_journal(tmp_path: Path) -> None:
    assert manifest.entries(tmp_path) == {}


def test_what_was_recorded_last_counts_and_what_was_forgotten_does_not(tmp_path: Path) -> None:
    one, two = (write(tmp_path, [face("a.jpg")], key) for key in ("one", "two"))
    write(tmp_path, [face("a.jpg", run=1), face("b.jpg", run=1)], "one")
    manifest.forget(tmp_path, [tmp_path / two, "reconstructions/never-there.parquet"])
    known = manifest.entries(tmp_path)
    assert list(known) == [one]
    assert (known[one].rows, known[one].run_id) == (2, "run-1")


def test_forgetting_what_is_not_known_writes_nothing(tmp_path: Path) -> None:
    manifest.forget(tmp_path, ["reconstructions/a.parquet"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("torn", [b'{"recorded": {"part": "reco', b'{"forgotten": "x"}', b"\0" * 100])
def test_a_torn_last_line_is_ignored_and_healed_by_the_next(tmp_path: Path, torn: bytes) -> None:
    one = write(tmp_path, [face("a.jpg")], "one")
    journal = tmp_path / manifest.NAME
    journal.write_bytes(journal.read_bytes() + torn.replace(b"x", one.encode()))
    assert list(manifest.entries(tmp_path)) == [one]
    assert manifest.unreadable_lines(tmp_path) == []
    two = write(tmp_path, [face("b.jpg")], "two")
    assert list(manifest.entries(tmp_path)) == [one, two]
    assert len(journal.read_bytes().splitlines()) == 2


def test_a_journal_of_one_torn_line_starts_anew(tmp_path: Path) -> None:
    (tmp_path / manifest.NAME).write_bytes(b'{"rec')
    one = write(tmp_path, [face("a.jpg")], "one")
    assert list(manifest.entries(tmp_path)) == [one]


@pytest.mark.parametrize("line", [b"\xff\xfe", b"7", b"{}", b'{"recorded": {"part": "a"}}', b'{"recorded": 3}'])
def test_a_line_that_cannot_be_read_costs_only_itself(tmp_path: Path, line: bytes) -> None:
    names = [write(tmp_path, [face("a.jpg")], "one")]
    with (tmp_path / manifest.NAME).open("ab") as file:
        file.write(line + b"\n")
    names.append(write(tmp_path, [face("b.jpg")], "two"))
    assert list(manifest.entries(tmp_path)) == names
    assert manifest.unreadable_lines(tmp_path) == [2]


def test_rewriting_keeps_the_entries_and_nothing_else(tmp_path: Path) -> None:
    for run in range(3):
        write(tmp_path, [face("a.jpg", run=run)], "one")
    write(tmp_path, [face("b.jpg")], "two")
    before = manifest.entries(tmp_path)
    manifest.rewrite(tmp_path)
    assert manifest.entries(tmp_path) == before
    assert len((tmp_path / manifest.NAME).read_bytes().splitlines()) == 2


def test_replacing_a_part_makes_the_journal_forget_it_first(tmp_path: Path) -> None:
    name = write(tmp_path, [face("a.jpg")], "one")
    assert write(tmp_path, [face("a.jpg"), face("b.jpg")], "one", recorded=False) == name
    assert manifest.entries(tmp_path) == {}


def test_dropping_parts_makes_the_journal_forget_them(tmp_path: Path) -> None:
    write(tmp_path, [face("a.jpg")], "one")
    kept = write(tmp_path, [face("b.jpg")], "two")
    tables.drop_parts_from(tmp_path, ("ganfit", "gan"), "one", 0)
    assert list(manifest.entries(tmp_path)) == [kept]
