"""What a run shows in Prefect's UI is what the table holds, and never costs the run."""

from __future__ import annotations

import base64
import io
import json
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.testing.utilities import prefect_test_harness

from ganfit_core.overlay import CAPTION, TILE
from tasks import artifacts

NOW, BEFORE = "now", "before"
SCHEMA = pa.schema(
    [
        ("run_id", pa.string()),
        ("unit_id", pa.string()),
        ("status", pa.string()),
        ("reason", pa.string()),
        ("losses", pa.struct([("total", pa.float32())])),
        ("overlay", pa.string()),
    ]
)


def row(unit: str, status: str = "ok", reason: str | None = None, **columns: Any) -> dict[str, Any]:
    """A row of the table."""
    return {
        "run_id": NOW,
        "unit_id": unit,
        "status": status,
        "reason": reason,
        "losses": None,
        "overlay": None,
    } | columns


def table(*rows: dict[str, Any]) -> pa.Table:
    """The columns that artifacts are made from."""
    return pa.Table.from_pylist(list(rows), schema=SCHEMA)


def overlay(out: Path, name: str, colour: Sequence[int], height: int = CAPTION + TILE) -> str:
    """A panel of six tiles, the first two of one colour and the rest black."""
    pixels = np.zeros((height, 6 * TILE, 3), np.uint8)
    pixels[:, : 2 * TILE] = colour
    Image.fromarray(pixels).save(out / name)
    return name


def fitted(out: Path, number: int, colour: Sequence[int], **columns: Any) -> dict[str, Any]:
    """A row that is ok, whose energy is its number."""
    name = overlay(out, f"{number}.png", colour)
    return row(f"{number}.jpg", losses={"total": float(number)}, overlay=name, **columns)


def opened(sheet: bytes | None) -> Image.Image:
    """The picture."""
    assert sheet is not None
    return Image.open(io.BytesIO(sheet)).convert("RGB")


def test_counts_are_those_of_the_table_and_of_the_run_and_add_up() -> None:
    rows = [row(f"{n}.jpg", run_id=BEFORE if n < 6 else NOW) for n in range(8)]
    rows += [row("a.jpg", "no_face", "no face"), row("b.jpg", "failed", "hung", run_id=BEFORE)]
    assert artifacts.counts(table(*rows), NOW) == [
        {"status": "ok", "rows": 8, "share": "80.00%", "new": 2},
        {"status": "no_face", "rows": 1, "share": "10.00%", "new": 1},
        {"status": "failed", "rows": 1, "share": "10.00%", "new": 0},
        {"status": "all", "rows": 10, "share": "", "new": 3},
    ]


def test_reasons_come_commonest_first_with_an_example_and_leave_out_what_is_well() -> None:
    rows = [row("fine.jpg"), row("z.jpg", "failed", "hung", run_id=BEFORE)]
    rows += [row(f"{n}.jpg", "unreadable", "truncated") for n in (3, 1, 2)]
    rows += [row("y.jpg", "unreadable", "hung"), row("x.jpg", "failed", "odd")]
    assert artifacts.reasons(table(*rows), NOW) == [
        {"status": "unreadable", "reason": "truncated", "rows": 3, "new": 3, "for example": "1.jpg"},
        {"status": "failed", "reason": "hung", "rows": 1, "new": 0, "for example": "z.jpg"},
        {"status": "failed", "reason": "odd", "rows": 1, "new": 1, "for example": "x.jpg"},
        {"status": "unreadable", "reason": "hung", "rows": 1, "new": 1, "for example": "y.jpg"},
    ]


def test_rare_reasons_are_counted_together() -> None:
    rows = [row(f"{n}.jpg", "failed", f"reason {n}") for n in range(artifacts.REASONS + 5)]
    lines = artifacts.reasons(table(*rows, row("more.jpg", "failed", "reason 0")), NOW)
    assert len(lines) == artifacts.REASONS + 1
    assert lines[0]["rows"] == 2
    assert (lines[-1]["reason"], lines[-1]["rows"]) == ("5 other reasons", 5)
    assert sum(line["rows"] for line in lines) == len(rows) + 1


