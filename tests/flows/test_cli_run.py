"""`ganfit status`: what it says where a folder of results cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from data import parts
from data.migrations import stored
from data.parts import survey
from flows.cli import app
from tests.data.stored import SCHEMA, face, flip_a_byte, write, write_as


def status(out: Path) -> Result:
    return CliRunner().invoke(app, ["status", str(out)])


def test_a_folder_of_results_is_told_by_method_and_collection(tmp_path: Path) -> None:
    write(tmp_path, [face("a.jpg"), face("b.jpg", status="failed", reason="it hung")], "one")
    result = status(tmp_path)
    assert result.exit_code == 0, result.output
    assert "(photos): method ganfit, texture_model gan\n  1 ok\n  1 failed\n    1 it hung" in result.output


def test_rows_of_a_newer_version_are_told_in_one_line(tmp_path: Path) -> None:
    newer = stored(SCHEMA).with_metadata({"table": "reconstructions", "version": "9"})
    write_as(tmp_path, newer, [face("a.jpg")], "one")
    result = status(tmp_path)
    (line,) = result.output.splitlines()
    assert (result.exit_code, line.startswith("ganfit: ")) == (1, True)
    assert "a newer version of this program" in line


def test_rows_that_cannot_be_read_are_told_in_one_line_that_names_the_part(tmp_path: Path) -> None:
    name = write(tmp_path, [face(f"{number}.jpg") for number in range(50)], "one")
    flip_a_byte(tmp_path / name, 1)
    result = status(tmp_path)
    (line,) = result.output.splitlines()
    assert (result.exit_code, line.startswith(f"ganfit: {name}: ")) == (1, True)


def test_a_part_that_a_run_replaces_meanwhile_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = write(tmp_path, [face("a.jpg")], "one")
    whole = survey(tmp_path, "reconstructions")
    (tmp_path / name).unlink()
    monkeypatch.setattr(parts, "survey", lambda out, table: whole)
    result = status(tmp_path)
    assert (result.exit_code, result.output) == (1, f"ganfit: {name}: missing\n")
