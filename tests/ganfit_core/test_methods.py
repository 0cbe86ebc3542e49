"""The recipes, with stand-ins for fitter and regressor."""

from __future__ import annotations

import re
import subprocess
import sys
from types import SimpleNamespace
from typing import Any, NamedTuple

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

    def fit(self, faces: list[Any], seed: int, on_iteration: Any = None, people: Any = None) -> list[str]:
        self.calls.append(("fit", seed, on_iteration, people))
        return ["fitted"] * len(faces)

    def refine(self, target: Any, regressed: Any, seed: int, on_iteration: Any, people: Any) -> list[str]:
        self.calls.append(("refine", target.photo, regressed, seed, on_iteration, people.of.tolist()))
        return ["refined"] * len(FACES)

    def results(self, parameters: Any, target: Any) -> list[str]:
        self.calls.append(("results", parameters, target.photo))
        return ["regressed"] * len(FACES)


class Regressed(NamedTuple):
    """What a regressor saw, and over whom its answers were averaged."""

    photo: str
    landmarks: str
    features: str
    gradients: bool
    people: list[int] | None

    def shared(self, people: Any) -> Regressed:
        return self._replace(people=people.of.tolist())


class FakeRegressor:
    """N(I) that says what it saw, and whether gradients were off."""

    def __init__(self, texture_kind: str) -> None:
        self.texture_kind = texture_kind

    def __call__(self, *seen: Any) -> Regressed:
        return Regressed(*seen, torch.is_grad_enabled(), people=None)


SEEN = Regressed("photo of 2", "landmarks", "features", gradients=False, people=None)


def reconstruct(name: str, people: list[int] | None = None) -> tuple[list[Any], list[tuple[Any, ...]]]:
    """Results and the fitter's calls of a method."""
    method = METHODS[name]
    fitter: Any = RecordingFitter()
    regressor: Any = FakeRegressor(method.texture) if method.start == "regression" else None
    results = Reconstructor(method, fitter, regressor).fit(FACES, 7, print, people)
    return results, fitter.calls


@pytest.mark.parametrize("name", ["ganfit", "vaefit", "pcafit"])
@pytest.mark.parametrize("people", [None, [4, 4]])
def test_a_random_start_is_left_to_the_fitter(name: str, people: list[int] | None) -> None:
    assert reconstruct(name, people) == (["fitted", "fitted"], [("fit", 7, print, people)])


@pytest.mark.parametrize("name", ["fast", "fast-vaefit", "fast-pcafit"])
@pytest.mark.parametrize(("people", "of"), [(None, [0, 1]), ([4, 4], [0, 0])])
def test_regression_alone_takes_no_step(name: str, people: list[int] | None, of: list[int]) -> None:
    averaged = SEEN._replace(people=of)
    assert reconstruct(name, people) == (["regressed", "regressed"], [("results", averaged, "photo of 2")])


@pytest.mark.parametrize("name", ["ganfit++", "vaefit++", "pcafit++"])
@pytest.mark.parametrize(("people", "of"), [(None, [0, 1]), ([4, 4], [0, 0])])
def test_refinement_starts_where_the_regression_ends(name: str, people: list[int] | None, of: list[int]) -> None:
    assert reconstruct(name, people) == (["refined", "refined"], [("refine", "photo of 2", SEEN, 7, print, of)])


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
