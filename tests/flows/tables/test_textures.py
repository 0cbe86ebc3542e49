"""Table 2 from rows."""

from __future__ import annotations

from flows.tables.textures import report
from tests.flows.tables.looking import cells, commands, section
from tests.flows.tables.made_rows import frechet


def test_ours_never_share_a_section_with_the_papers() -> None:
    (sheet,) = report([frechet("training maps", 0.47), frechet("pca", 2.42), frechet("gan", 1.094)]).sheets
    ours = section(sheet, "frechet/uv-face@1: Frechet distance (vgg16), 128 texels")
    assert [row[0] for row in ours.rows] == ["gan", "pca", "training maps"]
    gan = cells(sheet, ours, "gan")
    assert (gan["distance"], gan["KID × 1000 [95 %]"]) == ("1.094", "1.00 [0.50, 1.50]")
    assert gan["maps / held-out maps"] == "2000 / 500"
    theirs = section(sheet, "fid/ganfit-paper, published: FID, Ours (9358)")
    assert {row[0]: row[1] for row in theirs.rows} == {
        "PCA": "65.80",
        "VAE": "120.44",
        "NVAE": "62.98",
        "GAN": "2.95",
    }


def test_distances_to_other_maps_or_by_other_networks_are_apart() -> None:
    rows = [
        frechet("gan", 1.0),
        frechet("gan", 2.0, reference_sha256="s" * 64),
        frechet("gan", 3.0, extractor="fid-inception", extractor_sha256="i" * 64, metric="FID"),
    ]
    (sheet,) = report(rows).sheets
    assert [each.rows[0][1] for each in sheet.sections[:3]] == ["1.000", "2.000", "3.000"]
    assert sheet.sections[2].title.startswith("frechet/uv-face@1: FID")


def test_weights_of_one_kind_are_told_apart() -> None:
    (sheet,) = report([frechet("gan", 1.0), frechet("gan", 2.0, asset_sha256="b" * 64)]).sheets
    names = [row[0] for row in sheet.sections[0].rows]
    assert len(set(names)) == 2
    assert all(name.startswith("gan, asset_sha256 ") for name in names)


def test_a_warning_is_marked_and_told() -> None:
    (sheet,) = report([frechet("gan", 1.0, warning="fewer maps than features")]).sheets
    assert cells(sheet, sheet.sections[0], "gan")["distance"] == "1.000 (!)"
    assert "(!) fewer maps than features." in sheet.notes


def test_what_is_missing_is_told_with_the_command_that_makes_it() -> None:
    assert commands(report([frechet("gan", 1.0), frechet("vae", 1.0)], "results")) == {
        "pca, training maps by vgg16": "ganfit textures evaluate MAPS --out results"
    }
    by_inception = [frechet(name, 1.0, extractor="fid-inception") for name in ("gan", "vae", "pca")]
    assert commands(report(by_inception)) == {
        "training maps by fid-inception": "ganfit textures evaluate MAPS --out OUT --extractor fid-inception"
    }
