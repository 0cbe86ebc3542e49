"""Every query of the cookbook gives what was worked out without SQL."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from tests import made_likeness, made_tables
from tests.docs.answers import ANSWERS, Made, Rows
from tests.docs.cookbook import COOKBOOK, QUERIES, VIEWS
from tests.made_tables import Run

NEW_SINCE_VERSION_1 = ["collection_key", "code_sha256", "result_key", "shard", "without"]


def write(table: pa.Table, out: Path, part: str) -> Rows:
    """Write a part, and return its rows."""
    made_tables.write(table, out, part)
    return list(table.to_pylist())


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Photographs by two methods, by two versions of the tables and of the code, and on two devices; filmed people
    and their scans."""
    root = tmp_path_factory.mktemp("cookbook")
    out = root / "out"
    rows = write(made_tables.reconstructions(Run(), range(512)), out, "a")
    table = made_tables.reconstructions(Run(device="NVIDIA L4"), range(512, 600)).drop_columns(NEW_SINCE_VERSION_1)
    table = table.replace_schema_metadata({"table": "reconstructions", "version": "1"})
    rows += [dict.fromkeys(NEW_SINCE_VERSION_1) | row for row in write(table, out, "b")]
    newer = Run("ganfit++", code="0.2.0")
    rows += write(made_tables.reconstructions(Run("ganfit++", regressor="old"), range(512)), out, "a")
    rows += write(made_tables.reconstructions(newer, range(512, 1024)), out, "b")
    videos, frames = made_tables.videos(newer, 5)
    rows += write(videos, out, "videos")
    scans = made_tables.micc(5)
    made_tables.write_scans(scans, out)
    old = write(made_tables.reconstructions(Run(), range(512)), root / "old", "a")
    changed = made_tables.reconstructions(Run(code="0.2.0", moved=0.4), range(512))
    new = write(changed.slice(0, 500), root / "new", "a")
    return Made(root, rows, write(frames, out, "videos"), scans, old, new, made_likeness.write_all(out, 40))


@pytest.fixture
def database(made: Made, monkeypatch: pytest.MonkeyPatch) -> duckdb.DuckDBPyConnection:
    """With the cookbook's views, in the folder that its paths are relative to."""
    monkeypatch.chdir(made.root)
    connection = duckdb.connect()
    for view in VIEWS:
        connection.execute(view)
    return connection


def test_every_query_has_an_answer() -> None:
    assert [heading for heading, _ in QUERIES] == list(ANSWERS)


@pytest.mark.parametrize(("heading", "query"), QUERIES, ids=[heading for heading, _ in QUERIES])
def test_query(heading: str, query: str, made: Made, database: duckdb.DuckDBPyConnection) -> None:
    got = database.execute(query).fetchall()
    if query.startswith("COPY"):
        (name,) = re.findall(r"TO '(.*)'", query)
        with Path(name).open(newline="", encoding="utf-8") as file:
            got = [tuple(row) for row in csv.reader(file)]
    expected = ANSWERS[heading](made)
    if "ORDER BY" not in query:
        got, expected = sorted(got), sorted(expected)
    assert expected
    assert len(got) == len(expected)
    for ours, theirs in zip(got, expected, strict=True):
        assert len(ours) == len(theirs)
        for value, answer in zip(ours, theirs, strict=True):
            assert same(value, answer), f"{value}, not {answer}"


def same(value: Any, answer: Any) -> bool:
    """Whether a value is the answer but for rounding; files hold text."""
    if isinstance(answer, float) and value is not None:
        return bool(float(value) == pytest.approx(answer, rel=1e-5, abs=1e-7))
    if isinstance(answer, list):
        return len(value) == len(answer) and all(map(same, value, answer))
    return bool(value == answer)


def test_the_views_bear_parts_of_both_versions(made: Made, database: duckdb.DuckDBPyConnection) -> None:
    rows = database.execute("SELECT count(*), count(code_sha256) FROM reconstructions").fetchall()
    assert rows == [(len(made.out), len(made.out) - 88)]


def test_python_of_the_introduction(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(made.root)
    (example,) = re.findall(r"^```python\n(.*?)^```$", COOKBOOK.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    import_line, _, expression = example.strip().partition("\n\n")
    assert import_line == "import duckdb"
    table = eval(expression, {"duckdb": duckdb})
    assert table.iloc[:, 1].sum() == len(made.out)
