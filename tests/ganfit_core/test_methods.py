"""The recipes, with stand-ins for fitter and regressor."""

from __future__ import annotations

import re
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from ganfit_core.methods import DEFAULT, METHODS, Method, Reconstructor

FACES: Any = ["a face", "another"]


class RecordingFitter:
    """Tells what it was asked for."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def prepare(self, faces: list[Any]) -> Any:
        return SimpleNamespace(photo=f"photo of {len(faces)}", landmarks="landmarks", features="features")

    def fit(self, faces: list[Any], seed: int, on_iteration: Any = None, start: Any = None) -> list[str]:
        self.calls.append(("fit", seed, on_iteration, start))
        return ["fitted"] * len(faces)

    def results(self, parameters: Any, target: Any) -> list[str]:
        self.calls.append(("results", parameters, target.photo))
        return ["regressed"] * len(FACES)


class FakeRegressor:
    """N(I) that says what it saw, and whether gradients were off."""

    def __init__(self, texture_kind: str) -> None:
        self.texture_kind = texture_kind

    def __call__(self, *seen: Any) -> tuple[Any, ...]:
        return (*seen, torch.is_grad_enabled())


SEEN = ("photo of 2", "landmarks", "features", False)


def reconstruct(name: str) -> tuple[list[Any], list[tuple[Any, ...]]]:
    """Results and the fitter's calls of a method."""
    method = METHODS[name]
    fitter: Any = RecordingFitter()
    regressor: Any = FakeRegressor(method.texture) if method.start == "regression" else None
    results = Reconstructor(method, fitter, regressor).fit(FACES, 7, print)
    return results, fitter.calls


@pytest.mark.parametrize("name", ["ganfit", "vaefit", "pcafit"])
def test_a_random_start_is_left_to_the_fitter(name: str) -> None:
    assert reconstruct(name) == (["fitted", "fitted"], [("fit", 7, print, None)])


@pytest.mark.parametrize("name", ["fast", "fast-vaefit", "fast-pcafit"])
def test_regression_alone_takes_no_step(name: str) -> None:
    assert reconstruct(name) == (["regressed", "regressed"], [("results", SEEN, "photo of 2")])


@pytest.mark.parametrize("name", ["ganfit++", "vaefit++", "pcafit++"])
def test_refinement_starts_where_the_regression_ends(name: str) -> None:
    assert reconstruct(name) == (["fitted", "fitted"], [("fit", 7, print, SEEN)])


@pytest.mark.parametrize(
    ("name", "kind"), [("fast", None), ("ganfit++", "pca"), ("vaefit++", "gan"), ("ganfit", "gan")]
)
def test_a_regressor_that_does_not_belong_to_the_method_is_refused(name: str, kind: str | None) -> None:
    fitter: Any = RecordingFitter()
    regressor: Any = FakeRegressor(kind) if kind else None
    with pytest.raises(ValueError, match=f"{re.escape(name)} does not go with"):
        Reconstructor(METHODS[name], fitter, regressor)


def test_each_texture_model_has_the_three_recipes_under_their_own_names() -> None:
    recipes = {(method.texture, method.start, method.refine) for method in METHODS.values()}
    ways = {("random", True), ("regression", False), ("regression", True)}
    assert recipes == {(texture, *way) for texture in ("gan", "vae", "pca") for way in ways}
    assert all(name == method.name for name, method in METHODS.items())
    assert METHODS[DEFAULT] == Method("ganfit++", "gan", "regression", True, METHODS[DEFAULT].description)
    descriptions = [method.description for method in METHODS.values()]
    assert len(set(descriptions)) == 9
    assert not any("\n" in text for text in descriptions)


def test_the_names_are_known_without_importing_torch() -> None:
    code = "import sys, ganfit_core.methods; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
