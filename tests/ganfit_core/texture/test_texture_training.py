import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from ganfit_core.overlay import TILE
from ganfit_core.texture import NetworkConfig, Stage, TrainingConfig, VAETrainingConfig, load_texture_model
from ganfit_core.texture.gan_trainer import GANTrainer
from ganfit_core.texture.vae_trainer import VAETrainer
from ganfit_core.training.checkpoint import read_checkpoint
from ganfit_core.training.loop import train
from ganfit_core.training.records import append_log, keep_log, read_log, write_sheet
from ganfit_core.training.trainer import update_average


class Killed(Exception):
    pass


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
        total_images=1000,
        loss="nonsaturating-r1",
        anchor_weight=2.0,
    )
    return replace(config, **changes)


def vae_config(**changes):
    network = NetworkConfig(latent_dim=8, resolution=32, fmap_base=64, fmap_max=16)
    return replace(VAETrainingConfig(network=network, batch_size=40, total_images=1000), **changes)


def run(config, maps, out, mask=None, minutes=None, **settings):
    kind = VAETrainer if isinstance(config, VAETrainingConfig) else GANTrainer
    return train(kind(config, maps, mask, minutes, "cpu"), out, **settings)


CONFIGS = {"gan": small_config(), "gan-wgan": small_config(loss="wgan-gp"), "vae": vae_config()}


@pytest.mark.parametrize("name", CONFIGS)
def test_killed_and_resumed_equals_straight(maps, tmp_path, name):
    config = CONFIGS[name]
    straight = run(config, maps, tmp_path / "straight", log_images=200)

    def kill(images, progress):
        if images >= 600:  # within the GAN's fade
            raise Killed

    with pytest.raises(Killed):
        run(config, maps, tmp_path / "killed", checkpoint_minutes=0.004, log_images=200, on_step=kill)
    resumed_from = read_checkpoint(tmp_path / "killed" / "checkpoint.pt")["images"]
    assert 0 < resumed_from <= 600
    resumed = run(config, maps, tmp_path / "killed", log_images=200)

    assert straight.images == resumed.images == 1000
    a = read_checkpoint(tmp_path / "straight" / "checkpoint.pt")
    b = read_checkpoint(tmp_path / "killed" / "checkpoint.pt")
    for part in set(a) - {"config", "random", "minutes", "images", "steps", "seconds"}:
        for key, value in a[part].items():
            if isinstance(value, torch.Tensor):
                assert torch.equal(value, b[part][key]), f"{part} {key}"
    assert torch.equal(a["random"], b["random"])
    # What was logged after the checkpoint and then done again stands there once.
    logged = [row["images"] for row in read_log(tmp_path / "killed")]
    assert logged == sorted(set(logged))
    assert logged[-1] == 1000


def test_run_leaves_its_files(maps, tmp_path):
    provenance = {"trained_on": "squares"}
    result = run(small_config(), maps, tmp_path, log_images=200, provenance=provenance)
    model = load_texture_model(result.path)
    assert result.path.name == "texture_gan.safetensors"
    assert result.model.resolution == model.resolution == 32
    assert model.provenance["trained_on"] == "squares"
    assert json.loads(model.provenance["training"])["loss"] == "nonsaturating-r1"
    rows = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [row["images"] for row in rows] == [200, 400, 600, 800, 1000]
    assert rows[0].keys() >= {"reconstruction", "images_per_second"}
    assert rows[-1].keys() >= {"discriminator", "generator", "anchor"}
    assert cv2.imread(str(tmp_path / "samples" / "00001000.png")).shape == (8 * 32, 8 * 32, 3)
    # reconstruction, discriminator, two scores, penalty, generator and anchor: seven tiles, three in a row
    assert cv2.imread(str(tmp_path / "losses.png")).shape == (3 * TILE, 3 * TILE, 3)


def test_a_log_torn_by_a_kill_is_read_up_to_there(tmp_path):
    append_log(tmp_path, {"images": 100, "loss": 2.0})
    append_log(tmp_path, {"images": 200, "loss": 1.0})
    with open(tmp_path / "log.jsonl", "a") as file:
        file.write('{"images": 3')
    assert [row["images"] for row in read_log(tmp_path)] == [100, 200]
    keep_log(tmp_path, 150)
    append_log(tmp_path, {"images": 200, "loss": -1.0})
    assert [row["loss"] for row in read_log(tmp_path)] == [2.0, -1.0]


def test_values_beyond_the_unit_interval_do_not_wrap_in_a_sheet(tmp_path):
    images = torch.zeros(8, 3, 4, 4)
    images[0], images[1] = 1.2, -0.2
    write_sheet(tmp_path / "sheet.png", images)
    sheet = cv2.imread(str(tmp_path / "sheet.png"))
    assert (sheet[:, :4] == 255).all()
    assert (sheet[:, 4:] == 0).all()


