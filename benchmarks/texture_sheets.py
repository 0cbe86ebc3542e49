"""Pictures by which a person judges a texture model.

    python -m benchmarks.texture_sheets [--model FILE] [--maps runs/textures] [--out out/texture_sheets]

- samples.jpg: 8 x 8 random maps;
- interpolation.jpg: 4 rows of 8 steps on the great circle between two random latents (slerp, Shoemake 1985), which
  stays where random latents lie;
- nearest.jpg: 8 random maps, and below each the training map, as it is or mirrored, whose mean absolute difference
  inside the face mask is the smallest. A model that had memorised its training maps would show the same face twice.

Without a file the shipped generator is shown. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from data.assets import find
from evaluation.uv_face import quantised, reduced_mask
from ganfit_core.texture.maps import MapShards, area_averaged
from ganfit_core.texture.model import load_texture_model
from ganfit_core.training.splits import TRAIN
from tasks.complete_maps import MASK

COLUMNS, ROWS, INTERPOLATIONS = 8, 8, 4
_CHUNK = 64


def sheet(maps: UInt8[np.ndarray, "n r r 3"]) -> Image.Image:
    """Maps in rows of eight."""
    n, side = maps.shape[:2]
    grid = maps.reshape(n // COLUMNS, COLUMNS, side, side, 3).swapaxes(1, 2)
    return Image.fromarray(np.ascontiguousarray(grid.reshape(n // COLUMNS * side, COLUMNS * side, 3)))


def slerp(start: Float[Tensor, " d"], end: Float[Tensor, " d"], steps: int) -> Float[Tensor, "steps d"]:
    """Latents on the great circle from `start` to `end`, their length passing from the one's to the other's."""
    angle = torch.acos(torch.dot(start / start.norm(), end / end.norm()))
    share = torch.linspace(0, 1, steps)[:, None]
    return (torch.sin((1 - share) * angle) * start + torch.sin(share * angle) * end) / torch.sin(angle)


def nearest(
    samples: UInt8[np.ndarray, "n r r 3"], maps: MapShards, mask: Float[np.ndarray, "r r"]
) -> tuple[UInt8[np.ndarray, "n r r 3"], NDArray[np.float64]]:
    """For each sample the nearest training map or mirrored map, and their distance, colours in [0, 1]."""
    seen = mask > 0
    weight = mask[seen, None] / (3 * 255 * mask.sum())
    wanted = samples[:, seen].astype(np.float32)
    found, distances = samples.copy(), np.full(len(samples), np.inf)
    for start in range(0, len(maps), _CHUNK):
        plain = area_averaged(maps.read(np.arange(start, min(start + _CHUNK, len(maps)))), samples.shape[1])
        for candidate in (*plain, *plain[:, :, ::-1]):
            differences = (np.abs(wanted - candidate[seen].astype(np.float32)) * weight).sum(axis=(1, 2))
            nearer = differences < distances
            found[nearer], distances[nearer] = candidate, differences[nearer]
    return found, distances


@torch.inference_mode()
def main() -> None:
    """Draw and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="weights of a texture model")
    parser.add_argument("--maps", type=Path, default=Path("runs/textures"), help="folder of `ganfit textures build`")
    parser.add_argument("--out", type=Path, default=Path("out/texture_sheets"))
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_flush_denormal(True)
    model = load_texture_model(arguments.model or find("texture-generator"))
    random = torch.Generator().manual_seed(arguments.seed)
    arguments.out.mkdir(parents=True, exist_ok=True)

    samples = quantised(model.sample(COLUMNS * ROWS, random))
    sheet(samples).save(arguments.out / "samples.jpg", quality=92)
    ends = model.sample_latents(2 * INTERPOLATIONS, random).reshape(INTERPOLATIONS, 2, -1)
    rows = [quantised(model(slerp(start, end, COLUMNS))) for start, end in ends]
    sheet(np.concatenate(rows)).save(arguments.out / "interpolation.jpg", quality=92)
    figures = {"kind": model.kind, "resolution": model.resolution, "out": str(arguments.out)}
    try:
        maps = MapShards(arguments.maps, TRAIN)
    except ValueError as error:
        print(json.dumps({**figures, "nearest": f"skipped: {error}"}))
        return
    mask = reduced_mask(np.load(arguments.maps / MASK), model.resolution)
    found, distances = nearest(samples[:COLUMNS], maps, mask)
    sheet(np.concatenate([samples[:COLUMNS], found])).save(arguments.out / "nearest.jpg", quality=92)
    print(json.dumps({**figures, "training_maps": len(maps), "distance": [round(float(d), 4) for d in distances]}))


if __name__ == "__main__":
    main()
