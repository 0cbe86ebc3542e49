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
from ganfit_core.energy import TERMS
from ganfit_core.fitting import PRESETS, FitError, FitResult, Fitter
from ganfit_core.identity import DlibResNet
from ganfit_core.landmark_fit import relative_landmark_error
from ganfit_core.morphable import MorphableModel
from ganfit_core.parameters import Parameters
from ganfit_core.people import People
from ganfit_core.perception.align import AlignedFace
from ganfit_core.pose import camera_from_landmarks
from ganfit_core.texture import Generator, NetworkConfig, PCAConfig, PCATexture, TextureModel, VAEDecoder
from tests.ganfit_core.fits import (
    QUICK,
    SIZE,
    MakeFitter,
    assert_same,
    changed,
    faces,
    make_fitter,
    pictures_of,
    results,
    scripted,
    truth,
)
from tests.heads import camera, renderer, smooth_texture

__all__ = ["faces", "make_fitter", "results", "truth"]


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
