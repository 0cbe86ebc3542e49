"""The table of image quality from rows."""

from __future__ import annotations

from flows.tables.quality import report
from flows.tables.selection import EXPECTED
from flows.tables.sheet import NONE
from ganfit_core.corruption import CORRUPTIONS
from tests.flows.tables.looking import cells, commands, section
from tests.flows.tables.made_rows import NETWORK, quality

CLEAN = "none: quality/clean-reference@1, photographs"


def test_a_row_is_the_mean_and_spread_over_the_good_photographs() -> None:
    sheet, _ = report([quality(1, 0.1), quality(3, 0.2), quality(4, None)]).sheets
    assert cells(sheet, section(sheet, CLEAN), "ganfit++") == {
        "method": "ganfit++",
        "photographs": "2 of 3",
        "PSNR, dB": "22.00 ± 1.00",
        "SSIM": "0.700 ± 0.000",
        "MAE": "0.1500 ± 0.0500",
        "cosine, mobilefacenet": "0.650 ± 0.050",
        "landmarks, %": "2.50 ± 0.00",
    }


def test_corruptions_are_sections_in_one_order_and_leave_one_out_is_in_none() -> None:
    rows = [quality(1, 0.1, corruption=name) for name in ("low light", "mask", "none")]
    sheet, _ = report([*rows, quality(1, 0.9, without=["pixel"])]).sheets
    assert [each.title.split(":")[0] for each in sheet.sections] == ["none", "mask", "low light"]
    assert cells(sheet, sheet.sections[0], "ganfit++")["MAE"] == "0.1000"


def test_a_network_that_compared_only_some_shows_how_many() -> None:
    both = quality(
        2, 0.2, networks=[(NETWORK, "f" * 64), ("other", "o" * 64)], cosines=[(NETWORK, 0.5), ("other", 0.9)]
    )
    sheet, _ = report([quality(1, 0.1), both]).sheets
    row = cells(sheet, sheet.sections[0], "ganfit++")
    assert row["cosine, other"] == "0.900 (1)"
    assert row["cosine, mobilefacenet"] == "0.550 ± 0.050"


def test_cosines_by_other_weights_of_a_network_are_columns_of_their_own() -> None:
    rows = [quality(1, 0.1, method="fast"), quality(1, 0.2, networks=[(NETWORK, "9" * 64)])]
    sheet, _ = report(rows).sheets
    fast, fitted = (cells(sheet, sheet.sections[0], name) for name in ("fast", "ganfit++"))
    assert (fast["cosine, mobilefacenet ffffffff"], fast["cosine, mobilefacenet 99999999"]) == ("0.600", NONE)
    assert fitted["cosine, mobilefacenet 99999999"] == "0.700"


def test_numbers_of_photographs_and_files_are_told_apart() -> None:
    made = {"assets": [("texture-generator", "a" * 64)]}
    rows = [quality(1, 0.1, **made), quality(1, 0.2, photographs=200, **made)]
    sheet, _ = report(
        [*rows, quality(1, 0.3, method="fast", photographs=200, assets=[("texture-generator", "b")])]
    ).sheets
    assert [(each.title.rsplit(", ", 1)[1], len(each.rows)) for each in sheet.sections] == [
        ("3 photographs", 1),
        ("200 photographs", 2),
    ]
    assert any("different files of texture-generator" in note for note in sheet.notes)


def test_the_literature_has_a_sheet_of_its_own() -> None:
    _, theirs = report([quality(1, 0.1)]).sheets
    assert "quality/mohaghegh-paper" in theirs.title
    celeba = cells(theirs, section(theirs, "CelebA (Table 1)"), "Mohaghegh et al.")
    assert (celeba["PSNR, dB"], celeba["SSIM"]) == ("23.27 ± 2.38", "0.846 ± 0.034")
    assert celeba["cosine by FaceNet"] == "0.938 ± 0.017"
    assert section(theirs, "CelebA (Table 2)").rows[0] == (
        "L_photo + L_id",
        "22.78",
        "0.831",
        "0.918",
        "0.539",
        "0.3685",
    )
    assert len(section(theirs, "AFLW2000 (Table 1)").rows) == 6
    assert any("not comparable" in note for note in theirs.notes)


SHOWN = "--photographs 3 --face central"


def test_what_is_missing_is_told_with_the_command_that_makes_it() -> None:
    rows = [
        quality(1, 0.1, method=method, corruption=corruption)
        for method in EXPECTED
        for corruption in ("none", *CORRUPTIONS)
        if (method, corruption) not in {("fast", "hair"), ("fast", "low light"), ("mean face", "blur")}
    ]
    start = "ganfit evaluate quality COLLECTION --out results"
    assert commands(report(rows, "results")) == {
        "fast (hair, low light) of photographs": (
            f"{start} --method fast --corruption hair --corruption 'low light' {SHOWN}"
        ),
        "mean face (blur) of photographs": f"{start} --method ganfit++ --corruption blur {SHOWN}",
    }
    (everything,) = report([]).missing
    assert everything.rows.startswith("mean face, ganfit, fast")
    assert everything.rows.endswith("(none, glasses, mask, hand, hair, blocks, noise, blur, low light)")
