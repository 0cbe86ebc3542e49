"""Completing maps, on synthetic maps whose full truth is known."""

import pytest
import torch
from torch import Tensor

from ganfit_core.complete import (
    TextureStatistics,
    add_mirror_image,
    add_surroundings,
    diffuse,
    mirrored,
    skin_of,
    without_foreign,
)
from ganfit_core.unwrap import taper
from tests.heads import smooth_texture

SIDE = 32


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def half(side: int = SIDE, left: bool = True) -> Tensor:
    """(1, 1, side, side): 1 on one half of the map."""
    mask = torch.zeros(1, 1, side, side)
    mask[..., : side // 2] = 1
    return mask if left else mirrored(mask)


def test_mirrored_swaps_left_and_right_only() -> None:
    maps = torch.rand(2, 3, 5, 6, generator=generator())
    assert torch.equal(mirrored(maps)[:, :, 1, 2], maps[:, :, 1, 3])
    assert torch.equal(mirrored(mirrored(maps)), maps)


@pytest.mark.parametrize("side", [32, 48, 64])
def test_diffuse_fills_constants_exactly(side: int) -> None:
    weight = (torch.rand(2, 1, side, side, generator=generator()) > 0.95).float()
    constant = torch.tensor([0.2, 0.5, 0.9])[:, None, None].expand(2, 3, side, side)
    torch.testing.assert_close(diffuse(constant * weight, weight), constant, atol=1e-5, rtol=0)


def test_diffuse_of_one_known_texel_reaches_every_corner() -> None:
    weight = torch.zeros(1, 1, 64, 64)
    weight[..., 3, 60] = 1
    torch.testing.assert_close(diffuse(0.7 * weight, weight), torch.full((1, 1, 64, 64), 0.7), atol=1e-5, rtol=0)


def test_diffuse_keeps_known_texels() -> None:
    values = torch.rand(2, 3, SIDE, SIDE, generator=generator())
    weight = (torch.rand(2, 1, SIDE, SIDE, generator=generator(1)) > 0.5).float()
    filled = diffuse(values, weight)
    assert torch.equal(filled * weight, values * weight)
    # Averages of known values stay between them.
    assert filled.min() >= values.min()
    assert filled.max() <= values.max()


def test_diffuse_does_not_read_unknown_texels() -> None:
    values = torch.rand(1, 3, SIDE, SIDE, generator=generator())
    other = values + 100 * (1 - half())
    torch.testing.assert_close(diffuse(values, half()), diffuse(other, half()))


def test_diffuse_takes_the_nearest_knowledge() -> None:
    weight = torch.zeros(1, 1, SIDE, SIDE)
    weight[..., :2], weight[..., -2:] = 1, 1
    values = torch.zeros(1, 1, SIDE, SIDE)
    values[..., -2:] = 1
    filled = diffuse(values, weight)[0, 0]
    assert filled[:, 4].max() < 0.3
    assert filled[:, -5].min() > 0.7


def test_diffuse_of_nothing_known_is_finite() -> None:
    assert torch.isfinite(diffuse(torch.rand(1, 3, 16, 16), torch.zeros(1, 1, 16, 16))).all()


def test_mirror_image_fills_the_unseen_half_of_a_symmetric_face() -> None:
    texture = smooth_texture(1, SIDE)
    texture = (texture + mirrored(texture)) / 2
    filled, confidence = add_mirror_image(texture * half(), half())
    torch.testing.assert_close(filled, texture, atol=1e-3, rtol=0)
    assert (confidence[half() == 1] == 1).all()
    mirror_trust = confidence[half() == 0]
    assert 0 < mirror_trust.min() == mirror_trust.max() < 1


def test_mirror_image_leaves_a_face_seen_on_both_sides() -> None:
    texture = smooth_texture(2, SIDE)
    everywhere = torch.ones(1, 1, SIDE, SIDE)
    filled, confidence = add_mirror_image(texture, everywhere)
    torch.testing.assert_close(filled, texture)
    torch.testing.assert_close(confidence, everywhere)


@pytest.fixture
def capped() -> tuple[Tensor, Tensor, Tensor]:
    """A face of one colour with a blue cap on the upper half of its border and a mole; what is inner; the border."""
    border = torch.zeros(SIDE, SIDE)
    border[: SIDE // 4] = 1
    texture = torch.tensor([0.7, 0.5, 0.4])[:, None, None].expand(1, 3, SIDE, SIDE).clone()
    texture[..., : SIDE // 8, :] = torch.tensor([0.1, 0.2, 0.6])[:, None, None]
    texture[..., SIDE // 2, SIDE // 2] = 0.05
    return texture, 1 - border, border


@pytest.mark.parametrize("exposure", [1.0, 0.4])
def test_caps_lose_confidence_and_skin_of_any_brightness_does_not(
    capped: tuple[Tensor, Tensor, Tensor], exposure: float
) -> None:
    texture, inner, border = capped
    everywhere = torch.ones(1, 1, SIDE, SIDE)
    skin = skin_of(exposure * texture, everywhere, inner)
    torch.testing.assert_close(skin.colour.flatten(), exposure * torch.tensor([0.7, 0.5, 0.4]), atol=2e-3, rtol=0)
    found = without_foreign(everywhere, skin, border)
    assert found[..., : SIDE // 8 - 2, :].max() < 0.1
    assert found[..., SIDE // 8 + 2 :, :].min() > 0.99  # the mole stays: it is not on the border


def test_of_a_face_that_is_not_seen_nothing_is_trusted() -> None:
    nothing = torch.zeros(1, 1, SIDE, SIDE)
    skin = skin_of(torch.zeros(1, 3, SIDE, SIDE), nothing, torch.ones(SIDE, SIDE))
    assert torch.isfinite(skin.colour).all()
    assert torch.equal(without_foreign(nothing, skin, torch.ones(SIDE, SIDE)), nothing)


def test_surroundings_take_the_colour_of_the_skin(capped: tuple[Tensor, Tensor, Tensor]) -> None:
    texture, inner, _ = capped
    face = torch.zeros(SIDE, SIDE)
    face[SIDE // 4 : -SIDE // 4, SIDE // 4 : -SIDE // 4] = 1
    confidence = face[None, None]
    skin = skin_of(texture, confidence, inner)
    painted, certain = add_surroundings(texture, confidence, skin, face)
    outside = (face == 0).expand_as(painted)
    torch.testing.assert_close(painted[outside], skin.colour.expand_as(painted)[outside])
    torch.testing.assert_close(painted * face, texture * face)
    assert (certain[confidence == 1] == 1).all()
    assert 0 < certain[confidence == 0].min() == certain[confidence == 0].max() < 1


RANK = 4


@pytest.fixture(scope="module")
def population() -> Tensor:
    """(150, 3, 16, 16) smooth maps of RANK degrees of freedom, with a little noise."""
    mean, modes = smooth_texture(10, 16), smooth_texture(11, 16, RANK) - 0.5
    scores = 0.35 * torch.randn(150, RANK, generator=generator(12))
    noise = 0.005 * torch.randn(150, 3, 16, 16, generator=generator(13))
    return (0.25 + 0.5 * mean + torch.tensordot(scores, modes, 1) + noise).clamp(0, 1)


@pytest.fixture(scope="module")
def seen(population: Tensor) -> Tensor:
    """One half of every map, in turn the left, right, upper and lower; no map is seen whole."""
    halves = [half(16), half(16, left=False), half(16).mT, half(16, left=False).mT]
    return torch.cat([halves[i % 4] for i in range(len(population))])


@pytest.fixture(scope="module")
def statistics(population: Tensor, seen: Tensor) -> TextureStatistics:
    return TextureStatistics.learn(population * seen, seen, RANK)


def test_missing_halves_are_recovered_better_than_by_the_mean(
    population: Tensor, seen: Tensor, statistics: TextureStatistics
) -> None:
    filled = statistics.fill(population * seen, seen)
    torch.testing.assert_close(filled * seen, population * seen, atol=1e-6, rtol=0)
    assert filled.min() >= 0
    assert filled.max() <= 1
    missing = 1 - seen
    weight = seen.sum(dim=0)
    mean = (population * seen).sum(dim=0) / weight
    error = ((filled - population) * missing).square().sum()
    by_mean = ((mean - population) * missing).square().sum()
    assert error < 0.25 * by_mean


def test_new_maps_are_filled_too(statistics: TextureStatistics) -> None:
    """Of the same kind, but not among those learnt from."""
    modes = smooth_texture(11, 16, RANK) - 0.5
    scores = 0.35 * torch.randn(20, RANK, generator=generator(99))
    fresh = (0.25 + 0.5 * smooth_texture(10, 16) + torch.tensordot(scores, modes, 1)).clamp(0, 1)
    known = half(16).expand(20, -1, -1, -1)
    filled = statistics.fill(fresh * known, known)
    error = (filled - fresh)[..., 8:].square().mean()
    assert error < 0.25 * (statistics.mean - fresh)[..., 8:].square().mean()


def test_basis_is_scaled_to_standard_deviations(population: Tensor) -> None:
    everything = torch.ones(len(population), 1, 16, 16)
    found = TextureStatistics.learn(population, everything, RANK)
    torch.testing.assert_close(found.mean, population.mean(dim=0), atol=1e-3, rtol=0)
    flat = found.basis.flatten(1)
    scores = torch.linalg.lstsq(flat.T, (population - found.mean).flatten(1).T).solution
    torch.testing.assert_close(scores.square().mean(dim=1), torch.ones(RANK), atol=0.02, rtol=0)
    assert 0.002 < found.noise < 0.01


def test_finer_maps_than_the_statistics(population: Tensor, seen: Tensor, statistics: TextureStatistics) -> None:
    def finer(maps: Tensor) -> Tensor:
        return torch.nn.functional.interpolate(maps, scale_factor=2, mode="nearest")

    fine = statistics.fill(finer(population[:8] * seen[:8]), finer(seen[:8]))
    assert fine.shape == (8, 3, 32, 32)
    truth, missing = finer(population[:8]), 1 - finer(seen[:8])
    by_mean = finer(statistics.mean[None])
    assert ((fine - truth) * missing).square().sum() < 0.35 * ((by_mean - truth) * missing).square().sum()


def test_without_evidence_the_mean_is_most_likely(population: Tensor, statistics: TextureStatistics) -> None:
    nothing = torch.zeros(2, 1, 16, 16)
    guess = statistics.most_likely(population[:2], nothing)
    torch.testing.assert_close(guess, statistics.mean.expand(2, -1, -1, -1), atol=1e-5, rtol=0)


def test_oddity_finds_the_hat(population: Tensor, seen: Tensor, statistics: TextureStatistics) -> None:
    row = 6  # whose upper half is seen
    odd = population[:20].clone()
    odd[row, :, :5] = torch.tensor([0.9, 0.05, 0.1])[:, None, None]
    oddity = statistics.oddity(odd * seen[:20], seen[:20])
    others = oddity[torch.arange(20) != row]
    assert oddity[row] > 3 * others.max()
    # What is not seen cannot be odd.
    unseen_hat = population[:20].clone()
    unseen_hat[row] = torch.where(seen[row] == 0, 1.0, population[row])
    plain = statistics.oddity(population[:20], seen[:20])
    torch.testing.assert_close(statistics.oddity(unseen_hat, seen[:20]), plain)


def test_learning_leaves_the_global_random_state_alone(population: Tensor, seen: Tensor) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    one = TextureStatistics.learn(population * seen, seen, 2, rounds=1)
    assert torch.equal(torch.rand(3), expected)
    other = TextureStatistics.learn(population * seen, seen, 2, rounds=1)
    assert torch.equal(one.basis, other.basis)


def test_taper() -> None:
    region = torch.zeros(40, 40, dtype=torch.bool)
    region[8:32, 8:32] = True
    mask = taper(region, 4)
    assert not mask[~region].any()
    assert mask[20, 20] == 1
    assert (mask[20, 8:20].diff() >= 0).all()
    assert 0 <= mask[20, 8] < 0.2
    assert torch.equal(taper(torch.ones(8, 8, dtype=torch.bool), 2), torch.ones(8, 8))
