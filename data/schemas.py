"""The tables' columns, defined once: Arrow types, descriptions, and the documentation made from them.

``python -m data.schemas docs/tables.md`` writes the documentation.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import pyarrow as pa

LOSS_TERMS = ("identity", "identity_random", "content", "pixel", "landmark", "regularisation", "total")
"""Terms of the energy, Eq. 13 of Fast-GANFIT, and their weighted sum."""
STAGES = ("read", "detect", "align", "fit", "export")
"""What happens to a photograph, in this order; `stage` of a row names the last one entered."""
PARTITIONS: dict[str, tuple[str, ...]] = {
    "reconstructions": ("method", "texture_model"),
    "frames": ("method", "texture_model"),
    "micc": ("protocol", "method"),
    "frechet": ("extractor", "texture_model"),
    "published": (),
}
"""Columns of each table that are folders (Hive style) and not stored in the files."""
RESULT_FOLDERS = ("faces", "frames", "plans", "reconstructions", "videos")
"""Folders below an output folder that hold results, and no photographs."""
CAMERA, LIGHT = 10, 9


@dataclass(frozen=True)
class Dimensions:
    """Lengths of the coefficient vectors, which the assets decide."""

    identity: int
    expression: int
    texture: int


def reconstructions(dimensions: Dimensions) -> pa.Schema:
    """Columns of `reconstructions`: one row per photograph or video, or per face where all faces were asked for."""
    terms = pa.struct([pa.field(term, pa.float32()) for term in LOSS_TERMS])
    seconds = pa.struct([pa.field(stage, pa.float32()) for stage in STAGES])
    return pa.schema(
        [
            _column("run_id", pa.string(), "the run that wrote the row", nullable=False),
            _column("method", pa.string(), "the recipe, as `ganfit methods` names it (folder)", nullable=False),
            _column("texture_model", pa.string(), "gan, vae or pca: the method's (folder)", nullable=False),
            _column("collection", pa.string(), "name of the collection's root folder", nullable=False),
            _column("collection_key", pa.string(), "hash of the paths that were asked for; null before version 2"),
            _column("unit_id", pa.string(), "path below that root, forward slashes", nullable=False),
            _column("face_index", pa.int32(), "0 for the largest face; null without one"),
            _column("source", pa.list_(pa.string()), "paths of the photographs, or of the video", nullable=False),
            _column("content_sha256", pa.string(), "of the file's bytes; null where unreadable"),
            _column("subject", pa.string(), "who is shown, where the collection says it"),
            _column("frames", pa.int32(), "photographs, or frames of a video, fitted together", nullable=False),
            _column("status", pa.string(), "ok, no_face, unreadable or failed", nullable=False),
            _column("stage", pa.string(), "last stage entered: " + ", ".join(STAGES), nullable=False),
            _column("reason", pa.string(), "why the status is not ok; of a video also what of it could not be used"),
            _column("detection_score", pa.float32(), "probability of a face, 0 to 1"),
            _column("detection_box", _vector(4), "left, top, right, bottom in px of the upright photograph"),
            _column("landmarks", _vector(136), "68 points x0, y0, x1, ... in px of the upright photograph"),
            _column("identity", _vector(dimensions.identity), "p_s, in standard deviations"),
            _column("expression", _vector(dimensions.expression), "p_e, in standard deviations"),
            _column("texture", _vector(dimensions.texture), "p_t, latent of the texture model"),
            _column("camera", _vector(CAMERA), "p_c: eye and target in mm, up, focal length in half crop sides"),
            _column("light", _vector(LIGHT), "p_l: position in mm, colour, ambient"),
            _column(
                "losses",
                terms,
                "final value of every term, unweighted but for regularisation; total is the weighted sum",
            ),
            _column("iterations", pa.int32(), "steps of stage 2 taken; 0 for regression alone"),
            _column("converged", pa.bool_(), "the energy had stopped falling; true for regression alone"),
            _column("seconds", seconds, "wall time per stage; a batch's time is shared evenly by its faces"),
            _column("device", pa.string(), "cpu or the accelerator's name", nullable=False),
            _column("assets", pa.map_(pa.string(), pa.string()), "asset id -> sha256", nullable=False),
            _column("config_sha256", pa.string(), "of the preset, the method and the options", nullable=False),
            _column("code_version", pa.string(), "version of this program", nullable=False),
            _column("code_sha256", pa.string(), "of the sources that decide the result; null before version 2"),
            _column("without", pa.list_(pa.string()), "terms left out of the energy; null before version 3"),
            _column("seed", pa.int64(), "seed of the run", nullable=False),
            _column(
                "result_key",
                pa.string(),
                "hash of content_sha256, config_sha256, assets, code_sha256 and seed: equal keys, equal results; "
                "null where the content could not be read, and before version 2",
            ),
            _column("shard", pa.string(), "the units that were computed together; null before version 2"),
            _column("mesh", pa.string(), "GLB, relative to the output folder"),
            _column("overlay", pa.string(), "picture of the fit, relative to the output folder"),
            _column("created_at", pa.timestamp("us", tz="UTC"), "when the row was made", nullable=False),
        ],
        metadata={"table": "reconstructions", "version": "3"},
    )


def frames(dimensions: Dimensions) -> pa.Schema:
    """Columns of `frames`: one row per frame of a video."""
    return pa.schema(
        [
            _column("run_id", pa.string(), "the run that wrote the row", nullable=False),
            _column("method", pa.string(), "as in `reconstructions` (folder)", nullable=False),
            _column("texture_model", pa.string(), "as in `reconstructions` (folder)", nullable=False),
            _column("collection", pa.string(), "as in `reconstructions`: the folder of the video", nullable=False),
            _column("collection_key", pa.string(), "as in `reconstructions`; null before version 2"),
            _column("unit_id", pa.string(), "as in `reconstructions`: the video's name", nullable=False),
            _column("shard", pa.string(), "as in `reconstructions`; null before version 2"),
            _column("frame", pa.int32(), "place among the decodable frames, from 0", nullable=False),
            _column("time_s", pa.float64(), "seconds from the first frame", nullable=False),
            _column("chosen", pa.bool_(), "identity and texture were fitted to it, with others", nullable=False),
            _column("status", pa.string(), "ok or no_face", nullable=False),
            _column("detection_score", pa.float32(), "probability of a face, 0 to 1"),
            _column("detection_box", _vector(4), "left, top, right, bottom in px of the upright frame"),
            _column("landmarks", _vector(136), "68 detected points x0, y0, x1, ... in px of the upright frame"),
            _column("expression", _vector(dimensions.expression), "p_e, in standard deviations"),
            _column(
                "camera",
                _vector(CAMERA),
                "p_c: eye and target in mm, up, focal length in half sides of the square around the frame's middle",
            ),
            _column("light", _vector(LIGHT), "p_l: position in mm, colour, ambient"),
            _column(
                "landmark_error",
                pa.float32(),
                "mean distance of the model's landmarks from the detected, over that of the eyes",
            ),
        ],
        metadata={"table": "frames", "version": "2"},
    )


def micc() -> pa.Schema:
    """Columns of `micc`: one row per subject, setting, recipe and protocol."""
    return pa.schema(
        [
            _column("run_id", pa.string(), "the run that wrote the row", nullable=False),
            _column("dataset", pa.string(), "name of the dataset's folder", nullable=False),
            _column("subject", pa.string(), "whose face", nullable=False),
            _column("setting", pa.string(), "cooperative, indoor or outdoor: which video", nullable=False),
            _column("method", pa.string(), "as `ganfit methods` names it, or mean face (folder)", nullable=False),
            _column("fusion", pa.string(), "what became of the frames: tasks/micc_recipes.py", nullable=False),
            _column("without", pa.list_(pa.string()), "terms of the energy left out", nullable=False),
            _column("protocol", pa.string(), "how the error was measured: docs/protocols.md (folder)", nullable=False),
            _column("protocol_version", pa.string(), "version of that protocol", nullable=False),
            _column("status", pa.string(), "ok, no_face, unreadable or failed", nullable=False),
            _column("stage", pa.string(), "last stage entered: read, detect, fit, scan or measure", nullable=False),
            _column("reason", pa.string(), "why the status is not ok"),
            _column("error_mm", pa.float64(), "by the protocol"),
            _column("rigid_error_mm", pa.float64(), "the same after rotation and translation alone, no scaling"),
            _column("scale", pa.float64(), "by which the protocol enlarged the prediction; 1 where it may not"),
            _column("rmse_mm", pa.float64(), "root mean square of the distances"),
            _column("median_mm", pa.float64(), "median of the distances"),
            _column("scan", pa.string(), "the scan whose error this is; null where several are averaged"),
            _column("scans", pa.int32(), "scans that were measured"),
            _column("iterations", pa.int32(), "of the alignment"),
            _column("converged", pa.bool_(), "the alignment came to rest"),
            _column("crop_radius_mm", pa.float64(), "of the Euclidean ball that the protocol cropped"),
            _column("crop_vertices", pa.int32(), "vertices of the scan within the protocol's crop"),
            _column("notes", pa.list_(pa.string()), "repairs of the scans, sources of their landmarks", nullable=False),
            _column("frames", pa.list_(pa.int32()), "frames used, by their place among the decodable", nullable=False),
            _column("skipped", pa.list_(pa.int32()), "frames without a face", nullable=False),
            _column("identity", pa.list_(pa.float32()), "p_s, in standard deviations"),
            _column("cosine", pa.float64(), "of the frames and their renderings, by the judge; mean over the frames"),
            _column("judge_sha256", pa.string(), "of the judge's weights, a network that no energy knows"),
            _column("seconds", pa.float64(), "wall time of the reconstruction, without decoding and detection"),
            _column("predicted_by", pa.string(), "version of this program that made the prediction", nullable=False),
            _column("source", pa.string(), "path of the video"),
            _column("check", pa.string(), "picture of the errors, relative to the output folder"),
            _column("assets", pa.map_(pa.string(), pa.string()), "asset id -> sha256", nullable=False),
            _column("config_sha256", pa.string(), "of preset, settings, frames and recipe", nullable=False),
            _column("seed", pa.int64(), "seed of the reconstructions", nullable=False),
            _column("units", pa.string(), "of the errors", nullable=False),
            _column("code_version", pa.string(), "version of this program that measured", nullable=False),
            _column("created_at", pa.timestamp("us", tz="UTC"), "when the row was made", nullable=False),
        ],
        metadata={"table": "micc", "version": "1"},
    )


def frechet() -> pa.Schema:
    """Columns of `frechet`: one row per texture model, extractor and reference."""
    return pa.schema(
        [
            _column("run_id", pa.string(), "the run that wrote the row", nullable=False),
            _column("texture_model", pa.string(), "gan, vae, pca, or training maps (folder)", nullable=False),
            _column("asset_sha256", pa.string(), "of the model's file, or of the training maps drawn", nullable=False),
            _column("extractor", pa.string(), "network whose features are compared (folder)", nullable=False),
            _column("extractor_sha256", pa.string(), "of that network's weights", nullable=False),
            _column("metric", pa.string(), "what `frechet` may be called; FID for one network only", nullable=False),
            _column("protocol", pa.string(), "id of how maps become the extractor's input", nullable=False),
            _column("protocol_version", pa.string(), "version of that protocol", nullable=False),
            _column("resolution", pa.int32(), "side of the maps, texels", nullable=False),
            _column("mask_sha256", pa.string(), "of the face mask at that resolution", nullable=False),
            _column("n_generated", pa.int32(), "maps drawn from the model", nullable=False),
            _column("n_reference", pa.int32(), "maps of held-out people, few of each", nullable=False),
            _column("reference_sha256", pa.string(), "of the held-out maps and the choice from them", nullable=False),
            _column("frechet", pa.float64(), "Frechet distance; depends on both numbers of maps", nullable=False),
            _column("kid", pa.float64(), "unbiased MMD^2 under the cubic kernel", nullable=False),
            _column("kid_low", pa.float64(), "lower end of its 95 % confidence interval", nullable=False),
            _column("kid_high", pa.float64(), "upper end of it", nullable=False),
            _column("warning", pa.string(), "why the distance deserves mistrust"),
            _column("seed", pa.int64(), "seed of the draws and of the KID's subsets", nullable=False),
            _column("units", pa.string(), "of `frechet`", nullable=False),
            _column("code_version", pa.string(), "version of this program", nullable=False),
            _column("created_at", pa.timestamp("us", tz="UTC"), "when the row was made", nullable=False),
        ],
        metadata={"table": "frechet", "version": "1"},
    )


def texture_maps() -> pa.Schema:
    """Columns of the index of a texture folder: one row per photograph."""
    return pa.schema(
        [
            _column("unit_id", pa.string(), "path of the photograph below its collection", nullable=False),
            _column("split", pa.string(), "train or held_out", nullable=False),
            _column("subject", pa.string(), "who it shows, where LFW's pairs.txt was given"),
            _column("landmark_error", pa.float32(), "of the shape's fit, share of the inter-ocular distance"),
            _column("yaw", pa.float32(), "degrees"),
            _column("pitch", pa.float32(), "degrees"),
            _column("seen", pa.float32(), "share of the face that the photograph shows"),
            _column("sharpness", pa.float32(), "variance of the Laplacian within the face, grey values 0 to 255"),
            _column("contrast", pa.float32(), "of the light divided out: standard deviation of its logarithm"),
            _column("oddity", pa.float32(), "RMS departure from what the other maps make likely, colours in [0, 1]"),
            _column("reason", pa.string(), "why there is no map; null where there is one"),
            _column("file", pa.string(), "of maps/ that holds the map"),
            _column("row", pa.int32(), "of the map in that file"),
        ],
        metadata={"table": "texture_maps", "version": "1"},
    )


def published() -> pa.Schema:
    """Columns of `published`: one row per number of the literature."""
    return pa.schema(
        [
            _column("method", pa.string(), "as the source names it", nullable=False),
            _column("dataset", pa.string(), "what it was measured on", nullable=False),
            _column("protocol", pa.string(), "id of how it was measured; never compared across ids", nullable=False),
            _column("metric", pa.string(), "what was measured", nullable=False),
            _column("value", pa.float64(), "the number as printed", nullable=False),
            _column("source", pa.string(), "publication and table", nullable=False),
        ],
        metadata={"table": "published", "version": "1"},
    )


_PREFACE = """\
Made from `data/schemas.py` by `make docs`; a test keeps the two equal.

