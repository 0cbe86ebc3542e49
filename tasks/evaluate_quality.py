"""The steps of the evaluation of image quality: photographs, conditions, figures, rows."""

from __future__ import annotations

import datetime
import functools
import hashlib
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from data import published, schemas, tables
from data.collections import Collection, discover, write_manifest
from evaluation.likeness_protocols import CLEAN_REFERENCE
from ganfit_core.corruption import CORRUPTIONS
from tasks.code import code_version
from tasks.corrupt_photographs import Corrupted
from tasks.measure_quality import CHUNK, Chunk, Comparison, measure_chunk
from tasks.micc_recipes import ABLATION, MEAN_FACE
from tasks.networks import network_sha256, refuse_network_of_loss
from tasks.processes import in_processes
from tasks.progress import current
from tasks.stored_faces import StoredFace, stored_faces

NONE = "none"
"""Stands where a corruption's name does: the photographs as they are."""
CORRUPTED = (NONE, *CORRUPTIONS)
"""Every condition that a photograph can be in."""
UNITS = "dB, SSIM in [-1, 1], colours in [0, 1], % of the distance between the eyes, cosine"

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Condition:
    """What is reconstructed, and how."""

    method: str
    """As `ganfit methods` names it, or the mean face, which nothing is fitted for."""
    corruption: str = NONE
    without: tuple[str, ...] = ()
    """Terms of the energy that are left out."""

    @property
    def folder(self) -> Path:
        """Of its reconstructions below the output folder; methods share one, since rows name their method."""
        left_out = f"-without-{'+'.join(self.without)}" if self.without else ""
        return Path("fits", ("clean" if self.corruption == NONE else self.corruption) + left_out)


def ablation(method: str) -> list[Condition]:
    """The whole energy, then without each of the terms of Table 1's last nine rows."""
    return [Condition(method), *(Condition(method, without=terms) for terms in ABLATION)]


@task(name="list photographs", tags=["io"], cache_policy=NO_CACHE, persist_result=False)
def list_collection(inputs: Sequence[str], photographs: int | None, seed: int, out: Path) -> Path:
    """Write the list of a collection's photographs, or of so many at random, and return its path.

    Raises data.collections.CollectionError for paths that hold none.
    """
    units = discover(inputs, exclude=[out]).units
    if photographs is not None and photographs < len(units):
        chosen = random.Random(seed).sample(range(len(units)), photographs)
        units = tuple(units[place] for place in sorted(chosen))
    path = out.absolute() / "photographs.csv"
    write_manifest(path, units)
    return path


@task(name="collect faces", tags=["io"], cache_policy=NO_CACHE, persist_result=False)
def collect_faces(listing: Path, condition: Condition, reference: str, out: Path) -> list[StoredFace]:
    """The faces of the listed photographs, in their order; where those of the mean face are, the rows of the method
    ``reference`` tell."""
    collection = discover([listing])
    method = reference if condition.method == MEAN_FACE else condition.method
    rows = stored_faces(out.absolute() / condition.folder, method, collection.key)
    return [rows[unit.unit_id] for unit in collection.units]


@task(name="measure", tags=["accelerator"], cache_policy=NO_CACHE, persist_result=False)
def measure_condition(
    condition: Condition,
    clean: Sequence[StoredFace],
    fitted: Sequence[StoredFace],
    corrupted: Corrupted | None,
    networks: Sequence[str],
    preset: str,
    out: Path,
    processes: int,
) -> list[dict[str, Any]]:
    """What decides the rows of `image_quality`, one per photograph, besides what all have in common.

    Raises ValueError for a network that took part in the reconstructions.
    """
    by_unit = {face.unit_id: face for face in fitted}
    for network in networks:
        refuse_network_of_loss(network, next((face.assets for face in fitted), {}))
    measurable = [Comparison(face, by_unit[face.unit_id]) for face in clean if _both_ok(face, by_unit)]
    parts = [
        Chunk(condition.method, tuple(measurable[start : start + CHUNK])) for start in range(0, len(measurable), CHUNK)
    ]
    work = functools.partial(measure_chunk, networks=networks, preset=preset, folder=out / "measured")
    figures: dict[str, dict[str, Any]] = {}
    for done, (chunk, measured) in enumerate(in_processes(work, parts, processes), start=1):
        figures |= zip((each.clean.unit_id for each in chunk.comparisons), measured, strict=True)
        current().step(f"measuring: {condition.method}, {condition.corruption}", done, len(parts))
    return [
        _row(condition, face, by_unit.get(face.unit_id), corrupted) | figures.get(face.unit_id, {}) for face in clean
    ]


@task(name="write quality rows", tags=["io"], retries=2, cache_policy=NO_CACHE, persist_result=False)
def write_quality_rows(
    rows: Sequence[Row],
    collection: Collection,
    networks: Sequence[str],
    preset: str,
    seed: int,
    out: Path,
    run_id: str,
) -> list[dict[str, Any]]:
    """Write the rows of one condition into `image_quality`, those of `published`, and return the former."""
    schema = schemas.image_quality()
    common = dict.fromkeys(schema.names) | {
        "run_id": run_id,
        "dataset": collection.name,
        "protocol": CLEAN_REFERENCE.id,
        "protocol_version": CLEAN_REFERENCE.version,
        "cosines": {},
        "networks": [(network, network_sha256(network)) for network in networks],
        "preset": preset,
        "seed": seed,
        "units": UNITS,
        "code_version": code_version(),
        "created_at": datetime.datetime.now(datetime.UTC),
    }
    complete = [{**common, **row} for row in rows]
    for row in complete:
        row["cosines"] = sorted(row["cosines"].items())
    first = complete[0]
    deciding = [collection.key, first["method"], first["without"], first["corruption"], preset, seed]
    key = hashlib.sha256(json.dumps(deciding).encode()).hexdigest()[:12]
    tables.write_part(complete, schema, out, key, 0)
    tables.write_part(published.rows(), schemas.published(), out, "all", 0)
    return complete


def _both_ok(face: StoredFace, fitted: Mapping[str, StoredFace]) -> bool:
    other = fitted.get(face.unit_id)
    return face.ok and other is not None and other.ok


def _row(
    condition: Condition, clean: StoredFace, fitted: StoredFace | None, corrupted: Corrupted | None
) -> dict[str, Any]:
    """A photograph's row without figures."""
    done = corrupted.done.get(clean.unit_id) if corrupted else None
    told = clean if fitted is None or not clean.ok else fitted
    row: dict[str, Any] = {
        "unit_id": clean.unit_id,
        "subject": clean.subject,
        "method": condition.method,
        "without": list(condition.without),
        "corruption": condition.corruption,
        "corruption_parameters": sorted(done.parameters.items()) if done else [],
        "corruption_seed": done.seed if done else None,
        "covered": done.covered if done else None,
        "status": told.status,
        "stage": told.stage,
        "reason": told.reason,
        "result_key": None if condition.method == MEAN_FACE else told.result_key,
        "assets": sorted(told.assets.items()),
    }
    if corrupted and clean.unit_id in corrupted.failed:
        row |= {"status": "failed", "stage": "corrupt", "reason": corrupted.failed[clean.unit_id]}
    return row
