"""Quality of the main job on photographs of people nothing was trained on: LFW's held-out fold.

    python -m benchmarks.quality --n 100 [--method NAME] [--out FOLDER]

needs GANFIT_DATASETS (lfw/pairs.txt and lfw/lfw-deepfunneled) and, for the judge, MobileFaceNet in GANFIT_ASSETS. One
photograph each of `n` people is reconstructed with the `laptop` preset. MobileFaceNet, which no term of the energy
sees, compares photograph and rendering, the rendering standing on black with not a pixel of the photograph in it:

- before: the mean head under the mean texture, turned and lit like the photograph;
- after: the fit.

Finished photographs are kept in FOLDER, so that a killed run resumes. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import multiprocessing
import os
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from data import assets
from data.collections import Unit, discover
from data.lfw import fold_people, person_of
from ganfit_core.camera import project
from ganfit_core.fitting import PRESETS, FitError, FitResult, Fitter, as_tensors
from ganfit_core.identity.mobilefacenet import MobileFaceNet
from ganfit_core.landmark_fit import relative_landmark_error
from ganfit_core.methods import DEFAULT, METHODS
from ganfit_core.overlay import panel
from ganfit_core.parameters import Parameters, light_from_photo
from ganfit_core.perception.align import AlignedFace, align_face
from ganfit_core.perception.faces import find_faces
from ganfit_core.perception.photo import read_photo
from ganfit_core.pose import camera_from_landmarks
from tasks.models import load_models

PRESET, SEED, BATCH, PROCESSES = "laptop", 0, 10, 2
_MEAN_TEXTURES = 64


def choose(n: int) -> list[Unit]:
    """One photograph of each of `n` held-out people, the same every time."""
    lfw = Path(os.environ["GANFIT_DATASETS"]) / "lfw"
    people = fold_people(lfw / "pairs.txt")
    first: dict[str, Unit] = {}
    for unit in discover([lfw / "lfw-deepfunneled"]).units:
        if person_of(unit.unit_id) in people:
            first.setdefault(person_of(unit.unit_id), unit)
    names = sorted(first)
    order = np.random.default_rng(SEED).permutation(len(names))[:n]
    return [first[names[i]] for i in order]


def measure(units: list[Unit], method: str, out: Path) -> list[dict[str, Any]]:
    """Fit a batch and judge it; one row per photograph, whatever came of it."""
    torch.set_num_threads(1)
    models = load_models(PRESET, method)
    fitter = models.reconstructor.fitter
    judge = MobileFaceNet.load(assets.find("mobilefacenet")).to(fitter.device)
    rows: list[dict[str, Any]] = []
    for unit in units:
        photo = read_photo(unit.path)
        found = find_faces(photo, models.detect, models.landmarks)
        face = align_face(photo, found[0].landmarks, models.crop_size) if found else None
        rows.append({"unit_id": unit.unit_id, "status": "ok" if face else "no_face", "face": face})
    faces = [row["face"] for row in rows if row["face"]]
    started, cpu = time.perf_counter(), time.process_time()
    try:
        results = iter(models.reconstructor.fit(faces, SEED))
    except FitError as error:
        return [{"unit_id": row["unit_id"], "status": f"failed: {error}"} for row in rows]
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu
    for row in rows:
        face = row.pop("face")
        if face:
            result = next(results)
            row |= judged(fitter, judge, face, result)
            row |= {"seconds": seconds / len(faces), "cpu_seconds": cpu_seconds / len(faces)}
            picture = panel(face.image, result)[:, :, ::-1]
            cv2.imwrite(str(out / f"{Path(row['unit_id']).stem}-{method}.png"), picture)
    return rows


@torch.no_grad()
def judged(fitter: Fitter, judge: MobileFaceNet, face: AlignedFace, result: FitResult) -> dict[str, Any]:
    """Landmark error in % of the inter-ocular distance, and the judge's cosines before and after."""
    model, renderer, device = fitter.model, fitter.renderer, fitter.device
    photo, marks, _ = (tensor.to(device) for tensor in as_tensors([face]))
    parameters = Parameters(*(torch.from_numpy(getattr(result, name))[None].to(device) for name in Parameters._fields))
    rendering, vertices = fitter.energy.render(parameters)
    points = project(model.landmarks(vertices), parameters.camera, renderer.size)[..., :2]

    mean = model.mean[None]
    turned = camera_from_landmarks(model.landmarks(mean), marks, renderer.size)
    samples = fitter.texture_model.sample(_MEAN_TEXTURES, torch.Generator().manual_seed(SEED))
    texture = samples.mean(dim=0, keepdim=True)
    unlit = renderer(mean, texture, turned, parameters.light)
    light = light_from_photo(photo, unlit, fitter.energy.compared(unlit))
    before = renderer(mean, texture, turned, light).image.clamp(0, 1)
    embeddings = judge(torch.cat([photo, before, rendering.image.clamp(0, 1)]), marks.expand(3, -1, -1)).embedding
    cosines = (embeddings[1:] @ embeddings[0]).tolist()
    return {
        "landmark_error_pct": 100 * float(relative_landmark_error(points, marks)),
        "cosine_before": cosines[0],
        "cosine_after": cosines[1],
        "iterations": result.iterations,
        "converged": result.converged,
        "pixel": result.losses["pixel"],
    }


