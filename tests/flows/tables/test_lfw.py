"""The table of LFW from rows."""

from __future__ import annotations

from flows.tables.lfw import report
from flows.tables.selection import EXPECTED
from flows.tables.sheet import NONE
from tests.flows.tables.looking import cells, commands, section
from tests.flows.tables.made_rows import lfw_pairs, lfw_photos

HELD_OUT = "mobilefacenet (ffffffff), held-out fold"
ALL = list(range(1, 11))


def test_a_method_has_its_photographs_and_its_pairs_in_one_row() -> None:
    (sheet,) = report([lfw_photos("fast", 0.3641), lfw_pairs("fast", 0.98765), lfw_pairs("photographs", 0.9995)]).sheets
    held_out = section(sheet, HELD_OUT)
    assert cells(sheet, held_out, "fast") == {
        "method": "fast",
        "photographs": "90",
        "cosine, mean ± std": "0.364 ± 0.100",
        "over people": "0.365 (40)",
        "above 0.5": "75.0 %",
        "pairs": "600",
        "AUC": "0.9877",
        "EER": "0.1000",
        "accuracy ± se": NONE,
        "TAR @ FAR": "0.250 @ 0.001",
    }
    ceiling = cells(sheet, held_out, "photographs")
    assert (ceiling["photographs"], ceiling["AUC"]) == ("", "0.9995")


def test_networks_and_choices_of_folds_are_sections_of_their_own() -> None:
    rows = [
        lfw_photos("fast", 0.4, folds=ALL),
        lfw_pairs("fast", 0.9, folds=ALL, accuracy=0.91234, accuracy_se=0.00456),
        lfw_photos("fast", 0.3),
        lfw_photos("fast", 0.2, network="other"),
        lfw_photos("fast", 0.1, folds=[1, 2]),
    ]
    (sheet,) = report(rows).sheets
    assert [each.title for each in sheet.sections] == [
        f"{HELD_OUT} of lfw, 90 photographs",
        "other (ffffffff), held-out fold of lfw, 90 photographs",
        "mobilefacenet (ffffffff), folds 1, 2 of lfw, 90 photographs",
        "mobilefacenet (ffffffff), all folds of lfw, 90 photographs",
        "lfw/fast-ganfit-paper, published: cosine by VGG-Face, LFW",
    ]
    assert cells(sheet, sheet.sections[3], "fast")["accuracy ± se"] == "0.9123 ± 0.0046"


def test_the_papers_numbers_stand_apart_with_their_relation() -> None:
    (sheet,) = report([lfw_photos("fast", 0.3)]).sheets
    theirs = section(sheet, "lfw/fast-ganfit-paper, published")
    assert {row[0]: row[2] for row in theirs.rows} == {
        "GANFit": "> 0.5",
        "Genova et al.": "0.35",
        "Tran et al.": "0.16",
    }
    assert any("not comparable" in note for note in sheet.notes)


def test_failures_are_counted_and_a_method_of_failures_has_no_figures() -> None:
    (sheet,) = report([lfw_photos("fast", 0.3, n=88, failed=2), lfw_photos("vaefit", None, n=0, failed=90)]).sheets
    assert cells(sheet, sheet.sections[0], "fast")["photographs"] == "88 of 90"
    failing = cells(sheet, sheet.sections[0], "vaefit")
    assert (failing["photographs"], failing["cosine, mean ± std"]) == ("0 of 90", NONE)


def test_methods_stand_in_one_order_and_seeds_are_told_apart() -> None:
    rows = [lfw_photos(name, 0.5) for name in ("photographs", "pcafit", "ganfit", "mean face")]
    (sheet,) = report([*rows, lfw_photos("ganfit", 0.6, seed=1)]).sheets
    assert [row[0] for row in sheet.sections[0].rows] == [
        "mean face",
        "ganfit, seed 0",
        "ganfit, seed 1",
        "pcafit",
        "photographs",
    ]


def test_all_folds_have_a_command_of_their_own_and_no_mean_face() -> None:
    rows = [
        lfw_photos(name, 0.5, folds=ALL) for name in (*EXPECTED, "photographs") if name not in ("mean face", "fast")
    ]
    assert commands(report(rows)) == {
        "mobilefacenet (ffffffff), all folds of lfw, 90 photographs: fast": (
            "ganfit evaluate lfw LFW --out OUT --all-folds --method fast --photographs 90"
        )
    }


def test_what_is_missing_is_told_for_each_network_with_one_command() -> None:
    rows = [lfw_photos(name, 0.5) for name in (*EXPECTED, "photographs") if name != "vaefit++"]
    line = "ganfit evaluate lfw LFW --out results --method vaefit++ --photographs 90"
    assert commands(report(rows, "results")) == {f"{HELD_OUT} of lfw, 90 photographs: vaefit++": line}
    with_method = "ganfit evaluate lfw LFW --out OUT --method ganfit++ --photographs 90"
    assert commands(report([row for row in rows if row["method"] != "mean face"] + [lfw_pairs("vaefit++", 0.9)])) == {
        f"{HELD_OUT} of lfw, 90 photographs: mean face": with_method
    }
    (everything,) = report([]).missing
    assert everything.rows.startswith("mean face, ganfit, fast, ganfit++, vaefit")


def test_choices_of_photographs_and_weights_are_told_apart() -> None:
    made = {"assets": [("texture-generator", "a" * 64)]}
    rows = [
        lfw_photos("fast", 0.3, **made),
        lfw_photos("fast", 0.4, photographs=500, **made),
        lfw_photos("ganfit", 0.5, photographs=500, assets=[("texture-generator", "b" * 64)]),
        lfw_photos("ganfit", 0.6, photographs=500, config_sha256="d" * 64, **made),
    ]
    (sheet,) = report(rows).sheets
    assert [len(each.rows) for each in sheet.sections[:2]] == [1, 3]
    assert len({row[0] for row in sheet.sections[1].rows}) == 3
    assert any("different files of texture-generator" in note for note in sheet.notes)


def test_the_command_for_missing_rows_asks_for_rows_like_those_that_are_there() -> None:
    (line,) = commands(report([lfw_photos("fast", 0.3, preset="paper", iterations=20, seed=3)])).values()
    assert line.endswith("--photographs 90 --preset paper --iterations 20 --seed 3")
