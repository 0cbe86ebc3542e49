"""That rows which are lost, double or different do not pass for the same."""

from __future__ import annotations

import math
from typing import Any

import pyarrow as pa

from benchmarks._command import Difference, compare


def row(unit_id: str, **changes: Any) -> dict[str, Any]:
    """A row with some of the columns."""
    known = {"method": "fast", "unit_id": unit_id, "run_id": "a", "content_sha256": "00", "shard": "s"}
    return known | {"identity": [0.1, math.nan, 0.0], "seconds": {"fit": 1.0}} | changes


def table(*rows: dict[str, Any]) -> pa.Table:
    """Rows as they are read."""
    return pa.Table.from_pylist(list(rows))


WANTED = table(row("1"), row("2"))


def test_the_run_and_its_times_are_no_difference() -> None:
    got = table(row("2", run_id="b", seconds={"fit": 2.0}), row("1", run_id="c"))
    assert compare(WANTED, got) == Difference(0, 0, 0, ())


def test_a_lost_row() -> None:
    assert compare(WANTED, table(row("1"))).lost == 1


def test_a_row_of_another_method_is_none_of_this() -> None:
    assert compare(WANTED, table(row("1"), row("2", method="ganfit"))) == Difference(1, 0, 1, ())


def test_double_rows() -> None:
    assert compare(WANTED, table(row("1"), row("2"), row("2"), row("2"))) == Difference(0, 2, 0, ())


def test_the_last_bit_of_a_coefficient_is_a_difference() -> None:
    got = table(row("1", identity=[math.nextafter(0.1, 1), math.nan, 0.0]), row("2"))
    assert compare(WANTED, got) == Difference(0, 0, 1, ("identity",))


def test_a_double_that_differs_is_both() -> None:
    assert compare(WANTED, table(row("1"), row("2"), row("2", identity=None))) == Difference(0, 1, 1, ("identity",))


def test_the_sign_of_zero_is_a_difference() -> None:
    assert compare(WANTED, table(row("1"), row("2", identity=[0.1, math.nan, -0.0]))).differing == 1


def test_the_shard_of_what_can_be_read_counts() -> None:
    assert compare(WANTED, table(row("1", shard="t"), row("2"))).columns == ("shard",)
    unreadable = table(row("1", content_sha256=None, shard="s"))
    assert compare(unreadable, table(row("1", content_sha256=None, shard="t"))).differing == 0
