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
from tasks.corrupt_photographs import Copies
from tasks.likeness_names import NONE, PHOTOGRAPHS
from tasks.likeness_settings import Settings
from tasks.measure_quality import CHUNK, Chunk, Comparison, measure_chunk
from tasks.micc_recipes import ABLATION, MEAN_FACE
from tasks.networks import network_sha256
from tasks.processes import in_processes
from tasks.progress import current
from tasks.stored_faces import StoredFace, stored_faces

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


@task(name="check corruptions", tags=["io"], cache_policy=NO_CACHE, persist_result=False)
def check_corruptions(names: Sequence[str]) -> None:
    """Raise ValueError for a corruption that does not exist."""
    if unknown := sorted(set(names) - set(CORRUPTED)):
        raise ValueError(f"no such corruption: {', '.join(unknown)}; there are {', '.join(CORRUPTED)}")


def leave_one_out_conditions(method: str) -> list[Condition]:
    """The whole energy, then without each of the terms of Table 1's last nine rows."""
    return [Condition(method), *(Condition(method, without=terms) for terms in ABLATION)]


@task(name="list photographs", tags=["io"], cache_policy=NO_CACHE, persist_result=False)
def list_collection(inputs: Sequence[str], photographs: int | None, out: Path) -> Path:
    """Write the list of a collection's photographs, or of so many at random, the same every time, and return its path.

    Raises data.collections.CollectionError for paths that hold none.
    """
    units = discover(inputs, exclude=[out]).units
    if photographs is not None and photographs < len(units):
        chosen = random.Random(0).sample(range(len(units)), photographs)
        units = tuple(units[place] for place in sorted(chosen))
    path = out.absolute() / "photographs.csv"
    write_manifest(path, units)
    return path


@task(name="collect faces", tags=["io"], cache_policy=NO_CACHE, persist_result=False)
def collect_faces(
    listing: Path, condition: Condition, reference: str, settings: Settings, out: Path
) -> list[StoredFace]:
    """The faces of the listed photographs, in their order; where those of the mean face are, the rows of the method
    ``reference`` tell."""
    collection = discover([listing])
    alone = condition.method == MEAN_FACE
    rows = stored_faces(out.absolute() / condition.folder, reference if alone else condition.method, collection)
    faces = [rows[unit.unit_id] for unit in collection.units]
    return [row.without_fit(MEAN_FACE, settings.preset, settings.face) for row in faces] if alone else faces


@task(name="collect clean faces", tags=["io"], cache_policy=NO_CACHE, persist_result=False)
def collect_clean(listing: Path, reference: str, settings: Settings, out: Path) -> list[StoredFace]:
    """The photographs as they are, wherever the method ``reference`` found a face, whatever came of its fit."""
    found = collect_faces.fn(listing, Condition(reference), reference, settings, out)
    return [row.without_fit(PHOTOGRAPHS, settings.preset, settings.face) for row in found]


@task(name="measure", tags=["accelerator"], cache_policy=NO_CACHE, persist_result=False)
def measure_condition(
    condition: Condition,
    clean: Sequence[StoredFace],
    fitted: Sequence[StoredFace],
    copies: Copies | None,
    networks: Sequence[str],
    preset: str,
    out: Path,
    processes: int,
) -> list[dict[str, Any]]:
    """What decides the rows of `image_quality`, one per photograph, besides what all have in common."""
    by_unit = {face.unit_id: face for face in fitted}
    measurable = [Comparison(face, by_unit[face.unit_id]) for face in clean if _both_ok(face, by_unit)]
    parts = [
        Chunk(condition.method, tuple(measurable[start : start + CHUNK])) for start in range(0, len(measurable), CHUNK)
    ]
    work = functools.partial(measure_chunk, networks=networks, preset=preset, folder=out / "measured")
    figures: dict[str, dict[str, Any]] = {}
    for done, (chunk, measured) in enumerate(in_processes(work, parts, processes), start=1):
        figures |= zip((each.clean.unit_id for each in chunk.comparisons), measured, strict=True)
        current().step(f"measuring: {condition.method}, {condition.corruption}", done, len(parts))
    origin = next(iter(fitted), clean[0])  # the same for all, whatever came of each
    made_by = {"assets": sorted(origin.assets.items()), "config_sha256": origin.config_sha256}
    return [
        made_by | _row(condition, face, by_unit.get(face.unit_id), copies) | figures.get(face.unit_id, {})
        for face in clean
    ]


@task(name="write quality rows", tags=["io"], retries=2, cache_policy=NO_CACHE, persist_result=False)
def write_quality_rows(
    rows: Sequence[Row],
    collection: Collection,
    networks: Sequence[str],
    settings: Settings,
    out: Path,
    run_id: str,
) -> list[dict[str, Any]]:
    """Write the rows of one condition into `image_quality`, those of `published`, and return the former."""
    schema = schemas.image_quality()
    common = dict.fromkeys(schema.names) | {
        "run_id": run_id,
        "dataset": collection.name,
        "photographs": len(rows),
        "protocol": CLEAN_REFERENCE.id,
        "protocol_version": CLEAN_REFERENCE.version,
        "cosines": {},
        "networks": [(network, network_sha256(network)) for network in networks],
        **settings.columns,
        "units": UNITS,
        "code_version": code_version(),
        "created_at": datetime.datetime.now(datetime.UTC),
    }
    unfitted = {"iterations": None} if rows[0]["method"] == MEAN_FACE else {}
    complete = [{**common, **row, **unfitted} for row in rows]
    for row in complete:
        row["cosines"] = sorted(row["cosines"].items())
    first = complete[0]
    names = ("photographs", "method", "without", "corruption", "config_sha256", "seed")
    deciding = [collection.key, *(first[name] for name in names)]
    key = hashlib.sha256(json.dumps(deciding).encode()).hexdigest()[:12]
    tables.write_part(complete, schema, out, key, 0)
    tables.write_part(published.rows(), schemas.published(), out, "all", 0)
    return complete


def _both_ok(face: StoredFace, fitted: Mapping[str, StoredFace]) -> bool:
    other = fitted.get(face.unit_id)
    return face.ok and other is not None and other.ok


def _row(condition: Condition, clean: StoredFace, fitted: StoredFace | None, copies: Copies | None) -> dict[str, Any]:
    """A photograph's row without figures."""
    done = copies.done.get(clean.unit_id) if copies else None
    told = clean if fitted is None or not clean.ok else fitted
    row: dict[str, Any] = {
        "unit_id": clean.unit_id,
        "subject": clean.unit.subject,
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
    }
    if copies and clean.unit_id in copies.failed:
        row |= {"status": "failed", "stage": "corrupt", "reason": copies.failed[clean.unit_id]}
    return row