def part_name(units: list[Unit], method: str) -> str:
    """Changes with the photographs, the preset and the files of the models: old rows never pass for new ones."""
    models = sorted(load_models(PRESET, method).sha256.items())
    content = json.dumps([[u.unit_id for u in units], dataclasses.asdict(PRESETS[PRESET]), method, models, SEED])
    return f"rows-{hashlib.sha256(content.encode()).hexdigest()[:16]}.json"


def main() -> None:
    """Fit, judge and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=100)
    parser.add_argument("--method", choices=tuple(METHODS), default=DEFAULT)
    parser.add_argument("--out", type=Path, default=Path("out/quality"))
    arguments = parser.parse_args()
    missing = [name for name in ("GANFIT_DATASETS", "GANFIT_ASSETS") if name not in os.environ]
    if missing:
        print(json.dumps({"skipped": f"{' and '.join(missing)} not set: LFW and MobileFaceNet are needed"}))
        return
    arguments.out.mkdir(parents=True, exist_ok=True)
    units = choose(arguments.n)
    batches = [units[start : start + BATCH] for start in range(0, len(units), BATCH)]
    parts = [arguments.out / part_name(batch, arguments.method) for batch in batches]
    with ProcessPoolExecutor(PROCESSES, mp_context=multiprocessing.get_context("spawn")) as pool:
        waiting = {
            pool.submit(measure, batch, arguments.method, arguments.out): part
            for batch, part in zip(batches, parts, strict=True)
            if not part.exists()
        }
        for future in as_completed(waiting):
            part = waiting[future]
            part.with_suffix(".tmp").write_text(json.dumps(future.result()))
            part.with_suffix(".tmp").replace(part)
    rows = [row for part in parts for row in json.loads(part.read_text())]
    good = [row for row in rows if row["status"] == "ok"]

    def mean(name: str, digits: int) -> float | None:
        return round(float(np.mean([row[name] for row in good])), digits) if good else None

    figures = {
        "n": len(rows),
        "fitted": len(good),
        "landmark_error_pct": mean("landmark_error_pct", 2),
        "cosine_before": mean("cosine_before", 3),
        "cosine_after": mean("cosine_after", 3),
        "improved": round(sum(row["cosine_after"] > row["cosine_before"] for row in good) / len(rows), 3),
        "seconds_per_image": mean("seconds", 2),
        "cpu_seconds_per_image": mean("cpu_seconds", 2),
        "seconds_are_of": f"the fit alone, {PROCESSES} processes of one thread side by side, batches of {BATCH}",
        "judge": "mobilefacenet",
        "method": arguments.method,
        "models_sha256": dict(load_models(PRESET, arguments.method).sha256),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
