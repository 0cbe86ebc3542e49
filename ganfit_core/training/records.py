"""What a training run leaves to look at: its log, the courses of its losses, sheets of samples."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from torch import Tensor

from ganfit_core.export import write_png
from ganfit_core.overlay import curve

LOG, LOSSES = "log.jsonl", "losses.png"
# Columns of the log that say where a run is; the others are losses.
_POSITION = {"images", "seconds", "images_per_second", "resolution", "phase", "alpha"}
_TILES = 3


def append_log(folder: Path, row: Mapping[str, Any]) -> None:
    """Add a row to log.jsonl."""
    with open(folder / LOG, "a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def read_log(folder: Path) -> list[dict[str, Any]]:
    """The rows of log.jsonl, none if there is no such file; a line torn by a kill is left out."""
    path = folder / LOG
    lines = path.read_text(encoding="utf-8").split("\n") if path.exists() else [""]
    return [json.loads(line) for line in lines[:-1]]


def keep_log(folder: Path, images: int) -> None:
    """Drop the rows after so many images: a run that continues from an older checkpoint writes them again."""
    kept = [json.dumps(row) + "\n" for row in read_log(folder) if row["images"] <= images]
    (folder / LOG).write_text("".join(kept), encoding="utf-8")


def write_losses(folder: Path) -> None:
    """Draw the course of every loss in log.jsonl into losses.png; nothing while there is none."""
    rows = read_log(folder)
    tiles = []
    for name in sorted({name for row in rows for name in row} - _POSITION):
        seen = [row for row in rows if name in row]
        values = np.array([row[name] for row in seen])
        images = f"{seen[0]['images']} to {seen[-1]['images']} images"
        tiles.append(curve(values, name, images, logarithmic=bool((values > 0).all())))
    if tiles:
        tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % _TILES)
        lines = [np.concatenate(tiles[start : start + _TILES], axis=1) for start in range(0, len(tiles), _TILES)]
        write_png(folder / LOSSES, np.concatenate(lines))


def write_sheet(path: Path, images: Float[Tensor, "n 3 r r"], columns: int = 8) -> None:
    """Write images as one PNG, row by row, values outside [0, 1] clipped; `n` must be a multiple of `columns`."""
    n, _, r, _ = images.shape
    grid = images.cpu().clamp(0, 1).reshape(n // columns, columns, 3, r, r).permute(0, 3, 1, 4, 2)
    write_png(path, (grid.reshape(n // columns * r, columns * r, 3) * 255).round().byte().numpy())
