"""Texture models side by side: Frechet distance, KID and projection error over held-out people's maps.

    python -m benchmarks.textures --maps runs/textures [--gan FILE] [--vae FILE] [--pca FILE]

Models that are not named are the shipped ones. The scores are those of `ganfit textures evaluate`. Projection is
min over p_t of |G(p_t) - I_uv| (Fast-GANFIT, Sec. 3.1): the nearest of 128 random maps, then Adam, the same number of
steps for every model; its error is the mean absolute difference inside the face mask, colours in [0, 1]. The last line
is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from data.assets import MissingAssetError
from evaluation.extractors import EXTRACTORS
from evaluation.uv_face import reduced_mask
from flows.evaluate_textures import SAMPLES, evaluate_textures
from flows.scores import shipped_models
from flows.tables import textures
from flows.tables.rendering import show
from ganfit_core.texture.maps import MapShards, area_averaged
from ganfit_core.texture.model import TextureModel, load_texture_model
from ganfit_core.texture.projection import absolute_error
from ganfit_core.training.splits import HELD_OUT
from tasks.complete_maps import MASK
from tasks.score_textures import reference_maps

PROJECTED, ITERATIONS, BATCH = 50, 200, 10


def projection(model: TextureModel, folder: Path, seed: int) -> dict[str, Any]:
    """Mean error of held-out maps' projections, with what it took."""
    maps = MapShards(folder, HELD_OUT)
    chosen = np.random.default_rng(seed).permutation(reference_maps(folder))[:PROJECTED]
    targets = torch.from_numpy(area_averaged(maps.read(chosen), model.resolution)).permute(0, 3, 1, 2).float() / 255
    mask = torch.from_numpy(reduced_mask(np.load(folder / MASK), model.resolution))
    random = torch.Generator().manual_seed(seed)
    errors, started = [], time.process_time()
    for target in targets.split(BATCH):
        weight = mask.expand(len(target), 1, -1, -1)
        latents = model.project(target, weight, ITERATIONS, random)
        with torch.no_grad():
            errors.append(absolute_error(model(latents).clamp(0, 1), target, weight))
    return {
        "mean_absolute_error": round(float(torch.cat(errors).mean()), 4),
        "latent_dim": model.latent_dim,
        "cpu_seconds": round(time.process_time() - started, 1),
    }


def projection_table(found: dict[str, dict[str, Any]]) -> Table:
    """One row per model."""
    title = f"projection of {PROJECTED} held-out maps, {ITERATIONS} iterations"
    table = Table("model", "mean absolute error", "parameters", "CPU s", title=title, title_justify="left")
    for kind, row in found.items():
        table.add_row(kind, f"{row['mean_absolute_error']:.4f}", str(row["latent_dim"]), f"{row['cpu_seconds']:.0f}")
    return table


def figures(rows: list[dict[str, Any]], projections: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The JSON line."""
    common = ("metric", "extractor", "extractor_sha256", "protocol", "protocol_version", "n_reference")
    scores = {
        row["texture_model"]: {
            "frechet": round(row["frechet"], 4),
            "kid": round(row["kid"], 6),
            "kid_95": [round(row["kid_low"], 6), round(row["kid_high"], 6)],
            "n": row["n_generated"],
            "resolution": row["resolution"],
            "sha256": row["asset_sha256"],
        }
        for row in rows
    }
    projected = {kind: row["mean_absolute_error"] for kind, row in projections.items()}
    details = {"maps": PROJECTED, "iterations": ITERATIONS, "models": projections}
    return {
        **scores,
        **{name: rows[0][name] for name in (*common, "reference_sha256", "seed")},
        "projection": projected,
        "projection_details": details,
    }


def main() -> None:
    """Score, project and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--maps", type=Path, default=Path("runs/textures"), help="folder of `ganfit textures build`")
    for kind in ("gan", "vae", "pca"):
        parser.add_argument(f"--{kind}", type=Path, help="weights")
    parser.add_argument("--out", type=Path, default=Path("out/textures"))
    parser.add_argument("--n", type=int, default=SAMPLES, help="maps drawn from each model")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--extractor", choices=EXTRACTORS, default="vgg16")
    arguments = parser.parse_args()
    torch.set_flush_denormal(True)
    given = {kind: path for kind in ("gan", "vae", "pca") if (path := getattr(arguments, kind))}
    models = shipped_models() | given
    try:
        rows = evaluate_textures.fn(
            arguments.maps, models, arguments.out, arguments.n, arguments.seed, arguments.extractor
        )
    except (MissingAssetError, ValueError) as error:
        print(json.dumps({"skipped": str(error)}))
        return
    projections = {
        kind: projection(load_texture_model(path), arguments.maps, arguments.seed) for kind, path in models.items()
    }
    console = Console(highlight=False)
    for sheet in textures.report(rows).sheets:
        show(sheet)
    console.print(projection_table(projections))
    print(json.dumps(figures(rows, projections)))


if __name__ == "__main__":
    main()
