"""Texture models and maps -> features -> scores against held-out people's maps."""

from __future__ import annotations

import contextlib
import datetime
import functools
import hashlib
import json
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from prefect import task
from prefect.cache_policies import NO_CACHE

from data import assets, published, schemas, tables
from data.assets.hashing import cache_directory, sha256_of
from data.files import replace
from evaluation.extractors import EXTRACTORS, FeatureExtractor
from evaluation.frechet import FeatureStatistics, FrechetWarning, frechet_distance, shortage
from evaluation.kid import kernel_distance
from evaluation.uv_face import PROTOCOL, VERSION, extractor_input, few_of_each, quantised, reduced_mask
from ganfit_core.texture.maps import MapShards, area_averaged
from ganfit_core.texture.model import TextureModel, load_texture_model
from ganfit_core.training.splits import HELD_OUT, TRAIN
from tasks.code import code_version
from tasks.complete_maps import INDEX, MASK, SOURCE
from tasks.progress import current

_BATCH = 32
_MUST_AGREE = {"held-out people": ("held_out", "pairs_sha256"), "UV coordinates": ("uv_sha256",)}


@dataclass(frozen=True)
class _Maps:
    """Maps on their way to the extractor."""

    what: str
    sha256: str
    """Of the model's file, or of the maps' files and the choice from them."""
    count: int
    seed: int | None
    """What drew them from a model; None for maps of files."""
    resolution: int
    batches: Callable[[], Iterator[NDArray[np.uint8]]]
    """Yields (n, R, R, 3) RGB, `count` maps in all."""


@dataclass(frozen=True)
class Features:
    """Features of maps, and all that decided them."""

    values: NDArray[np.float32]
    """(N, d)."""
    sha256: str
    """Of the texture model's file, or of the maps' files and the choice from them."""
    extractor: str
    extractor_sha256: str
    resolution: int
    """Side of the maps, texels."""
    mask_sha256: str
    """Of the mask at that resolution."""


@task(name="resolution of a texture model", cache_policy=NO_CACHE, persist_result=False)
def resolution_of_model(path: Path, kind: str, folder: Path) -> int:
    """Side of the model's maps, texels.

    Raises ValueError for a file that is no texture model of that kind, or one that does not say that it was trained
    with the UV layout and without the held-out people of the folder's maps.
    """
    return _texture_model(path, kind, folder).resolution


@task(name="features of held-out maps", tags=["accelerator"], cache_policy=NO_CACHE, persist_result=False)
def features_of_held_out(folder: Path, resolution: int, extractor: str) -> Features:
    """Features of the reference: a texture folder's held-out maps at `resolution`, few of each person.

    Raises ValueError for a folder without such maps, mask or index, data.assets.AssetError for an extractor that is not
    there.
    """
    maps = MapShards(folder, HELD_OUT)
    return _features_of_maps(maps, reference_maps(folder), "held-out maps", folder, resolution, extractor)


@task(name="features of training maps", tags=["accelerator"], cache_policy=NO_CACHE, persist_result=False)
def features_of_training(folder: Path, resolution: int, extractor: str, n: int, seed: int) -> Features:
    """Features of `n` training maps of a texture folder at `resolution`, or of all if they are fewer.

    Raises ValueError for a folder without such maps or mask, data.assets.AssetError for an extractor that is not there.
    """
    maps = MapShards(folder, TRAIN)
    chosen = np.sort(np.random.default_rng(seed).permutation(len(maps))[:n])
    return _features_of_maps(maps, chosen, "training maps", folder, resolution, extractor)


@task(name="features of a texture model", tags=["accelerator"], cache_policy=NO_CACHE, persist_result=False)
def features_of_model(path: Path, kind: str, folder: Path, extractor: str, n: int, seed: int) -> Features:
    """Features of `n` random maps of a texture model, under the mask of a texture folder.

    Raises ValueError as `resolution_of_model` does, data.assets.AssetError for an extractor that is not there.
    """
    model = _texture_model(path, kind, folder)

    def batches() -> Iterator[NDArray[np.uint8]]:
        random = torch.Generator().manual_seed(seed)
        for start in range(0, n, _BATCH):
            yield quantised(model.sample(min(_BATCH, n - start), random))

    source = _Maps(f"{kind} samples", sha256_of(path), n, seed, model.resolution, batches)
    return _features(source, folder, extractor)


@task(name="score", cache_policy=NO_CACHE, persist_result=False)
def score(texture_model: str, generated: Features, reference: Features, seed: int, run_id: str) -> dict[str, Any]:
    """One row of the table `frechet`."""
    pair = [FeatureStatistics.of(side.values) for side in (generated, reference)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FrechetWarning)  # the row says so
        frechet = frechet_distance(*pair)
    kid = kernel_distance(generated.values, reference.values, seed)
    return {
        "run_id": run_id,
        "texture_model": texture_model,
        "asset_sha256": generated.sha256,
        "extractor": generated.extractor,
        "extractor_sha256": generated.extractor_sha256,
        "metric": EXTRACTORS[generated.extractor].metric,
        "protocol": PROTOCOL,
        "protocol_version": VERSION,
        "resolution": generated.resolution,
        "mask_sha256": generated.mask_sha256,
        "n_generated": len(generated.values),
        "n_reference": len(reference.values),
        "reference_sha256": reference.sha256,
        "frechet": frechet,
        "kid": kid.mean,
        "kid_low": kid.low,
        "kid_high": kid.high,
        "warning": shortage(*pair),
        "seed": seed,
        "units": "squared feature units",
        "code_version": code_version(),
        "created_at": datetime.datetime.now(datetime.UTC),
    }


