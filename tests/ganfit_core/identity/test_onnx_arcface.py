"""Recognisers that onnxruntime runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch.nn.functional import cosine_similarity

from data.assets import AssetError, find
from ganfit_core.identity import MobileFaceNet
from ganfit_core.identity.onnx_arcface import BuffaloL, OnnxArcFace


class Small(OnnxArcFace):
    """One that fits into a test."""

    name = "a small network"
    embedding_dim = 3


class PublishedMobileFaceNet(OnnxArcFace):
    """MobileFaceNet in the file that its author publishes beside torch's."""

    name = "MobileFaceNet"
    embedding_dim = 128


def write(path: Path, batch: int | str, side: int = 112, outputs: int = 3) -> Path:
    """A network that answers with the mean colour, mixed by a matrix."""
    matrix = numpy_helper.from_array(np.eye(3, outputs, dtype=np.float32), "matrix")
    graph = helper.make_graph(
        [
            helper.make_node("GlobalAveragePool", ["input.1"], ["mean"]),
            helper.make_node("Flatten", ["mean"], ["flat"]),
            helper.make_node("MatMul", ["flat", "matrix"], ["683"]),
        ],
        "small",
        [helper.make_tensor_value_info("input.1", TensorProto.FLOAT, [batch, 3, side, side])],
        [helper.make_tensor_value_info("683", TensorProto.FLOAT, [batch, outputs])],
        [matrix],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path


@pytest.mark.parametrize("batch", [1, "None"])
def test_colours_are_read_in_rgb_between_minus_one_and_one(batch: int | str, tmp_path: Path) -> None:
    network = Small.load(write(tmp_path / "small.onnx", batch))
    colours = torch.tensor([[1.0, 0.5, 0.0], [0.75, 0.5, 0.5]])
    features = network.features(colours[:, :, None, None].expand(-1, -1, 112, 112))
    expected = torch.tensor([[0.5**0.5, 0.0, -(0.5**0.5)], [1.0, 0.0, 0.0]])
    torch.testing.assert_close(features.embedding, expected)
    assert features.activations == ()


def test_another_file_is_refused_in_one_line(tmp_path: Path) -> None:
    text = tmp_path / "text.onnx"
    text.write_bytes(b"no network")
    with pytest.raises(ValueError, match=r"text\.onnx does not hold a small network: ") as error:
        Small.load(text)
    assert "\n" not in str(error.value)
    with pytest.raises(ValueError, match=r"are \[\[3, 160, 160\], \[3\]\], not \[\[3, 112, 112\], \[3\]\]"):
        Small.load(write(tmp_path / "large.onnx", 1, side=160))
    with pytest.raises(ValueError, match=r"does not hold buffalo_l's w600k_r50: .* not \[\[3, 112, 112\], \[512\]\]"):
        BuffaloL.load(write(tmp_path / "other.onnx", "None", outputs=2))
    with pytest.raises(FileNotFoundError):
        BuffaloL.load(tmp_path / "absent.onnx")


def test_a_published_file_answers_as_the_same_weights_in_torch(photos: dict) -> None:
    try:
        weights = find("mobilefacenet")
    except AssetError as error:
        pytest.skip(str(error))
    path = weights.with_name("MobileFaceNet.onnx")
    if not path.is_file():
        pytest.skip(f"no {path}")
    image, landmarks = photos["upright"].image, photos["upright"].landmarks
    torch_network = MobileFaceNet.load(weights)
    aligned = torch_network.align(image, landmarks)
    # The adapter scales colours as ArcFace does, MobileFaceNet by ImageNet's statistics: the same numbers for both.
    same = (2 * aligned - 1) * torch_network.deviation + torch_network.mean
    found = PublishedMobileFaceNet.load(path).features(aligned).embedding
    assert cosine_similarity(found, torch_network.features(same).embedding).item() > 0.9999
