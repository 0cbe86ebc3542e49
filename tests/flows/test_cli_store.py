"""`ganfit compact` and `ganfit verify`: what they print, and their exit codes."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from data import verification
from data.lock import locked
from data.parts import survey
from flows import cli_store
from tests.data.stored import face, faces, flip_a_byte, write, write_as
from tests.data.test_tables import SCHEMA

app = typer.Typer()
app.command("compact")(cli_store.compact)
app.command("verify")(cli_store.verify)


def ganfit(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Three parts."""
    for key in ("a", "b", "c"):
        write(tmp_path, [face(f"{key}.jpg")], key)
    return tmp_path


def test_compact_tells_what_became_of_each_partition(out: Path) -> None:
    write(out, [face("a.jpg", run=1)], "again")
    result = ganfit("compact", out)
    assert result.exit_code == 0, result.output
    assert result.output == (
        "reconstructions/method=ganfit/texture_model=gan: 4 parts -> 1, 3 rows, 1 replaced rows dropped\n"
    )


def test_verify_ends_with_0_for_a_sound_folder(out: Path) -> None:
    result = ganfit("verify", out)
    assert (result.exit_code, result.output) == (0, f"{out} is sound\n")


def test_verify_ends_with_1_and_tells_the_part_and_the_cure(out: Path) -> None:
    name = write(out, [face("d.jpg")], "d", recorded=False)
    result = ganfit("verify", out)
    assert result.exit_code == 1
    assert result.output.splitlines() == [
        f"unrecorded: {name}: 1 rows that the manifest does not know",
        f"what to do (unrecorded): `ganfit compact {out}`",
    ]
    assert ganfit("compact", out).exit_code == 0
    assert ganfit("verify", out).exit_code == 0


def test_verify_sets_aside_only_when_asked(out: Path) -> None:
    name = write(out, [face("d.jpg")], "d")
    flip_a_byte(out / name)
    for _ in range(2):
        result = ganfit("verify", out)
        assert result.exit_code == 1
        assert f"altered: {name}" in result.output
    assert f"`ganfit verify {out} --set-aside`" in result.output
    assert ganfit("verify", out, "--set-aside").exit_code == 1
    assert ganfit("verify", out).exit_code == 0
    assert [unit for unit, _, _ in faces(out)] == ["a.jpg", "b.jpg", "c.jpg"]


@pytest.mark.parametrize("command", [["compact"], ["verify", "--set-aside"]])
def test_a_folder_that_is_in_use_is_left_alone(out: Path, command: list[str]) -> None:
    write(out, [face("a.jpg", run=1)], "again")
    before = sorted(out.rglob("*"))
    with locked(out, "ganfit run"):
        result = ganfit(*command, out)
    assert result.exit_code == 1
    assert f"{out} is in use by `ganfit run`" in result.output
    assert [path for path in sorted(out.rglob("*")) if path.name != ".lock"] == before


def test_verify_looks_at_a_folder_in_use_and_says_so(out: Path) -> None:
    with locked(out, "ganfit run"):
        result = ganfit("verify", out)
    assert result.exit_code == 0
    assert "ganfit run" in result.output.splitlines()[0]
    assert "may be passing" in result.output.splitlines()[0]


@pytest.mark.parametrize("command", ["compact", "verify"])
def test_a_newer_version_is_refused_in_one_line(out: Path, command: str) -> None:
    schema = SCHEMA.with_metadata({"table": "reconstructions", "version": "9"})
    write_as(out, schema, [face("z.jpg")], "newer")
    result = ganfit(command, out)
    assert result.exit_code == 1
    (line,) = result.output.splitlines()
    assert line.startswith("ganfit: ")
    assert "a newer version of this program" in line


def test_compact_names_a_damaged_part(out: Path) -> None:
    name = write(out, [face("d.jpg")], "d")
    (out / name).write_bytes(b"PAR1")
    result = ganfit("compact", out)
    assert result.exit_code == 1
    assert f"{name} is damaged" in result.output
    assert "ganfit verify" in result.output


def test_verify_of_a_folder_without_tables_is_a_bad_argument(tmp_path: Path) -> None:
    result = ganfit("verify", tmp_path)
    assert (result.exit_code, result.output) == (2, f"ganfit: no tables in {tmp_path}\n")


@pytest.mark.parametrize("command", ["compact", "verify"])
def test_a_folder_that_is_not_there_is_a_bad_argument(tmp_path: Path, command: str) -> None:
    assert ganfit(command, tmp_path / "nowhere").exit_code == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", [["compact"], ["verify", "--set-aside"]])
def test_a_folder_that_cannot_be_written_to_is_a_bad_argument_told_in_one_line(out: Path, command: list[str]) -> None:
    (out / ".lock").mkdir()  # root may write to any folder, but opens no folder as a file
    result = ganfit(*command, out)
    assert (result.exit_code, result.output) == (2, f"ganfit: results cannot be written to {out}: Is a directory\n")


@pytest.mark.parametrize("recorded", [True, False])
def test_verify_beside_a_run_takes_a_part_that_went_meanwhile_for_missing(
    out: Path, monkeypatch: pytest.MonkeyPatch, recorded: bool
) -> None:
    name = write(out, [face("d.jpg")], "d", recorded)
    whole = survey(out, "reconstructions")
    (out / name).unlink()
    monkeypatch.setattr(verification, "survey", lambda out, table: whole)
    result = ganfit("verify", out)
    assert result.exit_code == 1
    assert result.output.splitlines()[0] == f"missing: {name}: missing"
    assert not isinstance(result.exception, OSError)
