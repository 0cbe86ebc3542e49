import os
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import pytest
import torch
from torch.nn.functional import cosine_similarity

from ganfit_core.identity import MobileFaceNet
from ganfit_core.identity.chip import five_points

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@pytest.fixture(scope="session")
def folder() -> Path:
    if "GANFIT_ASSETS" not in os.environ:
        pytest.skip("GANFIT_ASSETS is not set: no MobileFaceNet weights")
    return Path(os.environ["GANFIT_ASSETS"]) / "mobilefacenet"


def test_embedding_equals_the_published_onnx(folder: Path, photos: dict) -> None:
    network = MobileFaceNet.load(folder / "mobilefacenet.pt")
    noise = torch.rand(1, 3, 112, 112, generator=torch.Generator().manual_seed(0))
    aligned = torch.cat([network.align(photos["upright"].image, photos["upright"].landmarks), noise])
    session = onnxruntime.InferenceSession(str(folder / "MobileFaceNet.onnx"), providers=["CPUExecutionProvider"])
    # Its publisher normalises by the statistics of ImageNet, in training and in evaluation.
    mean, deviation = (np.array(three, np.float32)[:, None, None] for three in (MEAN, DEVIATION))
    inputs = (aligned.numpy() - mean) / deviation
    expected = torch.from_numpy(np.concatenate([session.run(None, {"input0": item[None]})[0] for item in inputs]))
    features = network.features(aligned)
    assert cosine_similarity(features.embedding, expected).min() > 0.99999
    torch.testing.assert_close(features.embedding.norm(dim=1), torch.ones(2))


def test_align_equals_the_arcface_crop_of_opencv(photos: dict) -> None:
    photo = photos["rotated"]
    template = np.array(
        [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
    )
    points = five_points(photo.landmarks)[0].numpy() - 0.5
    equations = np.concatenate(
        [np.array([[x, -y, 1, 0] for x, y in points]), np.array([[y, x, 0, 1] for x, y in points])]
    )
    a, b, tx, ty = np.linalg.lstsq(equations, template.T.reshape(-1))[0]
    expected = cv2.warpAffine(photo.rgb.astype(np.float32), np.array([[a, -b, tx], [b, a, ty]]), (112, 112))
    aligned = MobileFaceNet().align(photo.image, photo.landmarks)[0].permute(1, 2, 0).numpy() * 255
    assert np.abs(aligned - expected).mean() < 0.3  # OpenCV rounds positions to 1/32 of a pixel


def test_activations_and_gradient_reach_the_image(photos: dict) -> None:
    torch.manual_seed(0)
    network = MobileFaceNet()
    image = photos["upright"].image.clone().requires_grad_()
    features = network(image, photos["upright"].landmarks)
    shapes = [tuple(activation.shape[1:]) for activation in features.activations]
    assert shapes == [(64, 56, 56), (64, 28, 28), (128, 14, 14), (128, 7, 7)]
    (gradient,) = torch.autograd.grad(features.embedding[0, 0], image)
    assert gradient.isfinite().all()
    assert gradient[..., 80:150, 190:260].abs().sum() > 0
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_image_gradient_of_the_cosine_equals_finite_differences(folder: Path) -> None:
    network = MobileFaceNet.load(folder / "mobilefacenet.pt").double()
    generator = torch.Generator().manual_seed(0)
    image, other = torch.rand(2, 1, 3, 112, 112, dtype=torch.float64, generator=generator)
    target = network.features(other).embedding

    def cosine(aligned: torch.Tensor) -> torch.Tensor:
        return (network.features(aligned).embedding * target).sum()

    (gradient,) = torch.autograd.grad(cosine(image.requires_grad_()), image)
    patch = torch.zeros_like(image)
    patch[..., 50:54, 50:54] = torch.rand(1, 3, 4, 4, dtype=torch.float64, generator=generator)
    step = 1e-6
    with torch.no_grad():
        difference = (cosine(image + step * patch) - cosine(image - step * patch)) / (2 * step)
    expected = (gradient * patch).sum()
    assert expected.abs() > 1e-6
    torch.testing.assert_close(difference, expected, rtol=1e-3, atol=0)


def test_another_file_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.pt"
    other.write_bytes(b"not a state dict")
    with pytest.raises(ValueError, match=r"other\.pt is not a readable torch state dict"):
        MobileFaceNet.load(other)
    torch.save({"conv1.0.weight": torch.zeros(64, 3, 3, 3)}, other)
    with pytest.raises(ValueError, match="does not hold the weights of this MobileFaceNet"):
        MobileFaceNet.load(other)
