"""From partial maps to complete ones, on synthetic faces whose albedo is known."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from data import assets
from ganfit_core.map_completion import (
    LARGEST_CONTRAST,
    LARGEST_YAW,
    Completed,
    MapCompletion,
    Regions,
    TooFewMapsError,
    rejections,
    seen_share,
)
from ganfit_core.morphable import MorphableModel
from ganfit_core.partial_maps import NORMALS_SIDE, PartialMaps
from tests.heads import smooth_texture

SIDE = 128
COUNT = 40


@pytest.fixture(scope="module")
def regions() -> Regions:
    return Regions.of(MorphableModel.load(assets.find("morphable")), SIDE)


@pytest.fixture(scope="module")
def albedo() -> NDArray[np.float32]:
    """(COUNT, SIDE, SIDE, 3) symmetric skins: one face with a little of three modes."""
    generator = torch.Generator().manual_seed(0)
    tone = torch.tensor([0.62, 0.47, 0.38])[:, None, None]
    modes = smooth_texture(1, SIDE, 3) - 0.5
    skins = tone + 0.08 * torch.tensordot(torch.randn(COUNT, 3, generator=generator), modes, 1)
    return ((skins + skins.flip(-1)) / 2).clamp(0.05, 0.95).permute(0, 2, 3, 1).numpy()


def photographed(albedo: NDArray[np.float32], light: NDArray[np.float32], hidden: slice) -> PartialMaps:
    """Maps lit from the side by `light` (N,), with columns that no photograph shows."""
    x = np.linspace(-0.9, 0.9, SIDE, dtype=np.float32)[None, None, :, None]
    lit = albedo * np.exp(light[:, None, None, None] * x)
    confidence = np.full(albedo.shape[:3], 255, np.uint8)
    confidence[:, :, hidden] = 0
    across = np.linspace(-0.9, 0.9, NORMALS_SIDE, dtype=np.float32)[None, None, :].repeat(NORMALS_SIDE, 1)
    normals = np.stack([across, 0 * across, np.sqrt(1 - across**2)], axis=-1).repeat(len(albedo), 0)
    textures = (lit.clip(0, 1) * 255).round().astype(np.uint8) * (confidence > 0)[..., None]
    return PartialMaps(textures, confidence, (normals * 127).round().astype(np.int8), {})


@pytest.fixture(scope="module")
def completion(albedo: NDArray[np.float32], regions: Regions) -> MapCompletion:
    light = np.random.default_rng(0).normal(0, 0.1, COUNT).astype(np.float32)
    return MapCompletion.learn([photographed(albedo, light, slice(0, 0))], regions)


def error(found: NDArray[np.uint8], albedo: NDArray[np.float32], regions: Regions) -> float:
    """Mean absolute difference over the face after matching brightness, in [0, 1]."""
    face = regions.face.numpy()[..., None]
    maps = found.astype(np.float32) / 255
    gain = (maps * albedo * face).sum((1, 2), keepdims=True) / (maps**2 * face).sum((1, 2), keepdims=True)
    return float((np.abs(gain * maps - albedo) * face).sum() / (3 * face.sum() * len(maps)))


def test_lit_half_seen_faces_are_completed(
    completion: MapCompletion, albedo: NDArray[np.float32], regions: Regions
) -> None:
    light = np.array([0.3, -0.3, 0.1, 0.0], np.float32)
    partial = photographed(albedo[:4], light, slice(0, SIDE * 3 // 8))
    found = completion.complete(partial)
    assert found.textures.shape == (4, SIDE, SIDE, 3)
    assert found.textures.min() > 20  # no hole is left
    assert error(found.textures, albedo[:4], regions) < 0.02
    assert error(partial.textures, albedo[:4], regions) > 0.1
    assert found.contrast[0] > found.contrast[2] > found.contrast[3]


def test_reasons_for_rejecting_a_completed_map(completion: MapCompletion) -> None:
    textures = np.zeros((3, SIDE, SIDE, 3), np.uint8)
    contrast = np.array([0.0, LARGEST_CONTRAST + 0.01, 0.0], np.float32)
    oddity = np.array([0.0, 0.0, completion.oddest + 0.01], np.float32)
    assert completion.rejections(Completed(textures, contrast, oddity)).tolist() == ["", "harsh light", "odd"]


def test_reasons_for_rejecting_a_photograph() -> None:
    good = {"landmark_error": 0.02, "yaw": 5.0, "pitch": 2.0, "seen": 0.75, "sharpness": 25.0}
    worse = [{}, {"landmark_error": 0.2}, {"yaw": -LARGEST_YAW - 1}, {"pitch": 50.0}, {"seen": 0.3}, {"sharpness": 1.0}]
    quality = {name: np.array([{**good, **bad}[name] for bad in worse], np.float32) for name in good}
    assert rejections(quality).tolist() == ["", "landmark error", "pose", "pose", "hidden", "blurred"]


def test_seen_share_counts_the_face_only(regions: Regions) -> None:
    everything, nothing = np.full((SIDE, SIDE), 255, np.uint8), np.zeros((SIDE, SIDE), np.uint8)
    background = np.where(regions.face.numpy() > 0, 0, 255).astype(np.uint8)
    found = seen_share(np.stack([everything, nothing, background]), regions.face)
    np.testing.assert_allclose(found, [1, 0, 0])


def test_regions(regions: Regions) -> None:
    assert (regions.skin <= regions.face).all()
    assert 0.2 < regions.face.mean() < 0.5
    assert 0.6 < regions.skin.sum() / regions.face.sum() < 0.95
    torch.testing.assert_close(regions.face, regions.face.flip(-1), atol=0.3, rtol=0)
    half = regions.at(SIDE // 2)
    assert half.face.shape == half.skin.shape == half.border.shape == (SIDE // 2, SIDE // 2)
    # The middle of the face is no border, its rim is.
    middle = regions.border[SIDE * 3 // 8 : SIDE * 5 // 8, SIDE * 3 // 8 : SIDE * 5 // 8]
    assert middle.max() == 0
    assert ((regions.border > 0.5) & (regions.face > 0.5)).float().mean() > 0.02


def test_saved_and_loaded_it_does_the_same(
    completion: MapCompletion, albedo: NDArray[np.float32], tmp_path: Path
) -> None:
    completion.save(tmp_path / "statistics.safetensors")
    partial = photographed(albedo[:2], np.zeros(2, np.float32), slice(0, 30))
    one, other = completion.complete(partial), MapCompletion.load(tmp_path / "statistics.safetensors").complete(partial)
    np.testing.assert_array_equal(one.textures, other.textures)
    np.testing.assert_allclose(one.oddity, other.oddity, rtol=1e-5)


def test_a_group_without_a_good_map_is_left_out(albedo: NDArray[np.float32], regions: Regions) -> None:
    lit = photographed(albedo[:8], np.zeros(8, np.float32), slice(0, 0))
    nobody = photographed(albedo[:0], np.zeros(0, np.float32), slice(0, 0))
    found = MapCompletion.learn([lit, nobody], regions)
    expected = MapCompletion.learn([lit], regions)
    torch.testing.assert_close(found.statistics.mean, expected.statistics.mean)


def test_too_few_maps_to_learn_from_is_an_error(albedo: NDArray[np.float32], regions: Regions) -> None:
    with pytest.raises(TooFewMapsError, match="good enough"):
        MapCompletion.learn([], regions)
    harsh = photographed(albedo[:8] * 0.3, np.full(8, 0.9, np.float32), slice(0, 0))
    reference = photographed(albedo[8:16] * 0.3, np.full(8, -0.9, np.float32), slice(0, 0))
    with pytest.raises(TooFewMapsError, match="evenly lit"):
        MapCompletion.learn([harsh, reference], regions)


def test_what_is_not_a_number_is_rejected() -> None:
    quality = dict.fromkeys(("landmark_error", "yaw", "pitch", "seen", "sharpness"), np.array([np.nan], np.float32))
    assert rejections(quality).tolist() == ["landmark error"]
