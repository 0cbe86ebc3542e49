"""Aligned crops to train a regressor on."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

LISTING = "crops.json"


class CropBatch(NamedTuple):
    """Some crops of side S."""

    photo: Float[Tensor, "b 3 s s"]
    """RGB in [0, 1]."""
    landmarks: Float[Tensor, "b 68 2"]
    """Pixels of the crop."""
    inside: Float[Tensor, "b 1 s s"]
    """1 where the crop shows the photograph rather than its repeated border."""


class Crops:
    """The crops of a split in a folder that `build_crops` wrote; pictures are read as they are asked for.

    Attributes:
        side: of a crop, px.
        unit_ids: photograph of each crop.
        source: what the crops were made of.

    Raises ValueError if the folder has no crops of that split.
    """

    def __init__(self, folder: Path, split: str) -> None:
        path = Path(folder) / LISTING
        if not path.is_file():
            raise ValueError(f"{path} is missing: finish `ganfit regressor build` first")
        listing = json.loads(path.read_text(encoding="utf-8"))
        self.side: int = listing["side"]
        self.source: dict[str, str] = listing["source"]
        names = [name for name in listing["shards"] if name.startswith(f"{split}-")]
        self._images = [np.load(folder / f"{name}.npy", mmap_mode="r") for name in names]
        records = [np.load(folder / f"{name}.npz") for name in names]
        self.unit_ids: list[str] = [unit for record in records for unit in record["unit_ids"].tolist()]
        if not self.unit_ids:
            raise ValueError(f"{folder} holds no crops of the split {split}")
        self.landmarks = np.concatenate([record["landmarks"] for record in records])
        self._inside = np.concatenate([record["inside"] for record in records])
        self._starts = np.cumsum([0] + [len(images) for images in self._images])
        self._names = names

    def __len__(self) -> int:
        return len(self.unit_ids)

    def sha256(self) -> str:
        """Hash of the shards' names, which stand for photographs and models, and of the landmarks."""
        digest = hashlib.sha256(json.dumps([self.side, self._names]).encode())
        digest.update(self.landmarks.tobytes())
        return digest.hexdigest()

    def batch(self, indices: NDArray[np.int64]) -> CropBatch:
        """Crops by index, in that order."""
        shards = np.searchsorted(self._starts, indices, side="right") - 1
        images = np.stack([self._images[s][i - self._starts[s]] for s, i in zip(shards, indices, strict=True)])
        inside = np.unpackbits(self._inside[indices], axis=1).reshape(len(indices), 1, self.side, self.side)
        return CropBatch(
            torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255,
            torch.from_numpy(self.landmarks[indices]),
            torch.from_numpy(inside).float(),
        )
