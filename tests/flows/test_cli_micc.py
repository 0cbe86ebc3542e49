"""`ganfit micc`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from flows.cli import app
from tests.flows.tables.made_rows import micc


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["micc", *arguments])


def test_check_tells_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "subject_01" / "Model").mkdir(parents=True)
    result = run("check", str(tmp_path))
    assert result.exit_code == 0
    for what in ("scan frontal1", "scan frontal2", "video cooperative", "video outdoor"):
        assert f"subject_01: {what}" in result.output


@pytest.mark.parametrize("command", [("check",), ("evaluate", "--out", "out")])
def test_a_folder_without_a_dataset_is_one_clear_error(
    command: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(command[0], str(tmp_path), *command[1:])
    assert result.exit_code == 2
    assert "no folder subject_01" in result.output
    assert "Traceback" not in result.output


def test_an_unknown_protocol_is_told_with_the_known_ones(tmp_path: Path) -> None:
    result = run("evaluate", str(tmp_path), "--out", str(tmp_path / "out"), "--protocol", "micc/hearsay")
    assert result.exit_code == 2
    assert "no such protocol: micc/hearsay" in result.output
    assert "micc/genova" in result.output


def test_nothing_is_left_out_of_what_minimises_nothing(tmp_path: Path) -> None:
    result = run("evaluate", str(tmp_path), "--out", str(tmp_path / "out"), "--leave-one-out", "fast")
    assert result.exit_code == 2
    assert "fast minimises no energy" in result.output


def test_evaluate_passes_on_what_it_was_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from flows import evaluate_micc

    asked: list[tuple[Any, ...]] = []

    def fake(*arguments: Any, **named: Any) -> list[dict[str, Any]]:
        asked.append((*arguments, named))
        return [micc(1, 1.5, protocol="now", method="fast", fusion="single", cosine=None)]

    monkeypatch.setattr(evaluate_micc.evaluate_micc, "fn", fake)
    out = tmp_path / "out"
    options = ["--method", "fast", "--protocol", "now", "--setting", "indoor", "--frames", "3", "--processes", "2"]
    result = run("evaluate", str(tmp_path), "--out", str(out), *options)
    assert result.exit_code == 0, result.output
    ((*positional, named),) = asked
    assert positional == [tmp_path, out, ["fast"], ["now"], ["indoor"], 3, None, None, 0, 2]
    assert named == {"iterations": None}
    assert "1.50 ± 0.00" in result.output
    assert str(out / "micc") in result.output.replace("\n", "")
