"""`ganfit compare`: several methods over one photograph, and their picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from prefect.testing.utilities import prefect_test_harness

import flows.compare
import tasks.models
from data import tables
from data.assets import MissingAssetError
from ganfit_core.overlay import CAPTION, TILE
from tests import doubles
from tests.flows.test_bad_input import ganfit, picture, save

GREYS = {"fast": 60, "ganfit++": 120, "pcafit": 180}


class PaintingReconstructor(doubles.FakeReconstructor):
    """Every overlay of its results is of one grey."""

    def __init__(self, grey: int) -> None:
        super().__init__()
        self.grey = grey

    def fit(self, *arguments: Any) -> list[Any]:
        results = super().fit(*arguments)
        for result in results:
            result.rendering = np.full_like(result.rendering, self.grey)
        return results


@pytest.fixture(autouse=True)
def stand_ins(monkeypatch: pytest.MonkeyPatch) -> dict[str, PaintingReconstructor]:
    """A reconstructor for each method of GREYS; others lack their models."""
    reconstructors = {name: PaintingReconstructor(grey) for name, grey in GREYS.items()}

    def load_models(
        preset: str, method: str, iterations: int | None = None, without: tuple[str, ...] = ()
    ) -> tasks.models.Models:
        if method not in reconstructors:
            raise MissingAssetError(f"{method} cannot run")
        return doubles.models(reconstructor=reconstructors[method])

    monkeypatch.setattr(tasks.models, "load_models", load_models)
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    return reconstructors


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """With one face."""
    save(picture(), tmp_path / "photos" / "portrait.png")
    return tmp_path / "photos" / "portrait.png"


def overlays(path: Path) -> list[int]:
    """Grey values of the first row, after the photograph."""
    pixels = np.asarray(Image.open(path))
    middle = pixels.shape[0] - 3 * (TILE + CAPTION) + CAPTION + TILE // 2
    return [int(grey) for grey in pixels[middle, TILE * 3 // 2 :: TILE, 0]]


def test_fast_and_the_default_stand_side_by_side(photo: Path, tmp_path: Path) -> None:
    run = ganfit("compare", photo, "--out", tmp_path / "out")
    assert run.exit_code == 0, run.output
    path = tmp_path / "out" / "comparison-portrait.png"
    assert f"comparison: {path}" in run.output
    assert overlays(path) == [GREYS["fast"], GREYS["ganfit++"]]
    rows = tables.read(tmp_path / "out").to_pylist()
    assert sorted(row["method"] for row in rows) == ["fast", "ganfit++"]
    for row in rows:
        assert str(tmp_path / "out" / row["overlay"]) in run.output


def test_methods_stand_in_the_order_asked_for(photo: Path, tmp_path: Path) -> None:
    run = ganfit("compare", photo, "--out", tmp_path / "out", "--method", "pcafit", "--method", "fast")
    assert run.exit_code == 0, run.output
    assert overlays(tmp_path / "out" / "comparison-portrait.png") == [GREYS["pcafit"], GREYS["fast"]]


def test_the_latest_row_of_a_photograph_counts(
    photo: Path, tmp_path: Path, stand_ins: dict[str, PaintingReconstructor]
) -> None:
    out = tmp_path / "out"
    assert ganfit("fit", photo.parent, "--out", out, "--method", "fast").exit_code == 0  # another collection, same name
    stand_ins["fast"].grey = 200
    flows.compare.compare.fn(photo, out, ["fast"])
    assert overlays(out / "comparison-portrait.png") == [200]


def test_nothing_runs_when_one_of_the_methods_cannot(
    photo: Path, tmp_path: Path, stand_ins: dict[str, PaintingReconstructor]
) -> None:
    run = ganfit("compare", photo, "--out", tmp_path / "out", "--method", "fast", "--method", "vaefit++")
    assert run.exit_code == 1
    assert "vaefit++ cannot run" in run.output
    assert stand_ins["fast"].batches == []


def test_a_photograph_without_a_face_is_told(tmp_path: Path) -> None:
    save(picture(0), tmp_path / "wall.png")
    run = ganfit("compare", tmp_path / "wall.png", "--out", tmp_path / "out")
    assert run.exit_code == 1
    assert "wall.png: fast: no_face: no face found" in run.output
    assert "Traceback" not in run.output
    assert not list((tmp_path / "out").glob("comparison*"))


@pytest.mark.parametrize(("argument", "message"), [("absent.png", "no such file"), (".", "is a directory")])
def test_what_is_no_photograph_is_a_bad_argument(
    argument: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = ganfit("compare", argument, "--out", "out")
    assert run.exit_code == 2
    assert message in run.output


def test_through_prefect_it_does_the_same(photo: Path, tmp_path: Path) -> None:
    with prefect_test_harness(server_startup_timeout=120):
        path = flows.compare.compare(photo, tmp_path / "out", ["fast", "ganfit++"])
    assert overlays(path) == [GREYS["fast"], GREYS["ganfit++"]]
