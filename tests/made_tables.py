"""Tables of photographs, videos and scans that never were, of any size and the same every time."""

from __future__ import annotations

import datetime
import hashlib
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from data import published, schemas, tables
from data.compaction import ROW_GROUP
from data.schemas import CAMERA, LIGHT, LOSS_TERMS, STAGES, Dimensions

PHOTOS_OF_ONE, UNITS_PER_SHARD = 20, 256
REASONS = {
    "no_face": ("no face found",),
    "unreadable": (
        "cannot identify image file",
        "image file is truncated (14 bytes not processed)",
        "image file is truncated (371 bytes not processed)",
        "the file is empty",
        "Permission denied",
        "more than 178956970 pixels",
        "broken data stream",
        "unrecognized mode",
    ),
    "failed": (
        "the energy is not finite",
        "no answer within 120 s",
        "more than 4 GiB of memory",
        "LinAlgError: Singular matrix",
        "landmarks on one line",
        "the process died",
    ),
}
"""Status -> what its rows' reasons are drawn from."""
_SHARES = {"ok": 0.94, "no_face": 0.02, "unreadable": 0.02, "failed": 0.02}
_MODELS = ("centerface", "dlib-landmarks-68", "dlib-resnet", "morphable", "texture-generator")
_SECONDS = {"read": 0.004, "detect": 0.03, "align": 0.002, "fit": 0.05, "export": 0.02}
_BEGAN = datetime.datetime(2024, 5, 1, tzinfo=datetime.UTC)

SMALL = Dimensions(identity=100, expression=3, texture=4)


@dataclass(frozen=True)
class Run:
    """What is the same in all rows that one command wrote."""

    method: str = "fast"
    texture_model: str = "gan"
    code: str = "0.1.0"
    device: str = "cpu"
    regressor: str = "new"
    dimensions: Dimensions = SMALL
    moved: float = 0.0
    """Share of the photographs whose coefficients this code changes, and a tenth of it whose status."""


