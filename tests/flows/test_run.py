"""A collection that is processed again and again: what is computed, and what the tables hold afterwards."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
from typer.testing import CliRunner

import tasks.models
from data import compaction, tables
from data.verification import verify
from flows.cli import app
from flows.reconstruct import reconstruct
from flows.run_report import status_report
from ganfit_core.methods import METHODS
from tasks.progress import Silence, progress
from tests import doubles
from tests.flows.test_bad_input import PURPLE, RED, picture, save, truncated_jpeg

Compute = Callable[..., Counter[str]]


class Planned(Silence):
    """Remembers why units are computed."""

    def __init__(self) -> None:
        self.reasons: Counter[str] = Counter()

    def planned(self, plan: Any) -> None:
        self.reasons = plan.reasons


@pytest.fixture
def weights(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Hashes of the stand-ins' assets, to be changed."""
    hashes = {"morphable": "00", "regressor-gan": "11", "texture-vae": "22"}

    def load(
        preset: str, method: str, iterations: int | None = None, without: tuple[str, ...] = ()
    ) -> tasks.models.Models:
        needed = tasks.models.needed_assets(METHODS[method])
        used = {name: sha256 for name, sha256 in hashes.items() if name in needed}
        return doubles.models(sha256=used, settings={"iterations": iterations})

    monkeypatch.setattr(tasks.models, "load_models", load)
    return hashes


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Six photographs, one without a face and one that cannot be read."""
    for number in range(5):
        save(picture(0 if number == 3 else 1, size=128 + number), tmp_path / "photos" / f"{number}.png")
    truncated_jpeg(tmp_path / "photos" / "5.jpg")
    return tmp_path / "photos"


@pytest.fixture
def compute(photos: Path, tmp_path: Path, weights: dict[str, str]) -> Compute:
    """Run over the photographs; says why units were computed."""

    def run(**options: Any) -> Counter[str]:
        heard = Planned()
        token = progress.set(heard)
        try:
            options = {"method": "fast", "shard_size": 2, "isolated": False, "files": "none"} | options
            reconstruct.fn([str(photos)], tmp_path / "out", **options)
        finally:
            progress.reset(token)
        return heard.reasons

    return run


def rows(out: Path) -> dict[str, dict[str, Any]]:
    """The table, by unit; no unit has two rows."""
    found = tables.read(out).to_pylist()
    assert len({row["unit_id"] for row in found}) == len(found)
    return {row["unit_id"]: row for row in found}


def test_what_is_there_is_not_computed_again(compute: Compute, tmp_path: Path) -> None:
    assert compute() == {"new": 6}
    before = rows(tmp_path / "out")
    assert compute() == {}
    assert rows(tmp_path / "out") == before
    assert Counter(row["status"] for row in before.values()) == {"ok": 4, "no_face": 1, "unreadable": 1}


def test_new_changed_and_vanished_photographs(compute: Compute, photos: Path, tmp_path: Path) -> None:
    compute()
    before = rows(tmp_path / "out")
    save(picture(1), photos / "new.png")
    save(picture(1, colour=PURPLE), photos / "1.png")
    (photos / "2.png").unlink()
    assert compute() == {"new": 1, "changed": 1}
    after = rows(tmp_path / "out")
    assert after.keys() == before.keys() | {"new.png"}
    assert {name for name in before if after[name] != before[name]} == {"1.png"}
    assert compute(prune=True) == {}
    assert rows(tmp_path / "out").keys() == after.keys() - {"2.png"}
    assert verify(tmp_path / "out") == []


def test_a_photograph_that_is_only_touched_is_not_computed(compute: Compute, photos: Path) -> None:
    compute()
    (photos / "0.png").touch()
    assert compute() == {}


def test_other_weights_concern_only_the_methods_that_use_them(compute: Compute, weights: dict[str, str]) -> None:
    for method in ("fast", "ganfit", "vaefit"):
        assert compute(method=method) == {"new": 6}
    weights["regressor-gan"] = "changed"
    assert compute(method="fast") == {"of other settings, models or code": 6}
    assert compute(method="ganfit") == compute(method="vaefit") == {}
    weights["texture-vae"] = "changed"
    assert compute(method="vaefit") == {"of other settings, models or code": 6}
    assert compute(method="fast") == compute(method="ganfit") == {}


def test_other_settings_another_seed_and_other_code_give_other_results(
    compute: Compute, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compute()
    for options in ({"iterations": 3}, {"seed": 1}, {"all_faces": True}):
        assert compute(**options) == {"of other settings, models or code": 6}
    compute()
    monkeypatch.setattr("tasks.lineage.sources_sha256", lambda *modules: "changed")
    assert compute() == {"of other settings, models or code": 6}
    assert {row["code_sha256"] for row in rows(tmp_path / "out").values()} == {"changed"}


def test_a_plan_writes_nothing(compute: Compute, tmp_path: Path) -> None:
    assert compute(plan_only=True) == {"new": 6}
    assert not (tmp_path / "out").exists()


def test_failed_ones_are_tried_again_on_request(
    compute: Compute, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(face: Any) -> bool:
        return True

    load = tasks.models.load_models
    broken = doubles.FakeReconstructor(refuse)
    with monkeypatch.context() as patch:
        patch.setattr(
            tasks.models, "load_models", lambda *names: dataclasses.replace(load(*names), reconstructor=broken)
        )
        compute()
    assert Counter(row["status"] for row in rows(tmp_path / "out").values())["failed"] == 4
    assert compute() == {}
    assert compute(retry_failed=True) == {"failed before": 4}
    assert Counter(row["status"] for row in rows(tmp_path / "out").values())["ok"] == 4


def test_files_that_are_asked_for_later_are_made_later(compute: Compute, tmp_path: Path) -> None:
    compute()
    assert not (tmp_path / "out" / "faces").exists()
    assert compute(files="overlay") == {"without files": 4}
    assert {path.name for path in (tmp_path / "out" / "faces").rglob("*.*") if path.is_file()} == {"overlay.png"}
    assert compute(files="all") == {"without files": 4}
    assert compute(files="overlay") == compute() == {}
    for row in rows(tmp_path / "out").values():
        assert (row["mesh"] is not None) == (row["status"] == "ok")


def part_files(out: Path) -> list[Path]:
    """Of the table."""
    return sorted((out / "reconstructions").rglob("part-*.parquet"))


def test_damaged_and_deleted_parts_are_made_again(compute: Compute, tmp_path: Path) -> None:
    compute()
    before = rows(tmp_path / "out")
    first, second, _ = part_files(tmp_path / "out")
    units = set(pyarrow.parquet.read_table(first)["unit_id"].to_pylist())
    units |= set(pyarrow.parquet.read_table(second)["unit_id"].to_pylist())
    first.unlink()
    second.write_bytes(second.read_bytes()[:-100])
    assert compute() == {"new": len(units)}
    after = rows(tmp_path / "out")
    assert after.keys() == before.keys()
    assert {name for name in after if after[name]["run_id"] != before[name]["run_id"]} == units
    assert [path.name for path in part_files(tmp_path / "out")].count(second.name) == 1
    assert verify(tmp_path / "out") == []


def test_after_compaction_nothing_is_computed_and_changes_still_are(
    compute: Compute, photos: Path, tmp_path: Path
) -> None:
    compute()
    before = rows(tmp_path / "out")
    compaction.compact(tmp_path / "out")
    assert len(part_files(tmp_path / "out")) == 1
    assert compute() == {}
    save(picture(0), photos / "0.png")
    assert compute() == {"changed": 1}
    after = rows(tmp_path / "out")
    assert {name for name in after if after[name] != before[name]} == {"0.png"}


def test_collections_share_a_folder_and_nobody_loses_rows(compute: Compute, photos: Path, tmp_path: Path) -> None:
    compute()
    save(picture(1, colour=RED), tmp_path / "others" / "0.png")
    reconstruct.fn([str(tmp_path / "others")], tmp_path / "out", method="fast", isolated=False, prune=True)
    assert compute() == {}
    assert Counter(tables.read(tmp_path / "out")["collection"].to_pylist()) == {"photos": 6, "others": 1}


def test_the_status_counts_rows_reasons_and_what_is_missing(compute: Compute, photos: Path, tmp_path: Path) -> None:
    compute()
    part_files(tmp_path / "out")[0].unlink()
    report = status_report(tmp_path / "out")
    assert "4 rows in 2 parts" in report
    assert "2 of 6 planned units missing" in report
    reasons = {row["reason"] for row in rows(tmp_path / "out").values() if row["reason"]}
    assert all(f"1 {reason}" in report for reason in reasons)


def test_a_manifest_names_the_subjects_and_what_is_not_there_is_a_row(
    photos: Path, tmp_path: Path, weights: dict[str, str]
) -> None:
    (photos / "list.csv").write_text("path,subject\n0.png,Ada\nabsent.png,Bob\n")
    reconstruct.fn([str(photos / "list.csv")], tmp_path / "out", method="fast", isolated=False)
    found = {row["unit_id"]: (row["subject"], row["status"]) for row in rows(tmp_path / "out").values()}
    assert found == {"0.png": ("Ada", "ok"), "absent.png": ("Bob", "unreadable")}


def test_rows_of_the_first_version_are_replaced(compute: Compute, photos: Path, tmp_path: Path) -> None:
    compute()
    (part, *_) = part_files(tmp_path / "out")
    whole = pyarrow.parquet.read_table(part)
    key = whole["collection_key"][0].as_py()
    old = whole.drop_columns(["collection_key", "result_key", "code_sha256", "shard"])
    old = old.replace_schema_metadata({"table": "reconstructions", "version": "1"})
    for new in part_files(tmp_path / "out"):
        new.unlink()
    pyarrow.parquet.write_table(old, part.with_name(f"part-{key}-00000.parquet"))
    assert compute() == {"new": 4, "of other settings, models or code": 2}
    assert len(rows(tmp_path / "out")) == 6


def test_what_a_killed_run_left_is_mended_by_the_next(compute: Compute, tmp_path: Path) -> None:
    compute()
    (part, *_) = part_files(tmp_path / "out")
    part.with_name(f".{part.name}.0123456789abcdef0123456789abcdef").write_bytes(b"half")
    manifest = tmp_path / "out" / "manifest.jsonl"
    manifest.write_text("".join(line for line in manifest.open() if part.name not in line))
    assert {finding.kind for finding in verify(tmp_path / "out")} == {"leftover", "unrecorded"}
    assert compute() == {}
    assert verify(tmp_path / "out") == []


def test_a_row_written_twice_stands_once_after_the_next_run(compute: Compute, tmp_path: Path) -> None:
    compute()
    (part, *_) = part_files(tmp_path / "out")
    part.with_name("part-copy-00000.parquet").write_bytes(part.read_bytes())
    assert compute() == {}
    assert len(rows(tmp_path / "out")) == 6


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["status", "."], "holds no results"),
        (["run", "photos", "--out", "out", "--address", "head:1"], "only ray and dask have an address"),
        (["run", "absent", "--out", "out"], "no such file or folder"),
        (["run", "photos", "--out", "out", "--runner", "magic"], "magic"),
    ],
)
def test_a_bad_argument_is_one_message_and_writes_nothing(
    arguments: list[str], message: str, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    answer = CliRunner().invoke(app, arguments)
    assert answer.exit_code == 2
    assert message in answer.output
    assert "Traceback" not in answer.output
    assert not (tmp_path / "out").exists()