Every file says in its metadata which version of its table it was written with. A new version only adds columns that may
be null, or renames or converts columns by a function registered in `data/migrations.py`. `data.tables.read` gives all
rows in the current version; other readers see nulls in the newer columns (DuckDB with `union_by_name = true`) until
`ganfit compact` has rewritten the files. A file of a newer version than the program knows is refused with a message."""


def documentation() -> str:
    """Markdown of every table's columns."""
    lines = ["# Tables", "", *_PREFACE.splitlines(), ""]
    lines += _section(
        reconstructions(Dimensions(identity=1, expression=1, texture=1)),
        _path("reconstructions", "part-COLLECTION-SHARD"),
        "One row per photograph or video,\nor per face with `--all-faces`; what could not be fitted has a row too. "
        "Of a video, expression, camera\nand light stand in `frames`. The lengths n_s, n_e and n_t are those of "
        "the models in use.",
        {"identity": "n_s", "expression": "n_e", "texture": "n_t"},
    )
    lines += _section(
        frames(Dimensions(identity=1, expression=1, texture=1)),
        _path("frames", "part-VIDEO-00000"),
        "One row per frame of a\nvideo (`ganfit fit-video`). Identity and texture are the same in all and stand in "
        "`reconstructions`.\nExpression, camera and light are null where no face was found.",
        {"expression": "n_e"},
    )
    lines += _section(
        micc(),
        _path("micc", "part-KEY-00000"),
        "One row per subject,\nsetting, recipe and protocol: how far a face is from the person's scans. "
        "Rows whose measure failed are there too.",
    )
    lines += _section(
        frechet(),
        _path("frechet", "part-KEY-00000"),
        "One row per texture\nmodel: how far its maps are from those of held-out people. "
        "The same files, numbers and seed replace their earlier row.",
    )
    lines += _section(published(), _path("published", "part-all-00000"), "Numbers from the literature.")
    lines += _section(
        texture_maps(),
        "OUT/index.parquet",
        "What `ganfit textures build` made\nof every photograph.",
    )
    return "\n".join(lines).rstrip() + "\n"


