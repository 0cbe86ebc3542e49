"""Every method on photographs of people nothing was trained on: LFW's held-out fold.

    python -m benchmarks.methods --n 200 [--methods ganfit,fast,ganfit++] [--processes 2] [--out FOLDER]

needs GANFIT_DATASETS (lfw/pairs.txt and lfw/lfw-deepfunneled) and, for the judge, MobileFaceNet in GANFIT_ASSETS. The
first `n` photographs go through each method with the `laptop` preset: one of each person first, then second ones.
Without --methods, all whose models are there. Beside them stands the mean face: mean head and mean texture, turned by
the landmarks, lit by least squares.

- energy: Eq. 13 at the end, with the same random view for all;
- landmark_error_pct: mean distance of the 68 points, % of the inter-ocular distance;
- cosine: of MobileFaceNet, which no term of the energy sees, between the photograph and the rendering on black;
- psnr: dB over the pixels of the visible face, by the weights of the pixel term;
- ..._worst10: the same over the worst tenth of the photographs; nearer_than_mean_face: share of photographs.

Finished batches and their pictures are kept in FOLDER, so that a killed run resumes. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import math
import multiprocessing
import os
import time
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from itertools import zip_longest
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
import torch

from data import assets
from data.collections import Unit, discover
from data.lfw import fold_people, person_of
from evaluation.image_quality import psnr
from ganfit_core.camera import project
from ganfit_core.fitting import PRESETS, FitError, FitResult, Fitter
from ganfit_core.identity.mobilefacenet import MobileFaceNet
from ganfit_core.landmark_fit import relative_landmark_error
from ganfit_core.mean_face import mean_face
from ganfit_core.methods import METHODS, Reconstructor
from ganfit_core.overlay import panel
from ganfit_core.perception.align import AlignedFace, align_face
from ganfit_core.perception.faces import find_faces
from ganfit_core.perception.photo import read_photo
from tasks.code import code_version
from tasks.models import Models, load_models, missing_assets, needed_assets

PRESET, SEED = "laptop", 0
FIT_BATCH, FAST_BATCH = 8, 32
MEAN_FACE = "mean face"
JUDGE = "mobilefacenet"
_MEAN_FACE_MODELS = "pcafit"
"""The latent 0 of this method's texture model is the mean of all textures."""


@dataclasses.dataclass(frozen=True)
class Figure:
    """A column of the table: its digits, and which end of it is bad where the worst tenth is told."""

    digits: int
    bad: Literal["high", "low"] | None = None


FIGURES = {
    "energy": Figure(3, "high"),
    "landmark_error_pct": Figure(2, "high"),
    "cosine": Figure(3, "low"),
    "psnr": Figure(2),
    "seconds": Figure(3),
    "iterations": Figure(1),
}


def choose(n: int) -> list[Unit]:
    """Photographs of held-out people, the same every time: one of each in random order, then second ones, ..."""
    lfw = Path(os.environ["GANFIT_DATASETS"]) / "lfw"
    held_out = fold_people(lfw / "pairs.txt")
    photos: dict[str, list[Unit]] = defaultdict(list)
    for unit in discover([lfw / "lfw-deepfunneled"]).units:
        if person_of(unit.unit_id) in held_out:
            photos[person_of(unit.unit_id)].append(unit)
    names = sorted(photos)
    order = [names[i] for i in np.random.default_rng(SEED).permutation(len(names))]
    rounds = zip_longest(*(photos[name] for name in order))
    return [unit for each in rounds for unit in each if unit is not None][:n]


def batch_size(method: str) -> int:
    """Photographs per batch: many where nothing is fitted."""
    return FIT_BATCH if method in METHODS and METHODS[method].refine else FAST_BATCH


def measure(units: Sequence[Unit], method: str, out: Path) -> list[dict[str, Any]]:
    """Reconstruct a batch and judge it; one row per photograph, whatever came of it."""
    models = load_models(PRESET, method if method in METHODS else _MEAN_FACE_MODELS)
    reconstructor: Reconstructor = models.reconstructor  # type: ignore[assignment]
    fitter = reconstructor.fitter
    started = time.perf_counter()
    found = [align(unit, models) for unit in units]
    faces = [face for face in found if face is not None]
    rows = [
        {"unit_id": unit.unit_id, "status": "ok" if face else "no_face"}
        for unit, face in zip(units, found, strict=True)
    ]
    if not faces:
        return rows
    try:
        results = reconstructor.fit(faces, SEED) if method in METHODS else mean_faces(fitter, faces)
    except FitError as error:
        return [row | {"status": f"failed: {error}"} for row in rows]
    seconds = (time.perf_counter() - started) / len(units)
    judge = MobileFaceNet.load(assets.find(JUDGE)).to(fitter.device)
    good = [row for row in rows if row["status"] == "ok"]
    for row, face, result in zip(good, faces, results, strict=True):
        row |= judged(fitter, judge, face, result) | {"seconds": seconds}
        picture = panel(face.image, result)[:, :, ::-1]
        cv2.imwrite(str(out / f"{Path(row['unit_id']).stem}-{method.replace(' ', '-')}.jpg"), picture)
    return rows


def align(unit: Unit, models: Models) -> AlignedFace | None:
    """The crop of the photograph's largest face."""
    photo = read_photo(unit.path)
    found = find_faces(photo, models.detect, models.landmarks)
    return align_face(photo, found[0].landmarks, models.crop_size) if found else None


def mean_faces(fitter: Fitter, faces: list[AlignedFace]) -> list[FitResult]:
    """The mean head under the mean texture, turned by the landmarks, in the light that suits the photograph best."""
    target = fitter.prepare(faces)
    return fitter.results(mean_face(fitter, target), target)


