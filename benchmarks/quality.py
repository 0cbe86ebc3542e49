"""Quality of the main job on photographs of people nothing was trained on: LFW's held-out fold.

    python -m benchmarks.quality --n 100 [--out FOLDER]

needs GANFIT_DATASETS (lfw/pairs.txt and lfw/lfw-deepfunneled) and, for the judge, MobileFaceNet in GANFIT_ASSETS. One
photograph each of `n` people is fitted with the `laptop` preset. MobileFaceNet, which no term of the energy sees,
compares photograph and rendering, the rendering standing on black with not a pixel of the photograph in it:

- before: the mean head under the mean texture, turned and lit like the photograph;
- after: the fit.

Finished photographs are kept in FOLDER, so that a killed run resumes. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import torch

from data import assets
from data.collections import Unit, discover
from data.lfw import fold_people, person_of
from ganfit_core.camera import project
from ganfit_core.fitting import FitResult
from ganfit_core.identity.mobilefacenet import MobileFaceNet
from ganfit_core.landmark_fit import relative_landmark_error
from ganfit_core.overlay import panel
from ganfit_core.parameters import Parameters, light_from_photo
from ganfit_core.perception.align import AlignedFace, align_face
from ganfit_core.perception.photo import read_photo
from ganfit_core.pose import camera_from_landmarks
from tasks.models import load_models

SEED, BATCH, PROCESSES = 0, 10, 2
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


def measure(units: list[Unit], out: Path) -> list[dict[str, object]]:
    """Fit a batch and judge it; one row per photograph, status "no_face" where none is found."""
    torch.set_num_threads(1)
    models = load_models("laptop")
    judge = MobileFaceNet.load(assets.find("mobilefacenet"))
    rows: list[dict[str, object]] = []
    faces: list[AlignedFace] = []
    for unit in units:
        rgb = read_photo(unit.path)
        found = models.detect(rgb)
        rows.append({"unit_id": unit.unit_id, "status": "ok" if found else "no_face"})
        if found:
            marks = models.landmarks(rgb, found[0].box, found[0].points)
            faces.append(align_face(rgb, marks, models.crop_size))
    started, cpu = time.perf_counter(), time.process_time()
    results = models.fitter.fit(faces, SEED)
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu
    fitted = iter(zip(faces, results, strict=True))
    for row in rows:
        if row["status"] == "ok":
            face, result = next(fitted)
            row |= judged(models.fitter, judge, face, result)
            row |= {"seconds": seconds / len(faces), "cpu_seconds": cpu_seconds / len(faces)}
            name = Path(str(row["unit_id"])).stem
            cv2.imwrite(str(out / f"{name}.png"), panel(face.image, result)[:, :, ::-1])
    return rows


@torch.no_grad()
def judged(fitter, judge: MobileFaceNet, face: AlignedFace, result: FitResult) -> dict[str, object]:  # type: ignore[no-untyped-def]
    """Landmark error in % of the inter-ocular distance, and the judge's cosines before and after."""
    model, size = fitter.model, fitter.renderer.size
    photo = torch.from_numpy(face.image).permute(2, 0, 1)[None].float() / 255
    marks = torch.from_numpy(face.landmarks)[None].float()
    vertices = torch.from_numpy(result.vertices)[None]
    camera = torch.from_numpy(result.camera)[None]
    error = relative_landmark_error(project(model.landmarks(vertices), camera, size)[..., :2], marks)

    mean = model.mean[None]
    turned = camera_from_landmarks(model.landmarks(mean), marks, size)
    samples = fitter.texture_model.sample(_MEAN_TEXTURES, torch.Generator().manual_seed(SEED))
    texture = samples.mean(dim=0, keepdim=True)
    flat = torch.tensor([[0.0, 0, 900, 0, 0, 0, 1, 1, 1]])
    unlit = fitter.renderer(mean, texture, turned, flat)
    light = light_from_photo(photo, unlit, fitter.energy.compared(unlit))
    before = fitter.renderer(mean, texture, turned, light).image.clamp(0, 1)
    parameters = Parameters(*(torch.from_numpy(getattr(result, name))[None] for name in Parameters._fields))
    after = fitter.energy.render(parameters)[0].image.clamp(0, 1)
    embeddings = judge(torch.cat([photo, before, after]), marks.expand(3, -1, -1)).embedding
    cosines = embeddings[1:] @ embeddings[0]
    return {
        "landmark_error_pct": 100 * float(error),
        "cosine_before": float(cosines[0]),
        "cosine_after": float(cosines[1]),
        "iterations": result.iterations,
        "converged": result.converged,
        "pixel": result.losses["pixel"],
    }


def main() -> None:
    """Fit, judge and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=100)
    parser.add_argument("--out", type=Path, default=Path("out/quality"))
    arguments = parser.parse_args()
    missing = [name for name in ("GANFIT_DATASETS", "GANFIT_ASSETS") if name not in os.environ]
    if missing:
        print(json.dumps({"skipped": f"{' and '.join(missing)} not set: LFW and MobileFaceNet are needed"}))
        return
    arguments.out.mkdir(parents=True, exist_ok=True)
    units = choose(arguments.n)
    batches = {number: units[start : start + BATCH] for number, start in enumerate(range(0, len(units), BATCH))}
    parts = {number: arguments.out / f"rows-{number:03d}.json" for number in batches}
    with ProcessPoolExecutor(PROCESSES) as pool:
        waiting = {
            number: pool.submit(measure, batch, arguments.out)
            for number, batch in batches.items()
            if not parts[number].exists()
        }
        for number, future in waiting.items():
            parts[number].write_text(json.dumps(future.result()))
    rows = [row for part in parts.values() for row in json.loads(part.read_text())]
    good = [row for row in rows if row["status"] == "ok"]
    mean = {name: float(np.mean([row[name] for row in good])) for name in good[0] if isinstance(good[0][name], float)}
    figures = {
        "n": len(rows),
        "fitted": len(good),
        "landmark_error_pct": round(mean["landmark_error_pct"], 2),
        "cosine_before": round(mean["cosine_before"], 3),
        "cosine_after": round(mean["cosine_after"], 3),
        "improved": round(float(np.mean([row["cosine_after"] > row["cosine_before"] for row in good])), 3),
        "seconds_per_image": round(mean["seconds"], 2),
        "cpu_seconds_per_image": round(mean["cpu_seconds"], 2),
        "judge": "mobilefacenet",
        "texture_model_sha256": assets.locate("texture-generator").sha256,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
