"""Which rows are looked at."""

from __future__ import annotations

import datetime
from typing import Any

from flows.tables.selection import command, in_order, newest, origin, variants
from tests.flows.tables.made_rows import BEGAN


def row(name: str, value: int, later: int = 0, version: str = "1", **columns: Any) -> dict[str, Any]:
    made = BEGAN + datetime.timedelta(hours=later)
    return {"protocol": "p", "protocol_version": version, "name": name, "value": value, "created_at": made} | columns


def values(rows: list[Any]) -> list[int]:
    return [each["value"] for each in rows]


def test_the_row_that_was_made_last_counts_whichever_comes_first() -> None:
    rows = [row("a", 1, later=2), row("a", 2, later=1), row("b", 3)]
    assert values(newest(rows, ["name"])) == [1, 3]
    assert values(newest(rows[::-1], ["name"])) == [3, 1]


def test_rows_of_an_older_version_of_a_protocol_are_left_out() -> None:
    rows = [row("a", 1, version="9"), row("b", 2, version="10"), row("c", 3, protocol="other")]
    assert values(newest(rows, ["name"])) == [2, 3]


def test_rows_of_different_protocols_do_not_replace_each_other() -> None:
    assert values(newest([row("a", 1), row("a", 2, later=1, protocol="other")], ["name"])) == [1, 2]


def test_names_say_only_what_differs() -> None:
    rows = [row("a", 1, seed=0, hash="x" * 64), row("a", 2, seed=1, hash="x" * 64), row("b", 3, seed=0, hash="y")]
    found = variants(rows, lambda each: each["name"], ("seed", "hash"))
    assert {name: values(members) for name, members in found.items()} == {"a, seed 0": [1], "a, seed 1": [2], "b": [3]}


def test_long_values_are_told_apart_in_few_letters() -> None:
    rows = [row("a", 1, hash="x" * 64), row("a", 2, hash="y" * 64)]
    names = list(variants(rows, lambda each: each["name"], ("hash",)))
    assert len(set(names)) == 2
    assert all(len(name) == len("a, hash ") + 8 for name in names)


def test_unknown_names_come_last() -> None:
    assert in_order(["z", "b", "a"], ["a", "b"]) == ["a", "b", "z"]


def test_the_origin_names_every_setting_once() -> None:
    rows = [row("a", 1, seed=1, code_version="v2"), row("b", 2, seed=0, code_version="v2")]
    assert origin(rows) == "Ours: seed 0, 1; code v2."


def test_a_command_repeats_its_options_and_quotes_what_must_be() -> None:
    line = command("ganfit x", method=["fast", "mean face"], leave_one_out=["ganfit++"], setting=[])
    assert line == "ganfit x --method fast --method 'mean face' --leave-one-out ganfit++"
