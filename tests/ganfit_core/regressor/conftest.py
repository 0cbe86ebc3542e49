"""Crops on disk whose faces are renderings of known parameters."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from ganfit_core.camera import project
from ganfit_core.morphable import MorphableModel
from ganfit_core.parameters import CAMERA_MEAN, LIGHT_MEAN
from ganfit_core.regressor import EncoderConfig
from ganfit_core.regressor.crops import LISTING
from ganfit_core.texture.generator import Generator
from tests.heads import renderer

SIDE, PEOPLE = 64, 6


@pytest.fixture(scope="session")
def encoder_config(model: MorphableModel, texture_model: Generator) -> EncoderConfig:
    """A network of some thousand weights beside dlib's."""
    return EncoderConfig(
        n_identity=model.n_identity,
        n_expression=model.n_expression,
        n_texture=texture_model.latent_dim,
        feature_channels=(32, 64, 128, 256, 256),
        feature_sides=(35, 17, 8, 4, 2),
        embedding_dim=128,
        input_size=64,
        stem_channels=8,
        stage_channels=(8, 8, 8),
        stage_blocks=(1, 1, 1),
        hidden=32,
    )


@pytest.fixture(scope="session")
def crop_folder(tmp_path_factory: pytest.TempPathFactory, model: MorphableModel, texture_model: Generator) -> Path:
    """Six faces to learn from in two shards, two that are held out."""
    folder = tmp_path_factory.mktemp("crops")
    generator = torch.Generator().manual_seed(5)
    n = PEOPLE + 2
    identity = torch.randn(n, model.n_identity, generator=generator)
    camera = torch.tensor(CAMERA_MEAN).repeat(n, 1)
    camera[:, :2] += 60 * torch.randn(n, 2, generator=generator)
    with torch.no_grad():
        vertices = model(identity, torch.zeros(n, model.n_expression))
        textures = texture_model(texture_model.sample_latents(n, generator))
        light = torch.tensor(LIGHT_MEAN).expand(n, -1)
        rendering = renderer(model, SIDE)(vertices, textures, camera, light)
        landmarks = project(model.landmarks(vertices), camera, SIDE)[..., :2].numpy()
    images = (rendering.image + 0.4 * (1 - rendering.mask)).clamp(0, 1).mul(255).round().byte()
    images = images.permute(0, 2, 3, 1).numpy()
    inside = np.ones((n, SIDE, SIDE), bool)
    inside[0, :, :10] = False
    names = {"train-b": slice(0, 4), "train-a": slice(4, PEOPLE), "held_out-c": slice(PEOPLE, n)}
    for name, rows in names.items():
        np.save(folder / f"{name}.npy", images[rows])
        np.savez(
            folder / f"{name}.npz",
            unit_ids=np.array([f"{i}.jpg" for i in range(n)][rows]),
            landmarks=landmarks[rows],
            inside=np.packbits(inside[rows].reshape(-1, SIDE**2), axis=1),
        )
    (folder / LISTING).write_text(json.dumps({"side": SIDE, "shards": list(names), "source": {"held_out": "c"}}))
    return folder
