"""What the convergence plot's figures claim."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from benchmarks import convergence
from tests import doubles

STEPS = {"ganfit": 30, "fast": 0, "ganfit++": 9}


class Seeded:
    """Fits whose energies depend on method and seed."""

    def __init__(self, method: str) -> None:
        self.method = method

    def fit(self, faces: list[Any], seed: int) -> list[Any]:
        steps = STEPS[self.method]
        last = 1.0 + 0.1 * seed
        return [
            SimpleNamespace(
                losses={"total": last},
                history={"total": np.geomspace(4, last, steps)},
                iterations=steps,
                converged=seed % 2 == 0,
            )
            for _ in faces
        ]


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    monkeypatch.setattr(sys, "argv", ["convergence", *arguments])
    convergence.main()
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def test_picture_and_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    red = np.zeros((128, 128, 3), np.uint8)
    red[..., 0] = 255  # a face, to the stand-in for the detector
    Image.fromarray(red).save(tmp_path / "red.png")
    monkeypatch.setattr(
        convergence, "load_models", lambda preset, method, _: doubles.models(reconstructor=Seeded(method))
    )
    drawn: list[list[Any]] = []

    def plot(random: list[Any], refined: list[Any], regressed: float) -> Any:
        drawn.extend([random, refined])
        return draw(random, refined, regressed)

    draw = convergence.plot
    monkeypatch.setattr(convergence, "plot", plot)
    out = tmp_path / "pictures" / "fig7.png"
    figures = run(monkeypatch, capsys, str(tmp_path / "red.png"), "--out", str(out))
    assert Image.open(out).size == (640, 400)
    deviation = round(float(np.std(1 + 0.1 * np.arange(10), ddof=1)), 4)
    same = {"seeds": 10, "energy": 1.45, "energy_std": deviation, "converged": 5}
    assert figures["ganfit"] == same | {"iterations": 30.0}
    assert figures["ganfit++"] == same | {"iterations": 9.0}
    assert (figures["fast"]["energy"], figures["fast"]["energy_std"]) == (1.0, None)
    assert [[round(course[-1], 1) for course in courses] for courses in drawn] == [
        [1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8, 1.9],
        [1.0, 1.1, 1.2],  # of the refined fits, the first 3
    ]


def test_missing_weights_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def lacking(*_: object) -> None:
        raise convergence.AssetError("regressor-gan is missing")

    monkeypatch.setattr(convergence, "load_models", lacking)
    assert run(monkeypatch, capsys) == {"skipped": "regressor-gan is missing"}


def test_a_photograph_without_a_face(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.new("RGB", (128, 128)).save(tmp_path / "black.png")
    monkeypatch.setattr(convergence, "load_models", lambda *_: doubles.models())
    with pytest.raises(ValueError, match="shows no face"):
        convergence.fits(tmp_path / "black.png", "ganfit", "laptop", None)
