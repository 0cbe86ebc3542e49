"""What all texture models have in common."""

import hashlib
import json

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from ganfit_core.texture import Generator, NetworkConfig, PCAConfig, PCATexture, VAEDecoder, load_texture_model
from ganfit_core.texture.model import FORMAT, METADATA
from ganfit_core.texture.projection import absolute_error, distance

NETWORK = NetworkConfig(latent_dim=8, resolution=16, fmap_base=64, fmap_max=16)
KINDS = ("gan", "vae", "pca")


def untrained(kind):
    torch.manual_seed(0)
    if kind == "gan":
        return Generator(NETWORK)
    if kind == "vae":
        return VAEDecoder(NETWORK)
    model = PCATexture(PCAConfig(latent_dim=8, resolution=16))
    smooth = torch.nn.functional.interpolate(torch.randn(8, 3, 4, 4), size=16, mode="bilinear")
    scale = 0.05 * torch.arange(8, 0, -1)[:, None] / 8
    model.load_state_dict({"mean": torch.full((768,), 0.5), "basis": smooth.flatten(1) * scale})
    return model


@pytest.fixture(params=KINDS)
def model(request):
    return untrained(request.param)


def test_maps_have_the_promised_shape_and_range(model):
    assert (model.latent_dim, model.resolution) == (8, 16)
    with torch.no_grad():
        samples = model.sample(64, torch.Generator().manual_seed(0))
    assert samples.shape == (64, 3, 16, 16)
    overshoot = 0.2 if model.kind == "pca" else 0.0
    assert samples.min() >= -overshoot
    assert samples.max() <= 1 + overshoot
    assert samples.std(0).mean() > 0.01


def test_latents_are_standard_normal_and_follow_the_seed(model):
    latents = model.sample_latents(2000, torch.Generator().manual_seed(1))
    assert torch.equal(latents, model.sample_latents(2000, torch.Generator().manual_seed(1)))
    assert torch.allclose(latents.T @ latents / 2000, torch.eye(8), atol=0.1)


def test_latents_receive_gradients(model):
    latent = torch.randn(2, 8, requires_grad=True)
    model(latent).square().sum().backward()
    assert latent.grad is not None
    assert (latent.grad.abs().amax(dim=1) > 0).all()


def test_projection_finds_a_map_of_the_model(model):
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        target = model.sample(3, generator)
        weight = torch.ones(3, 1, 16, 16)
        weight[..., :4] = 0
        hidden = target.clone()
        hidden[..., :4] = 1  # what has no weight must not matter
        start = model(model.project(hidden, weight, 0, torch.Generator().manual_seed(3)))
    latents = model.project(hidden, weight, 150, torch.Generator().manual_seed(3))
    assert latents.shape == (3, 8)
    assert not latents.requires_grad
    found = absolute_error(model(latents), target, weight)
    assert (found < 0.35 * absolute_error(start, target, weight)).all()


def test_projection_treats_every_map_alone(model):
    with torch.no_grad():
        target = model.sample(2, torch.Generator().manual_seed(4))
    weight = torch.ones(2, 1, 16, 16)
    together = model.project(target, weight, 5, torch.Generator().manual_seed(5))
    alone = model.project(target[:1], weight[:1], 5, torch.Generator().manual_seed(5))
    assert torch.allclose(together[:1], alone, atol=1e-4)


def test_plain_error_sees_a_change_of_exposure_and_the_gain_free_one_does_not():
    texture = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0)) + 0.1
    weight = torch.ones(2, 1, 8, 8)
    brighter = texture * torch.tensor([1.5, 1.2, 0.8])[:, None, None]
    assert distance(texture, brighter, weight).max() < 1e-6
    expected = (texture - brighter).abs().mean(dim=(1, 2, 3))
    assert torch.allclose(absolute_error(texture, brighter, weight), expected, atol=1e-6)


def test_file_round_trip(model, tmp_path):
    path = tmp_path / "model.safetensors"
    model.save(path, {"uv_sha256": "ab", "maps": "12"})
    loaded = load_texture_model(path)
    assert type(loaded) is type(model)
    assert loaded.config == model.config
    assert loaded.provenance == {"uv_sha256": "ab", "maps": "12"}
    assert not loaded.training
    latent = torch.randn(4, 8)
    # The PCA's components are rounded in the file.
    assert torch.allclose(loaded(latent), model(latent), atol=1e-2 if model.kind == "pca" else 0.0)


def test_equal_models_make_equal_files(model, tmp_path):
    hashes = set()
    for number in range(4):
        provenance = dict(sorted({"maps": "12", "a": "b", "z": "y"}.items(), reverse=bool(number % 2)))
        model.save(tmp_path / f"{number}", provenance)
        hashes.add(hashlib.sha256((tmp_path / f"{number}").read_bytes()).hexdigest())
    assert len(hashes) == 1
    with safe_open(str(tmp_path / "0"), framework="pt") as file:
        (key,) = file.metadata()
        assert json.loads(file.metadata()[key])["kind"] == model.kind


def test_other_files_are_refused(tmp_path):
    save_file({"x": torch.zeros(1)}, str(tmp_path / "other.safetensors"))
    save_file({"x": torch.zeros(1)}, str(tmp_path / "old.safetensors"), {"format": "ganfit-texture-generator/1"})
    (tmp_path / "text.safetensors").write_text("no tensors")
    for name in ("other", "old", "text"):
        with pytest.raises(ValueError, match="no texture model"):
            load_texture_model(tmp_path / f"{name}.safetensors")


DAMAGE = {
    "no JSON": lambda text: text[:-1],
    "no description": lambda text: "[]",
    "no format": lambda text: text.replace(FORMAT, "another/1"),
    "no such kind": lambda text: text.replace('"kind": "', '"kind": "un'),
    "no config": lambda text: text.replace('"config"', '"other"'),
    "a setting too many": lambda text: text.replace('"latent_dim"', '"dimension": 1, "latent_dim"'),
    "a word for a number": lambda text: text.replace('"resolution": 16', '"resolution": "large"'),
    "another size": lambda text: text.replace('"resolution": 16', '"resolution": 32'),
    "no provenance": lambda text: text.replace('"provenance"', '"other"'),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_wrong_description_is_refused(model, damage, tmp_path):
    path = tmp_path / "model.safetensors"
    model.save(path, {"uv_sha256": "ab"})
    with safe_open(str(path), framework="pt") as file:
        text = file.metadata()[METADATA]
    assert DAMAGE[damage](text) != text
    save_file(load_file(str(path)), str(path), {METADATA: DAMAGE[damage](text)})
    with pytest.raises(ValueError, match="no texture model"):
        load_texture_model(path)


@pytest.mark.parametrize("renamed", [True, False])
def test_wrong_tensors_are_refused(model, renamed, tmp_path):
    path = tmp_path / "model.safetensors"
    model.save(path, {})
    with safe_open(str(path), framework="pt") as file:
        metadata = file.metadata()
    tensors = load_file(str(path))
    name = max(tensors, key=lambda key: tensors[key].numel())
    tensor = tensors.pop(name)
    tensors |= {"other": tensor} if renamed else {name: tensor[:-1].clone()}
    save_file(tensors, str(path), metadata)
    with pytest.raises(ValueError, match="no texture model"):
        load_texture_model(path)
