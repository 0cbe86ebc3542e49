"""Photographs spoilt on purpose, seeded and recorded: things before the face, and what a camera does.

Mohaghegh et al. occlude synthetically, both to train (Sec. 3) and to measure against photographs in which nothing is
hidden (Sec. 4). They do not say how: these occluders are ours.
"""

from __future__ import annotations

import hashlib
import json

import numpy as np
from jaxtyping import Float, UInt8

from ganfit_core.corruption.base import Corrupted, Corruption, Face
from ganfit_core.corruption.blocks import blocks
from ganfit_core.corruption.degradations import blur, low_light, noise
from ganfit_core.corruption.glasses import glasses
from ganfit_core.corruption.hair import hair
from ganfit_core.corruption.hand import hand
from ganfit_core.corruption.surgical_mask import surgical_mask

__all__ = ["CORRUPTIONS", "OCCLUDERS", "Corrupted", "Corruption", "corrupt", "seed_for"]

OCCLUDERS: dict[str, Corruption] = {
    "glasses": glasses,
    "mask": surgical_mask,
    "hand": hand,
    "hair": hair,
    "blocks": blocks,
}
"""What hides a part of the face and leaves the rest of the photograph as it was."""
CORRUPTIONS: dict[str, Corruption] = {**OCCLUDERS, "noise": noise, "blur": blur, "low light": low_light}
"""All, by name."""


def corrupt(photo: UInt8[np.ndarray, "h w 3"], landmarks: Float[np.ndarray, "68 2"], name: str, seed: int) -> Corrupted:
    """Spoil a photograph; the same arguments give the same bytes.

    Args:
        photo: sRGB.
        landmarks: of the face (iBUG order), in the photograph's pixels, pixel centres at half-integers.
        name: one of CORRUPTIONS.
        seed: not negative; `seed_for` gives each photograph its own.

    Raises:
        ValueError: there is no such corruption, the photograph or the landmarks are not as described, or the face lies
            outside the photograph.
    """
    if name not in CORRUPTIONS:
        raise ValueError(f"no corruption {name!r}; there are {', '.join(CORRUPTIONS)}")
    if photo.dtype != np.uint8 or photo.ndim != 3 or photo.shape[2] != 3 or not photo.size:
        raise ValueError(f"expected an (h, w, 3) photograph of bytes, got {photo.shape} of {photo.dtype}")
    landmarks = np.asarray(landmarks, np.float64)
    if landmarks.shape != (68, 2) or not np.isfinite(landmarks).all():
        raise ValueError(f"expected (68, 2) finite landmarks, got {landmarks.shape}")
    if not ((landmarks >= 0) & (landmarks < photo.shape[1::-1])).all(axis=1).any():
        raise ValueError("the face lies outside the photograph")
    return CORRUPTIONS[name](photo, Face.of(landmarks), np.random.default_rng(seed))


def seed_for(seed: int, unit_id: str, name: str) -> int:
    """The seed of a photograph's corruption, below 2^63: another for each photograph, corruption and seed of a run."""
    digest = hashlib.sha256(json.dumps([seed, unit_id, name]).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
