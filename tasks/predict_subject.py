"""The videos of a person -> the person's face, by each recipe."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from data import assets
from data.assets.hashing import sha256_of, write_json
from data.faces_dataset import Subject
from data.video import VideoError, open_video, sample_uniform
from ganfit_core.fitting import FitResult
from ganfit_core.identity.mobilefacenet import MobileFaceNet
from ganfit_core.identity.rendering import rendering_similarity
from ganfit_core.methods import METHODS, Reconstructor
from ganfit_core.parameters import Parameters
from ganfit_core.people import People
from ganfit_core.perception.align import AlignedFace, align_face
from ganfit_core.perception.faces import find_faces
from tasks.code import code_version, sources_sha256
from tasks.micc_recipes import FLOOR, Recipe
from tasks.models import Models, load_models, needed_assets
from tasks.run import one_line

logger = logging.getLogger(__name__)

JUDGE = "mobilefacenet"
"""Asset of the network that compares frames with renderings; no energy knows it."""


@dataclass(frozen=True)
class Plan:
    """What is reconstructed of every subject, and how."""

    recipes: tuple[Recipe, ...]
    settings: tuple[str, ...]
    frames: int
    """Taken of each video, evenly spread over those that can be decoded."""
    preset: str = "laptop"
    iterations: int | None = None
    """Most steps of stage 2; None for the preset's."""
    seed: int = 0


@dataclass(frozen=True)
class Frames:
    """The faces on the sampled frames of a video."""

    faces: list[AlignedFace]
    used: list[int]
    """Index of each face's frame among those that can be decoded."""
    skipped: list[int]
    """Frames without a face."""


def predict_subject(subject: Subject, plan: Plan, folder: Path) -> list[dict[str, Any]]:
    """One prediction per setting and recipe, whatever came of it; those made before are read from ``folder``.

    A prediction says of a recipe and a setting: status, stage and reason; the frames used and skipped; p_s; the mean
    cosine of frames and renderings (null without `JUDGE`); seconds without decoding and detection; the version of the
    program that made it.
    """
    path = folder / f"{subject.id}.json"
    known = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    rows = []
    for setting in plan.settings:
        video = subject.videos.get(setting)
        content = _content(video) if video else None
        keys = {recipe: _key(setting, content, recipe, plan) for recipe in plan.recipes}
        missing = [recipe for recipe, key in keys.items() if key not in known]
        if missing:
            made = _predict_setting(subject, setting, plan, missing)
            known |= {keys[recipe]: row for recipe, row in zip(missing, made, strict=True)}
            lasting = {key: row for key, row in known.items() if row["status"] != "failed"}  # the rest is tried again
            write_json(path, lasting)
        source = None if video is None else str(video)
        rows += [known[key] | {"setting": setting, "source": source} for key in keys.values()]
    return rows


def judge_or_none() -> str | None:
    """The judge's file hash, None where it is not there."""
    try:
        return assets.locate(JUDGE).sha256
    except assets.MissingAssetError:
        return None


def asset_hashes(methods: Sequence[str]) -> dict[str, str]:
    """Id -> sha256 of all that predictions by some methods depend on."""
    names = sorted({name for method in methods if method in METHODS for name in needed_assets(METHODS[method])})
    hashes = {name: assets.locate(name).sha256 for name in names or ["morphable"]}
    judge = judge_or_none()
    return hashes | ({JUDGE: judge} if judge else {})


def _key(setting: str, content: str | dict[str, str] | None, recipe: Recipe, plan: Plan) -> str:
    """Another for another setting (reasons may name it), video, recipe, options, models or code that decides."""
    depends_on = [
        setting,
        content,
        dataclasses.asdict(recipe),
        [plan.frames, plan.preset, plan.iterations, plan.seed],
        asset_hashes([recipe.method]),
        sources_sha256(__name__, open_video.__module__, load_models.__module__),
    ]
    return hashlib.sha256(json.dumps(depends_on, sort_keys=True).encode()).hexdigest()[:16]


def _content(video: Path) -> str | dict[str, str] | None:
    """Hash of a file, or of each file in a folder of frames; None for what cannot be read."""
    try:
        if video.is_dir():
            return {frame.name: sha256_of(frame) for frame in sorted(video.iterdir()) if frame.is_file()}
        return sha256_of(video)
    except OSError:
        return None


