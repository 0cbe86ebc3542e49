from pathlib import Path

import dlib
import numpy as np
import pytest
import torch
from torch.nn.functional import cosine_similarity

from ganfit_core.identity import DlibResNet


def as_tensor(chips: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(chips).permute(0, 3, 1, 2).float() / 255


def test_descriptor_equals_dlib(dlib_resnet: DlibResNet, resnet_path: Path, photos: dict) -> None:
    photo = photos["upright"]
    noise = np.random.default_rng(0).integers(0, 256, (150, 150, 3), dtype=np.uint8)
    chips = np.stack([dlib.get_face_chip(photo.rgb, photo.detection, 150, 0.25), noise])
    reference = dlib.face_recognition_model_v1(str(resnet_path))
    expected = np.array([reference.compute_face_descriptor(chip) for chip in chips])
    np.testing.assert_allclose(dlib_resnet.descriptor(as_tensor(chips)), expected, atol=1e-5)


# dlib truncates to whole grey values, hence half a value on average; its pyramid is blurred and shifted.
@pytest.mark.parametrize(("name", "tolerance"), [("upright", 0.55), ("rotated", 0.55), ("enlarged", 2.5)])
def test_align_equals_the_face_chip_of_dlib(dlib_resnet: DlibResNet, photos: dict, name: str, tolerance: float) -> None:
    photo = photos[name]
    expected = as_tensor(dlib.get_face_chip(photo.rgb, photo.detection, 150, 0.25)[None])
    aligned = dlib_resnet.align(photo.image, photo.landmarks)
    assert 255 * (aligned - expected).abs().mean() < tolerance
    cosine = cosine_similarity(dlib_resnet.descriptor(aligned), dlib_resnet.descriptor(expected))
    assert cosine > 0.9995


def test_features_are_unit_embedding_and_one_activation_per_resolution(dlib_resnet: DlibResNet, photos: dict) -> None:
    features = dlib_resnet(photos["upright"].image, photos["upright"].landmarks)
    torch.testing.assert_close(features.embedding.norm(dim=1), torch.ones(1))
    shapes = [tuple(activation.shape[1:]) for activation in features.activations]
    assert shapes == [(32, 35, 35), (64, 17, 17), (128, 8, 8), (256, 4, 4), (256, 2, 2)]
    aligned = dlib_resnet.align(photos["upright"].image, photos["upright"].landmarks)
    torch.testing.assert_close(cosine_similarity(features.embedding, dlib_resnet.descriptor(aligned)), torch.ones(1))


def test_a_batch_equals_its_items(dlib_resnet: DlibResNet, photos: dict) -> None:
    images = torch.cat([photos["upright"].image, photos["rotated"].image])
    landmarks = torch.cat([photos["upright"].landmarks, photos["rotated"].landmarks])
    batched = dlib_resnet(images, landmarks).embedding
    single = torch.cat([dlib_resnet(i[None], p[None]).embedding for i, p in zip(images, landmarks, strict=True)])
    torch.testing.assert_close(batched, single, atol=1e-5, rtol=0)


def test_network_stays_frozen_inside_a_training_module(dlib_resnet: DlibResNet) -> None:
    parent = torch.nn.Sequential(dlib_resnet).train()
    assert not any(module.training for module in parent[0].modules())
    assert not any(parameter.requires_grad for parameter in parent.parameters())


def test_image_gradient_of_the_cosine_equals_finite_differences(resnet_path: Path, photos: dict) -> None:
    network = DlibResNet.load(resnet_path).double()
    photo = photos["upright"]
    crop, corner = photo.image.double()[..., 20:220, 130:330], torch.tensor([130.0, 20.0])
    landmarks = photo.landmarks.double() - corner
    target = network(photos["rotated"].image.double(), photos["rotated"].landmarks.double()).embedding

    def cosine(image: torch.Tensor) -> torch.Tensor:
        return (network(image, landmarks).embedding * target).sum()

    crop = crop.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(cosine(crop), crop)
    assert gradient.isfinite().all()
    patch = torch.zeros_like(crop)
    patch[..., 90:94, 90:94] = torch.rand(1, 3, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    step = 1e-5
    with torch.no_grad():
        difference = (cosine(crop + step * patch) - cosine(crop - step * patch)) / (2 * step)
    expected = (gradient * patch).sum()
    assert expected.abs() > 1e-6
    torch.testing.assert_close(difference, expected, rtol=1e-3, atol=0)


def test_another_file_is_refused(tmp_path: Path, resnet_path: Path) -> None:
    other = tmp_path / "other.dat"
    other.write_bytes(b"not a network")
    with pytest.raises(ValueError, match=r"other\.dat is not dlib's face recognition network"):
        DlibResNet.load(other)
    other.write_bytes(resnet_path.read_bytes()[:20_000_000])
    with pytest.raises(ValueError, match="no tensor of shape"):
        DlibResNet.load(other)
