"""Table 1 from rows."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from flows.micc_table import micc_table, recipe_name, summary

PROTOCOL = "micc/ganfit-paper"


def row(subject: int, error: float | None, **columns: Any) -> dict[str, Any]:
    common = {
        "dataset": "people",
        "subject": f"subject_{subject:02d}",
        "setting": "indoor",
        "method": "ganfit++",
        "fusion": "joint",
        "without": [],
        "protocol": PROTOCOL,
        "status": "ok" if error is not None else "no_face",
        "error_mm": error,
        "rigid_error_mm": error and error + 1,
        "scale": 1.1,
        "cosine": 0.5 * subject,
    }
    return common | columns


def test_figures_are_of_the_good_rows_of_one_protocol() -> None:
    rows = [row(1, 1.0), row(2, 3.0), row(3, None), row(1, 50.0, protocol="now"), row(1, 2.0, setting="outdoor")]
    figures = summary(rows, PROTOCOL)
    assert figures == {
        "ganfit++, joint": {
            "indoor": pytest.approx(
                {"n": 2, "failed": 1, "mean": 2.0, "std": 1.0, "rigid_mean": 3.0, "scale_mean": 1.1, "cosine": 0.75}
            ),
            "outdoor": pytest.approx(
                {"n": 1, "failed": 0, "mean": 2.0, "std": 0.0, "rigid_mean": 3.0, "scale_mean": 1.1, "cosine": 0.5}
            ),
        }
    }


def test_recipes_are_told_apart() -> None:
    assert recipe_name(row(1, 1.0)) == "ganfit++, joint"
    assert recipe_name(row(1, 1.0, without=["pixel"])) == "ganfit++ without pixel, joint"
    assert recipe_name(row(1, 1.0, method="mean face", fusion="none")) == "mean face"


def printed(rows: list[dict[str, Any]]) -> str:
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(micc_table(rows, PROTOCOL))
    return console.export_text()


def test_the_literature_stands_apart_under_its_own_protocols() -> None:
    text = printed([row(1, 1.0), row(2, 3.0, cosine=None), row(3, None)])
    lines = text.splitlines()
    (ours,) = (line for line in lines if "ganfit++, joint" in line)
    assert "2.00 ± 1.00" in ours
    (theirs,) = (line for line in lines if line.strip(" │").startswith("GANFit++ ") and "\\" not in line)
    assert "0.92 ± 0.14" in theirs
    assert "0.93" in theirs
    assert text.index("published: micc/ganfit-paper") < text.index("GANFit++")
    assert "published: micc/genova" in text
    assert "1 rows are not ok" in " ".join(text.split())


def test_a_recipe_without_any_good_row_is_shown_empty() -> None:
    (ours,) = (line for line in printed([row(1, None, cosine=None)]).splitlines() if "ganfit++, joint" in line)
    assert "±" not in ours
