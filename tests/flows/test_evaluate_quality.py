"""From photographs to rows of image quality, clean, corrupted and ablated, with stand-ins for the models."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tasks.corrupt_photographs
from data import tables
from data.assets import AssetError, MissingAssetError
from data.lock import LockedError, locked
from flows.evaluate_quality import evaluate_quality
from ganfit_core.corruption import Corrupted
from tasks.micc_recipes import ABLATION, MEAN_FACE
from tests import judged
from tests.judged import GREEN, RED, WALL, WHITE, World

LEVEL = 200 / 255
"""Of the brightest channel of RED and GREEN."""


def spoil(photo: np.ndarray, landmarks: np.ndarray, name: str, seed: int) -> Corrupted:
    """In place of ganfit_core.corruption.corrupt: noise makes red faces greener, a hand hides green ones."""
    image, covered = photo.copy(), np.zeros(photo.shape[:2], bool)
    inside = np.ptp(photo.astype(int), axis=2) > 60
    green = bool(photo[48, 48, 1] > photo[48, 48, 0])
    if name == "noise" and not green:
        image[inside] = (200, 40, 0)
    elif name == "hand" and green:
        image[inside], covered[inside] = WALL, True
    elif name == "blur":
        raise ValueError("the face lies outside the photograph")
    return Corrupted(image, covered, {"strength": 0.5})


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(tasks.corrupt_photographs, "corrupt", spoil)
    return judged.install(monkeypatch)


@pytest.fixture
def photographs(tmp_path: Path) -> str:
    """A red face, a green one, a wall, and a file that is no picture."""
    folder = tmp_path / "photographs"
    for name, colour in {"ann.png": RED, "bob.png": GREEN, "cas.png": WALL}.items():
        judged.photograph(folder / name, colour)
    (folder / "dan.png").write_bytes(b"no picture")
    return str(folder)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def stored(out: Path, **columns: Any) -> dict[str, dict[str, Any]]:
    """Photograph -> its row, of those that have these values."""
    found = tables.read(out, "image_quality").to_pylist()
    chosen = [row for row in found if all(row[name] == value for name, value in columns.items())]
    rows = {row["unit_id"]: row for row in chosen}
    assert len(rows) == len(chosen)
    return rows


def test_a_rendering_that_is_the_photograph_has_no_error(world: World, photographs: str, out: Path) -> None:
    evaluate_quality.fn([photographs], out, ["ganfit"], ["none"])
    for row in (stored(out, method="ganfit")[name] for name in ("ann.png", "bob.png")):
        assert row["mae"] == pytest.approx(0, abs=1e-6)
        assert row["ssim"] == pytest.approx(1, abs=1e-6)
        assert row["psnr_db"] > 100
        assert row["landmark_error_pct"] == pytest.approx(0, abs=1e-3)
        assert dict(row["cosines"])["judge"] == pytest.approx(1, abs=1e-6)
        assert (row["corruption"], row["corruption_seed"], row["covered"]) == ("none", None, None)
        assert row["mask_pixels"] > 500


def test_figures_are_those_of_the_difference_between_rendering_and_photograph(
    world: World, photographs: str, out: Path
) -> None:
    evaluate_quality.fn([photographs], out, ["fast"], ["none"])
    row = stored(out, method="fast")["ann.png"]
    blue = 0.75 * LEVEL  # what the regression adds, to one of three channels
    assert row["mae"] == pytest.approx(blue / 3, abs=1e-5)
    assert row["psnr_db"] == pytest.approx(-10 * math.log10(blue**2 / 3), abs=1e-3)
    assert dict(row["cosines"])["judge"] == pytest.approx(0.8, abs=1e-6)
    mean = stored(out, method=MEAN_FACE)["ann.png"]
    assert mean["mae"] == pytest.approx((LEVEL - 0.5 + 0.5 + 0.5) / 3, abs=1e-5)
    assert dict(mean["cosines"])["judge"] == pytest.approx(1 / math.sqrt(3), abs=1e-6)


def test_every_photograph_is_a_row_for_every_method_and_corruption(world: World, photographs: str, out: Path) -> None:
    rows = evaluate_quality.fn([photographs], out, ["fast", "ganfit"], ["none", "noise", "hand"])
    assert len(rows) == 4 * 3 * 3
    for method in ("fast", "ganfit", MEAN_FACE):
        for corruption in ("none", "noise", "hand"):
            found = stored(out, method=method, corruption=corruption)
            hidden = "no_face" if corruption == "hand" else "ok"
            assert {name: row["status"] for name, row in found.items()} == {
                "ann.png": "ok",
                "bob.png": hidden,
                "cas.png": "no_face",
                "dan.png": "unreadable",
            }
            assert found["cas.png"]["reason"] == "no face found"
            assert all((row["mae"] is None) == (row["status"] != "ok") for row in found.values())
            assert all(row["reason"] for row in found.values() if row["status"] != "ok")


def test_what_is_fitted_to_a_corrupted_copy_is_compared_with_the_clean_photograph(
    world: World, photographs: str, out: Path
) -> None:
    evaluate_quality.fn([photographs], out, ["ganfit"], ["noise"])
    row = stored(out, corruption="noise", method="ganfit")["ann.png"]
    assert row["mae"] == pytest.approx(40 / 255 / 3, abs=1e-5)
    assert dict(row["cosines"])["judge"] == pytest.approx(200 / math.hypot(200, 40), abs=1e-6)
    assert dict(row["corruption_parameters"]) == {"strength": 0.5}
    assert row["covered"] == 0


def test_seed_and_covered_share_of_a_corruption_are_told_also_where_no_face_is_left(
    world: World, photographs: str, out: Path
) -> None:
    evaluate_quality.fn([photographs], out, ["fast"], ["hand"])
    rows = stored(out, method="fast")
    assert (rows["bob.png"]["status"], rows["bob.png"]["covered"]) == ("no_face", 1)
    assert rows["ann.png"]["corruption_seed"] != rows["bob.png"]["corruption_seed"]
    assert rows["dan.png"]["corruption_seed"] is None


def test_the_same_command_computes_nothing_and_leaves_the_same_rows(world: World, photographs: str, out: Path) -> None:
    def evaluate() -> list[dict[str, Any]]:
        evaluate_quality.fn([photographs], out, ["ganfit"], ["none", "noise"])
        rows = tables.read(out, "image_quality").to_pylist()
        return [{name: row[name] for name in row if name not in ("run_id", "created_at")} for row in rows]

    before = evaluate()
    # two faces, fitted clean and noisy; the photograph and the rendering of each, and their mirror images, for the
    # method and the mean face
    assert world.asked() == (2 * 2 * 2 * 2 * 2, 4)
    assert evaluate() == before
    assert world.asked() == (0, 0)


def test_another_network_file_is_measured_with_anew_and_nothing_is_fitted(
    world: World, photographs: str, out: Path
) -> None:
    evaluate_quality.fn([photographs], out, ["ganfit"], ["none"])
    world.asked()
    world.hashes["judge"] = "another hash"
    rows = evaluate_quality.fn([photographs], out, ["ganfit"], ["none"])
    assert world.asked() == (2 * 2 * 2 * 2, 0)
    assert {tuple(row["networks"]) for row in rows} == {(("judge", "another hash"),)}


def test_a_photograph_that_changed_is_measured_anew(world: World, photographs: str, out: Path) -> None:
    evaluate_quality.fn([photographs], out, ["fast"], ["none", "hand"])
    judged.photograph(Path(photographs, "bob.png"), RED)
    evaluate_quality.fn([photographs], out, ["fast"], ["none", "hand"])
    assert stored(out, method="fast", corruption="hand")["bob.png"]["status"] == "ok"
    green_then = stored(out, method="fast", corruption="none")
    assert green_then["bob.png"]["mae"] == green_then["ann.png"]["mae"]


def test_methods_and_corruptions_keep_their_rows_when_others_are_evaluated(
    world: World, photographs: str, out: Path
) -> None:
    evaluate_quality.fn([photographs], out, ["fast"], ["none", "noise"])
    before = stored(out, method="fast", corruption="noise")
    evaluate_quality.fn([photographs], out, ["ganfit"], ["none"])
    assert stored(out, method="fast", corruption="noise") == before
    assert Counter((row["method"], row["corruption"]) for row in tables.read(out, "image_quality").to_pylist()) == {
        ("fast", "none"): 4,
        ("fast", "noise"): 4,
        ("ganfit", "none"): 4,
        (MEAN_FACE, "none"): 4,
        (MEAN_FACE, "noise"): 4,
    }


def test_the_ablation_is_the_whole_energy_and_nine_others_side_by_side(
    world: World, photographs: str, out: Path
) -> None:
    evaluate_quality.fn([photographs], out, leave_one_out="ganfit")
    for without in ((), *ABLATION):
        rows = stored(out, without=list(without))
        assert sorted(rows) == ["ann.png", "bob.png", "cas.png", "dan.png"]
        assert {row["method"] for row in rows.values()} == {"ganfit"}
        # the stand-in's colour tells how many terms its energy lacked
        assert rows["ann.png"]["mae"] == pytest.approx(0.1 * len(without) / 3, abs=1e-5)
    assert len(tables.read(out, "image_quality")) == 4 * 10


def test_the_ablation_leaves_the_methods_rows(world: World, photographs: str, out: Path) -> None:
    evaluate_quality.fn([photographs], out, ["ganfit"], ["noise"])
    before = stored(out, corruption="noise", method="ganfit")
    evaluate_quality.fn([photographs], out, leave_one_out="ganfit")
    assert stored(out, corruption="noise", method="ganfit") == before


def test_a_corruption_that_is_impossible_is_a_row_with_its_reason(
    world: World, photographs: str, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def only_ann(photo: np.ndarray, landmarks: np.ndarray, name: str, seed: int) -> Corrupted:
        return spoil(photo, landmarks, "noise" if photo[48, 48, 0] == 200 else "blur", seed)

    monkeypatch.setattr(tasks.corrupt_photographs, "corrupt", only_ann)
    evaluate_quality.fn([photographs], out, ["fast"], ["blur"])
    row = stored(out, method="fast")["bob.png"]
    assert (row["status"], row["stage"]) == ("failed", "corrupt")
    assert "outside the photograph" in row["reason"]
    assert row["mae"] is None


def test_a_fit_that_fails_is_a_row(world: World, photographs: str, out: Path) -> None:
    judged.photograph(Path(photographs, "fay.png"), WHITE)
    evaluate_quality.fn([photographs], out, ["ganfit"], ["none"])
    row = stored(out, method="ganfit")["fay.png"]
    assert (row["status"], row["stage"], row["mae"]) == ("failed", "fit", None)
    assert "energy is not finite" in row["reason"]


def test_a_draw_of_photographs_is_the_same_every_time(world: World, tmp_path: Path, out: Path) -> None:
    for number in range(12):
        judged.photograph(tmp_path / "many" / f"{number:02d}.png", RED)
    draws = []
    for folder in ("one", "two"):
        rows = evaluate_quality.fn([str(tmp_path / "many")], out / folder, ["fast"], ["none"], photographs=4)
        draws.append(sorted({row["unit_id"] for row in rows}))
    assert draws[0] == draws[1]
    assert len(draws[0]) == 4
    assert draws[0] != [f"{number:02d}.png" for number in range(4)]


def test_a_network_that_is_not_here_is_told_before_anything_is_fitted(
    world: World, photographs: str, out: Path
) -> None:
    with pytest.raises(MissingAssetError, match="it can be had elsewhere"):
        evaluate_quality.fn([photographs], out, ["ganfit"], ["none"], networks=["sface"])
    assert world.asked() == (0, 0)


def test_a_network_of_the_energy_is_refused_before_anything_is_fitted(
    world: World, photographs: str, out: Path
) -> None:
    world.loss["identity"] = world.hashes["judge"]
    with pytest.raises(AssetError, match="judge is part of the energy"):
        evaluate_quality.fn([photographs], out, ["ganfit"], ["none"])
    assert not out.exists()
    assert world.asked() == (0, 0)


def test_an_unknown_corruption_is_told_before_anything_is_fitted(world: World, photographs: str, out: Path) -> None:
    with pytest.raises(ValueError, match="no such corruption: rain"):
        evaluate_quality.fn([photographs], out, ["ganfit"], ["none", "rain"])
    assert world.asked() == (0, 0)


@pytest.mark.parametrize(("corruption", "colour"), [("blur", RED), ("noise", WALL)])
def test_where_no_photograph_can_be_corrupted_all_are_rows_with_their_reason(
    corruption: str, colour: tuple[int, int, int], world: World, tmp_path: Path, out: Path
) -> None:
    judged.photograph(tmp_path / "one" / "photo.png", colour)
    evaluate_quality.fn([str(tmp_path / "one")], out, ["fast"], [corruption])
    for method in ("fast", MEAN_FACE):
        (row,) = stored(out, method=method, corruption=corruption).values()
        assert row["status"] == ("failed" if colour == RED else "no_face")
        assert row["reason"]


def test_a_fit_that_fails_leaves_the_other_methods_and_the_mean_face_their_figures(
    world: World, photographs: str, out: Path
) -> None:
    judged.photograph(Path(photographs, "fay.png"), WHITE)
    evaluate_quality.fn([photographs], out, ["ganfit", "fast"], ["none"])
    rows = {method: stored(out, method=method)["fay.png"] for method in ("ganfit", "fast", MEAN_FACE)}
    assert {method: row["status"] for method, row in rows.items()} == {
        "ganfit": "failed",
        "fast": "ok",
        MEAN_FACE: "ok",
    }
    assert rows["ganfit"]["mae"] is None
    assert rows["fast"]["mae"] is not None


def test_collections_keep_their_rows_in_one_folder(world: World, photographs: str, out: Path, tmp_path: Path) -> None:
    judged.photograph(tmp_path / "others" / "dan.png", RED)
    evaluate_quality.fn([photographs], out, ["fast"], ["none"])
    before = stored(out, method="fast", dataset="photographs")
    evaluate_quality.fn([str(tmp_path / "others")], out, ["fast"], ["none"])
    assert stored(out, method="fast", dataset="photographs") == before
    assert sorted(stored(out, method="fast", dataset="others")) == ["dan.png"]


@pytest.mark.parametrize("change", [{"iterations": 7}, {"seed": 5}, {"face": "central"}])
def test_rows_of_other_settings_stand_beside_each_other_and_name_them(
    change: dict[str, Any], world: World, photographs: str, out: Path
) -> None:
    evaluate_quality.fn([photographs], out, ["ganfit"], ["none"])
    before = stored(out, method="ganfit")
    rows = evaluate_quality.fn([photographs], out, ["ganfit"], ["none"], **change)
    found = tables.read(out, "image_quality").to_pylist()
    assert all(row in found for row in before.values())
    assert sum(row["method"] == "ganfit" for row in found) == 2 * len(before)
    expected = {"preset": "laptop", "iterations": None, "seed": 0, "face": "largest"} | change
    fitted = [row for row in rows if row["method"] == "ganfit"]
    assert all({name: row[name] for name in expected} == expected for row in fitted)


def test_a_second_run_in_the_same_folder_is_refused_while_the_first_is_at_work(
    world: World, photographs: str, out: Path
) -> None:
    with locked(out, "another"), pytest.raises(LockedError):
        evaluate_quality.fn([photographs], out, ["fast"], ["none"])
    assert evaluate_quality.fn([photographs], out, ["fast"], ["none"])
