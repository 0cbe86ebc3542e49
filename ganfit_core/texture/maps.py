"""Training maps: resolution pyramid, mirroring, and the PCA latents that organise the latent space."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from safetensors.torch import load_file, save_file
from torch import Tensor

from ganfit_core.texture.layers import downsample, upsample

PCA_RESOLUTION = 32


class MapPyramid:
    """UV maps at every side of a schedule, by area averaging.

    `maps` is uint8 (N, R, R, 3) RGB and may be a memory map: the full side is read where it lies, smaller
    sides are kept in memory (N R^2 / 4 * 3 bytes for the largest).
    """

    def __init__(self, maps: UInt8[np.ndarray, "n r r 3"], sides: set[int]) -> None:
        """Raises ValueError if there are no maps, or not uint8 squares that contain every side."""
        if maps.ndim != 4 or maps.shape[1] != maps.shape[2] or maps.shape[3] != 3 or maps.dtype != np.uint8:
            raise ValueError(f"maps must be uint8 (N, R, R, 3), not {maps.dtype} {maps.shape}")
        if len(maps) == 0:
            raise ValueError("no maps to train on")
        full = maps.shape[1]
        if any(side > full or full % side for side in sides):
            raise ValueError(f"maps of side {full} do not give {sorted(sides)} by whole factors")
        self.levels: dict[int, np.ndarray] = {full: maps}
        for side in sorted(sides - {full}):
            level = np.empty((len(maps), side, side, 3), np.uint8)
            for i, image in enumerate(maps):
                level[i] = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
            self.levels[side] = level

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

    def save(self, path: Path) -> None:
        """Write as safetensors."""
        save_file({"mean": self.mean.contiguous(), "whitening": self.whitening.contiguous()}, str(path))

    @classmethod
    def load(cls, path: Path) -> LatentPCA:
        """Read a file of `save`."""
        return cls(**load_file(str(path)))
