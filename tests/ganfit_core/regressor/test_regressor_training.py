"""The training of N(I): it learns, resumes exactly, and is bound to what it learns from."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from ganfit_core.energy import Weights
from ganfit_core.fitting import PRESETS
from ganfit_core.parameters import Parameters
from ganfit_core.regressor import RegressorTrainingConfig, load_regressor
from ganfit_core.regressor.crops import LISTING, Crops
from ganfit_core.regressor.trainer import KnownMaps, Models, RegressorTrainer
from ganfit_core.texture.maps import MapShards
from ganfit_core.training.checkpoint import write_checkpoint
from ganfit_core.training.loop import train
from ganfit_core.training.records import read_log
from ganfit_core.training.splits import HELD_OUT, TRAIN
from tests.ganfit_core.regressor.conftest import PEOPLE, SIDE


@pytest.fixture(scope="module")
def known_maps(tmp_path_factory):
    folder = tmp_path_factory.mktemp("maps")
    (folder / "maps").mkdir()
    maps = np.random.default_rng(0).integers(90, 160, (3, 64, 64, 3), dtype=np.uint8)
    np.save(folder / "maps" / "train-00000.npy", maps)
    return KnownMaps(MapShards(folder), torch.ones(64, 64), np.array([0, -1, 1, -1, 2, -1][:PEOPLE]))


@pytest.fixture
def make(model, texture_model, identity_network, crop_folder, encoder_config, known_maps):
    def trainer(maps=True, start=None, sha256="ab", folder=crop_folder, weights=PRESETS["laptop"].weights, **changes):
        settings = {
            "encoder": encoder_config,
            "render_size": SIDE,
            "batch_size": 4,
            "total_images": 24,
            "warm_up_images": 4,
            **changes,
        }
        return RegressorTrainer(
            RegressorTrainingConfig(**settings),
            Crops(folder, TRAIN),
            Crops(folder, HELD_OUT),
            Models(model, texture_model, identity_network),
            weights,
            known_maps if maps else None,
            None,
            "cpu",
            {"texture_sha256": sha256},
            start,
        )

    return trainer


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True))


def test_aligning_brings_landmarks_nearer_and_leaves_the_light(make):
    trainer = make(total_images=1 << 20, augment=False, learning_rate=3e-3)
    before = trainer.held_out_terms()
    trainer.step()
    first = dict(trainer.sums)
    for _ in range(40):
        trainer.step()
    trainer.sums.clear()
    trainer.step()
    after = trainer.held_out_terms()
    assert trainer.position() == {"phase": "align"}
    assert trainer.sums["landmark"] < 0.5 * first["landmark"]
    assert trainer.sums["map"] < first["map"]
    assert after["held_out_landmark"] < before["held_out_landmark"]
    assert not trainer.regressor.encoder.heads["light"].weight.any()


def test_without_maps_the_texture_is_left_to_the_renderings(make):
    trainer = make(maps=False, total_images=1 << 20)
    before = trainer.regressor.encoder.heads["texture"].weight.clone()
    trainer.step()
    assert "map" not in trainer.drain_log()
    assert torch.equal(trainer.regressor.encoder.heads["texture"].weight, before)


def test_the_full_energy_falls(make):
    trainer = make(total_images=1 << 20, align_share=0.0, augment=False, learning_rate=1e-3)
    first = trainer.held_out_terms()
    for _ in range(20):
        trainer.step()
    last = trainer.held_out_terms()
    assert last["held_out_energy"] < first["held_out_energy"]
    assert trainer.regressor.encoder.heads["light"].weight.any()


def test_the_random_views_term_keeps_its_expectation(make):
    """Evaluated in every second step with twice the weight."""
    trainer = make(total_images=1 << 20, align_share=0.0, random_view_every=2)
    names = []
    for _ in range(4):
        trainer.step()
        names.append("identity_random" in trainer.sums)
        trainer.sums.clear()
    assert names == [True, False, True, False]
    weights = PRESETS["laptop"].weights
    energies = trainer.with_view, trainer.without_view, trainer.energy
    with_view, without, whole = (energy.weights for energy in energies)
    assert with_view.identity_random + without.identity_random == 2 * weights.identity_random
    assert whole == weights
    assert with_view == dataclasses.replace(weights, identity_random=2 * weights.identity_random)


@pytest.mark.parametrize("align_share", [1.0, 0.0])
def test_a_killed_run_resumes_where_it_was(make, tmp_path, align_share):
    whole = train(make(align_share=align_share), tmp_path / "whole")
    first = make(align_share=align_share)
    for _ in range(3):
        first.step()
    (tmp_path / "parts").mkdir()
    write_checkpoint(tmp_path / "parts" / "checkpoint.pt", first.state())
    result = train(make(align_share=align_share), tmp_path / "parts")
    assert (result.images, result.path.name) == (whole.images, "regressor_gan.safetensors") == (24, result.path.name)
    assert same(whole.model, result.model)


def test_a_run_leaves_curves_and_pictures(make, tmp_path):
    result = train(make(align_share=0.5), tmp_path, log_images=8, provenance={"texture_sha256": "ab"})
    rows = read_log(tmp_path)
    assert {row["phase"] for row in rows} == {"align", "full"}
    assert all(np.isfinite(row["held_out_energy"]) for row in rows)
    assert (tmp_path / "losses.png").stat().st_size > 1000
    assert list((tmp_path / "samples").iterdir())
    read = load_regressor(result.path)
    assert read.provenance["texture_sha256"] == "ab"
    assert json.loads(read.provenance["training"])["batch_size"] == 4


def test_a_checkpoint_is_bound_to_crops_maps_models_and_weights(make, crop_folder: Path, tmp_path):
    trainer = make()
    trainer.step()
    copy = tmp_path / "copy"
    shutil.copytree(crop_folder, copy)
    listing = json.loads((copy / LISTING).read_text())
    (copy / LISTING).write_text(json.dumps(listing | {"shards": listing["shards"][1:]}))
    weights = Weights(pixel=1.0)
    for other in (
        make(folder=copy, maps=False),
        make(maps=False),
        make(sha256="cd"),
        make(weights=weights),
    ):
        with pytest.raises(ValueError, match="other training data"):
            other.restore(trainer.state())
    make().restore(trainer.state())


def test_a_start_gives_everything_but_another_textures_head(make):
    first = make()
    for _ in range(2):
        first.step()
    given = first.regressor
    own = make(start=given).regressor
    assert same(own, given)
    given.texture_kind = "pca"
    other = make(start=given).regressor
    assert torch.equal(other.encoder.heads["identity"].weight, given.encoder.heads["identity"].weight)
    assert not torch.equal(other.encoder.heads["texture"].weight, given.encoder.heads["texture"].weight)


def test_bfloat16_gives_nearly_the_same_energy(make):
    plain = make(align_share=0.0).held_out_terms()
    half = make(align_share=0.0, precision="bf16").held_out_terms()
    for name, value in plain.items():
        assert half[name] == pytest.approx(value, rel=0.05, abs=0.01), name


def test_the_average_and_not_the_last_step_is_measured_and_written(make):
    trainer = make(total_images=1 << 20)
    trainer.step()
    assert not same(trainer.average, trainer.regressor)
    assert trainer.finished() is trainer.average
    answers, _ = trainer._held_out_answers()
    assert isinstance(answers, Parameters)
    assert not answers.identity.requires_grad


def test_a_run_without_an_end_is_refused(make):
    with pytest.raises(ValueError, match="budget in minutes"):
        make(total_images=None)


def test_switched_off_terms_are_not_recorded(make):
    trainer = make(total_images=1 << 20, align_share=0.0, weights=Weights().without("content", "identity_random"))
    trainer.step()
    assert "content" not in trainer.sums
