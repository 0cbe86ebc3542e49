"""Shapes, initialisation and files of N(I)."""

import dataclasses

import pytest
import torch
from safetensors.torch import save_file

from ganfit_core.identity.base import IdentityFeatures
from ganfit_core.parameters import CAMERA_MEAN, LIGHT_MEAN
from ganfit_core.regressor import EncoderConfig, Regressor, load_regressor
from ganfit_core.regressor.encoder import Trunk

ARCFACE = {"feature_channels": (64, 128, 256, 512), "feature_sides": (56, 28, 14, 7), "embedding_dim": 512}


def features(config: EncoderConfig, batch: int, seed: int = 0) -> IdentityFeatures:
    generator = torch.Generator().manual_seed(seed)
    embedding = torch.randn(batch, config.embedding_dim, generator=generator)
    sizes = zip(config.feature_channels, config.feature_sides, strict=True)
    activations = tuple(torch.rand(batch, c, s, s, generator=generator) for c, s in sizes)
    return IdentityFeatures(torch.nn.functional.normalize(embedding), activations)


@pytest.fixture
def regressor(encoder_config) -> Regressor:
    torch.manual_seed(1)
    return Regressor(encoder_config, "pca").eval()


def inputs(config, batch=3, side=80):
    generator = torch.Generator().manual_seed(2)
    return (
        torch.rand(batch, 3, side, side, generator=generator),
        side * torch.rand(batch, 68, 2, generator=generator),
        features(config, batch),
    )


def test_answers_are_a_fits_parameters(regressor, encoder_config):
    answer = regressor(*inputs(encoder_config))
    lengths = (encoder_config.n_identity, encoder_config.n_expression, encoder_config.n_texture, 10, 9)
    assert [tuple(value.shape) for value in answer] == [(3, length) for length in lengths]


def test_a_new_network_sees_an_aligned_face_in_even_light(regressor, encoder_config):
    answer = regressor(*inputs(encoder_config))
    assert torch.allclose(answer.camera, torch.tensor(CAMERA_MEAN).expand(3, -1))
    assert torch.allclose(answer.light, torch.tensor(LIGHT_MEAN).expand(3, -1))
    for name in ("identity", "expression", "texture"):
        weight = regressor.encoder.heads[name].weight
        limit = (6 / sum(weight.shape)) ** 0.5
        assert 0.9 * limit < weight.abs().max() <= limit  # Glorot & Bengio 2010, Eq. 16
        assert not regressor.encoder.heads[name].bias.any()


def test_every_input_matters(regressor, encoder_config):
    photo, landmarks, known = inputs(encoder_config)
    before = regressor(photo, landmarks, known).identity
    others = [
        (1 - photo, landmarks, known),
        (photo, landmarks + 5, known),
        (photo, landmarks, known._replace(embedding=-known.embedding)),
    ]
    for i in range(len(known.activations)):
        changed = list(known.activations)
        changed[i] = changed[i] + 1
        others.append((photo, landmarks, known._replace(activations=tuple(changed))))
    for other in others:
        assert not torch.allclose(regressor(*other).identity, before, atol=1e-5)


def test_an_image_does_not_depend_on_its_batch(regressor, encoder_config):
    photo, landmarks, known = inputs(encoder_config)
    alone = regressor(
        photo[:1], landmarks[:1], IdentityFeatures(known.embedding[:1], tuple(a[:1] for a in known.activations))
    )
    for one, many in zip(alone, regressor(photo, landmarks, known), strict=True):
        assert torch.allclose(one[0], many[0], atol=1e-4)


def test_the_photographs_side_does_not_matter(regressor, encoder_config):
    photo, landmarks, known = inputs(encoder_config, side=64)
    coarse = torch.rand(3, 3, 5, 5, generator=torch.Generator().manual_seed(3))
    photo, large = (
        torch.nn.functional.interpolate(coarse, (side, side), mode="bilinear", align_corners=True) for side in (64, 128)
    )
    for one, other in zip(regressor(photo, landmarks, known), regressor(large, 2 * landmarks, known), strict=True):
        assert torch.allclose(one, other, atol=0.05 * float(other.detach().abs().max()))


def test_activations_join_where_their_resolution_is():
    lengths = {"n_identity": 158, "n_expression": 29, "n_texture": 512}
    assert Trunk(EncoderConfig.paper(**lengths, **ARCFACE)).joins == (0, 1, 2, 3)


def test_the_papers_network_has_fifty_million_parameters_with_arcface():
    config = EncoderConfig.paper(n_identity=158, n_expression=29, n_texture=512, **ARCFACE)
    with torch.device("meta"):
        regressor = Regressor(config, "gan")
    n_trunk = sum(p.numel() for p in regressor.encoder.trunk.parameters())
    # ResNet-50 without its classifier has 23.5 million; the concatenated activations add the rest
    assert 23.5e6 < n_trunk < 25.5e6
    arcface = 43.6e6
    assert sum(p.numel() for p in regressor.parameters()) + arcface > 50e6


def test_a_file_gives_the_network_back_to_half_precision(regressor, encoder_config, tmp_path):
    regressor.save(tmp_path / "r.safetensors", {"texture_sha256": "ab"})
    read = load_regressor(tmp_path / "r.safetensors")
    assert (read.texture_kind, read.config, read.provenance) == ("pca", encoder_config, {"texture_sha256": "ab"})
    assert not read.training
    assert regressor.filename == "regressor_pca.safetensors"
    for ours, theirs in zip(regressor(*inputs(encoder_config)), read(*inputs(encoder_config)), strict=True):
        assert torch.allclose(ours, theirs, atol=5e-3 * float(ours.detach().abs().max()))


def test_other_files_are_refused(regressor, tmp_path):
    (tmp_path / "text").write_text("no tensors")
    save_file({"x": torch.zeros(1)}, tmp_path / "other")
    narrow = Regressor(dataclasses.replace(regressor.config, hidden=16), "gan")
    narrow.config = regressor.config
    narrow.save(tmp_path / "narrow", {})
    for name in ("text", "other", "narrow"):
        with pytest.raises(ValueError, match="no regressor of this version"):
            load_regressor(tmp_path / name)


def test_weights_of_other_units_are_refused(regressor, tmp_path, monkeypatch):
    regressor.save(tmp_path / "r", {})
    monkeypatch.setattr("ganfit_core.regressor.model.LIGHT_SCALE", (1.0,) * 9)
    with pytest.raises(ValueError, match="no regressor of this version") as error:
        load_regressor(tmp_path / "r")
    assert "units" in str(error.value.__cause__)


def test_unequal_lists_are_refused(encoder_config):
    with pytest.raises(ValueError, match="stage_blocks"):
        dataclasses.replace(encoder_config, stage_blocks=(1,))
    with pytest.raises(ValueError, match="feature_sides"):
        dataclasses.replace(encoder_config, feature_sides=(1,))
