"""What `ganfit textures evaluate` compares by default, and how it shows the result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from data.assets import MissingAssetError, find
from data.published import GANFIT_FID, uv_map_fid
from tasks.models import TEXTURE_ASSETS


def shipped_models() -> dict[str, Path]:
    """The texture models at hand, by kind. Raises data.assets.AssetIntegrityError for a damaged one."""
    models = {}
    for kind, asset in TEXTURE_ASSETS.items():
        try:
            models[kind] = find(asset)
        except MissingAssetError:
            continue
    return models


def scores_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Ours beside the paper's; a column holds one protocol only, and so do the rows that are given."""
    first = rows[0]
    paper = uv_map_fid()
    table = Table(title="texture models over UV maps, lower is better", title_justify="left")
    table.add_column("model", no_wrap=True)
    ours = f"{first['protocol']}@{first['protocol_version']}"
    for heading in (f"{first['metric']}\n{ours}", f"KID x 1000 [95 %]\n{ours}", "texels", "maps / held-out maps"):
        table.add_column(heading, overflow="fold")
    table.add_column(f"paper: FID\n{GANFIT_FID}", justify="right", overflow="fold")
    for row in rows:
        table.add_row(
            row["texture_model"],
            f"{row['frechet']:.3f}" + (" (!)" if row["warning"] else ""),
            f"{1000 * row['kid']:.2f} [{1000 * row['kid_low']:.2f}, {1000 * row['kid_high']:.2f}]",
            str(row["resolution"]),
            f"{row['n_generated']} / {row['n_reference']}",
            _two_digits(paper.pop(row["texture_model"], None)),
        )
    for name, value in paper.items():
        table.add_row(name, "", "", "", "", _two_digits(value))
    warnings = sorted({row["warning"] for row in rows if row["warning"]})
    if warnings:
        table.caption = "(!) " + "; ".join(warnings)
        table.caption_justify = "left"
    return table


def _two_digits(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
