"""Energy over iterations on one photograph: random starts against the regression's (Fast-GANFIT, Fig. 7).

    python -m benchmarks.convergence [PHOTO] [--preset laptop] [--iterations N] [--out out/convergence.png]

fits the photograph's largest face (the demonstration's unless given) with `ganfit` and with `ganfit++` from 10 seeds
each, and draws the energies of all the former, of the first 3 of the latter, and the regression's. A `ganfit++` fit
depends on its seed only through the random views, since its start is the regression. The last line is one JSON object:
mean and standard deviation over the seeds of each method's energy at the end, all with the same random view.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from data.assets import AssetError
from data.demo import demo_photo
from ganfit_core.convergence import plot
from ganfit_core.fitting import PRESETS, FitResult
from ganfit_core.perception.align import align_face
from ganfit_core.perception.faces import find_faces
from ganfit_core.perception.photo import read_photo
from tasks.models import load_models

RANDOM, REGRESSION, REFINED = "ganfit", "fast", "ganfit++"
SEEDS = {RANDOM: 10, REGRESSION: 1, REFINED: 10}
DRAWN = 3
"""Of the refined fits, as many as in the paper's figure."""


def fits(photo: Path, method: str, preset: str, iterations: int | None) -> list[FitResult]:
    """The photograph's largest face from every seed of a method. Raises ValueError if it shows none."""
    models = load_models(preset, method, iterations)
    rgb = read_photo(photo)
    found = find_faces(rgb, models.detect, models.landmarks)
    if not found:
        raise ValueError(f"{photo} shows no face")
    face = align_face(rgb, found[0].landmarks, models.crop_size)
    return [models.reconstructor.fit([face], seed)[0] for seed in range(SEEDS[method])]


def summary(results: Sequence[FitResult]) -> dict[str, Any]:
    """Energies at the end and steps, over the seeds; the deviation is the sample's, None for a single seed."""
    energies = [result.losses["total"] for result in results]
    return {
        "seeds": len(results),
        "energy": round(float(np.mean(energies)), 4),
        "energy_std": round(float(np.std(energies, ddof=1)), 4) if len(energies) > 1 else None,
        "iterations": round(float(np.mean([result.iterations for result in results])), 1),
        "converged": sum(result.converged for result in results),
    }


def main() -> None:
    """Fit, draw and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photo", type=Path, nargs="?")
    parser.add_argument("--preset", choices=tuple(PRESETS), default="laptop")
    parser.add_argument("--iterations", type=int, help="most steps of a fit, the preset's unless given")
    parser.add_argument("--out", type=Path, default=Path("out/convergence.png"))
    arguments = parser.parse_args()
    photo = arguments.photo or demo_photo()
    try:
        results = {method: fits(photo, method, arguments.preset, arguments.iterations) for method in SEEDS}
    except AssetError as error:
        print(json.dumps({"skipped": str(error)}))
        return
    courses = {method: [result.history["total"] for result in found] for method, found in results.items()}
    regressed = results[REGRESSION][0].losses["total"]
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(plot(courses[RANDOM], courses[REFINED][:DRAWN], regressed)).save(arguments.out)
    figures: dict[str, Any] = {method: summary(found) for method, found in results.items()}
    print(json.dumps(figures | {"photo": photo.name, "preset": arguments.preset, "plot": str(arguments.out)}))


if __name__ == "__main__":
    main()
