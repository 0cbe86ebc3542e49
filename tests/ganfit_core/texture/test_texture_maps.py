import hashlib

import numpy as np
import pytest
import torch

from ganfit_core.texture.maps import LatentPCA, MapPyramid, MapShards, area_averaged, read_chunks
from ganfit_core.training.splits import HELD_OUT, TRAIN


def test_shards_are_read_by_index_across_files(images, maps):
    assert len(maps.files) == 3
    assert len(maps) == 48
    assert maps.resolution == 32
    order = np.array([47, 0, 19, 20, 20, 39, 40])
    assert np.array_equal(maps.read(order), images[order])
    assert np.array_equal(np.concatenate(list(read_chunks(maps))), images)


def test_hash_of_the_shards_follows_their_content(images, maps, shards_of):
    assert maps.sha256() == shards_of(images).sha256()
    changed = images.copy()
    changed[-1, 0, 0, 0] ^= 1
    assert maps.sha256() != shards_of(changed).sha256()
    digests = b"".join(hashlib.sha256(file.read_bytes()).digest() for file in maps.files)
    assert maps.sha256() == hashlib.sha256(digests).hexdigest()


def test_splits_of_a_folder_are_kept_apart(images, maps, tmp_path):
    (tmp_path / "maps").mkdir()
    for file in maps.files:
        np.save(tmp_path / "maps" / file.name, np.load(file))
    np.save(tmp_path / "maps" / "held_out-00000.npy", 255 - images[:7])
    train, held_out = MapShards(tmp_path, TRAIN), MapShards(tmp_path, HELD_OUT)
    assert [file.name for file in train.files] == [file.name for file in maps.files]
    assert train.sha256() == maps.sha256()
    assert np.array_equal(train.read(np.arange(len(train))), images)
    assert np.array_equal(held_out.read(np.arange(len(held_out))), 255 - images[:7])


def test_a_folder_without_fit_maps_is_refused(images, maps, tmp_path):
    with pytest.raises(ValueError, match="held_out"):
        MapShards(maps.files[0].parents[1], HELD_OUT)
    (tmp_path / "maps").mkdir()
    np.save(tmp_path / "maps" / "train-00000.npy", images.astype(np.float32))
    with pytest.raises(ValueError, match="uint8"):
        MapShards(tmp_path)


def test_pyramid_averages_areas_and_mirrors(images, maps):
    pyramid = MapPyramid(maps, {8, 32})
    plain = pyramid.batch(8, torch.tensor([3]), torch.tensor([False]))
    expected = images[3].reshape(8, 4, 8, 4, 3).mean((1, 3)) / 127.5 - 1
    assert np.allclose(plain[0].permute(1, 2, 0).numpy(), expected, atol=1.01 / 255)
    assert torch.equal(pyramid.batch(8, torch.tensor([3]), torch.tensor([True])), plain.flip(-1))
    faded = pyramid.batch(32, torch.tensor([3]), torch.tensor([False]), alpha=0.0)
    assert torch.equal(faded[..., ::2, ::2], faded[..., 1::2, 1::2])
    last = pyramid.batch(32, torch.tensor([47]), torch.tensor([False]))
    assert np.allclose(last[0].permute(1, 2, 0).numpy(), images[47] / 127.5 - 1, atol=1e-6)


@pytest.mark.parametrize("side", [12, 64])
def test_maps_become_smaller_by_whole_factors_only(images, side):
    with pytest.raises(ValueError, match="whole factor"):
        area_averaged(images, side)


def test_pca_latents_are_white_and_serve_larger_maps(maps):
    pyramid = MapPyramid(maps, {32})
    images = pyramid.batch(32, torch.arange(48), torch.zeros(48, dtype=torch.bool))
    pca = LatentPCA.fit(images, 4)
    latents = pca.encode(images)
    assert torch.allclose(latents.mean(0), torch.zeros(4), atol=1e-3)
    assert torch.allclose(latents.T @ latents / 48, torch.eye(4), atol=1e-3)
    larger = torch.nn.functional.interpolate(images, scale_factor=2)
    assert torch.allclose(pca.encode(larger), latents, atol=1e-3)
