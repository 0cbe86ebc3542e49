"""Invented rows of the tables of likeness, for queries."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import numpy as np

from data import schemas, tables

METHODS = ("fast", "ganfit++")
NETWORKS = ("mobilefacenet", "sface")
CORRUPTIONS = ("none", "glasses", "low light")
_BEGAN = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)
_COMMON = {
    "run_id": "likeness",
    "dataset": "lfw",
    "network_sha256": "a" * 64,
    "protocol_version": "1",
    "folds": [10],
    "photographs": 80,
    "preset": "laptop",
    "iterations": None,
    "face": "central",
    "assets": [],
    "config_sha256": "c" * 64,
    "seed": 0,
    "units": "cosine",
    "code_version": "0.2.0",
    "created_at": _BEGAN,
}


def photos(people: int) -> list[dict[str, Any]]:
    """Rows of `lfw_photos`: one to three photographs of each person, one in ten without a face."""
    rng = np.random.default_rng(7)
    rows = []
    for person in range(people):
        for number in range(1, 2 + person % 3):
            failed = bool(rng.random() < 0.1)
            for network in NETWORKS:
                for method in METHODS:
                    own = {
                        "network": network,
                        "method": method,
                        "protocol": "lfw/photo-rendering",
                        "unit_id": f"Person_{person:03d}/Person_{person:03d}_{number:04d}.jpg",
                        "subject": f"Person_{person:03d}",
                        "fold": 10,
                        "status": "no_face" if failed else "ok",
                        "reason": "no face found" if failed else None,
                        "cosine": None if failed else float(rng.uniform(0, 1)),
                        "result_key": "key",
                    }
                    rows.append(_COMMON | own)
    return rows


def pairs(n: int) -> list[dict[str, Any]]:
    """Rows of `lfw_pairs`, every other one of one person."""
    rng = np.random.default_rng(8)
    return [
        _COMMON
        | {
            "network": network,
            "method": method,
            "protocol": "lfw/rendering-pairs",
            "fold": 10,
            "same": bool(number % 2),
            "first": f"A_{number:03d}/A_{number:03d}_0001.jpg",
            "second": f"B_{number:03d}/B_{number:03d}_0001.jpg",
            "status": "ok",
            "reason": None,
            "cosine": float(rng.uniform(-0.2, 0.6) + 0.4 * (number % 2)),
        }
        for network in NETWORKS
        for method in METHODS
        for number in range(n)
    ]


def quality(photographs: int) -> list[dict[str, Any]]:
    """Rows of `image_quality`, one in ten failed."""
    rng = np.random.default_rng(9)
    rows = []
    for method in METHODS:
        for corruption in CORRUPTIONS:
            for number in range(photographs):
                failed = bool(rng.random() < 0.1)
                own = {
                    "dataset": "portraits",
                    "unit_id": f"{number:03d}.jpg",
                    "method": method,
                    "without": [],
                    "corruption": corruption,
                    "corruption_parameters": [],
                    "protocol": "quality/clean-reference",
                    "status": "no_face" if failed else "ok",
                    "stage": "detect" if failed else "fit",
                    "reason": "no face found" if failed else None,
                    "cosines": [] if failed else [(network, float(rng.uniform(0, 1))) for network in NETWORKS],
                    "networks": [(network, "a" * 64) for network in NETWORKS],
                }
                measured = {"psnr_db": float(rng.uniform(10, 25)), "mae": float(rng.uniform(0.03, 0.2))}
                rows.append(dict.fromkeys(schemas.image_quality().names) | _COMMON | own | ({} if failed else measured))
    return rows


def write(rows: list[dict[str, Any]], table: str, out: Path) -> list[dict[str, Any]]:
    """Write rows, one part for each partition, and return them."""
    folders = schemas.PARTITIONS[table]
    schema = {
        "lfw_photos": schemas.lfw_photos(),
        "lfw_pairs": schemas.lfw_pairs(),
        "image_quality": schemas.image_quality(),
    }[table]
    for partition in sorted({tuple(row[name] for name in folders) for row in rows}):
        tables.write_part(
            [row for row in rows if tuple(row[name] for name in folders) == partition], schema, out, "likeness", 0
        )
    return rows


def write_all(out: Path, n: int) -> dict[str, list[dict[str, Any]]]:
    """Write all three tables, and return their rows by table."""
    made = {"lfw_photos": photos(n), "lfw_pairs": pairs(n), "image_quality": quality(n)}
    return {table: write(rows, table, out) for table, rows in made.items()}
