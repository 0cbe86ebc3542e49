"""The ablation from rows."""

from __future__ import annotations

from flows.tables.ablation import report
from flows.tables.sheet import NONE
from tasks.micc_recipes import ABLATION
from tests.flows.tables.looking import commands, section
from tests.flows.tables.made_rows import quality

PIXEL = "without pixel (L_pix)"


def test_differences_are_over_the_photographs_of_both() -> None:
    whole = [quality(1, 0.10), quality(2, 0.20), quality(3, None)]
    spoilt = [quality(photo, mae, without=["pixel"]) for photo, mae in ((1, 0.12), (2, 0.26), (3, 0.90))]
    (sheet,) = report([*spoilt, *whole]).sheets
    ours = section(sheet, "ganfit++: quality/clean-reference@1, photographs, preset laptop, seed 0")
    assert [row[0] for row in ours.rows] == ["whole", PIXEL]
    complete, without = ours.rows
    assert complete[:2] == ("whole", "2 of 3")
    # by hand: 0.15, then the mean of 0.02 and 0.06 with a standard error of 0.02
    assert complete[-2:] == ("0.1500", "")
    assert without[-2:] == ("0.4267", "+0.0400 ± 0.0200 (2)")
    assert without[4:6] == ("0.927", "+0.040 ± 0.020 (2)")
    assert without[2:4] == ("2.50", "+0.00 ± 0.00 (2)")


def test_rows_stand_in_the_order_of_the_paper() -> None:
    rows = [quality(1, 0.1, without=list(terms)) for terms in reversed(ABLATION)]
    (sheet,) = report([*rows, quality(1, 0.1)]).sheets
    assert [row[0] for row in sheet.sections[0].rows[:5]] == [
        "whole",
        "without identity (L_id)",
        "without identity_random (L^_id)",
        "without content (L_con)",
        "without identity, identity_random, content (L_id, L^_id, L_con)",
    ]


def test_only_methods_that_terms_were_left_out_of_are_shown_and_no_corrupted_photographs() -> None:
    rows = [
        quality(1, 0.1),
        quality(1, 0.1, method="fast"),
        quality(1, 0.5, without=["pixel"]),
        quality(1, 0.9, without=["pixel"], corruption="mask"),
    ]
    found = report(rows)
    ours, theirs = found.sheets[0].sections
    assert [row[0] for row in ours.rows] == ["whole", PIXEL]
    assert ours.rows[1][-2] == "0.5000"
    assert theirs.title.startswith("mae/fast-ganfit-figure-13, published")
    assert found.measured == 2


def test_other_seeds_are_not_paired() -> None:
    (sheet,) = report([quality(1, 0.1), quality(1, 0.5, without=["pixel"], seed=1)]).sheets
    (row,) = section(sheet, "ganfit++: quality/clean-reference@1, photographs, preset laptop, seed 1").rows
    assert row[-2:] == ("0.5000", NONE)


def test_the_papers_figure_stands_apart() -> None:
    (sheet,) = report([quality(1, 0.1), quality(1, 0.2, without=["pixel"])]).sheets
    theirs = section(sheet, "mae/fast-ganfit-figure-13, published: one photograph")
    found = {row[0]: row[-2:] for row in theirs.rows}
    assert found["I_R"] == ("0.051", "")
    assert found["I_R \\ L_pix"] == ("0.099", "+0.048")
    assert found["I_R \\ {L_id, L^_id, L_con}"] == ("0.032", "-0.019")


SHOWN = "--photographs 3 --face central"


def test_what_is_missing_is_told_with_the_command_that_makes_it() -> None:
    rows = [quality(1, 0.1, without=list(terms)) for terms in ABLATION if terms != ("pixel",)]
    start = "ganfit evaluate quality COLLECTION --out"
    assert commands(report(rows, "results")) == {
        f"ganfit++ whole; {PIXEL} of photographs": f"{start} results --leave-one-out ganfit++ {SHOWN}"
    }
    nothing = report([quality(1, 0.1)])
    assert nothing.measured == 0
    (everything,) = nothing.missing
    assert everything.command == f"{start} OUT --leave-one-out ganfit++"
