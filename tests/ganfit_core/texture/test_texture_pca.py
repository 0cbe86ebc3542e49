import json

import numpy as np
import pytest
import torch

from ganfit_core.texture import PCAConfig, PCATexture, load_texture_model
from ganfit_core.texture.incremental_pca import IncrementalPCA
from ganfit_core.texture.pca_training import train_pca


def rows_with_decaying_spectrum(count, features, seed=0):
    generator = torch.Generator().manual_seed(seed)
    rotation = torch.linalg.qr(torch.randn(features, features, generator=generator))[0]
    deviations = 0.8 ** torch.arange(features)
    rows = torch.randn(count, features, generator=generator) * deviations @ rotation
    return rows - rows.mean(0)


def exact(rows, count):
    _, values, vectors = torch.linalg.svd(rows.double(), full_matrices=False)
    return (values[:count, None] / len(rows) ** 0.5 * vectors[:count]).float()


def assert_same_directions(found, expected, tolerance):
    signs = (found * expected).sum(1, keepdim=True).sign()
    assert torch.allclose(found * signs, expected, atol=tolerance)


def test_chunks_give_the_components_of_the_whole():
    rows = rows_with_decaying_spectrum(400, 60)
    pca = IncrementalPCA(30)
    for chunk in rows.split(37):
        pca.update(chunk)
    assert_same_directions(pca.components(10), exact(rows, 10), 1e-4)
    share = exact(rows, 10).double().square().sum() / (rows.double().square().sum() / 400)
    assert pca.explained(10) == pytest.approx(share.item(), abs=1e-4)


def test_memory_does_not_grow_with_the_rows():
    pca = IncrementalPCA(12)
    for seed in range(5):
        pca.update(rows_with_decaying_spectrum(40, 30, seed))
        assert pca.scaled is not None
        assert pca.scaled.shape == (12, 30)
    assert pca.rows == 200


def test_more_components_than_rows_are_refused():
    pca = IncrementalPCA(50)
    pca.update(rows_with_decaying_spectrum(8, 30))
    with pytest.raises(ValueError, match="9 components"):
        pca.components(9)


@pytest.fixture(scope="module")
def trained(maps, tmp_path_factory):
    out = tmp_path_factory.mktemp("pca")
    heard = []
    result = train_pca(
        PCAConfig(latent_dim=6, resolution=32), maps, None, out, on_step=lambda images, share: heard.append(share)
    )
    return result, out, heard


def flattened(images):
    x = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    return torch.cat([x, x.flip(-1)]).flatten(1)


def test_model_is_the_exact_pca_of_maps_and_mirror_images(images, trained):
    rows = flattened(images)
    model = load_texture_model(trained[0].path)
    assert torch.allclose(model.mean, rows.mean(0), atol=1e-6)
    expected = exact(rows - rows.mean(0), 6)
    assert torch.allclose(model.basis.norm(dim=1), expected.norm(dim=1), rtol=1e-2)
    projector = [torch.linalg.qr(basis.T.double())[0] for basis in (model.basis, expected)]
    # Rounded to 8 bits: angles between the subspaces stay below a degree.
    assert torch.linalg.svdvals(projector[0].T @ projector[1]).min() > np.cos(np.deg2rad(1))


def test_latents_of_the_maps_are_standard_deviations(images, trained):
    rows = flattened(images)
    model = load_texture_model(trained[0].path)
    latents = torch.linalg.lstsq(model.basis.T, (rows - model.mean).T).solution.T
    assert torch.allclose(latents.T @ latents / len(rows), torch.eye(6), atol=0.05)


def test_fit_leaves_its_files(trained):
    result, out, heard = trained
    assert result.images == 96
    assert heard[-1] == 1.0
    rows = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    assert rows[-1]["images"] == 96
    assert 0 < rows[-1]["unexplained"] < 0.1
    assert (out / "losses.png").stat().st_size > 0
    assert len(list((out / "samples").iterdir())) == 1


def test_larger_maps_are_averaged_and_the_mask_decides_what_counts(images, shards_of, tmp_path):
    noise = np.random.default_rng(1).integers(0, 256, images.shape, dtype=np.uint8)
    half = images.copy()
    half[:, 16:] = noise[:, 16:]
    mask = np.full((32, 32), 1e-4, np.float32)
    mask[:16] = 1
    maps = shards_of(half)
    out = [
        train_pca(PCAConfig(latent_dim=6, resolution=16), maps, weight, tmp_path / str(number))
        for number, weight in enumerate((mask, None))
    ]
    assert load_texture_model(out[0].path).resolution == 16
    explained = [float(load_texture_model(result.path).provenance["variance_explained"]) for result in out]
    assert explained[0] > 0.9 > explained[1]


def test_rounded_components_keep_maps_to_less_than_a_grey_level(tmp_path):
    torch.manual_seed(0)
    model = PCATexture(PCAConfig(latent_dim=64, resolution=32))
    deviations = 0.1 * torch.arange(1, 65)[:, None] ** -0.7
    basis = torch.nn.functional.interpolate(torch.randn(64, 3, 8, 8), size=32, mode="bilinear").flatten(1)
    model.load_state_dict({"mean": torch.rand(3 * 32**2), "basis": basis * deviations})
    model.save(tmp_path / "pca.safetensors", {})
    latents = torch.randn(50, 64)
    error = (load_texture_model(tmp_path / "pca.safetensors")(latents) - model(latents)).abs()
    assert error.mean() < 1 / 255
    assert (tmp_path / "pca.safetensors").stat().st_size < 64 * 3 * 32**2 + 4 * 3 * 32**2 + 4096


def test_shipped_size_stays_below_the_limit():
    config = PCAConfig()
    texels = 3 * config.resolution**2
    assert texels * config.latent_dim + 4 * texels < 16 * 2**20


def test_unfit_inputs_are_refused(maps, tmp_path):
    with pytest.raises(ValueError, match="components"):
        train_pca(PCAConfig(latent_dim=200, resolution=32), maps, None, tmp_path)
    with pytest.raises(ValueError, match="whole factor"):
        train_pca(PCAConfig(latent_dim=2, resolution=64), maps, None, tmp_path)
    for mask in (np.ones((16, 16), np.float32), np.zeros((32, 32), np.float32)):
        with pytest.raises(ValueError, match="mask"):
            train_pca(PCAConfig(latent_dim=2, resolution=32), maps, mask, tmp_path)
