"""The steps of the evaluation on scanned and filmed people, each over all of them."""

from __future__ import annotations

import dataclasses
import datetime
import functools
import hashlib
import json
import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from data import published, schemas, tables
from data.faces_dataset import FaceDataset, Subject
from data.micc import parse_micc
from evaluation.alignment import Prediction, Scan
from evaluation.measure import calibrate
from evaluation.protocols import PROTOCOLS
from tasks.code import code_version
from tasks.measure_subject import can_be_laid, first_scan, measure_predictions, predicted, recipe_of
from tasks.micc_recipes import Recipe
from tasks.predict_subject import Plan, asset_hashes, judge_or_none, predict_subject
from tasks.processes import in_processes
from tasks.progress import current

logger = logging.getLogger(__name__)

Predictions = Mapping[str, list[dict[str, Any]]]
"""Subject -> its predictions."""
Scales = Mapping[tuple[str, Recipe], float]
"""Protocol and recipe -> the one scale for all people."""
UNITS = "mm"


@task(name="open MICC", tags=["io"], cache_policy=NO_CACHE, persist_result=False)
def open_micc(root: Path, landmarks: Path | None) -> FaceDataset:
    """The dataset as it lies there. Raises data.faces_dataset.DatasetError."""
    return parse_micc(root, landmarks)


@task(name="predict shapes", tags=["accelerator"], cache_policy=NO_CACHE, persist_result=False)
def predict_shapes(dataset: FaceDataset, plan: Plan, out: Path, processes: int) -> Predictions:
    """Reconstruct everybody's videos by every recipe; what was made before is read."""
    predict = functools.partial(predict_subject, plan=plan, folder=out / "predictions")
    return _for_everybody("reconstructing", predict, dataset.subjects, processes)


@task(name="calibrate scales", tags=["cpu"], cache_policy=NO_CACHE, persist_result=False)
def calibrate_scales(dataset: FaceDataset, predictions: Predictions, protocols: Sequence[str]) -> Scales:
    """For protocols with one scale for all people: that of each recipe, over all people and settings."""
    asking = [name for name in protocols if PROTOCOLS[name].scale == "one for all"]
    if not asking:
        return {}
    pairs: dict[tuple[str, Recipe], list[tuple[Prediction, Scan]]] = defaultdict(list)
    for subject in dataset.subjects:
        try:
            scan = first_scan(subject, asking)
        except Exception:
            logger.debug("%s: takes no part in the scale for all", subject.id, exc_info=True)
            continue  # what is wrong will be the reason of this person's rows
        for row in predictions[subject.id]:
            if row["status"] == "ok":
                for name in asking:
                    pairs[name, recipe_of(row)].append((predicted(row["identity"]), scan))
    scales = {}
    for (name, recipe), known in pairs.items():
        good = [pair for pair in known if can_be_laid(PROTOCOLS[name], *pair)]
        if good:
            scales[name, recipe] = calibrate(PROTOCOLS[name], good)
    return scales


@task(name="measure errors", tags=["cpu"], cache_policy=NO_CACHE, persist_result=False)
def measure_errors(
    dataset: FaceDataset, predictions: Predictions, protocols: Sequence[str], scales: Scales, out: Path, processes: int
) -> list[dict[str, Any]]:
    """Everybody's measured rows, in the order of the subjects."""
    first = next((row["setting"] for rows in predictions.values() for row in rows), None)
    measure = functools.partial(
        _measure, predictions=predictions, protocols=protocols, scales=scales, out=out, pictured=first
    )
    found = _for_everybody("measuring", measure, dataset.subjects, processes)
    return [{"subject": subject.id, **row} for subject in dataset.subjects for row in found[subject.id]]


@task(name="write MICC rows", tags=["io"], retries=2, cache_policy=NO_CACHE, persist_result=False)
def write_micc_rows(
    rows: Sequence[Mapping[str, Any]], dataset: FaceDataset, plan: Plan, out: Path, run_id: str
) -> list[dict[str, Any]]:
    """Write the tables `micc` and `published`, and return the rows of the former."""
    schema = schemas.micc()
    judge = judge_or_none()
    common = dict.fromkeys(schema.names) | {
        "run_id": run_id,
        "dataset": dataset.root.name,
        "notes": [],
        "judge_sha256": judge,
        "seed": plan.seed,
        "units": UNITS,
        "code_version": code_version(),
        "created_at": datetime.datetime.now(datetime.UTC),
    }
    complete = []
    for row in rows:
        recipe = recipe_of(row)
        own = {"assets": sorted(asset_hashes([recipe.method]).items()), "config_sha256": _config(plan, recipe)}
        complete.append({name: value for name, value in {**common, **own, **row}.items() if name in schema.names})
    parts: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for row in complete:
        # A part for each: a run with other settings, options or seed replaces none of the rows that it does not make.
        parts[row["protocol"], recipe_of(row).name, row["setting"], row["config_sha256"]].append(row)
    for names, part in parts.items():
        content = [str(dataset.root.resolve()), *names, plan.seed]
        key = hashlib.sha256(json.dumps(content).encode()).hexdigest()[:12]
        tables.write_part(part, schema, out, key, 0)
    tables.write_part(published.rows(), schemas.published(), out, "all", 0)
    return complete


def _measure(
    subject: Subject,
    predictions: Predictions,
    protocols: Sequence[str],
    scales: Scales,
    out: Path,
    pictured: str | None,
) -> list[dict[str, Any]]:
    return measure_predictions(subject, predictions[subject.id], protocols, scales, out, pictured)


def _for_everybody(
    what: str, function: Any, subjects: Sequence[Subject], processes: int
) -> dict[str, list[dict[str, Any]]]:
    listener = current()
    found: dict[str, list[dict[str, Any]]] = {}
    for subject, rows in in_processes(function, subjects, processes):
        found[subject.id] = rows
        listener.step(what, len(found), len(subjects))
    return found


def _config(plan: Plan, recipe: Recipe) -> str:
    """Hash of what decides a recipe's predictions besides assets, code and seed."""
    settings = dataclasses.asdict(plan) | {"recipes": [dataclasses.asdict(recipe)]}
    del settings["seed"], settings["settings"]
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