def reconstructions(run: Run, units: range) -> pa.Table:
    """Rows of consecutive photographs."""
    rng = np.random.default_rng([1, units.start])
    schema, n = schemas.reconstructions(run.dimensions), len(units)
    status = rng.choice(list(_SHARES), n, p=list(_SHARES.values()))
    own = np.random.default_rng([2, units.start, _number(run.method), _number(run.code)])
    moved = own.random(n) < run.moved
    status[own.random(n) < run.moved / 10] = "no_face"
    ok = status == "ok"
    method = np.random.default_rng([3, units.start, _number(run.method)])
    people = np.asarray(units) // PHOTOS_OF_ONE
    identity = _of_people(people, run.dimensions.identity) + 0.3 * method.normal(size=(n, run.dimensions.identity))
    identity[moved] += 0.01 * own.normal(size=(int(moved.sum()), run.dimensions.identity))
    losses = {term: method.lognormal(size=n) * np.where(moved, own.normal(1, 0.01, n), 1) for term in LOSS_TERMS}
    names = [f"Person_{person:06d}" for person in people]
    ids = [f"{name}/{name}_{unit % PHOTOS_OF_ONE + 1:04d}.jpg" for name, unit in zip(names, units, strict=True)]
    content = [_hash(f"content of {unit}") for unit in units]
    shards = [_hash(f"{run} {unit // UNITS_PER_SHARD}")[:12] for unit in units]
    columns = {
        "run_id": [f"run of {run.method} by {run.code}"] * n,
        "method": [run.method] * n,
        "texture_model": [run.texture_model] * n,
        "collection": ["photos"] * n,
        "collection_key": [_hash("photos")[:12]] * n,
        "unit_id": ids,
        "face_index": pa.array(np.zeros(n, np.int32), mask=~ok),
        "source": [[f"/photos/{unit_id}"] for unit_id in ids],
        "content_sha256": pa.array(content, mask=status == "unreadable"),
        "subject": names,
        "frames": np.ones(n, np.int32),
        "status": status,
        "stage": np.select([ok, status == "no_face", status == "failed"], ["export", "detect", "fit"], "read"),
        "reason": [None if name == "ok" else rng.choice(REASONS[name]) for name in status],
        "detection_score": pa.array(rng.uniform(0.5, 1, n).astype(np.float32), mask=~ok),
        "detection_box": _vectors(rng.uniform(0, 250, (n, 4)), ok),
        "landmarks": _vectors(rng.uniform(0, 250, (n, 136)), ok),
        "identity": _vectors(identity, ok),
        "expression": _vectors(method.normal(size=(n, run.dimensions.expression)), ok),
        "texture": _vectors(method.normal(size=(n, run.dimensions.texture)), ok),
        "camera": _vectors(method.normal(size=(n, CAMERA)), ok),
        "light": _vectors(method.normal(size=(n, LIGHT)), ok),
        "losses": _struct(losses, [ok] * len(LOSS_TERMS), ok),
        "iterations": pa.array(np.full(n, 0 if run.method == "fast" else 50, np.int32), mask=~ok),
        "converged": pa.array(np.ones(n, bool), mask=~ok),
        "seconds": _struct({stage: _SECONDS[stage] * method.lognormal(size=n) for stage in STAGES}, _entered(status)),
        "device": [run.device] * n,
        "assets": [_files(run.regressor)] * n,
        "config_sha256": [_hash(f"settings of {run.method}")] * n,
        "code_version": [run.code] * n,
        "code_sha256": [_hash(run.code)] * n,
        "without": [[]] * n,
        "seed": np.zeros(n, np.int64),
        "result_key": pa.array([_hash(f"{run} {file}") for file in content], mask=status == "unreadable"),
        "shard": shards,
        "mesh": pa.array([f"faces/{run.method}/{unit_id}/face.glb" for unit_id in ids], mask=~ok),
        "overlay": pa.array([f"faces/{run.method}/{unit_id}/overlay.png" for unit_id in ids], mask=~ok),
        "created_at": [_BEGAN + datetime.timedelta(seconds=25 * (unit // UNITS_PER_SHARD)) for unit in units],
    }
    return pa.table({field.name: pa.array(columns[field.name], field.type) for field in schema}, schema)


def videos(run: Run, n: int) -> tuple[pa.Table, pa.Table]:
    """Rows of `reconstructions` and of `frames` for some videos of 250 frames."""
    rows, each = reconstructions(run, range(n)), 250
    ids = [f"subject_{video:02d}/indoor.mp4" for video in range(n)]
    of_frames = ("face_index", "subject", "detection_box", "landmarks", "expression", "camera", "light")
    changed: dict[str, Any] = {
        "run_id": [f"videos by {run.code}"] * n,
        "collection": ["videos"] * n,
        "collection_key": [_hash("videos")[:12]] * n,
        "unit_id": ids,
        "source": [[f"/videos/{unit_id}"] for unit_id in ids],
        "frames": np.full(n, 8, np.int32),
        **dict.fromkeys(of_frames, pa.nulls(n)),
    }
    for name, values in changed.items():
        field = rows.schema.field(name)
        rows = rows.set_column(rows.schema.get_field_index(name), field, pa.array(values, field.type))
    schema, total = schemas.frames(run.dimensions), n * each
    rng = np.random.default_rng(5)
    seen = rng.random(total) < 0.97
    columns = {
        "run_id": [f"videos by {run.code}"] * total,
        "method": [run.method] * total,
        "texture_model": [run.texture_model] * total,
        "collection": ["videos"] * total,
        "collection_key": [_hash("videos")[:12]] * total,
        "unit_id": np.repeat(ids, each),
        "shard": np.repeat(rows["shard"].to_pylist(), each),
        "frame": np.tile(np.arange(each, dtype=np.int32), n),
        "time_s": np.tile(np.arange(each) / 25, n),
        "chosen": np.tile(np.arange(each) % 32 == 0, n) & seen,
        "status": np.where(seen, "ok", "no_face"),
        "detection_score": pa.array(rng.uniform(0.5, 1, total).astype(np.float32), mask=~seen),
        "detection_box": _vectors(rng.uniform(0, 250, (total, 4)), seen),
        "landmarks": _vectors(rng.uniform(0, 250, (total, 136)), seen),
        "expression": _vectors(rng.normal(size=(total, run.dimensions.expression)), seen),
        "camera": _vectors(rng.normal(size=(total, CAMERA)), seen),
        "light": _vectors(rng.normal(size=(total, LIGHT)), seen),
        "landmark_error": pa.array(rng.lognormal(-3, 0.3, total).astype(np.float32), mask=~seen),
    }
    return rows, pa.table({field.name: pa.array(columns[field.name], field.type) for field in schema}, schema)


def micc(people: int) -> list[dict[str, Any]]:
    """Rows of `micc`: everybody's video of `videos`, by two methods and two protocols, one in ten failed."""
    rng = np.random.default_rng(6)
    rows = []
    for person in range(people):
        for method, fusion, without in (
            ("mean face", "none", []),
            ("ganfit++", "joint", []),
            ("ganfit++", "single", []),
            ("ganfit++", "joint", ["identity", "pixel"]),
        ):
            for protocol in ("micc/ganfit-paper", "micc/deng"):
                failed = rng.random() < 0.1
                rows.append(
                    dict.fromkeys(schemas.micc().names)
                    | {
                        "run_id": "scans",
                        "dataset": "micc",
                        "subject": f"subject_{person:02d}",
                        "setting": "indoor",
                        "method": method,
                        "fusion": fusion,
                        "without": without,
                        "protocol": protocol,
                        "protocol_version": "1",
                        "status": "failed" if failed else "ok",
                        "stage": "measure",
                        "reason": "no overlap" if failed else None,
                        "error_mm": None if failed else float(rng.uniform(0.8, 2)),
                        "scale": None if failed else float(rng.uniform(0.95, 1.05)),
                        "notes": [],
                        "frames": [0, 8],
                        "skipped": [],
                        "predicted_by": "0.2.0",
                        "source": f"/videos/subject_{person:02d}/indoor.mp4",
                        "assets": [("mobilefacenet", _hash("mobilefacenet")), *_files("new")],
                        "config_sha256": _hash(method),
                        "seed": 0,
                        "units": "mm",
                        "code_version": "0.2.0",
                        "created_at": _BEGAN,
                    }
                )
    return rows


def write_scans(rows: Sequence[dict[str, Any]], out: Path) -> None:
    """Write rows of `micc`, and the table `published`."""
    for protocol, method in sorted({(row["protocol"], row["method"]) for row in rows}):
        part = [row for row in rows if (row["protocol"], row["method"]) == (protocol, method)]
        tables.write_part(part, schemas.micc(), out, "scans", 0)
    tables.write_part(published.rows(), schemas.published(), out, "all", 0)


def write(table: pa.Table, out: Path, part: str) -> Path:
    """Write rows of one partition as one part file, as large as they are, and return its path."""
    name = table.schema.metadata[b"table"].decode()
    folders = schemas.PARTITIONS[name]
    folder = tables.partition_folder(out, name, [table[column][0].as_py() for column in folders])
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"part-{part}-00000.parquet"
    stored = table.drop_columns(list(folders))
    groups = (stored.slice(start, ROW_GROUP) for start in range(0, len(stored), ROW_GROUP))
    tables.write_file(path, stored.schema, groups)
    return path


def _files(regressor: str) -> list[tuple[str, str]]:
    return sorted([("regressor-gan", _hash(regressor)), *((name, _hash(name)) for name in _MODELS)])


def _of_people(people: np.ndarray, length: int) -> np.ndarray:
    """(N, length) coefficients, equal for equal people."""
    known, places = np.unique(people, return_inverse=True)
    return np.stack([np.random.default_rng([4, person]).normal(size=length) for person in known])[places]


def _entered(status: np.ndarray) -> list[np.ndarray]:
    """Of each stage, which rows have come to its end."""
    past_read, past_detect, ok = status != "unreadable", np.isin(status, ("ok", "failed")), status == "ok"
    return [past_read, past_read, past_detect, ok, ok]


def _vectors(values: np.ndarray, known: np.ndarray) -> pa.Array:
    flat = pa.array(values.astype(np.float32).reshape(-1))
    return pa.FixedSizeListArray.from_arrays(flat, values.shape[1], mask=pa.array(~known))


def _struct(
    values: dict[str, np.ndarray], known: Sequence[np.ndarray], present: np.ndarray | None = None
) -> pa.StructArray:
    fields = [
        pa.array(column.astype(np.float32), mask=~here) for column, here in zip(values.values(), known, strict=True)
    ]
    return pa.StructArray.from_arrays(fields, list(values), mask=None if present is None else pa.array(~present))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _number(text: str) -> int:
    return zlib.crc32(text.encode())