@task(name="write scores", tags=["io"], retries=2, retry_delay_seconds=5, cache_policy=NO_CACHE, persist_result=False)
def write_scores(rows: Sequence[Mapping[str, Any]], out: Path) -> Path:
    """Write the tables `frechet`, one part file per row, and `published` below `out`; returns the first one's folder.

    A row replaces an earlier one of the same files, numbers of maps and seed.
    """
    volatile = {"run_id", "frechet", "kid", "kid_low", "kid_high", "warning", "code_version", "created_at"}
    for row in rows:
        key = _digest({name: value for name, value in row.items() if name not in volatile})
        tables.write_part([row], schemas.frechet(), out, key[:16], 0)
    tables.write_part(published.rows(), schemas.published(), out, "all", 0)
    return out / "frechet"


def reference_maps(folder: Path) -> NDArray[np.int64]:
    """Indices of the held-out maps of a texture folder that others are compared with: few of each person.

    Raises ValueError where the folder's index is missing or of other maps.
    """
    if not (folder / INDEX).is_file():
        raise ValueError(f"{folder} holds no {INDEX}")
    maps = MapShards(folder, HELD_OUT)
    index = pd.read_parquet(folder / INDEX, columns=["subject", "split", "file", "row"]).dropna(subset="file")
    index = index[index["split"] == HELD_OUT].sort_values(["file", "row"])
    if len(index) != len(maps):
        raise ValueError(f"{folder / INDEX} lists {len(index)} held-out maps, but the files hold {len(maps)}")
    return few_of_each(index["subject"].tolist())


def _texture_model(path: Path, kind: str, folder: Path) -> TextureModel:
    model = load_texture_model(path)
    if model.kind != kind:
        raise ValueError(f"{path} holds a {model.kind}, not a {kind}")
    if not (folder / SOURCE).is_file():
        raise ValueError(f"{folder} holds no {SOURCE}")
    source = json.loads((folder / SOURCE).read_text(encoding="utf-8"))
    trained = {**json.loads(model.provenance.get("source", "{}")), "uv_sha256": model.provenance.get("uv_sha256")}
    for what, names in _MUST_AGREE.items():
        if any(trained.get(name) is None or trained[name] != source.get(name) for name in names):
            raise ValueError(f"{path} was trained with other {what} than the maps in {folder} have, or does not say")
    return model.to(_device()).eval()


def _features_of_maps(
    maps: MapShards, chosen: NDArray[np.int64], what: str, folder: Path, resolution: int, extractor: str
) -> Features:
    def batches() -> Iterator[NDArray[np.uint8]]:
        for start in range(0, len(chosen), _BATCH):
            yield area_averaged(maps.read(chosen[start : start + _BATCH]), resolution)

    sha256 = _digest({"files": maps.sha256(), "chosen": chosen.tolist()})
    return _features(_Maps(what, sha256, len(chosen), None, resolution, batches), folder, extractor)


@functools.cache
def _extractor(name: str) -> tuple[FeatureExtractor, str]:
    """The network on the device, and its weights' hash."""
    found = assets.locate(name)
    torch.set_flush_denormal(True)
    return EXTRACTORS[name].load(found.path).to(_device()), found.sha256


@torch.inference_mode()
def _features(source: _Maps, folder: Path, extractor: str) -> Features:
    """Their features, or those that the cache remembers of the same maps, mask, network and protocol."""
    network, network_sha256 = _extractor(extractor)
    if not (folder / MASK).is_file():
        raise ValueError(f"{folder} holds no {MASK}")
    mask = reduced_mask(np.load(folder / MASK), source.resolution)
    mask_sha256 = hashlib.sha256(mask.tobytes()).hexdigest()
    key = {
        "protocol": [PROTOCOL, VERSION],
        "extractor": [network.name, network.version, network.input_size, network.dim, network_sha256],
        "mask": mask_sha256,
        "resolution": source.resolution,
        "source": source.sha256,
        "maps": source.count,
        "seed": source.seed,
    }

    def compute() -> NDArray[np.float32]:
        values = np.empty((source.count, network.dim), np.float32)
        done = 0
        for maps in source.batches():
            images = extractor_input(maps, mask, network.input_size).to(_device())
            values[done : done + len(maps)] = network(images).cpu().numpy()
            done += len(maps)
            current().step(f"features of {source.what}", done, source.count)
        return values

    values = _remembered(key, compute)
    return Features(values, source.sha256, extractor, network_sha256, source.resolution, mask_sha256)


def _remembered(key: Mapping[str, Any], compute: Callable[[], NDArray[np.float32]]) -> NDArray[np.float32]:
    """What the user's cache holds under this key, else what `compute` gives, which is kept there."""
    path = cache_directory() / "features" / f"{_digest(key)}.npy"
    with contextlib.suppress(OSError, ValueError, EOFError):  # not there, or damaged
        found: NDArray[np.float32] = np.load(path)
        return found
    values = compute()
    with contextlib.suppress(OSError):  # a read-only home only costs the computing
        path.parent.mkdir(parents=True, exist_ok=True)
        replace(path, lambda file: np.save(file, values))
    return values


def _digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(dict(content), sort_keys=True).encode()).hexdigest()


def _device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
