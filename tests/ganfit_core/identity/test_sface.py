"""SFace with its real weights, where they are; data/test_sface.py compares the network with the published graph."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from data.assets import AssetError, find
from ganfit_core.identity.sface import SFace

# Of the aligned photograph, by OpenCV 5.0 and by onnxruntime from the published ONNX file alike.
FIRST_NUMBERS = (-0.03618, -0.13899, 0.07724, 0.15691, -0.00476, 0.02010, 0.08683, 0.06523)


def test_embedding_equals_opencvs(photos: dict) -> None:
    try:
        network = SFace.load(find("sface"))
    except AssetError as error:
        pytest.skip(str(error))
    embedding = network(photos["upright"].image, photos["upright"].landmarks).embedding
    torch.testing.assert_close(embedding[0, :8], torch.tensor(FIRST_NUMBERS), rtol=0, atol=2e-5)
    torch.testing.assert_close(embedding.norm(dim=1), torch.ones(1))


def test_there_is_one_activation_for_each_resolution_and_a_gradient_for_the_image(photos: dict) -> None:
    torch.manual_seed(0)
    image = photos["upright"].image.clone().requires_grad_()
    network = SFace()
    features = network(image, photos["upright"].landmarks)
    shapes = [tuple(activation.shape[1:]) for activation in features.activations]
    assert shapes == [(64, 112, 112), (128, 56, 56), (256, 28, 28), (512, 14, 14), (1024, 7, 7)]
    (gradient,) = torch.autograd.grad(features.embedding[0, 0], image)
    assert gradient.isfinite().all()
    assert gradient[..., 80:150, 190:260].abs().sum() > 0
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_another_file_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.safetensors"
    other.write_bytes(b"not a state dict")
    with pytest.raises(ValueError, match=r"other\.safetensors does not hold the weights of SFace"):
        SFace.load(other)
