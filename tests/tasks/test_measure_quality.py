"""A rendering against a clean photograph: golden figures, and when they are measured anew."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ganfit_core.perception.align import TEMPLATE_68
from tasks import measure_quality
from tasks.measure_quality import Chunk, Comparison, measure_chunk
from tasks.stored_faces import StoredFace
from tests import judged
from tests.judged import GREEN, RED, SIZE, World

POINTS = TEMPLATE_68 * SIZE + 16


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return judged.install(monkeypatch)


def face(path: Path, colour: tuple[int, int, int], points: np.ndarray = POINTS, **channels: float) -> StoredFace:
    """A photograph, reconstructed with its colour; `red`, `green` and `blue` are added."""
    if not path.exists():
        judged.photograph(path, colour)
    more = [channels.get(name, 0.0) for name in ("red", "green", "blue")]
    return judged.stored(path, path.name, points, judged.vectors(np.array(colour) / 255, more))


def measured(clean: StoredFace, fitted: StoredFace, folder: Path, **changes: Any) -> dict[str, Any]:
    options: dict[str, Any] = {"method": "fast", "networks": ["judge"], "preset": "laptop"} | changes
    chunk = Chunk(options.pop("method"), (Comparison(clean, fitted),))
    (row,) = measure_chunk(chunk, folder=folder, **options)
    return row


def test_a_rendering_that_is_the_photograph_is_without_error(world: World, tmp_path: Path) -> None:
    ann = face(tmp_path / "ann.png", RED)
    row = measured(ann, ann, tmp_path)
    assert row["mae"] == pytest.approx(0, abs=1e-6)
    assert row["ssim"] == pytest.approx(1, abs=1e-6)
    assert row["landmark_error_pct"] == pytest.approx(0, abs=1e-3)
    assert row["cosines"] == {"judge": pytest.approx(1, abs=1e-6)}


def test_figures_of_a_uniform_difference_are_those_worked_out_by_hand(world: World, tmp_path: Path) -> None:
    ann = face(tmp_path / "ann.png", RED, blue=0.3)
    row = measured(ann, ann, tmp_path)
    assert row["mae"] == pytest.approx(0.1, abs=1e-6)
    assert row["psnr_db"] == pytest.approx(-10 * math.log10(0.09 / 3), abs=1e-4)
    # Wang et al., Eq. 13, of flat pictures: only the means differ; two channels are alike
    assert row["ssim"] == pytest.approx((2 + 0.01**2 / (0.3**2 + 0.01**2)) / 3, abs=1e-4)
    level = 200 / 255
    assert row["cosines"]["judge"] == pytest.approx(level / math.hypot(level, 0.3), abs=1e-6)


def test_the_clean_photograph_is_looked_at_in_the_crop_of_the_corrupted_one(world: World, tmp_path: Path) -> None:
    clean = face(tmp_path / "clean.png", RED)
    left = np.array(Image.open(clean.unit.path))
    left[:, 48:] = (0, 0, 200)  # the other half is blue
    Image.fromarray(left).save(clean.unit.path)
    straight = measured(clean, face(tmp_path / "corrupted.png", RED), tmp_path)
    # the crop of a copy in which landmarks were found 16 px too far to the left shows all 16 px further right
    moved = measured(clean, face(tmp_path / "moved.png", RED, POINTS - [16, 0]), tmp_path)
    blue = 2 * 200 / 255 / 3
    assert 0.4 * blue < straight["mae"] < 0.6 * blue
    assert moved["mae"] == pytest.approx(straight["mae"], abs=0.03)  # the mask goes with the photograph
    # the model's points lie on the corrupted copy's, a quarter of the crop away
    eyes = np.linalg.norm(TEMPLATE_68[36:42].mean(axis=0) - TEMPLATE_68[42:48].mean(axis=0)) * SIZE
    assert moved["landmark_error_pct"] == pytest.approx(100 * 16 / eyes, abs=0.5)
    assert straight["landmark_error_pct"] == pytest.approx(0, abs=1e-3)


def test_the_cosine_is_of_the_whole_clean_photograph_cut_by_its_own_landmarks(world: World, tmp_path: Path) -> None:
    clean = face(tmp_path / "clean.png", RED)
    measured(clean, face(tmp_path / "moved.png", RED, POINTS - [16, 0]), tmp_path)
    low, high = TEMPLATE_68.min(axis=0) * SIZE, TEMPLATE_68.max(axis=0) * SIZE
    photo, rendering = world.judges["judge"].boxes
    np.testing.assert_allclose(photo, np.concatenate([low, high]) + 16, atol=0.51)
    np.testing.assert_allclose(rendering, np.concatenate([low, high]) + np.array([16, 0, 16, 0]), atol=0.51)


def test_another_face_than_the_photographs_is_no_face_and_that_is_remembered(world: World, tmp_path: Path) -> None:
    clean = face(tmp_path / "clean.png", RED)
    other = face(tmp_path / "copy.png", RED, POINTS * 0.4 - 20)
    row = measured(clean, other, tmp_path)
    assert (row["status"], row["stage"]) == ("no_face", "detect")
    assert "another" in row["reason"]
    assert "mae" not in row
    clean.unit.path.unlink()
    assert measured(clean, other, tmp_path) == row


def test_pixels_beyond_the_photograph_do_not_count(world: World, tmp_path: Path) -> None:
    whole = face(tmp_path / "ann.png", RED)
    cut = face(tmp_path / "cut.png", RED)
    with Image.open(whole.unit.path) as photo:
        photo.crop((0, 0, 48, 96)).save(cut.unit.path)  # half of the face
    full, half = (measured(face, face, tmp_path)["mask_pixels"] for face in (whole, cut))
    assert half == pytest.approx(full / 2, rel=0.05)


def test_pixels_beyond_the_face_do_not_count(world: World, tmp_path: Path) -> None:
    hat = face(tmp_path / "hat.png", RED)
    pixels = np.array(Image.open(hat.unit.path))
    pixels[:28] = GREEN  # the landmarks begin 7 px below
    Image.fromarray(pixels).save(hat.unit.path)
    row = measured(hat, hat, tmp_path)
    assert row["mae"] == pytest.approx(0, abs=1e-6)
    assert row["ssim"] == pytest.approx(1, abs=1e-6)
    assert row["psnr_db"] > 100


def test_known_figures_are_read(world: World, tmp_path: Path) -> None:
    ann = face(tmp_path / "ann.png", RED, blue=0.3)
    first = measured(ann, ann, tmp_path)
    assert world.asked()[0] > 0
    assert measured(ann, ann, tmp_path) == first
    assert world.asked()[0] == 0


def test_a_perfect_match_is_read_as_it_was_written(world: World, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(measure_quality, "psnr", lambda *pictures: math.inf)
    ann = face(tmp_path / "ann.png", RED)
    measured(ann, ann, tmp_path)
    assert measured(ann, ann, tmp_path)["psnr_db"] == math.inf


@pytest.mark.parametrize(
    ("which", "change"),
    [
        ("clean", {"content_sha256": "another"}),
        ("clean", {"landmarks": (POINTS + 1).astype(np.float32)}),
        ("fitted", {"content_sha256": "another"}),
        ("fitted", {"landmarks": (POINTS + 1).astype(np.float32)}),
        ("fitted", {"result_key": "another"}),
    ],
)
def test_another_photograph_or_result_is_measured_anew(
    which: str, change: dict[str, Any], world: World, tmp_path: Path
) -> None:
    faces = {"clean": face(tmp_path / "ann.png", RED), "fitted": face(tmp_path / "copy.png", RED)}
    measured(**faces, folder=tmp_path)
    world.asked()
    measured(**(faces | {which: dataclasses.replace(faces[which], **change)}), folder=tmp_path)
    assert world.asked()[0] > 0


@pytest.mark.parametrize("change", [{"method": "ganfit"}, {"preset": "paper"}, {"networks": []}])
def test_another_recipe_is_measured_apart(change: dict[str, Any], world: World, tmp_path: Path) -> None:
    ann = face(tmp_path / "ann.png", RED)
    measured(ann, ann, tmp_path)
    measured(ann, ann, tmp_path, **change)
    assert len(list(tmp_path.glob("*.json"))) == 2


def test_other_models_networks_and_code_are_measured_with_anew(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = face(tmp_path / "ann.png", RED)
    measured(ann, ann, tmp_path)
    world.asked()
    world.hashes["judge"] = "another"
    measured(ann, ann, tmp_path)
    assert world.asked()[0] > 0
    world.loss["morphable"] = "another"
    measured(ann, ann, tmp_path)
    assert world.asked()[0] > 0
    monkeypatch.setattr(measure_quality, "sources_sha256", lambda *modules: "another")
    measured(ann, ann, tmp_path)
    assert world.asked()[0] > 0


def test_a_photograph_that_is_gone_is_a_reason_and_is_tried_again(world: World, tmp_path: Path) -> None:
    ann, bob = face(tmp_path / "ann.png", RED), face(tmp_path / "bob.png", GREEN)
    content = bob.unit.path.read_bytes()
    bob.unit.path.unlink()
    chunk = Chunk("fast", (Comparison(ann, ann), Comparison(bob, bob)))
    good, bad = measure_chunk(chunk, ["judge"], "laptop", tmp_path)
    assert "mae" in good
    assert (bad["status"], bad["stage"]) == ("failed", "measure")
    assert bad["reason"]
    bob.unit.path.write_bytes(content)
    assert all("mae" in row for row in measure_chunk(chunk, ["judge"], "laptop", tmp_path))


def test_landmarks_without_an_area_are_a_reason(world: World, tmp_path: Path) -> None:
    line = np.column_stack([np.linspace(20, 70, 68), np.full(68, 50)])
    flat = face(tmp_path / "flat.png", RED, line)
    row = measured(flat, face(tmp_path / "ann.png", RED), tmp_path)
    assert (row["status"], row["stage"]) == ("failed", "measure")
    assert "no area" in row["reason"]
