"""What the rows of LFW's cosines come to, and the tables that hold them."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from prefect import task
from prefect.cache_policies import NO_CACHE

from data import published, schemas, tables
from data.lfw import person_of
from evaluation.identity import auc, equal_error_rate, k_fold_accuracy, tar_at_far
from ganfit_core.methods import METHODS
from tasks.code import code_version
from tasks.evaluate_lfw import Benchmark, Side
from tasks.likeness_settings import Settings
from tasks.networks import network_sha256

FAR = 1e-3
"""False acceptance rate at which the true one is told."""
UNITS = "cosine"

Row = Mapping[str, Any]


def photo_figures(rows: Sequence[Row]) -> dict[str, Any]:
    """Columns of `lfw_summary` of one method's rows of `lfw_photos`."""
    good = [row for row in rows if row["status"] == "ok"]
    figures: dict[str, Any] = {
        "n": len(good),
        "failed": len(rows) - len(good),
        "people": len({row["subject"] for row in good}),
    }
    if good:
        values = np.array([row["cosine"] for row in good])
        of_person: dict[str, list[float]] = defaultdict(list)
        for row in good:
            of_person[row["subject"]].append(row["cosine"])
        figures |= {"mean": float(values.mean()), "std": float(values.std())}
        figures["mean_over_people"] = float(np.mean([np.mean(own) for own in of_person.values()]))
        figures["above_half"] = float((values > 0.5).mean())
    return figures


def pair_figures(rows: Sequence[Row]) -> dict[str, Any]:
    """Columns of `lfw_summary` of one method's rows of `lfw_pairs`; nothing but counts where pairs are all of one kind,
    no accuracy where a fold's threshold cannot be chosen on the others: there are none, or theirs are of one kind."""
    good = [row for row in rows if row["status"] == "ok"]
    same = np.array([row["same"] for row in good], bool)
    figures: dict[str, Any] = {
        "n": len(good),
        "failed": len(rows) - len(good),
        "people": len({person_of(photo) for row in good for photo in (row["first"], row["second"])}),
        "same": int(same.sum()),
    }
    if 0 < figures["same"] < len(good):
        scores = np.array([row["cosine"] for row in good])
        folds = np.array([row["fold"] for row in good])
        figures |= {"same_mean": float(scores[same].mean()), "different_mean": float(scores[~same].mean())}
        figures |= {"auc": auc(scores, same), "eer": equal_error_rate(scores, same)}
        figures |= {"tar": tar_at_far(scores, same, FAR), "far": FAR}
        kinds_elsewhere = [len(np.unique(same[folds != fold])) for fold in np.unique(folds)]
        if min(kinds_elsewhere) == 2:
            accuracy = k_fold_accuracy(scores, same, folds)
            figures |= {"accuracy": accuracy.mean, "accuracy_se": accuracy.standard_error}
    return figures


@task(name="write LFW rows", tags=["io"], retries=2, cache_policy=NO_CACHE, persist_result=False)
def write_lfw_rows(
    benchmark: Benchmark,
    side: Side,
    photo_rows: Sequence[Row],
    pair_rows: Sequence[Row],
    settings: Settings,
    out: Path,
    run_id: str,
) -> list[dict[str, Any]]:
    """Write a method's rows of `lfw_photos`, `lfw_pairs` and `lfw_summary`, and return those of the last.

    They replace those of the same folds, number of photographs, network, method, settings and seed, and no others.
    """
    first = next(iter(side.faces.values()))
    common = {
        "run_id": run_id,
        "dataset": benchmark.dataset.photographs.name,
        "folds": list(benchmark.folds),
        "photographs": len(benchmark.photographs),
        **settings.columns,
        **({} if side.method in METHODS else {"iterations": None}),
        "assets": sorted(first.assets.items()),
        "config_sha256": first.config_sha256,
        "units": UNITS,
        "code_version": code_version(),
        "created_at": datetime.datetime.now(datetime.UTC),
    }
    summaries = []
    for schema, rows, figures in (
        (schemas.lfw_photos(), photo_rows, photo_figures),
        (schemas.lfw_pairs(), pair_rows, pair_figures),
    ):
        of_network: dict[str, list[Row]] = defaultdict(list)
        for row in rows:
            of_network[row["network"]].append(row)
        for network, own in of_network.items():
            deciding = common | {"network_sha256": network_sha256(network)}
            _write([{**deciding, **row} for row in own], schema, out)
            identifying = {name: own[0][name] for name in ("network", "method", "protocol", "protocol_version")}
            summary = dict.fromkeys(schemas.lfw_summary().names) | deciding | identifying | figures(own)
            _write([summary], schemas.lfw_summary(), out)
            summaries.append(summary)
    tables.write_part(published.rows(), schemas.published(), out, "all", 0)
    return summaries


def _write(rows: Sequence[Row], schema: pa.Schema, out: Path) -> None:
    names = ("dataset", "folds", "photographs", "network", "method", "protocol", "config_sha256", "seed")
    key = hashlib.sha256(json.dumps([rows[0][name] for name in names]).encode()).hexdigest()[:12]
    tables.write_part(rows, schema, out, key, 0)
