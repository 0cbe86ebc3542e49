"""Photographs that are renderings of known parameters, and fitters for them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from ganfit_core.camera import project
from ganfit_core.energy import Weights
from ganfit_core.fitting import PRESETS, FitResult, Fitter, Preset
from ganfit_core.identity import DlibResNet
from ganfit_core.morphable import MorphableModel
from ganfit_core.parameters import LIGHT_MEAN, Parameters
from ganfit_core.perception.align import AlignedFace
from ganfit_core.presets import Descent
from ganfit_core.texture import Generator
from tests.heads import camera, renderer

SIZE = 80
QUICK = dataclasses.replace(
    PRESETS["laptop"],
    render_size=SIZE,
    alignment_iterations=60,
    iterations=3,
    texture_candidates=4,
    projection_iterations=3,
    refinement_iterations=4,
    refinement=(
        Descent(0.5, 0.03, 0.1, patience=8, tolerance=0.015, rate_factors=(1.0, 0.3), coarse_size=48),
        Descent(0.5, 0.01, 0.03, patience=8, tolerance=0.015, rate_factors=(1.0,)),
    ),
    weights=Weights(pixel=15.0, landmark=0.003),
)
MakeFitter = Callable[..., Fitter]


def changed(preset: Preset, iterations: int | None = None, **descent: Any) -> Preset:
    """A preset with another descent from a random start."""
    most = preset.iterations if iterations is None else iterations
    return dataclasses.replace(preset, iterations=most, descent=dataclasses.replace(preset.descent, **descent))


@pytest.fixture(scope="module")
def make_fitter(model: MorphableModel, texture_model: Generator, identity_network: DlibResNet) -> MakeFitter:
    def make(preset: Preset = QUICK, **weights: float) -> Fitter:
        chosen = dataclasses.replace(preset, weights=dataclasses.replace(preset.weights, **weights))
        return Fitter(model, texture_model, renderer(model, SIZE), identity_network, chosen)

    return make


@pytest.fixture(scope="module")
def truth(model: MorphableModel) -> Parameters:
    """Two people from two sides."""
    generator = torch.Generator().manual_seed(3)
    return Parameters(
        identity=torch.randn(2, model.n_identity, generator=generator),
        expression=0.4 * torch.randn(2, model.n_expression, generator=generator),
        camera=torch.cat([camera(12, 4), camera(-20, 0, 5.5)]),
        light=torch.tensor([*LIGHT_MEAN[:3], 0.5, 0.45, 0.4, 0.5, 0.5, 0.6]).repeat(2, 1),
        texture=torch.randn(2, 16, generator=generator),
    )


@pytest.fixture(scope="module")
def faces(model: MorphableModel, texture_model: Generator, truth: Parameters) -> list[AlignedFace]:
    return pictures_of(model, texture_model, truth)


def pictures_of(model: MorphableModel, texture_model: Generator, truth: Parameters) -> list[AlignedFace]:
    """Renderings before grey, with their landmarks."""
    with torch.no_grad():
        vertices = model(truth.identity, truth.expression)
        rendering = renderer(model, SIZE)(vertices, texture_model(truth.texture), truth.camera, truth.light)
        landmarks = project(model.landmarks(vertices), truth.camera, SIZE)[..., :2]
    pictures = (rendering.image + 0.5 * (1 - rendering.mask)).clamp(0, 1).mul(255).round().byte()
    return [
        AlignedFace(picture.permute(1, 2, 0).numpy(), points.numpy(), np.eye(2, 3, dtype=np.float32))
        for picture, points in zip(pictures, landmarks, strict=True)
    ]


@pytest.fixture(scope="module")
def results(make_fitter: MakeFitter, faces: list[AlignedFace]) -> list[FitResult]:
    return make_fitter(dataclasses.replace(QUICK, iterations=12)).fit(faces, seed=0)


def assert_same(one: FitResult, other: FitResult, but: tuple[str, ...] = ()) -> None:
    for field in dataclasses.fields(FitResult):
        if field.name not in but:
            np.testing.assert_equal(getattr(one, field.name), getattr(other, field.name), err_msg=field.name)


def scripted(fitter: Fitter, steps: Callable[[int], list[float]]) -> Fitter:
    """The totals of the images follow a script, gradients do not."""
    calls = iter(range(1000))
    real = fitter.energy.total

    def total(terms: dict[str, Tensor]) -> Tensor:
        # The first image is the one that leaves the batch first.
        script = torch.tensor(steps(next(calls)))
        true = real(terms)
        return true - true.detach() + script[-len(true) :]

    fitter.energy.total = total  # type: ignore[method-assign]
    return fitter
