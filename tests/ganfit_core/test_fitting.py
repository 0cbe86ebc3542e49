"""The fit, on photographs that are renderings of known parameters."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from ganfit_core.camera import project
from ganfit_core.energy import TERMS, Weights
from ganfit_core.fitting import PRESETS, FitError, FitResult, Fitter, Preset
from ganfit_core.identity import DlibResNet
from ganfit_core.landmark_fit import relative_landmark_error
from ganfit_core.morphable import MorphableModel
from ganfit_core.parameters import LIGHT_MEAN, Parameters
from ganfit_core.people import People
from ganfit_core.perception.align import AlignedFace
from ganfit_core.pose import camera_from_landmarks
from ganfit_core.presets import Descent
from ganfit_core.texture import Generator, NetworkConfig, PCAConfig, PCATexture, TextureModel, VAEDecoder
from tests.heads import camera, renderer, smooth_texture

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


def linear_texture() -> PCATexture:
    """Smooth variations of a pale grey."""
    texture_model = PCATexture(PCAConfig(latent_dim=16, resolution=32))
    smooth = torch.cat([smooth_texture(seed, 32) for seed in range(16)]) - 0.5
    texture_model.load_state_dict({"mean": torch.full((3 * 32**2,), 0.7), "basis": 0.2 * smooth.flatten(1)})
    return texture_model.eval()


def decoder() -> VAEDecoder:
    """As it is initialised, but for paler colours."""
    torch.manual_seed(0)
    network = NetworkConfig(latent_dim=16, resolution=32, fmap_base=64, fmap_max=16)
    texture_model = VAEDecoder(network).eval().requires_grad_(False)
    texture_model.to_rgb.weight.mul_(0.2)
    return texture_model


@pytest.mark.parametrize("make", [linear_texture, decoder])
def test_other_texture_models_are_fitted_too(
    make: Callable[[], TextureModel], model: MorphableModel, identity_network: DlibResNet, faces: list[AlignedFace]
) -> None:
    fitter = Fitter(model, make(), renderer(model, SIZE), identity_network, dataclasses.replace(QUICK, iterations=12))
    (result,) = fitter.fit(faces[:1], seed=0)
    assert result.texture.shape == (16,)
    assert np.isfinite(result.history["total"]).all()
    assert result.history["pixel"][-1] < result.history["pixel"][0]
    assert result.history["total"].min() < result.history["total"][0]


def test_results_are_complete(model: MorphableModel, results: list[FitResult]) -> None:
    assert len(results) == 2
    for result in results:
        sizes = {
            "identity": model.n_identity,
            "expression": model.n_expression,
            "texture": 16,
            "camera": 10,
            "light": 9,
        }
        for name, size in sizes.items():
            assert getattr(result, name).shape == (size,)
            assert getattr(result, name).dtype == np.float32
            assert np.isfinite(getattr(result, name)).all()
        assert result.vertices.shape == (len(model.mean), 3)
        assert result.uv_map.shape == (32, 32, 3)
        assert result.mask.shape == (SIZE, SIZE)
        assert result.mask.dtype == bool
        for name in ("rendering", "albedo_rendering", "shape_rendering"):
            picture = getattr(result, name)
            assert picture.shape == (SIZE, SIZE, 3)
            assert picture.dtype == np.uint8
            assert picture[result.mask].any()
            assert not picture[~result.mask].any()


def test_history_holds_every_term_of_every_step(results: list[FitResult]) -> None:
    for result in results:
        assert set(result.history) == set(result.losses) == {*TERMS, "total"}
        assert result.iterations == 12
        for name, values in result.history.items():
            assert values.shape == (result.iterations,), name
            assert np.isfinite(values).all(), name
        weights, losses = QUICK.weights, result.losses
        expected = losses["regularisation"] + sum(getattr(weights, name) * losses[name] for name in TERMS[:-1])
        assert losses["total"] == pytest.approx(expected, rel=1e-4)


def test_losses_are_those_of_the_returned_parameters(
    make_fitter: MakeFitter, faces: list[AlignedFace], results: list[FitResult]
) -> None:
    fitter = make_fitter(QUICK)
    for face, result in zip(faces, results, strict=True):
        parameters = Parameters(*(torch.from_numpy(getattr(result, name))[None] for name in Parameters._fields))
        photo = torch.from_numpy(face.image).permute(2, 0, 1)[None].float() / 255
        target = fitter.energy.target(photo, torch.from_numpy(face.landmarks)[None].float())
        with torch.no_grad():
            terms = fitter.energy.terms(parameters, target, torch.Generator())
        for name in ("identity", "content", "pixel", "landmark", "regularisation"):
            assert float(terms[name]) == pytest.approx(result.losses[name], rel=1e-3), name


def test_arrays_agree_with_one_another(model: MorphableModel, results: list[FitResult]) -> None:
    for result in results:
        with torch.no_grad():
            vertices = model(torch.from_numpy(result.identity)[None], torch.from_numpy(result.expression)[None])
        np.testing.assert_allclose(result.vertices, vertices[0].numpy(), atol=1e-3)


def test_energy_falls(results: list[FitResult]) -> None:
    for result in results:
        total = result.history["total"]
        assert total[-4:].mean() < total[:4].mean()


def test_rendering_approaches_the_photo(make_fitter: MakeFitter, faces: list[AlignedFace]) -> None:
    """By the pixel term alone; the others pull elsewhere in the first steps."""
    preset = changed(QUICK, iterations=12, learning_rate=0.005)
    fitter = make_fitter(preset, identity=0.0, identity_random=0.0, content=0.0, landmark=0.0)
    for result in fitter.fit(faces, seed=0):
        assert result.losses["pixel"] < 0.99 * result.history["pixel"][0]


def test_landmarks_are_nearer_than_at_the_start(
    model: MorphableModel, faces: list[AlignedFace], results: list[FitResult]
) -> None:
    detected = torch.from_numpy(np.stack([face.landmarks for face in faces]))
    mean = model.landmarks(model.mean.expand(2, -1, -1))

    def error(points: Tensor, cameras: Tensor) -> Tensor:
        return relative_landmark_error(project(points, cameras, SIZE)[..., :2], detected)

    before = error(mean, camera_from_landmarks(mean, detected, SIZE))
    vertices = torch.from_numpy(np.stack([result.vertices for result in results]))
    cameras = torch.from_numpy(np.stack([result.camera for result in results]))
    after = error(model.landmarks(vertices), cameras)
    assert after.mean() < 0.75 * before.mean()
    assert after.max() < 0.06


def test_same_seed_same_result(make_fitter: MakeFitter, faces: list[AlignedFace]) -> None:
    fitter = make_fitter()
    one, same, other = (fitter.fit(faces[:1], seed=seed)[0] for seed in (1, 1, 2))
    assert_same(one, same)
    assert (one.texture != other.texture).any()


def test_fit_leaves_the_global_random_state_alone(make_fitter: MakeFitter, faces: list[AlignedFace]) -> None:
    torch.manual_seed(0)
    state = torch.random.get_rng_state()
    make_fitter().fit(faces[:1], seed=1)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_batch_equals_singles(make_fitter: MakeFitter, faces: list[AlignedFace]) -> None:
    """But for rounding, which a pixel that changes its triangle magnifies from step to step."""
    fitter = make_fitter()
    together = fitter.fit(faces, seed=0)
    for face, result in zip(faces, together, strict=True):
        (alone,) = fitter.fit([face], seed=0)
        np.testing.assert_allclose(alone.history["total"], result.history["total"], rtol=5e-3)
        assert alone.losses["total"] == pytest.approx(result.losses["total"], rel=5e-2)
        np.testing.assert_allclose(alone.vertices, result.vertices, atol=1.0)
        np.testing.assert_allclose(alone.history["pixel"], result.history["pixel"], atol=5e-3)


def test_progress_is_reported(make_fitter: MakeFitter, faces: list[AlignedFace]) -> None:
    calls: list[tuple[int, int]] = []
    make_fitter().fit(faces, seed=0, on_iteration=lambda done, most: calls.append((done, most)))
    assert calls == [(1, 3), (2, 3), (3, 3)]


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


@pytest.fixture(scope="module")
def one_person(model: MorphableModel, texture_model: Generator, truth: Parameters) -> list[AlignedFace]:
    """The first person three times, each time with another expression, from another side, in another light."""
    generator = torch.Generator().manual_seed(4)
    first = Parameters(*(part[:1].repeat(3, 1) for part in truth))
    frames = first._replace(
        expression=0.4 * torch.randn(3, model.n_expression, generator=generator),
        camera=torch.cat([camera(12, 4), camera(-25, 0, 5.5), camera(30, -5)]),
        light=first.light * torch.tensor([[1.0], [0.8], [1.2]]),
    )
    return pictures_of(model, texture_model, frames)


@pytest.mark.parametrize("start", ["random", "regression"])
def test_photographs_of_a_person_share_identity_and_texture_alone(
    start: str, make_fitter: MakeFitter, faces: list[AlignedFace], one_person: list[AlignedFace], truth: Parameters
) -> None:
    """Eq. 14, in a batch where another person is shown once."""
    fitter, batch, numbers = make_fitter(), [one_person[0], faces[1], *one_person[1:]], [7, 2, 7, 7]
    if start == "random":
        found = fitter.fit(batch, seed=0, people=numbers)
    else:
        spread = Parameters(*(part[[0, 1, 0, 0]] for part in truth))
        spread = spread._replace(identity=spread.identity + torch.tensor([[0.5], [0.0], [0.0], [-0.5]]))
        found = fitter.refine(fitter.prepare(batch), spread, 0, people=People(numbers))
    first, other, second, third = found
    for result in (second, third):
        for name in ("identity", "texture"):
            np.testing.assert_allclose(getattr(result, name), getattr(first, name), atol=1e-6)
        for name in ("expression", "camera", "light"):
            assert np.abs(getattr(result, name) - getattr(first, name)).max() > 1e-3
        assert (result.iterations, result.converged) == (first.iterations, first.converged)
    assert np.abs(other.identity - first.identity).max() > 1e-2
    assert np.abs(other.texture - first.texture).max() > 1e-2


def test_who_else_is_in_the_batch_changes_nothing(
    make_fitter: MakeFitter, faces: list[AlignedFace], one_person: list[AlignedFace]
) -> None:
    fitter = make_fitter(dataclasses.replace(QUICK, alignment_iterations=20))
    together = fitter.fit([*one_person, faces[1]], seed=0, people=[0, 0, 0, 1])
    (alone,) = fitter.fit(faces[1:], seed=0)
    for name in ("identity", "expression"):
        np.testing.assert_allclose(getattr(together[3], name), getattr(alone, name), atol=0.06)


def test_several_photographs_tell_more_of_a_shape_than_one(
    make_fitter: MakeFitter, model: MorphableModel, one_person: list[AlignedFace], truth: Parameters
) -> None:
    """Vertices of the neutral face, after the alignment of both; true ones from the parameters."""
    fitter = make_fitter(dataclasses.replace(QUICK, alignment_iterations=150))
    face = model.regions["face"]
    neutral = torch.zeros(1, model.n_expression)

    def error(identity: Tensor) -> float:
        difference = (model(identity, neutral) - model(truth.identity[:1], neutral))[0, face]
        return float((difference - difference.mean(dim=0)).norm(dim=1).mean())

    joint = fitter.fit(one_person, seed=0, people=[0, 0, 0])[0]
    single = [error(torch.from_numpy(result.identity)[None]) for result in fitter.fit(one_person, seed=0)]
    assert error(torch.from_numpy(joint.identity)[None]) < np.mean(single)


def test_a_term_left_out_takes_no_part_in_stage_2(make_fitter: MakeFitter, faces: list[AlignedFace]) -> None:
    fitter = make_fitter()
    one_out = fitter.without("pixel", "identity_prior")
    assert (one_out.preset.weights.pixel, one_out.preset.weights.identity_prior) == (0.0, 0.0)
    assert fitter.preset.weights.pixel > 0
    begun = [
        one.begin(one.prepare(faces), torch.Generator().manual_seed(0), People.alone(2)) for one in (fitter, one_out)
    ]
    assert all(torch.equal(one, other) for one, other in zip(*begun, strict=True))
    whole, less = fitter.fit(faces[:1], seed=0)[0], one_out.fit(faces[:1], seed=0)[0]
    assert whole.history["pixel"].all()
    assert not less.history["pixel"].any()


def test_a_number_for_each_face(make_fitter: MakeFitter, faces: list[AlignedFace]) -> None:
    with pytest.raises(FitError, match="1 numbers of persons for 2 faces"):
        make_fitter().fit(faces, seed=0, people=[0])


def test_no_result_where_the_energy_is_not_finite(
    make_fitter: MakeFitter, faces: list[AlignedFace], truth: Parameters
) -> None:
    fitter = make_fitter()
    with pytest.raises(FitError, match="not finite"):
        fitter.results(truth._replace(light=truth.light * torch.nan), fitter.prepare(faces))


def test_no_faces(make_fitter: MakeFitter) -> None:
    with pytest.raises(FitError, match="no faces"):
        make_fitter().fit([], seed=0)
    with pytest.raises(FitError, match="no faces"):
        make_fitter().prepare([])


@pytest.mark.parametrize("shape", [(SIZE // 2, SIZE // 2, 3), (SIZE, SIZE // 2, 3), (SIZE, SIZE)])
def test_crop_of_another_size(make_fitter: MakeFitter, faces: list[AlignedFace], shape: tuple[int, ...]) -> None:
    wrong = dataclasses.replace(faces[0], image=np.zeros(shape, np.uint8))
    with pytest.raises(FitError, match=f"{SIZE} x {SIZE}"):
        make_fitter().fit([faces[1], wrong], seed=0)
    with pytest.raises(FitError, match=f"{SIZE} x {SIZE}"):
        make_fitter().prepare([wrong])


def test_energy_that_is_not_finite(make_fitter: MakeFitter, faces: list[AlignedFace]) -> None:
    fitter = scripted(make_fitter(), lambda step: [10.0 if step < 1 else float("nan")])
    with pytest.raises(FitError, match="not finite at step 1"):
        fitter.fit(faces[:1], seed=0)


def test_terms_switched_off_by_the_preset(make_fitter: MakeFitter, faces: list[AlignedFace]) -> None:
    off: dict[str, Any] = dict.fromkeys(("identity", "identity_random", "content"), 0.0)
    (result,) = make_fitter(**off).fit(faces[:1], seed=0)
    for name in off:
        assert not result.history[name].any()
    assert (result.history["pixel"] > 0).all()
    assert (result.history["landmark"] > 0).all()


def test_black_photo_is_fitted_all_the_same(make_fitter: MakeFitter, faces: list[AlignedFace]) -> None:
    black = dataclasses.replace(faces[0], image=np.zeros((SIZE, SIZE, 3), np.uint8))
    (result,) = make_fitter().fit([black], seed=0)
    assert np.isfinite(result.history["total"]).all()
    assert result.rendering.mean() < 60


def test_presets() -> None:
    assert set(PRESETS) == {"laptop", "paper"}
    laptop, paper = PRESETS["laptop"], PRESETS["paper"]
    assert laptop.iterations < paper.iterations
    assert laptop.render_size < paper.render_size
    assert paper.descent.learning_rate == 0.01
    assert all(weight > 0 for weight in dataclasses.asdict(paper.weights).values())
