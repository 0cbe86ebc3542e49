"""Table 1 from rows."""

from __future__ import annotations

import pytest

from flows.tables.micc import recipe_name, report, summary
from flows.tables.sheet import NONE
from tasks.micc_recipes import ABLATION
from tests.flows.tables.looking import cells, commands, section
from tests.flows.tables.made_rows import micc

PROTOCOL = "micc/ganfit-paper"


def test_figures_are_of_the_good_rows_of_one_protocol() -> None:
    rows = [micc(1, 1.0), micc(2, 3.0), micc(3, None), micc(1, 50.0, protocol="now"), micc(1, 2.0, setting="outdoor")]
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
    assert recipe_name(micc(1, 1.0)) == "ganfit++, joint"
    assert recipe_name(micc(1, 1.0, without=["pixel"])) == "ganfit++ without pixel, joint"
    assert recipe_name(micc(1, 1.0, method="mean face", fusion="none")) == "mean face"


def test_ours_and_theirs_share_a_section_only_by_one_protocol() -> None:
    (sheet,) = report([micc(1, 1.0), micc(2, 3.0), micc(1, 5.0, protocol="micc/deng")]).sheets
    shared = section(sheet, "micc/ganfit-paper@1")
    ours, theirs = cells(sheet, shared, "ganfit++, joint"), cells(sheet, shared, "GANFit++")
    assert (ours["dataset"], ours["indoor"], ours["rigid only"]) == ("people", "2.00 ± 1.00 (2)", "– / 3.00 / –")
    assert (theirs["dataset"], theirs["indoor"]) == ("MICC Florence (published)", "0.92 ± 0.14")
    assert theirs["cosine"] == "0.94 / 0.93 / 0.87"
    assert [row[0] for row in section(sheet, "micc/deng@1").rows] == ["ganfit++, joint"]
    assert [row[0] for row in section(sheet, "micc/genova: published").rows] == [
        "Tran et al.",
        "Booth et al.",
        "Genova et al.",
    ]
    assert cells(sheet, shared, "GANFIT (CVPR 2019)")["cooperative"] == "0.95 ± 0.107"
    (note,) = (note for note in sheet.notes if "micc/deng-paper" in note)
    assert "Deng et al. (PyTorch) 1.53 ± 0.45" in note


def test_cells_of_different_numbers_of_people_show_them() -> None:
    even, uneven = ([micc(1, 1.0), micc(2, 3.0, setting=name)] for name in ("outdoor", "indoor"))
    (sheet,) = report([*even]).sheets
    assert cells(sheet, sheet.sections[0], "ganfit++, joint")["indoor"] == "1.00 ± 0.00"
    (sheet,) = report([*uneven, micc(1, 2.0, setting="outdoor")]).sheets
    ours = cells(sheet, sheet.sections[0], "ganfit++, joint")
    assert (ours["indoor"], ours["outdoor"]) == ("2.00 ± 1.00 (2)", "2.00 ± 0.00 (1)")
    assert any("compare none of them" in note for note in sheet.notes)


def test_a_recipe_without_any_good_row_is_shown_empty_and_its_failures_are_told() -> None:
    (sheet,) = report([micc(1, None, cosine=None)]).sheets
    ours = cells(sheet, sheet.sections[0], "ganfit++, joint")
    assert {ours[name] for name in ("cooperative", "indoor", "outdoor", "rigid only", "scale", "cosine")} == {NONE}
    assert any(note.startswith("1 rows are not ok") for note in sheet.notes)


def test_rows_made_with_other_settings_are_rows_of_their_own() -> None:
    (sheet,) = report([micc(1, 1.0), micc(1, 9.0, seed=1), micc(1, 5.0, dataset="others")]).sheets
    shared = sheet.sections[0]
    assert [row[:2] for row in shared.rows[:3]] == [
        ("ganfit++, joint, seed 0", "people"),
        ("ganfit++, joint, seed 1", "people"),
        ("ganfit++, joint", "others"),
    ]


def test_rows_stand_in_the_order_of_the_recipes() -> None:
    rows = [
        micc(1, 1.0, without=["pixel"]),
        micc(1, 1.0, without=["identity"]),
        micc(1, 1.0),
        micc(1, 1.0, method="mean face", fusion="none"),
    ]
    (sheet,) = report(rows).sheets
    assert [row[0] for row in sheet.sections[0].rows[:4]] == [
        "mean face",
        "ganfit++, joint",
        "ganfit++ without identity, joint",
        "ganfit++ without pixel, joint",
    ]


def test_what_is_missing_is_told_with_the_command_that_makes_it() -> None:
    rows = [
        micc(1, 1.0, setting=setting, method="fast", fusion=fusion)
        for setting in ("cooperative", "indoor", "outdoor")
        for fusion in ("single", "mean of regressions")
    ]
    rows += [micc(1, 1.0, without=list(terms), setting="indoor") for terms in ABLATION]
    found = commands(report(rows, "results"))
    ablated = next(names for names in found if "without identity," in names)
    assert found[ablated] == (
        "ganfit micc evaluate ROOT --out results --leave-one-out ganfit++ --setting cooperative --setting outdoor"
    )
    (others,) = (names for names in found if names != ablated)
    assert "fast;" not in others
    assert others.startswith("mean face; ganfit; ganfit++; vaefit; fast-vaefit")
    assert found[others].startswith("ganfit micc evaluate ROOT --out results --method ganfit --method ganfit++ ")


def test_without_rows_the_papers_stand_alone_and_everything_is_missing() -> None:
    nothing = report([])
    assert nothing.measured == 0
    assert [each.title for each in nothing.sheets[0].sections] == [
        "micc/ganfit-paper: published",
        "micc/genova: published",
    ]
    assert len(nothing.missing) == 2
