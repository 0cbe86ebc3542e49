"""Training maps: resolution pyramid, mirroring, and the PCA latents that organise the latent space."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from numpy.typing import NDArray
from torch import Tensor

from ganfit_core.texture.layers import downsample, upsample
from ganfit_core.training.splits import TRAIN

PCA_RESOLUTION = 32
_CHUNK = 128


class MapShards:
    """UV maps on disk, `folder`/maps/{split}-*.npy, uint8 (n, R, R, 3) RGB each; read as they are asked for.

    Raises ValueError if the folder has no map of that split, or files of another type or side beside each other.
    """

    def __init__(self, folder: Path, split: str = TRAIN) -> None:
        self.files = sorted((Path(folder) / "maps").glob(f"{split}-*.npy"))
        self._shards = [np.load(file, mmap_mode="r") for file in self.files]
        if not self._shards:
            raise ValueError(f"{folder} holds no UV maps of the split {split}")
        shapes = {shard.shape[1:] for shard in self._shards}
        if len(shapes) != 1 or any(shard.dtype != np.uint8 or shard.ndim != 4 for shard in self._shards):
            raise ValueError(f"the maps in {folder} must all be uint8 (n, R, R, 3) of one side")
        self.resolution: int = self._shards[0].shape[1]
        self._ends = np.cumsum([len(shard) for shard in self._shards])

    def __len__(self) -> int:
        return int(self._ends[-1])

    def read(self, indices: NDArray[np.int64]) -> UInt8[np.ndarray, "n r r 3"]:
        """Maps by index, in that order."""
        out = np.empty((len(indices), self.resolution, self.resolution, 3), np.uint8)
        shards = np.searchsorted(self._ends, indices, side="right")
        for shard in np.unique(shards):
            rows = np.flatnonzero(shards == shard)
            out[rows] = self._shards[shard][indices[rows] - (self._ends[shard] - len(self._shards[shard]))]
        return out

    def sha256(self) -> str:
        """Hash of the files' contents, in order."""
        digest = hashlib.sha256()
        for file in self.files:
            with open(file, "rb") as handle:
                digest.update(hashlib.file_digest(handle, "sha256").digest())
        return digest.hexdigest()


def read_chunks(maps: MapShards) -> Iterator[UInt8[np.ndarray, "n r r 3"]]:
    """All maps in order, a few at a time."""
    for start in range(0, len(maps), _CHUNK):
        yield maps.read(np.arange(start, min(start + _CHUNK, len(maps))))


def area_averaged(images: UInt8[np.ndarray, "n r r 3"], side: int) -> UInt8[np.ndarray, "n s s 3"]:
    """Maps made smaller by a whole factor. Raises ValueError if `side` is no such fraction."""
    full = images.shape[1]
    if side > full or full % side:
        raise ValueError(f"maps of side {full} do not give {side} by a whole factor")
    return np.stack([cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA) for image in images])


class MapPyramid:
    """UV maps at every side of a schedule, by area averaging, in memory: N s^2 * 3 bytes for each side s."""

    def __init__(self, maps: MapShards, sides: set[int]) -> None:
        """Raises ValueError if a side is no whole fraction of the maps'."""
        self.levels = {side: np.empty((len(maps), side, side, 3), np.uint8) for side in sides}
        done = 0
        for images in read_chunks(maps):
            for side, level in self.levels.items():
                level[done : done + len(images)] = area_averaged(images, side)
            done += len(images)

    def __len__(self) -> int:
        return len(next(iter(self.levels.values())))

    def batch(self, side: int, indices: Tensor, flips: Tensor, alpha: float = 1.0) -> Float[Tensor, "b 3 s s"]:
        """Maps in [-1, 1], mirrored where `flips`.

        With `alpha` < 1 they are blended with their own half resolution, so that during a fade real maps hold
        no detail that the generator cannot yet make (Karras et al. 2018, Fig. 2).
        """
        images = torch.from_numpy(np.ascontiguousarray(self.levels[side][indices.numpy()]))
        x = images.permute(0, 3, 1, 2).float() / 127.5 - 1.0
        x = torch.where(flips[:, None, None, None], x.flip(-1), x)
        return torch.lerp(upsample(downsample(x)), x, alpha) if alpha < 1.0 else x


@dataclass(frozen=True)
class LatentPCA:
    """Whitened PCA of 32x32 maps; its coordinates are N(0, 1) in every direction, like the latents."""

    mean: Float[Tensor, " f"]
    """Mean map, flattened (3, 32, 32), values in [-1, 1]."""
    whitening: Float[Tensor, "f d"]
    """Components divided by their standard deviations."""

    @classmethod
    def fit(cls, images: Float[Tensor, "n 3 32 32"], dim: int) -> LatentPCA:
        """First `dim` components of images in [-1, 1]. Raises ValueError if there are fewer features."""
        flat = images.flatten(1)
        count, features = flat.shape
        if dim > features:
            raise ValueError(f"{dim} components asked of {features} features")
        mean = flat.mean(0)
        centred = flat - mean
        # The covariance and the Gram matrix share their eigenvalues: take whichever is smaller.
        dual = count < features
        product = centred @ centred.T if dual else centred.T @ centred
        values, vectors = torch.linalg.eigh(product.double() / count)
        values, vectors = values.flip(0)[:dim], vectors.flip(1)[:, :dim]
        # Directions without variance (few maps) must not be blown up.
        deviations = values.clamp_min(1e-6 * float(values[0]) + 1e-12).sqrt()
        if dual:
            vectors = centred.double().T @ vectors / (deviations * count**0.5)
        whitening = (vectors / deviations).float()
        # With fewer maps than components the rest stay unused.
        return cls(mean, F.pad(whitening, (0, dim - whitening.shape[1])).contiguous())

    def encode(self, images: Float[Tensor, "n 3 r r"]) -> Float[Tensor, "n d"]:
        """Latents of maps in [-1, 1] of any side that is a multiple of 32: where a fitting can start from."""
        if images.shape[-1] != PCA_RESOLUTION:
            images = F.avg_pool2d(images, images.shape[-1] // PCA_RESOLUTION)
        return (images.flatten(1) - self.mean.to(images)) @ self.whitening.to(images)
