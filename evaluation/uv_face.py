"""What of a UV map a feature extractor sees: the protocol `frechet/uv-face`, version 1.

Both sides pass through the same steps: 8-bit values, as a PNG would hold them, at the texture model's resolution; the
face mask, with a grey of 0.5 outside; the smallest square around the mask; bicubic antialiased resizing to the
extractor's input. Without the crop half of the features' positions would see nothing but grey.

The reference is of held-out people, with at most PER_PERSON maps of each. Photographs of the famous are many: in LFW's
tenth fold a third shows one man, and real maps of other people would be told apart from such a reference. Maps of one
person are still alike: the KID's subsets, which part them, are not quite independent, and its interval is a little too
narrow.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from numpy.typing import NDArray
from torch import Tensor

PROTOCOL, VERSION = "frechet/uv-face", "1"
PER_PERSON = 5
_GREY = 0.5


def few_of_each(people: Sequence[str]) -> NDArray[np.int64]:
    """Indices of the maps that make the reference, given who is on each: the first PER_PERSON of every person."""
    seen: Counter[str] = Counter()
    chosen = []
    for index, person in enumerate(people):
        seen[person] += 1
        if seen[person] <= PER_PERSON:
            chosen.append(index)
    return np.array(chosen, np.int64)


def quantised(maps: Float[Tensor, "n 3 r r"]) -> UInt8[np.ndarray, "n r r 3"]:
    """Maps in [0, 1] as 8-bit RGB; what leaves that range is clipped."""
    return (maps.clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()


def reduced_mask(mask: Float[np.ndarray, "r r"], resolution: int) -> Float[np.ndarray, "s s"]:
    """The mask area-averaged to a model's resolution. Raises ValueError if that is no whole fraction of its side."""
    side = len(mask)
    if resolution > side or side % resolution:
        raise ValueError(f"{resolution} texels are no whole fraction of the mask's {side}")
    return F.avg_pool2d(torch.from_numpy(mask)[None], side // resolution)[0].numpy()


def extractor_input(
    maps: UInt8[np.ndarray, "n r r 3"], mask: Float[np.ndarray, "r r"], side: int
) -> Float[Tensor, "n 3 side side"]:
    """The masked, cropped and resized maps in [0, 1]. Raises ValueError for an empty mask or one of another side."""
    if mask.shape != maps.shape[1:3]:
        raise ValueError(f"a mask of {mask.shape} does not fit maps of {maps.shape[1:3]}")
    rows, columns = _face_square(mask)
    weight = torch.from_numpy(mask)[rows, columns]
    values = torch.from_numpy(maps[:, rows, columns]).permute(0, 3, 1, 2).float() / 255
    return F.interpolate(
        torch.lerp(torch.full_like(values, _GREY), values, weight), (side, side), mode="bicubic", antialias=True
    ).clamp(0, 1)


def _face_square(mask: Float[np.ndarray, "r r"]) -> tuple[slice, slice]:
    """Rows and columns of the smallest square around all that the mask lets through, kept inside the map."""
    if not mask.any():
        raise ValueError("the mask shows nothing")
    spans = [np.flatnonzero(mask.any(axis=axis))[[0, -1]] for axis in (1, 0)]
    side = int(max(last - first + 1 for first, last in spans))
    starts = [int(np.clip((first + last + 1 - side) // 2, 0, len(mask) - side)) for first, last in spans]
    return slice(starts[0], starts[0] + side), slice(starts[1], starts[1] + side)
