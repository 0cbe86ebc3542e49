"""Leaves of the optimiser, random views, and the first light."""

import pytest
import torch
from torch import Tensor

from ganfit_core.camera import project
from ganfit_core.landmark_fit import CAMERA_SCALE
from ganfit_core.morphable import MorphableModel
from ganfit_core.parameters import LIGHT_MEAN, LIGHT_SCALE, Leaves, Parameters, light_from_photo, random_view
from tests.heads import AMBIENT, camera, renderer, smooth_texture


@pytest.fixture
def parameters(model: MorphableModel) -> Parameters:
    generator = torch.Generator().manual_seed(0)

    def normal(count: int) -> Tensor:
        return torch.randn(3, count, generator=generator)

    light = torch.tensor(LIGHT_MEAN) * (1 + 0.2 * normal(9))
    return Parameters(normal(model.n_identity), normal(model.n_expression), normal(16), camera(10).repeat(3, 1), light)


def test_leaves_start_at_the_parameters(parameters: Parameters) -> None:
    rows = Leaves(parameters).rows(torch.arange(3))
    for name, one, other in zip(Parameters._fields, rows, parameters, strict=True):
        torch.testing.assert_close(one, other, msg=name)


def test_rows_are_those_asked_for_and_differentiable(parameters: Parameters) -> None:
    leaves = Leaves(parameters)
    rows = leaves.rows(torch.tensor([2, 0]))
    for one, other in zip(rows, parameters, strict=True):
        torch.testing.assert_close(one, other[[2, 0]])
    torch.stack([part.sum() for part in rows]).sum().backward()
    assert leaves.numbers.is_leaf
    assert leaves.numbers.grad is not None
    assert (leaves.numbers.grad[[0, 2]] > 0).all()
    assert not leaves.numbers.grad[1].any()


def test_leaves_do_not_write_into_the_start(parameters: Parameters) -> None:
    before = [part.clone() for part in parameters]
    leaves = Leaves(parameters)
    with torch.no_grad():
        leaves.numbers += 1
    for one, other in zip(before, parameters, strict=True):
        assert torch.equal(one, other)


def test_a_number_counts_sigmas_or_the_scales_of_camera_and_light(parameters: Parameters) -> None:
    leaves = Leaves(parameters)
    with torch.no_grad():
        leaves.numbers += 1
    moved = leaves.rows(torch.arange(3))
    units = {name: torch.tensor(1.0) for name in ("identity", "expression", "texture")}
    units |= {"camera": torch.tensor(CAMERA_SCALE), "light": torch.tensor(LIGHT_SCALE)}
    for name, unit in units.items():
        before, after = getattr(parameters, name), getattr(moved, name)
        torch.testing.assert_close(after - before, unit.expand_as(before), atol=1e-3, rtol=1e-3, msg=name)


def test_the_texture_s_rate_is_its_own(parameters: Parameters) -> None:
    leaves = Leaves(parameters)
    rates = leaves.rates(0.02, 0.05)
    assert rates.shape == leaves.numbers.shape[1:]
    before = parameters.identity.shape[1] + parameters.expression.shape[1]
    texture = slice(before, before + parameters.texture.shape[1])
    assert (rates[texture] == 0.05).all()
    rates[texture] = 0.02
    assert (rates == 0.02).all()


def test_random_view_keeps_person_and_texture(parameters: Parameters) -> None:
    other = random_view(parameters, torch.Generator().manual_seed(1))
    assert torch.equal(other.identity, parameters.identity)
    assert torch.equal(other.texture, parameters.texture)
    for name in ("expression", "camera", "light"):
        changed, own = getattr(other, name), getattr(parameters, name)
        assert changed.shape == own.shape
        # The same for every image of the batch: no fit depends on its neighbours.
        assert torch.equal(changed[0], changed[1])
        assert (changed != own).any()


def test_random_view_is_the_generator_s(parameters: Parameters) -> None:
    one, same, other = (random_view(parameters, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert all(torch.equal(a, b) for a, b in zip(one, same, strict=True))
    assert (one.camera != other.camera).any()
    # The global generator plays no part.
    torch.manual_seed(0)
    state = torch.random.get_rng_state()
    random_view(parameters, torch.Generator().manual_seed(1))
    assert torch.equal(torch.random.get_rng_state(), state)


def test_random_views_show_the_whole_face(model: MorphableModel, parameters: Parameters) -> None:
    one = Parameters(*(part[:1] for part in parameters))
    generator = torch.Generator().manual_seed(3)
    drawn = [random_view(one, generator) for _ in range(200)]
    views = Parameters(*(torch.cat(parts) for parts in zip(*drawn, strict=True)))
    points = project(model.landmarks(model.mean.expand(200, -1, -1)), views.camera, 100)
    inside = ((points[..., :2] > 0) & (points[..., :2] < 100)).all(dim=2).all(dim=1)
    assert inside.float().mean() > 0.95
    assert (views.light[:, 3:] > 0).all()
    assert 0.4 < views.expression.std() < 0.6


@pytest.mark.parametrize(
    ("colour", "ambient"),
    [((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)), ((0.9, 0.7, 0.5), (0.2, 0.3, 0.4)), ((0.3, 0.3, 0.3), (1.0, 0.9, 0.8))],
)
def test_known_light_is_recovered(
    model: MorphableModel, colour: tuple[float, float, float], ambient: tuple[float, float, float]
) -> None:
    render, texture, view = renderer(model, 64), smooth_texture(0), camera(0)
    light = torch.tensor([[*LIGHT_MEAN[:3], *colour, *ambient]])
    photo = render(model.mean[None], texture, view, light).image
    unlit = render(model.mean[None], texture, view, AMBIENT)
    mask = unlit.mask
    mask[..., :8] = 0
    photo[..., :8] = 99.0  # outside the mask nothing counts
    found = light_from_photo(photo, unlit, mask)
    assert found.shape == (1, 9)
    torch.testing.assert_close(found, light, atol=0.15, rtol=0.02)
    relit = render(model.mean[None], texture, view, found).image
    assert ((relit - photo) * mask).abs().sum() / (3 * mask.sum()) < 0.02


def test_light_of_a_black_photo_is_positive(model: MorphableModel) -> None:
    unlit = renderer(model, 48)(model.mean[None], smooth_texture(0), camera(0), AMBIENT)
    found = light_from_photo(torch.zeros(1, 3, 48, 48), unlit, unlit.mask)
    assert (found[:, 3:] > 0).all()
    nothing = light_from_photo(torch.zeros(1, 3, 48, 48), unlit, torch.zeros(1, 1, 48, 48))
    assert torch.isfinite(nothing).all()