def test_the_sheet_shows_photo_and_overlay_from_the_lowest_energy_to_the_highest(tmp_path: Path) -> None:
    rows = [fitted(tmp_path, number, (10 * number, 0, 0)) for number in range(25)]
    sheet = opened(artifacts.contact_sheet(table(*reversed(rows)), tmp_path))
    reds = [sheet.getpixel((320 * (n % 3) + 310, sheet.height * (n // 3) // 4 + 80))[0] for n in range(12)]  # type: ignore[index]
    expected = [round(number * 24 / 11) * 10 for number in range(12)]
    assert sheet.size == (960, 776)
    assert np.abs(np.subtract(reds, expected)).max() <= 3


def test_the_sheet_takes_the_first_frame_of_a_video_and_few_rows_as_they_are(tmp_path: Path) -> None:
    rows = [fitted(tmp_path, 0, (200, 0, 0)), fitted(tmp_path, 1, (0, 200, 0))]
    overlay(tmp_path, "1.png", (0, 200, 0), height=8 * (CAPTION + TILE))
    sheet = opened(artifacts.contact_sheet(table(*rows), tmp_path))
    assert sheet.size == (640, 194)
    assert sheet.getpixel((480, 80))[1] >= 197  # type: ignore[index]


def test_the_sheet_is_under_a_megabyte_whatever_the_pictures_show(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (CAPTION + TILE, 6 * TILE, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    rows = [row(f"{n}.jpg", losses={"total": 1.0}, overlay="noise.png") for n in range(12)]
    sheet = artifacts.contact_sheet(table(*rows), tmp_path)
    assert sheet is not None
    assert 50_000 < len(sheet) < 1_000_000


def test_overlays_that_are_gone_or_broken_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"no picture")
    lost = [row(f"{name}.jpg", losses={"total": 0.1}, overlay=f"{name}.png") for name in ("broken", "gone")]
    sheet = opened(artifacts.contact_sheet(table(*lost, fitted(tmp_path, 1, (9, 9, 9))), tmp_path))
    assert sheet.size == (320, 194)
    assert artifacts.contact_sheet(table(*lost), tmp_path) is None
    assert artifacts.contact_sheet(table(row("none.jpg", "no_face")), tmp_path) is None


def test_outside_a_flow_run_nothing_is_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("create_table_artifact", "create_image_artifact", "create_progress_artifact"):
        monkeypatch.setattr(artifacts, name, lambda *_, **__: pytest.fail("a server was asked"))
    artifacts.publish(table(row("a.jpg")), tmp_path, NOW)
    artifacts.ShardProgress(3).done(3)


@flow
def show(rows: list[dict[str, Any]], out: Path) -> None:
    """A run of four shards, half of which are done, and its results."""
    artifacts.ShardProgress(4).done(2)
    artifacts.publish(table(*rows), out, NOW)


def test_in_a_flow_run_the_server_gets_progress_tables_and_the_sheet_of_this_run(tmp_path: Path) -> None:
    rows = [fitted(tmp_path, 1, (200, 0, 0)), fitted(tmp_path, 2, (0, 200, 0), run_id=BEFORE)]
    rows.append(row("bad.jpg", "unreadable", "truncated"))
    with prefect_test_harness(server_startup_timeout=120):
        show(rows, tmp_path)
        with get_client(sync_client=True) as client:
            found = {artifact.key: artifact for artifact in client.read_artifacts()}
    assert found["progress"].data == 50
    assert found["progress"].description == "2 of 4 shards"
    assert json.loads(str(found["statuses"].data)) == artifacts.counts(table(*rows), NOW)
    assert json.loads(str(found["reasons"].data)) == artifacts.reasons(table(*rows), NOW)
    prefix, content = str(found["overlays"].data).split(",", 1)
    assert prefix == "data:image/jpeg;base64"
    assert opened(base64.b64decode(content)).size == (320, 194)


def test_a_server_that_does_not_answer_costs_no_more_than_a_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    def gone(*_: object, **__: object) -> None:
        raise httpx.ConnectError("connection refused")

    for name in ("create_table_artifact", "create_image_artifact", "create_progress_artifact"):
        monkeypatch.setattr(artifacts, name, gone)
    monkeypatch.setattr(artifacts.FlowRunContext, "get", lambda: object())
    show.fn([row("a.jpg")], tmp_path)
    assert [record.getMessage() for record in caplog.records] == [
        "Prefect's server was not told how far the run is: connection refused"
    ] * 2


def test_a_server_that_does_not_answer_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []

    def update(artifact: object, percent: float, description: str) -> None:
        asked.append(percent)
        if percent > 25:
            raise httpx.ConnectError("no")

    monkeypatch.setattr(artifacts, "update_progress_artifact", update)
    progress = artifacts.ShardProgress(4)
    progress._artifact = uuid.uuid4()
    for shards in (1, 2, 3):
        progress.done(shards)
    assert asked == [25, 50]
