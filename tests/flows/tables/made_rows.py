"""Rows of results that never were, with every column of their tables."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

from data import schemas

BEGAN = datetime.datetime(2024, 5, 1, tzinfo=datetime.UTC)
NETWORK = "mobilefacenet"
_COMMON = {
    "run_id": "run",
    "protocol_version": "1",
    "preset": "laptop",
    "iterations": None,
    "face": "central",
    "config_sha256": "c" * 64,
    "assets": [],
    "seed": 0,
    "units": "cosine",
    "code_version": "0.1.0",
    "created_at": BEGAN,
}


def micc(subject: int, error: float | None, **columns: Any) -> dict[str, Any]:
    """A row of `micc`; without an error, that of a video without a face."""
    own = {
        "dataset": "people",
        "subject": f"subject_{subject:02d}",
        "setting": "indoor",
        "method": "ganfit++",
        "fusion": "joint",
        "without": [],
        "protocol": "micc/ganfit-paper",
        "status": "ok" if error is not None else "no_face",
        "stage": "measure",
        "error_mm": error,
        "rigid_error_mm": error and error + 1,
        "scale": 1.1,
        "notes": [],
        "frames": [],
        "skipped": [],
        "cosine": 0.5 * subject,
        "predicted_by": "0.1.0",
        "config_sha256": "c" * 64,
    }
    return _row(schemas.micc().names, own, columns)


def frechet(model: str, distance: float, **columns: Any) -> dict[str, Any]:
    """A row of `frechet`."""
    own = {
        "texture_model": model,
        "asset_sha256": "a" * 64,
        "extractor": "vgg16",
        "extractor_sha256": "e" * 64,
        "metric": "Frechet distance (vgg16)",
        "protocol": "frechet/uv-face",
        "resolution": 128,
        "mask_sha256": "m" * 64,
        "n_generated": 2000,
        "n_reference": 500,
        "reference_sha256": "r" * 64,
        "frechet": distance,
        "kid": 0.001,
        "kid_low": 0.0005,
        "kid_high": 0.0015,
    }
    return _row(schemas.frechet().names, own, columns)


def lfw_photos(method: str, mean: float | None, **columns: Any) -> dict[str, Any]:
    """A row of `lfw_summary` about photographs and renderings."""
    own = {
        **_of_lfw(method),
        "protocol": "lfw/photo-rendering",
        "n": 90,
        "failed": 0,
        "people": 40,
        "mean": mean,
        "std": mean and 0.1,
        "mean_over_people": mean and mean + 0.001,
        "above_half": mean and 0.75,
    }
    return _row(schemas.lfw_summary().names, own, columns)


def lfw_pairs(method: str, auc: float, **columns: Any) -> dict[str, Any]:
    """A row of `lfw_summary` about pairs."""
    own = {
        **_of_lfw(method),
        "protocol": "lfw/photo-pairs" if method == "photographs" else "lfw/rendering-pairs",
        "n": 600,
        "failed": 0,
        "people": 70,
        "same": 300,
        "auc": auc,
        "eer": 0.1,
        "tar": 0.25,
        "far": 0.001,
    }
    return _row(schemas.lfw_summary().names, own, columns)


def quality(photo: int, mae: float | None, **columns: Any) -> dict[str, Any]:
    """A row of `image_quality`; without an error, that of a photograph without a face."""
    own = {
        "dataset": "photographs",
        "photographs": 3,
        "unit_id": f"{photo}.jpg",
        "method": "ganfit++",
        "without": [],
        "corruption": "none",
        "corruption_parameters": [],
        "protocol": "quality/clean-reference",
        "status": "no_face" if mae is None else "ok",
        "stage": "detect" if mae is None else "measure",
        "psnr_db": mae and 20.0 + photo,
        "ssim": mae and 0.7,
        "mae": mae,
        "landmark_error_pct": mae and 2.5,
        "cosines": [] if mae is None else [(NETWORK, 0.5 + mae)],
        "networks": [(NETWORK, "f" * 64)],
    }
    return _row(schemas.image_quality().names, own, columns)


def _of_lfw(method: str) -> dict[str, Any]:
    chosen = {"dataset": "lfw", "folds": [10], "photographs": 90}
    return {**chosen, "network": NETWORK, "network_sha256": "f" * 64, "method": method}


def _row(names: Sequence[str], own: dict[str, Any], columns: dict[str, Any]) -> dict[str, Any]:
    assert set(columns) <= set(names)
    row = dict.fromkeys(names) | _COMMON | own | columns
    return {name: row[name] for name in names}