def _path(table: str, part: str) -> str:
    folders = "".join(f"{name}=.../" for name in PARTITIONS[table])
    return f"OUT/{table}/{folders}{part}.parquet"


def _section(schema: pa.Schema, path: str, text: str, symbolic: Mapping[str, str] = MappingProxyType({})) -> list[str]:
    """One table's lines; ``symbolic`` names the lengths of vectors that the models decide."""
    lines = [
        f"## {schema.metadata[b'table'].decode()}",
        "",
        *f"`{path}`. {text}".splitlines(),
        "",
        "| column | type | null | meaning |",
        "|---|---|---|---|",
    ]
    for field in schema:
        kind = str(field.type)
        if field.name in symbolic:
            kind = f"fixed_size_list<float>[{symbolic[field.name]}]"
        kind = kind.replace("element: ", "").replace("item: ", "")
        null = "yes" if field.nullable else "no"
        lines.append(f"| `{field.name}` | `{kind}` | {null} | {field.metadata[b'description'].decode()} |")
    return [*lines, ""]


def _vector(length: int) -> pa.DataType:
    return pa.list_(pa.float32(), length)


def _column(name: str, kind: pa.DataType, description: str, nullable: bool = True) -> pa.Field:
    return pa.field(name, kind, nullable=nullable, metadata={"description": description})


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(documentation(), encoding="utf-8")
