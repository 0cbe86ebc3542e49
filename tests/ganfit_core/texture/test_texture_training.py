import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from ganfit_core.texture import Generator, NetworkConfig, Stage, TrainingConfig
from ganfit_core.texture.checkpoint import read_checkpoint
from ganfit_core.texture.maps import LatentPCA, MapPyramid
from ganfit_core.texture.trainer import update_average
from ganfit_core.texture.training import train


class Killed(Exception):
    pass


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def maps():
    """Smooth random colour fields with a bright square."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:32, 0:32] / 32
    colour = rng.uniform(60, 160, (48, 1, 1, 3))
    slope = rng.normal(0, 40, (48, 1, 1, 3))
    field = colour + slope * x[None, :, :, None] + 30 * y[None, :, :, None]
    field[:, 12:20, 12:20] += 60
    return field.clip(0, 255).astype(np.uint8)


def small_config(**changes):
    config = TrainingConfig(
        network=NetworkConfig(latent_dim=8, resolution=32, fmap_base=64, fmap_max=16),
        schedule=(
            Stage(16, "reconstruct", 0.2),
            Stage(16, "stabilise", 0.3),
            Stage(32, "fade", 0.25),
            Stage(32, "stabilise", 0.25),
        ),
        batch_sizes={16: 40, 32: 40},
        total_images=2000,
        loss="nonsaturating-r1",
        anchor_weight=2.0,
    )
    return replace(config, **changes)


@pytest.mark.parametrize("loss", ["nonsaturating-r1", "wgan-gp"])
def test_killed_and_resumed_equals_straight(maps, tmp_path, loss):
    config = small_config(loss=loss)
    straight = train(config, maps, None, tmp_path / "straight")

    def kill(images, progress):
        if images >= 1200:  # within the fade
            raise Killed

    with pytest.raises(Killed):
        train(config, maps, None, tmp_path / "killed", checkpoint_minutes=0.002, on_step=kill)
    resumed_from = read_checkpoint(tmp_path / "killed" / "checkpoint.pt")["images"]
    assert 0 < resumed_from <= 1200
    resumed = train(config, maps, None, tmp_path / "killed")

    assert straight.images == resumed.images == 2000
    a = read_checkpoint(tmp_path / "straight" / "checkpoint.pt")
    b = read_checkpoint(tmp_path / "killed" / "checkpoint.pt")
    for part in ("generator", "discriminator", "average"):
        for name, value in a[part].items():
            assert torch.equal(value, b[part][name]), f"{part} {name}"


def test_run_leaves_its_files(maps, tmp_path):
    provenance = {"trained_on": "squares"}
    result = train(small_config(), maps, None, tmp_path, log_images=400, provenance=provenance)
    assert result.resolution == Generator.load(result.generator_path).resolution == 32
    rows = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [row["images"] for row in rows] == [400, 800, 1200, 1600, 2000]
    assert rows[0].keys() >= {"reconstruction", "images_per_second"}
    assert rows[-1].keys() >= {"discriminator", "generator", "anchor"}
    assert (tmp_path / "samples" / "00002000.png").stat().st_size > 0
    assert LatentPCA.load(tmp_path / "latent_pca.safetensors").whitening.shape == (3 * 32 * 32, 8)


def test_reconstruction_learns_to_decode_map_latents(maps, tmp_path):
    config = small_config(schedule=(Stage(16, "reconstruct", 1.0),), total_images=8000)
    result = train(config, maps, None, tmp_path)
    target = MapPyramid(maps, {32}).batch(32, torch.arange(48), torch.zeros(48, dtype=torch.bool))
    latents = LatentPCA.load(tmp_path / "latent_pca.safetensors").encode(target)
    target = torch.nn.functional.avg_pool2d(target, 2)
    with torch.no_grad():
        output = Generator.load(result.generator_path)(latents) * 2 - 1
    mean_map_error = (target - target.mean(0)).abs().mean()
    assert (output - target).abs().mean() < 0.8 * mean_map_error


def test_time_budget_ends_a_run_cleanly_at_the_side_it_reached(maps, tmp_path):
    config = small_config(total_images=1_000_000)
    result = train(config, maps, None, tmp_path, minutes=0.02)
    assert 0 < result.images < 1_000_000
    assert 1.2 <= result.seconds < 20
    assert Generator.load(result.generator_path).resolution == result.resolution == 16


def test_schedule_stretches_over_the_time_budget(maps, tmp_path):
    result = train(small_config(total_images=None), maps, None, tmp_path, minutes=0.03)
    assert result.resolution == 32


def test_bfloat16_stays_close_to_float32(maps, tmp_path):
    config = small_config(schedule=(Stage(16, "reconstruct", 1.0),), total_images=400)
    finals = {}
    for precision in ("fp32", "bf16"):
        train(replace(config, precision=precision), maps, None, tmp_path / precision, log_images=400)
        finals[precision] = json.loads((tmp_path / precision / "log.jsonl").read_text())["reconstruction"]
    assert finals["bf16"] == pytest.approx(finals["fp32"], rel=0.05)


def test_checkpoint_of_another_config_is_refused(maps, tmp_path):
    config = small_config(total_images=16)
    train(config, maps, None, tmp_path)
    with pytest.raises(ValueError, match="another configuration"):
        train(replace(config, seed=1), maps, None, tmp_path)


def test_unfit_inputs_are_refused(maps, tmp_path):
    config = small_config()
    with pytest.raises(ValueError, match="uint8"):
        train(config, maps.astype(np.float32), None, tmp_path)
    with pytest.raises(ValueError, match="no maps"):
        train(config, maps[:0], None, tmp_path)
    with pytest.raises(ValueError, match="mask"):
        train(config, maps, np.ones((16, 16), np.float32), tmp_path)
    with pytest.raises(ValueError, match="minutes"):
        train(small_config(total_images=None), maps, None, tmp_path)
    with pytest.raises(ValueError, match="sum to 1"):
        small_config(schedule=(Stage(16, "stabilise", 0.5),))


def test_average_is_exponential():
    average, model = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    start = average.weight.clone()
    for _ in range(10):
        update_average(average, model, 0.5**0.1)
    assert torch.allclose(average.weight, 0.5 * start + 0.5 * model.weight, atol=1e-6)


def test_default_schedule_fades_and_stabilises_from_four():
    config = TrainingConfig(network=NetworkConfig(resolution=16, fmap_base=64))
    assert [(stage.resolution, stage.phase) for stage in config.schedule] == [
        (4, "stabilise"), (8, "fade"), (8, "stabilise"), (16, "fade"), (16, "stabilise"),
    ]  # fmt: skip
    assert config.position(0.3) == (config.schedule[1], pytest.approx(0.5))
    assert config.position(1.0) == (config.schedule[-1], 1.0)


def test_pyramid_averages_areas_and_mirrors(maps):
    pyramid = MapPyramid(maps, {8, 32})
    plain = pyramid.batch(8, torch.tensor([3]), torch.tensor([False]))
    expected = maps[3].reshape(8, 4, 8, 4, 3).mean((1, 3)) / 127.5 - 1
    assert np.allclose(plain[0].permute(1, 2, 0).numpy(), expected, atol=1.01 / 255)
    assert torch.equal(pyramid.batch(8, torch.tensor([3]), torch.tensor([True])), plain.flip(-1))
    faded = pyramid.batch(32, torch.tensor([3]), torch.tensor([False]), alpha=0.0)
    assert torch.equal(faded[..., ::2, ::2], faded[..., 1::2, 1::2])


def test_pca_latents_are_white_and_serve_larger_maps(maps):
    pyramid = MapPyramid(maps, {32})
    images = pyramid.batch(32, torch.arange(48), torch.zeros(48, dtype=torch.bool))
    pca = LatentPCA.fit(images, 4)
    latents = pca.encode(images)
    assert torch.allclose(latents.mean(0), torch.zeros(4), atol=1e-3)
    assert torch.allclose(latents.T @ latents / 48, torch.eye(4), atol=1e-3)
    larger = torch.nn.functional.interpolate(images, scale_factor=2)
    assert torch.allclose(pca.encode(larger), latents, atol=1e-3)
