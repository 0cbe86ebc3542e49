"""From partial UV maps in a photograph's light to complete maps in even light."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional

from ganfit_core.complete import TextureStatistics, add_mirror_image, add_surroundings, skin_of, without_foreign
from ganfit_core.even_light import even_light, log_reference
from ganfit_core.morphable import MorphableModel
from ganfit_core.partial_maps import NORMALS_SIDE, PartialMaps
from ganfit_core.unwrap import face_weight, uv_region, vertex_map

# Maps that would teach a texture model something else than skin.
LARGEST_LANDMARK_ERROR = 0.045
LARGEST_YAW, LARGEST_PITCH = 30.0, 22.0
SMALLEST_SEEN = 0.68
SMALLEST_SHARPNESS = 9.0
# Where the light varied more than this (see `even_light`), dividing it out leaves noise and false colours.
LARGEST_CONTRAST = 0.22
# Of the maps that the statistics are learnt from, this share departs too far from what they make likely: hats, hands,
# hard shadows. Of maps that the components were not fitted to it is more, 18 % of LFW's.
ODDEST_SHARE = 0.12
FEWEST_MAPS = 4
_SIDE = NORMALS_SIDE
_COMPONENTS = 60
_BATCH = 32
# Around eyes and mouth a landmark error paints skin with something else; texels of 256.
_MARGIN = 6 / 256
_BLACK = 0.02


@dataclass(frozen=True)
class Regions:
    """Where on the map a face is judged, weights in [0, 1] of R texels a side."""

    face: Float[Tensor, "r r"]
    """The face below the hairline, eyes and mouth included; what lies outside is filled."""
    skin: Float[Tensor, "r r"]
    """The same without eyes and mouth, whose albedo says nothing about the light."""
    border: Float[Tensor, "r r"]
    """Forehead, flanks and the underside of the chin, where hair, caps, collars and background intrude."""

    @classmethod
    def of(cls, model: MorphableModel, resolution: int) -> Regions:
        """Those of a morphable model."""
        face = face_weight(model, resolution)
        grow = max(1, round(_MARGIN * resolution))
        inner = uv_region(model, model.regions["eyes"], resolution) | uv_region(
            model, model.regions["mouth"], resolution
        )
        inner = functional.max_pool2d(inner[None, None].float(), 2 * grow + 1, 1, grow)[0, 0]
        return cls(face, face * (1 - inner), _border(model, resolution))

    def at(self, side: int) -> Regions:
        """Averaged down."""
        masks = torch.stack([self.face, self.skin, self.border])
        return Regions(*functional.adaptive_avg_pool2d(masks, side))


def seen_share(confidence: UInt8[np.ndarray, "n r r"], face: Float[Tensor, "r r"]) -> Float32[np.ndarray, " n"]:
    """Share of the face that a photograph shows."""
    weight = face.numpy()
    return np.array([((c > 127) * weight).sum() / weight.sum() for c in confidence], np.float32)


def rejections(quality: dict[str, Float32[np.ndarray, " n"]]) -> NDArray[np.str_]:
    """Why each map must not be learnt from; "" for those that may.

    `quality` is that of PartialMaps and `seen`, from `seen_share`; what is not a number fails.
    """
    reasons = np.full(len(quality["yaw"]), "", dtype="<U16")
    tests = {
        "landmark error": quality["landmark_error"] <= LARGEST_LANDMARK_ERROR,
        "pose": (np.abs(quality["yaw"]) <= LARGEST_YAW) & (np.abs(quality["pitch"]) <= LARGEST_PITCH),
        "hidden": quality["seen"] >= SMALLEST_SEEN,
        "blurred": quality["sharpness"] >= SMALLEST_SHARPNESS,
    }
    for reason, passed in tests.items():
        reasons[~passed & (reasons == "")] = reason
    return reasons


class TooFewMapsError(ValueError):
    """Too few faces passed the quality thresholds to learn from."""


class Completed(NamedTuple):
    """Complete UV maps."""

    textures: UInt8[np.ndarray, "n r r 3"]
    contrast: Float32[np.ndarray, " n"]
    """Of the light that was divided out; see `even_light`."""
    oddity: Float32[np.ndarray, " n"]
    """Departure from what many maps make likely; see `TextureStatistics.oddity`."""


class MapCompletion:
    """What many maps have in common, and with it the completion of any map.

    Attributes:
        regions: at the maps' side.
        reference, tone: see `log_reference`.
        statistics: of maps in even light, 64 texels a side.
        oddest: maps odder than this (`TextureStatistics.oddity`) are rejected.
    """

    def __init__(
        self, regions: Regions, reference: Tensor, tone: Tensor, statistics: TextureStatistics, oddest: float
    ) -> None:
        self.regions, self.reference, self.tone = regions, reference, tone
        self.statistics, self.oddest = statistics, oddest
        self._small = regions.at(_SIDE)

    @classmethod
    def learn(cls, sample: Iterable[PartialMaps], regions: Regions) -> MapCompletion:
        """Learn from maps that were not rejected; of each group only small copies are kept.

        Raises TooFewMapsError when hardly any is left, or the light is harsh in all of them.
        """
        coarse = [_coarse(maps, regions.face) for maps in sample if len(maps.textures)]
        if sum(len(group[0]) for group in coarse) < FEWEST_MAPS:
            raise TooFewMapsError(f"fewer than {FEWEST_MAPS} faces are good enough to learn from")
        textures, confidence, normals = (torch.cat(parts) for parts in zip(*coarse, strict=True))
        small = regions.at(_SIDE)
        reference, tone = log_reference(textures, confidence, small.skin)
        textures, contrast = even_light(textures, confidence, normals, reference, tone, small.skin)
        soft = contrast <= LARGEST_CONTRAST
        if soft.sum() < FEWEST_MAPS:
            raise TooFewMapsError(f"fewer than {FEWEST_MAPS} faces are evenly lit enough to learn from")
        textures, confidence = textures[soft], confidence[soft]
        textures, confidence = _prepared(textures, confidence, small)
        statistics = TextureStatistics.learn(textures, confidence, min(_COMPONENTS, len(textures) // 4))
        batches = zip(textures.split(_BATCH), (confidence * small.face).split(_BATCH), strict=True)
        oddity = torch.cat([statistics.oddity(*batch) for batch in batches])
        return cls(regions, reference, tone, statistics, float(oddity.quantile(1 - ODDEST_SHARE)))

    def complete(self, maps: PartialMaps) -> Completed:
        """Complete maps in even light."""
        done = [Completed(np.zeros_like(maps.textures[:0]), np.zeros(0, np.float32), np.zeros(0, np.float32))]
        for start in range(0, len(maps.textures), _BATCH):
            texture, confidence, normals = _as_tensors(maps, slice(start, start + _BATCH), self.regions.face)
            texture, contrast = even_light(texture, confidence, normals, self.reference, self.tone, self._small.skin)
            texture, confidence = _prepared(texture, confidence, self.regions)
            oddity = self.statistics.oddity(*_smaller(texture, confidence * self.regions.face))
            filled = self.statistics.fill(texture, self.statistics.without_outliers(texture, confidence))
            pixels = (filled * 255).round().byte().permute(0, 2, 3, 1).contiguous()
            done.append(Completed(pixels.numpy(), contrast.numpy(), oddity.numpy()))
        return Completed(*(np.concatenate(parts) for parts in zip(*done, strict=True)))

    def rejections(self, completed: Completed) -> NDArray[np.str_]:
        """Why each completed map must not be learnt from; "" for those that may."""
        reasons = np.where(completed.oddity > self.oddest, "odd", "").astype("<U16")
        reasons[completed.contrast > LARGEST_CONTRAST] = "harsh light"
        return reasons

    def save(self, path: Path) -> None:
        """Write as safetensors."""
        tensors = {
            "face": self.regions.face,
            "skin": self.regions.skin,
            "border": self.regions.border,
            "reference": self.reference,
            "tone": self.tone,
            "mean": self.statistics.mean,
            "basis": self.statistics.basis,
            "noise": torch.tensor(self.statistics.noise),
            "oddest": torch.tensor(self.oddest),
        }
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, str(path))

    @classmethod
    def load(cls, path: Path) -> MapCompletion:
        """Read a file of `save`."""
        x = load_file(str(path))
        statistics = TextureStatistics(x["mean"], x["basis"], float(x["noise"]))
        regions = Regions(x["face"], x["skin"], x["border"])
        return cls(regions, x["reference"], x["tone"], statistics, float(x["oddest"]))


def _border(model: MorphableModel, resolution: int) -> Tensor:
    points = model.mean[model.landmark_indices]
    brow, chin = points[17:27, 1].mean(), points[8, 1]
    half_width = (points[0, 0] - points[16, 0]).abs() / 2
    above = (model.mean[:, 1] - brow) / (brow - chin)
    aside = model.mean[:, 0].abs() / half_width
    below = (chin - model.mean[:, 1]) / (brow - chin)
    weight = torch.stack([_step(above, 0.12, 0.22), _step(aside, 0.54, 0.7), _step(below, -0.05, 0.03)]).amax(dim=0)
    return vertex_map(model, weight[:, None], resolution)[0]


def _step(x: Tensor, low: float, high: float) -> Tensor:
    return ((x - low) / (high - low)).clamp(0, 1)


def _as_tensors(maps: PartialMaps, rows: slice, face: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    texture = torch.from_numpy(maps.textures[rows]).permute(0, 3, 1, 2).float() / 255
    confidence = torch.from_numpy(maps.confidence[rows])[:, None].float() / 255
    normals = torch.from_numpy(maps.normals[rows]).permute(0, 3, 1, 2).float()
    # Black corners of a rotated photograph are no skin.
    confidence = confidence * face * (texture.amax(dim=1, keepdim=True) > _BLACK)
    return texture, confidence, functional.normalize(normals, dim=1)


def _coarse(maps: PartialMaps, face: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    parts = []
    for start in range(0, len(maps.textures), _BATCH):
        texture, confidence, normals = _as_tensors(maps, slice(start, start + _BATCH), face)
        parts.append((*_smaller(texture, confidence), normals))
    return tuple(torch.cat(x) for x in zip(*parts, strict=True))  # type: ignore[return-value]


def _smaller(texture: Tensor, confidence: Tensor) -> tuple[Tensor, Tensor]:
    weight = functional.adaptive_avg_pool2d(confidence, _SIDE)
    return functional.adaptive_avg_pool2d(texture * confidence, _SIDE) / weight.clamp_min(1e-6), weight


def _prepared(texture: Tensor, confidence: Tensor, regions: Regions) -> tuple[Tensor, Tensor]:
    skin = skin_of(texture, confidence, regions.skin * (1 - regions.border))
    texture, confidence = add_mirror_image(texture, without_foreign(confidence, skin, regions.border))
    return add_surroundings(texture, confidence, skin, regions.face)