@torch.no_grad()
def judged(fitter: Fitter, judge: MobileFaceNet, face: AlignedFace, result: FitResult) -> dict[str, Any]:
    """The figures of one face but for the time."""
    target = fitter.prepare([face])
    vertices, camera = (torch.from_numpy(value)[None].to(fitter.device) for value in (result.vertices, result.camera))
    points = project(fitter.model.landmarks(vertices), camera, fitter.renderer.size)[..., :2]
    rendering = torch.from_numpy(result.rendering).to(fitter.device).permute(2, 0, 1)[None] / 255
    one, other = judge(torch.cat([target.photo, rendering]), target.landmarks.expand(2, -1, -1)).embedding
    weight = result.face_weight * target.inside[0, 0].cpu().numpy()
    return {
        "energy": result.losses["total"],
        "landmark_error_pct": 100 * float(relative_landmark_error(points, target.landmarks)),
        "cosine": float(one @ other),
        "psnr": psnr(result.rendering / 255, face.image / 255, weight),
        "iterations": result.iterations,
        "converged": result.converged,
    }


def summary(rows: Sequence[dict[str, Any]], beside: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    """Means over the photographs with a face, and over their worst tenth.

    `beside` are the rows of the mean face, for the share of photographs that come nearer than it.
    """
    good = [row for row in rows if row["status"] == "ok"]
    figures: dict[str, Any] = {"n": len(rows), "ok": len(good)}
    if not good:
        return figures
    for name, figure in FIGURES.items():
        values = np.sort([row[name] for row in good])
        figures[name] = round(float(values.mean()), figure.digits)
        if figure.bad:
            tenth = math.ceil(len(values) / 10)
            worst = values[-tenth:] if figure.bad == "high" else values[:tenth]
            figures[f"{name}_worst10"] = round(float(worst.mean()), figure.digits)
    figures["converged"] = round(float(np.mean([row["converged"] for row in good])), 3)
    mean_face = {row["unit_id"]: row["cosine"] for row in beside if row["status"] == "ok"}
    nearer = [row["cosine"] > mean_face[row["unit_id"]] for row in good if row["unit_id"] in mean_face]
    if nearer:
        figures["nearer_than_mean_face"] = round(float(np.mean(nearer)), 3)
    return figures


def part_name(units: Sequence[Unit], method: str, processes: int) -> str:
    """Changes with all that the rows depend on: old rows never pass for new ones.

    That is the photographs, the preset, the files of the models and of the judge, the number of processes, which the
    times depend on, and the version of the code, where all changes that are not committed count as one.
    """
    files = [*needed_assets(METHODS.get(method, METHODS[_MEAN_FACE_MODELS])), JUDGE]
    models = {name: assets.locate(name).sha256 for name in files}
    names, preset = [unit.unit_id for unit in units], dataclasses.asdict(PRESETS[PRESET])
    content = [names, method, preset, models, SEED, processes, code_version()]
    return f"rows-{hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]}.json"


def in_batches(units: Sequence[Unit], method: str) -> list[Sequence[Unit]]:
    """The photographs in the batches of a method."""
    size = batch_size(method)
    return [units[start : start + size] for start in range(0, len(units), size)]


def main() -> None:
    """Reconstruct, judge and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=40, help="photographs")
    parser.add_argument("--methods", type=lambda names: names.split(","), help=f"of {', '.join(METHODS)}")
    parser.add_argument("--processes", type=int, default=2, help="side by side, of one thread each")
    parser.add_argument("--out", type=Path, default=Path("out/methods"))
    arguments = parser.parse_args()
    missing = [name for name in ("GANFIT_DATASETS", "GANFIT_ASSETS") if name not in os.environ]
    if missing:
        print(json.dumps({"skipped": f"{' and '.join(missing)} not set: LFW and MobileFaceNet are needed"}))
        return
    methods = arguments.methods or [name for name, method in METHODS.items() if not missing_assets(method)]
    if unknown := sorted(set(methods) - set(METHODS)):
        parser.error(f"no such method: {', '.join(unknown)}")
    arguments.out.mkdir(parents=True, exist_ok=True)
    units = choose(arguments.n)
    parts = {
        (method, row): (batch, arguments.out / part_name(batch, method, arguments.processes))
        for method in (MEAN_FACE, *methods)
        for row, batch in enumerate(in_batches(units, method))
    }
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(arguments.processes, context, torch.set_num_threads, (1,)) as pool:
        waiting = {
            pool.submit(measure, batch, method, arguments.out): part
            for (method, _), (batch, part) in parts.items()
            if not part.exists()
        }
        for future in as_completed(waiting):
            part = waiting[future]
            part.with_suffix(".tmp").write_text(json.dumps(future.result()))
            part.with_suffix(".tmp").replace(part)
    rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for (method, _), (_, part) in parts.items():
        rows[method] += json.loads(part.read_text())
    figures = {method: summary(rows[method], rows[MEAN_FACE]) for method in (*methods, MEAN_FACE)}
    about = {
        "photographs": len(units),
        "people": len({person_of(unit.unit_id) for unit in units}),
        "preset": PRESET,
        "seconds_are_of": "reading, detection, alignment and reconstruction of one photograph in a process of one "
        f"thread, {arguments.processes} such side by side, batches of {FIT_BATCH} where a fit follows and of "
        f"{FAST_BATCH} elsewhere; models loaded before",
        "judge": JUDGE,
    }
    print(json.dumps(figures | {"about": about}))


if __name__ == "__main__":
    main()
