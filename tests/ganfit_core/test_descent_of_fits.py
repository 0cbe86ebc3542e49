"""How a fit goes down, on photographs that are renderings of known parameters: when it ends, and from where."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch

from ganfit_core.camera import project
from ganfit_core.fitting import PRESETS, FitResult, Preset
from ganfit_core.landmark_fit import relative_landmark_error
from ganfit_core.parameters import Parameters
from ganfit_core.people import People
from ganfit_core.perception.align import AlignedFace
from tests.ganfit_core.fits import (
    QUICK,
    SIZE,
    MakeFitter,
    assert_same,
    changed,
    faces,
    make_fitter,
    results,
    scripted,
    truth,
)

__all__ = ["faces", "make_fitter", "results", "truth"]


PATIENT = changed(QUICK, iterations=6, patience=2, tolerance=0.01, rate_factors=(1.0, 0.5))


def test_each_image_converges_on_its_own(make_fitter: MakeFitter, faces: list[AlignedFace]) -> None:
    def fit(preset: Preset) -> list[FitResult]:
        fitter = make_fitter(preset, identity_random=0.0)  # nothing but the script is looked at
        return scripted(fitter, lambda step: [10.0, 10.0 - step]).fit(faces, seed=0)

    level, falling = fit(PATIENT)
    assert (level.iterations, level.converged) == (5, True)
    assert (falling.iterations, falling.converged) == (6, False)
    assert [len(values) for values in level.history.values()] == [5] * len(level.history)
    assert [len(values) for values in falling.history.values()] == [6] * len(falling.history)
    # What has converged stays as it was then: the result is that of a run that ends there.
    assert_same(level, fit(dataclasses.replace(PATIENT, iterations=5))[0], but=("losses", "converged"))


def test_run_ends_when_all_have_converged(make_fitter: MakeFitter, faces: list[AlignedFace]) -> None:
    calls: list[int] = []
    endless = dataclasses.replace(PATIENT, iterations=50)
    fitter = scripted(make_fitter(endless, identity_random=0.0), lambda _: [10.0, 10.0])
    results = fitter.fit(faces, seed=0, on_iteration=lambda done, most: calls.append(done))
    assert [result.iterations for result in results] == [5, 5]
    assert all(result.converged for result in results)
    assert calls == [1, 2, 3, 4, 5]


def test_the_random_view_s_noise_is_no_improvement(make_fitter: MakeFitter, faces: list[AlignedFace]) -> None:
    """Of frozen parameters the energy changes with the view alone, up and down by far more than the tolerance."""
    preset = changed(PATIENT, iterations=12, tolerance=1e-4, learning_rate=0.0, texture_learning_rate=0.0)
    (result,) = make_fitter(preset, identity_random=20.0).fit(faces[:1], seed=0)
    assert np.ptp(result.history["total"]) > 0.02 * result.history["total"].mean()
    assert (result.iterations, result.converged) == (5, True)


def test_steps_after_a_plateau_are_shorter(make_fitter: MakeFitter, faces: list[AlignedFace]) -> None:
    """With no length left, the parameters are those before the plateau."""

    def fit(preset: Preset) -> FitResult:
        fitter = scripted(make_fitter(preset, identity_random=0.0), lambda _: [10.0])
        return fitter.fit(faces[:1], seed=0)[0]

    stopped = fit(changed(PATIENT, rate_factors=(1.0, 0.0)))
    assert stopped.iterations == 5
    ended = fit(dataclasses.replace(PATIENT, iterations=3))
    for name in ("identity", "expression", "texture", "camera", "light"):
        np.testing.assert_array_equal(getattr(stopped, name), getattr(ended, name))


def test_a_good_start_ends_lower_after_as_many_steps(
    make_fitter: MakeFitter, faces: list[AlignedFace], truth: Parameters
) -> None:
    laptop = PRESETS["laptop"].limited(12)
    coarse, fine = laptop.refinement
    parts = (dataclasses.replace(coarse, coarse_size=48), fine)
    fitter = make_fitter(dataclasses.replace(laptop, render_size=SIZE, refinement=parts), identity_random=0.0)
    near, far = fitter.refine(fitter.prepare(faces), truth, seed=0), fitter.fit(faces, seed=0)
    for one, other in zip(near, far, strict=True):
        assert one.losses["total"] < 0.9 * other.losses["total"]


def test_results_without_a_step_are_those_of_the_parameters(
    make_fitter: MakeFitter, faces: list[AlignedFace], truth: Parameters
) -> None:
    fitter = make_fitter()
    for row, (face, result) in enumerate(zip(faces, fitter.results(truth, fitter.prepare(faces)), strict=True)):
        assert (result.iterations, result.converged) == (0, True)
        assert {name: values.shape for name, values in result.history.items()} == dict.fromkeys(result.losses, (0,))
        for name in Parameters._fields:
            np.testing.assert_array_equal(getattr(result, name), getattr(truth, name)[row].numpy())
        assert result.losses["pixel"] < 0.004  # a photograph has 8 bits
        assert result.losses["landmark"] < 1e-6
        np.testing.assert_allclose(result.rendering[result.mask], face.image[result.mask], atol=1)


def test_a_fit_stays_at_true_parameters(
    make_fitter: MakeFitter, faces: list[AlignedFace], truth: Parameters, results: list[FitResult]
) -> None:
    """The prior alone pulls away from them."""
    fitter = make_fitter(identity_random=0.0)
    refined = fitter.refine(fitter.prepare(faces), truth, 0)
    for row, (result, from_random) in enumerate(zip(refined, results, strict=True)):
        assert result.iterations == 4
        assert result.losses["pixel"] < 0.7 * from_random.losses["pixel"]
        for name, reach in (("identity", 0.1), ("expression", 0.1)):
            np.testing.assert_allclose(getattr(result, name), getattr(truth, name)[row].numpy(), atol=reach)


def test_a_refinement_is_coarse_first_and_within_the_budget(
    make_fitter: MakeFitter, faces: list[AlignedFace], truth: Parameters
) -> None:
    for iterations, coarse, fine in ((4, 2, 2), (3, 1, 2), (1, 0, 1)):
        calls: list[tuple[int, int]] = []
        fitter = make_fitter(QUICK.limited(iterations))
        target = fitter.prepare(faces)
        result = fitter.refine(target, truth, 0, lambda done, most, calls=calls: calls.append((done, most)))[0]
        assert calls == [(step + 1, iterations) for step in range(iterations)]
        view = result.history["identity_random"]
        assert len(set(view[:coarse])) == min(1, coarse)
        assert len(set(view)) == min(1, coarse) + fine
        assert len(view) == coarse + fine == result.iterations


def test_a_budget_is_shared_out_in_the_presets_proportions() -> None:
    laptop = PRESETS["laptop"]
    steps = {most: [n for _, n in laptop.limited(most).parts(regressed=True)] for most in (1, 30, 60, 400)}
    assert steps == {1: [0, 1], 30: [22, 8], 60: [45, 15], 400: [300, 100]}
    assert [n for _, n in laptop.parts(regressed=True)] == steps[laptop.refinement_iterations]
    assert [n for _, n in laptop.limited(30).parts(regressed=False)] == [30]


def test_a_regression_is_aligned_by_landmarks_first(
    make_fitter: MakeFitter, faces: list[AlignedFace], truth: Parameters
) -> None:
    fitter = make_fitter()
    target = fitter.prepare(faces)
    off = truth._replace(camera=truth.camera + torch.tensor([60.0, 40, 0, 0, 0, 0, 0, 0, 0, 0.3]))

    def error(parameters: Parameters) -> float:
        points = project(fitter.model.landmarks(fitter.model(*parameters[:2])), parameters.camera, SIZE)[..., :2]
        return float(relative_landmark_error(points, target.landmarks).max())

    begun = fitter.begin(target, torch.Generator().manual_seed(0), People.alone(len(faces)), off)
    assert error(begun) < 0.2 * error(off)
    assert (begun.texture - truth.texture).abs().max() < 1.0  # nearer than any random one


def test_a_start_is_left_as_it_was(make_fitter: MakeFitter, faces: list[AlignedFace], truth: Parameters) -> None:
    before = [part.clone() for part in truth]
    fitter = make_fitter()
    fitter.refine(fitter.prepare(faces), truth, 0)
    assert all(torch.equal(one, other) for one, other in zip(before, truth, strict=True))
