"""`ganfit table`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import typer
from typer.testing import CliRunner, Result

from data import schemas, tables
from flows.cli_tables import table
from tests.flows.tables import made_rows

app = typer.Typer()
app.command()(table)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def write(out: Path, schema: pa.Schema, rows: Iterable[dict[str, Any]]) -> None:
    """A part file for each row, as no two of them need be of one partition."""
    for place, row in enumerate(rows):
        tables.write_part([row], schema, out, f"row{place}")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A folder with rows for every table; its name needs quotes."""
    folder = tmp_path / "my results"
    write(folder, schemas.micc(), [made_rows.micc(1, 1.25), made_rows.micc(1, 1.5, without=["pixel"])])
    write(folder, schemas.frechet(), [made_rows.frechet("gan", 1.094)])
    write(folder, schemas.lfw_summary(), [made_rows.lfw_photos("fast", 0.364), made_rows.lfw_pairs("fast", 0.9876)])
    ablated = [made_rows.quality(1, 0.25, without=["pixel"]), made_rows.quality(1, 0.125)]
    write(folder, schemas.image_quality(), [*ablated, made_rows.quality(1, 0.5, corruption="low light")])
    return folder


@pytest.mark.parametrize(
    ("name", "ours", "theirs", "missing"),
    [
        ("1", "1.25 ± 0.00", "0.92 ± 0.14", "ganfit micc evaluate ROOT --out"),
        ("2", "1.094", "120.44", "ganfit textures evaluate MAPS --out"),
        ("lfw", "0.364 ± 0.100", "> 0.5", "ganfit evaluate lfw LFW --out"),
        ("quality", "0.1250", "23.27 ± 2.38", "ganfit evaluate quality COLLECTION --out"),
        ("ablation", "+0.1250", "0.051", "--leave-one-out ganfit++"),
    ],
)
def test_a_table_is_ours_theirs_and_what_is_missing(name: str, ours: str, theirs: str, missing: str, out: Path) -> None:
    done = run(name, out)
    assert done.exit_code == 0, done.output
    assert ours in done.stdout
    assert theirs in done.stdout
    assert missing in done.stderr
    assert f"--out '{out}'" in done.stderr


@pytest.mark.parametrize(
    ("option", "begins"), [("markdown", "**Table 1: errors against scans"), ("latex", "\\begin{table}")]
)
def test_standard_output_holds_nothing_but_the_table(option: str, begins: str, out: Path) -> None:
    done = run("1", out, "--format", option)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith(begins)
    assert "missing" not in done.stdout


def test_no_rows_at_all_is_an_error_with_the_commands_that_make_them(tmp_path: Path) -> None:
    done = run("2", tmp_path)
    assert done.exit_code == 1
    assert done.stdout == ""
    assert f"ganfit textures evaluate MAPS --out {tmp_path}" in done.stderr
    assert f"{tmp_path} has no rows for table 2" in done.stderr


def test_rows_of_the_whole_energy_alone_are_no_ablation(tmp_path: Path) -> None:
    write(tmp_path, schemas.image_quality(), [made_rows.quality(1, 0.125)])
    assert run("quality", tmp_path).exit_code == 0
    assert run("ablation", tmp_path).exit_code == 1


@pytest.mark.parametrize("arguments", [("1", "nowhere"), ("3", ".")])
def test_a_bad_argument_is_one(arguments: tuple[str, ...]) -> None:
    assert run(*arguments).exit_code == 2


def test_a_damaged_file_is_one_clear_error(out: Path) -> None:
    tables.part_files(out / "frechet")[0].write_bytes(b"no Parquet")
    done = run("2", out)
    assert done.exit_code == 1
    assert f"the table frechet of {out} cannot be read" in done.stderr
    assert f"ganfit verify {out}" in done.stderr
    assert "Traceback" not in done.output


def test_the_module_is_cheap_to_import() -> None:
    """The command line imports it whatever is asked for."""
    heavy = "{'torch', 'prefect', 'pyarrow', 'pandas', 'numpy', 'cv2'}"
    script = f"import sys, flows.cli_tables; sys.exit(', '.join({heavy} & set(sys.modules)) or 0)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
