"""Which frames of a video to fit a person to: certain detections, sharp, with open eyes, and from many sides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from jaxtyping import Float, Float64, UInt8
from torch.nn import functional

from ganfit_core.pose import camera_from_landmarks

_SIDE = 112
"""Faces are judged at this many pixels a side, whatever the video's resolution."""
_BLURRED = 0.5
"""Of the median sharpness; what is below is moving or out of focus."""
_SHUT, _WIDE = 0.6, 90
"""Of that percentile of the openness; eyes below are shut, and would be painted as lids on the shared texture."""


@dataclass(frozen=True)
class FrameQuality:
    """What is known of a frame's face before any fit."""

    score: float
    """The detector's; it falls where hands or hair cover the face."""
    sharpness: float
    """See `sharpness`."""
    yaw: float
    """Degrees, positive where the camera sees the subject's left side."""
    pitch: float
    """Degrees, positive where the camera looks from above."""
    openness: float
    """Of the eyes, see `openness`."""


def openness(landmarks: Float[np.ndarray, "68 2"]) -> float:
    """Height over width of the eyes, the mean of both: 0 where they are shut."""
    eyes = landmarks[36:48].reshape(2, 6, 2)
    height = np.linalg.norm(eyes[:, [1, 2]] - eyes[:, [5, 4]], axis=2).mean(axis=1)
    return float((height / np.linalg.norm(eyes[:, 0] - eyes[:, 3], axis=1)).mean())


def sharpness(image: UInt8[np.ndarray, "h w 3"], box: Float[np.ndarray, "4"]) -> float:
    """Variance of the Laplacian within the face's box over the variance of the grey values there.

    The box (left, top, right, bottom, px) is brought to one size first, and the ratio does not depend on exposure, so
    that frames of different distance and light can be compared. 0 for a box outside the image.
    """
    left, top, right, bottom = (max(0, round(float(side))) for side in box)
    face = image[top:bottom, left:right]
    if face.size == 0:
        return 0.0
    method = cv2.INTER_AREA if min(face.shape[:2]) > _SIDE else cv2.INTER_LINEAR
    grey = cv2.resize(cv2.cvtColor(face, cv2.COLOR_RGB2GRAY), (_SIDE, _SIDE), interpolation=method)
    laplacian = cv2.Laplacian(grey.astype(np.float32), cv2.CV_32F)
    return float(laplacian.var() / max(float(grey.var()), 1.0))


def head_pose(points: Float[np.ndarray, "68 3"], landmarks: Float[np.ndarray, "n 68 2"]) -> Float64[np.ndarray, "n 2"]:
    """Yaw and pitch in degrees of faces with landmarks in pixels; `points` are the mean head's landmarks in mm."""
    found = torch.from_numpy(np.asarray(landmarks, np.float32))
    mean = torch.from_numpy(np.asarray(points, np.float32)).expand(len(found), -1, -1)
    camera = camera_from_landmarks(mean, found, 1)  # the size only moves and scales the view
    view = functional.normalize(camera[:, :3] - camera[:, 3:6], dim=1)
    angles = torch.stack([torch.atan2(view[:, 0], view[:, 2]), torch.asin(view[:, 1])], dim=1)
    return np.asarray(torch.rad2deg(angles).double().numpy())


def choose(qualities: Sequence[FrameQuality], k: int) -> list[int]:
    """Indices, increasing, of k frames; all where there are no more than k.

    The better half of the frames, by the detector's score, without the blurred and those with shut eyes; of these the
    sharpest, and then always the one that is farthest in yaw and pitch from those taken (greedy farthest point,
    Gonzalez 1985). Where that half is smaller than k, the next best are let in.

    Raises:
        ValueError: k is not positive.
    """
    if k < 1:
        raise ValueError("at least one frame must be asked for")
    if len(qualities) <= k:
        return list(range(len(qualities)))
    sharp = np.array([quality.sharpness for quality in qualities])
    score = np.array([quality.score for quality in qualities])
    pose = np.array([(quality.yaw, quality.pitch) for quality in qualities])
    open_ = np.array([quality.openness for quality in qualities])
    bad = (sharp < _BLURRED * np.median(sharp)) | (open_ < _SHUT * np.percentile(open_, _WIDE))
    best_first = np.lexsort((-score, bad))
    pool = best_first[: max(k, int((~bad).sum() + 1) // 2)]
    chosen = [int(pool[np.argmax(sharp[pool])])]
    while len(chosen) < k:
        distance = np.linalg.norm(pose[pool, None] - pose[chosen], axis=2).min(axis=1)
        distance[np.isin(pool, chosen)] = -1  # the same pose twice is better than the same frame twice
        chosen.append(int(pool[np.argmax(distance)]))
    return sorted(chosen)
