"""What a run shows of itself in Prefect's UI: how far it is, counts by status and reason, a sheet of overlays."""

from __future__ import annotations

import base64
import contextlib
import io
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import httpx
import pyarrow as pa
import pyarrow.compute as pc
from PIL import Image, ImageDraw, ImageFont
from prefect.artifacts import (
    create_image_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.context import FlowRunContext
from prefect.exceptions import PrefectException

from ganfit_core.overlay import CAPTION, TILE

logger = logging.getLogger(__name__)

COLUMNS = ("run_id", "unit_id", "status", "reason", "losses", "overlay")
"""Of `reconstructions`: what `publish` reads."""
OVERLAYS = 12
"""On a sheet at most."""
REASONS = 30
"""In the table of reasons at most, the commonest."""
_COLUMNS_OF_SHEET, _WIDTH, _LINE = 3, 320, 18
_STATUSES = ("ok", "no_face", "unreadable", "failed")


class ShardProgress:
    """How many shards are done, as a progress bar in Prefect's UI. Outside a flow run it does nothing."""

    def __init__(self, shards: int) -> None:
        self._shards = shards
        self._artifact: UUID | None = None
        if FlowRunContext.get() is not None:
            with _dispensable():
                created = create_progress_artifact(0.0, key="progress", description=self._description(0))
                self._artifact = cast("UUID", created)  # a coroutine in asynchronous flows alone

    def done(self, shards: int) -> None:
        """So many are done by now."""
        if self._artifact is None:
            return
        artifact, self._artifact = self._artifact, None  # where telling fails, another try would take a minute too
        with _dispensable():
            update_progress_artifact(artifact, 100 * shards / self._shards, self._description(shards))
            self._artifact = artifact

    def _description(self, shards: int) -> str:
        return f"{shards} of {self._shards} shards"


def publish(rows: pa.Table, out: Path, run_id: str) -> None:
    """Show the rows' counts by status and by reason, and a sheet of the run's overlays, in Prefect's UI.

    ``rows`` has COLUMNS, of other runs too; ``out`` is what `overlay` is relative to. Outside a flow run nothing is
    shown. A server that does not answer costs a warning, not the run.
    """
    if FlowRunContext.get() is None:
        return
    with _dispensable():
        create_table_artifact(counts(rows, run_id), key="statuses", description="Rows by status")
        if bad := reasons(rows, run_id):
            create_table_artifact(bad, key="reasons", description="Why rows are not ok, the commonest reasons")
        if sheet := contact_sheet(rows.filter(pc.equal(rows["run_id"], run_id)), out):
            url = f"data:image/jpeg;base64,{base64.b64encode(sheet).decode()}"
            create_image_artifact(url, key="overlays", description="Of this run, from the lowest energy to the highest")


def counts(rows: pa.Table, run_id: str) -> list[dict[str, Any]]:
    """Rows by status, and in all: of the table, and of this run alone."""
    found = {line["status"]: line for line in _grouped(rows, run_id, ["status"]).to_pylist()}
    lines = [
        {"status": status, "rows": line["rows"], "share": f"{line['rows'] / len(rows):.2%}", "new": line["new"]}
        for status, line in ((status, found[status]) for status in _STATUSES if status in found)
    ]
    return [*lines, {"status": "all", "rows": len(rows), "share": "", "new": sum(line["new"] for line in lines)}]


def reasons(rows: pa.Table, run_id: str) -> list[dict[str, Any]]:
    """The commonest reasons of rows that are not ok, each with one of its units, and how many rows have others."""
    found = _grouped(rows.filter(pc.not_equal(rows["status"], "ok")), run_id, ["status", "reason"])
    found = found.sort_by([("rows", "descending"), ("status", "ascending"), ("reason", "ascending")])
    lines = found.slice(0, REASONS).to_pylist()
    if others := found.slice(REASONS).to_pylist():
        rare = {key: sum(line[key] for line in others) for key in ("rows", "new")}
        lines.append({"status": "", "reason": f"{len(others)} other reasons", **rare, "for example": ""})
    return lines


def contact_sheet(rows: pa.Table, out: Path) -> bytes | None:
    """Photo and overlay of up to OVERLAYS rows, spread evenly over the energies, as a JPEG; None where there are none.

    It has no more than 960 x 776 px. Files that are not there, or cannot be read, are left out.
    """
    shown = rows.filter(pc.and_(pc.equal(rows["status"], "ok"), pc.is_valid(rows["overlay"])))
    order = pc.sort_indices(pc.struct_field(shown["losses"], "total"))
    last = len(order) - 1
    chosen = sorted({round(number * last / (OVERLAYS - 1)) for number in range(OVERLAYS)}) if last >= 0 else []
    tiles = []
    for line in shown.select(["unit_id", "overlay"]).take(order.take(pa.array(chosen, pa.int64()))).to_pylist():
        with contextlib.suppress(OSError):
            tiles.append(_tile(out / line["overlay"], line["unit_id"]))
    return _grid(tiles) if tiles else None


def _tile(path: Path, caption: str) -> Image.Image:
    """The first two pictures of a panel, photo and overlay, and a line of text below."""
    with Image.open(path) as image:
        pair = image.convert("RGB").crop((0, 0, 2 * TILE, CAPTION + TILE))
    height = round(_WIDTH * pair.height / pair.width)
    tile = Image.new("RGB", (_WIDTH, height + _LINE), "white")
    tile.paste(pair.resize((_WIDTH, height), Image.Resampling.LANCZOS))
    font = ImageFont.load_default(size=12)
    ImageDraw.Draw(tile).text((4, height + 1), caption[-48:], fill="black", font=font)  # the name is at the end
    return tile


def _grid(tiles: Sequence[Image.Image]) -> bytes:
    width, height = tiles[0].size
    columns = min(len(tiles), _COLUMNS_OF_SHEET)
    sheet = Image.new("RGB", (columns * width, -(-len(tiles) // columns) * height), "white")
    for number, tile in enumerate(tiles):
        sheet.paste(tile, (number % columns * width, number // columns * height))
    file = io.BytesIO()
    sheet.save(file, "JPEG", quality=80)
    return file.getvalue()


def _grouped(rows: pa.Table, run_id: str, keys: list[str]) -> pa.Table:
    """For each of the keys' values how many rows there are, how many of them are new, and one of their units."""
    marked = rows.append_column("new", pc.equal(rows["run_id"], run_id).cast(pa.int64()))
    found = marked.group_by(keys).aggregate([("unit_id", "count"), ("new", "sum"), ("unit_id", "min")])
    found = found.select([*keys, "unit_id_count", "new_sum", "unit_id_min"])
    return found.rename_columns([*keys, "rows", "new", "for example"])


@contextlib.contextmanager
def _dispensable() -> Iterator[None]:
    """Results do not depend on what the UI shows: where it cannot be told, that is logged and all."""
    try:
        yield
    except (httpx.HTTPError, PrefectException) as error:
        logger.warning("Prefect's server was not told how far the run is: %s", error)