def _predict_setting(subject: Subject, setting: str, plan: Plan, recipes: Sequence[Recipe]) -> Iterator[dict[str, Any]]:
    common: dict[str, Any] = {"frames": [], "skipped": [], "predicted_by": code_version()}
    common |= dict.fromkeys(("identity", "cosine", "seconds", "reason"))
    video = subject.videos.get(setting)
    stage, status = "read", "ok"
    frames = Frames([], [], [])
    try:
        if video is None:
            raise VideoError(f"no video of the setting {setting}")
        seeing = load_models(plan.preset, _seeing_method(recipes), plan.iterations)
        frames = _faces(video, plan.frames, seeing)
        common["skipped"] = frames.skipped
        if not frames.faces:
            stage, status, common["reason"] = "detect", "no_face", f"no face on any of {len(frames.skipped)} frames"
    except VideoError as error:
        status, common["reason"] = "unreadable", one_line(error)
    except Exception as error:
        logger.debug("%s, %s: reading failed", subject.id, setting, exc_info=True)
        status, common["reason"] = "failed", one_line(error)
    for recipe in recipes:
        what = {"method": recipe.method, "fusion": recipe.fusion, "without": list(recipe.without)}
        row = common | what | {"status": status, "stage": stage}
        if recipe == FLOOR:
            row |= {"status": "ok", "stage": "fit", "reason": None, "skipped": []}
        elif status == "ok":
            try:
                row |= {"stage": "fit", **_reconstruct(recipe, frames, plan)}
            except Exception as error:
                logger.debug("%s, %s: %s failed", subject.id, setting, recipe.name, exc_info=True)
                row |= {"stage": "fit", "status": "failed", "reason": one_line(error)}
        yield row


def _seeing_method(recipes: Sequence[Recipe]) -> str:
    """Any of the methods: detector and landmarks are the same for all."""
    return next((recipe.method for recipe in recipes if recipe.method in METHODS), "pcafit")


def _faces(video: Path, k: int, models: Models) -> Frames:
    opened = open_video(video)
    frames = Frames([], [], [])
    for frame in opened.frames(sample_uniform(len(opened), k)):
        found = find_faces(frame.image, models.detect, models.landmarks)
        if found:
            frames.faces.append(align_face(frame.image, found[0].landmarks, models.crop_size))
            frames.used.append(frame.index)
        else:
            frames.skipped.append(frame.index)
    return frames


def _reconstruct(recipe: Recipe, frames: Frames, plan: Plan) -> dict[str, Any]:
    """What `predict_subject` says of a recipe where nothing failed."""
    faces, used = frames.faces, frames.used
    if recipe.fusion == "single":
        middle = slice(len(faces) // 2, len(faces) // 2 + 1)
        faces, used = faces[middle], used[middle]
    reconstructor = _reconstructor(recipe, plan)
    started = time.perf_counter()
    alone = recipe.fusion in ("single", "mean of fits")
    results = reconstructor.fit(faces, plan.seed, people=None if alone else [0] * len(faces))
    if recipe.fusion == "mean of fits":
        results = _averaged(results, faces, reconstructor)
    seconds = time.perf_counter() - started
    identity = results[0].identity.tolist()
    return {"frames": used, "identity": identity, "cosine": _cosine(faces, results), "seconds": seconds}


def _reconstructor(recipe: Recipe, plan: Plan) -> Reconstructor:
    reconstructor = load_models(plan.preset, recipe.method, plan.iterations, recipe.without).reconstructor
    assert isinstance(reconstructor, Reconstructor)
    return reconstructor


def _averaged(results: list[FitResult], faces: list[AlignedFace], reconstructor: Reconstructor) -> list[FitResult]:
    """Every frame with its own expression, camera and light, under the means of identity and texture."""
    fitter = reconstructor.fitter
    columns = (np.stack([getattr(result, name) for result in results]) for name in Parameters._fields)
    parameters = Parameters(*(torch.from_numpy(column).to(fitter.device) for column in columns))
    return fitter.results(parameters.shared(People([0] * len(faces))), fitter.prepare(faces))


def _cosine(faces: list[AlignedFace], results: list[FitResult]) -> float | None:
    if judge_or_none() is None:
        return None
    return float(rendering_similarity(MobileFaceNet.load(assets.find(JUDGE)), faces, results).mean())