def test_reconstruction_learns_to_decode_map_latents(maps, tmp_path):
    config = small_config(schedule=(Stage(16, "reconstruct", 1.0),), total_images=8000)
    trainer = GANTrainer(config, maps, None, None, "cpu")
    result = train(trainer, tmp_path)
    target = trainer.pyramid.batch(16, torch.arange(48), torch.zeros(48, dtype=torch.bool))
    with torch.no_grad():
        output = load_texture_model(result.path)(trainer.map_latents[0]) * 2 - 1
    mean_map_error = (target - target.mean(0)).abs().mean()
    assert (output - target).abs().mean() < 0.8 * mean_map_error


def test_time_budget_ends_a_run_cleanly_at_the_side_it_reached(maps, tmp_path):
    result = run(small_config(total_images=1_000_000), maps, tmp_path, minutes=0.02)
    assert 0 < result.images < 1_000_000
    assert 1.2 <= result.seconds < 20
    assert load_texture_model(result.path).resolution == result.model.resolution == 16


def test_schedule_stretches_over_the_time_budget(maps, tmp_path):
    result = run(small_config(total_images=None), maps, tmp_path, minutes=0.03)
    assert result.model.resolution == 32


def test_maps_larger_than_the_model_are_averaged_with_their_mask(maps):
    config = small_config(schedule=(Stage(16, "stabilise", 1.0),), anchor_weight=0.0)
    mask = np.zeros((32, 32), np.float32)
    mask[:, 1::2] = 1
    trainer = GANTrainer(config, maps, mask, None, "cpu")
    assert set(trainer.weights) == {16}
    assert torch.equal(trainer.weights[16], torch.full((1, 1, 16, 16), 0.5))


def test_bfloat16_stays_close_to_float32(maps, tmp_path):
    config = small_config(schedule=(Stage(16, "reconstruct", 1.0),), total_images=400)
    finals = {}
    for precision in ("fp32", "bf16"):
        run(replace(config, precision=precision), maps, tmp_path / precision, log_images=400)
        finals[precision] = json.loads((tmp_path / precision / "log.jsonl").read_text())["reconstruction"]
    assert finals["bf16"] == pytest.approx(finals["fp32"], rel=0.05)


def test_checkpoint_of_another_run_is_refused(maps, tmp_path):
    config = small_config(total_images=16)
    run(config, maps, tmp_path)
    for other in (replace(config, seed=1), vae_config(total_images=16)):
        with pytest.raises(ValueError, match="another configuration"):
            run(other, maps, tmp_path)
    timed = small_config(total_images=None)
    run(timed, maps, tmp_path / "timed", minutes=0.001)
    with pytest.raises(ValueError, match=r"0\.001 minutes"):
        run(timed, maps, tmp_path / "timed", minutes=0.002)


def test_checkpoint_of_other_maps_is_refused(images, maps, shards_of, tmp_path):
    config, mask = vae_config(total_images=40), np.ones((32, 32), np.float32)
    run(config, maps, tmp_path, mask)
    changed = images.copy()
    changed[-1, 0, 0, 0] ^= 1
    for others, weight in ((shards_of(changed), mask), (maps, mask / 2)):
        with pytest.raises(ValueError, match="other training data; use another folder"):
            run(config, others, tmp_path, weight)
    assert run(config, shards_of(images), tmp_path, None).images == 40


def test_unfit_inputs_are_refused(maps, tmp_path):
    for config in (small_config(), vae_config()):
        with pytest.raises(ValueError, match="mask"):
            run(config, maps, tmp_path, mask=np.ones((16, 16), np.float32))
        with pytest.raises(ValueError, match="minutes"):
            run(replace(config, total_images=None), maps, tmp_path)
    large = NetworkConfig(resolution=64, fmap_base=64, fmap_max=16)
    with pytest.raises(ValueError, match="whole factor"):
        run(vae_config(network=large), maps, tmp_path)
    with pytest.raises(ValueError, match="sum to 1"):
        small_config(schedule=(Stage(16, "stabilise", 0.5),))


def test_a_loss_that_is_not_finite_stops_the_run(maps, tmp_path):
    with pytest.raises(FloatingPointError, match="loss is"):
        run(vae_config(learning_rate=float("inf")), maps, tmp_path)


def test_learning_rates_fall_to_zero_over_the_last_share_of_the_run(maps):
    trainer = GANTrainer(small_config(rate_decay=0.5, total_images=1000), maps, None, None, "cpu")
    found = {}
    while trainer.progress() < 1.0:
        before = trainer.progress()
        trainer.step()
        found[before] = trainer.discriminator_adam.param_groups[0]["lr"] / trainer.config.discriminator_lr
        if trainer.schedule_position()[0].phase != "reconstruct" and before > 0.2:
            assert trainer.generator_adam.param_groups[0]["lr"] == trainer.config.generator_lr * found[before]
    for progress, rate in found.items():
        assert rate == pytest.approx(min(1.0, 2 * (1 - progress)))
    assert min(found.values()) < 0.1
    assert max(found.values()) == 1.0


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
