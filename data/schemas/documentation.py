"""docs/tables.md, made from the schemas."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import pyarrow as pa

from data.schemas.evaluation import frechet, micc, published, texture_maps
from data.schemas.faces import Dimensions, frames, reconstructions
from data.schemas.likeness import image_quality, lfw_pairs, lfw_photos, lfw_summary
from data.schemas.partitions import PARTITIONS

_PREFACE = """\
Made from `data/schemas/` by `make docs`; a test keeps the two equal.

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
    lines += _section(
        lfw_photos(),
        _path("lfw_photos", "part-KEY-00000"),
        "How much\nrenderings look like their photographs, to a network (Fig. 9 of Fast-GANFIT).",
    )
    lines += _section(
        lfw_pairs(),
        _path("lfw_pairs", "part-KEY-00000"),
        "The pairs of\nLFW's pairs.txt, photographs and renderings alike (Fig. 10 of Fast-GANFIT).",
    )
    lines += _section(
        lfw_summary(),
        _path("lfw_summary", "part-KEY-00000"),
        "What the rows of\n`lfw_photos` and `lfw_pairs` come to. Columns that do not apply to a protocol are null.",
    )
    lines += _section(
        image_quality(),
        _path("image_quality", "part-KEY-00000"),
        "Renderings\nfitted to photographs as they are and corrupted, against the photographs as they are.",
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
