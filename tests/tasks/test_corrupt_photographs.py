"""Copies of photographs with the same corruption, recorded and reproducible."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import tasks.corrupt_photographs
from data.collections import Unit, discover
from evaluation.face_mask import landmark_hull
from ganfit_core.corruption import Corrupted, corrupt, seed_for
from ganfit_core.perception.align import TEMPLATE_68
from tasks.corrupt_photographs import Copies, corrupt_photographs
from tasks.stored_faces import StoredFace
from tests import judged
from tests.judged import GREEN, RED, SIDE, SIZE

POINTS = (TEMPLATE_68 * SIZE + 16).astype(np.float32)


def face(folder: Path, unit_id: str, colour: tuple[int, int, int]) -> StoredFace:
    path = judged.photograph(folder / unit_id, colour)
    unit = Unit(unit_id, path, subject=unit_id[:3])
    return dataclasses.replace(judged.stored(path, unit_id, POINTS, {}), unit=unit)


@pytest.fixture
def faces(tmp_path: Path) -> list[StoredFace]:
    """Two people, and a photograph without a face."""
    wall = dataclasses.replace(face(tmp_path, "wall.png", judged.WALL), landmarks=None, status="no_face")
    return [face(tmp_path, "ann/1.png", RED), face(tmp_path, "bob/1.png", GREEN), wall]


def test_the_copies_are_a_collection_with_the_names_of_their_originals(faces: list[StoredFace], tmp_path: Path) -> None:
    done = corrupt_photographs.fn(faces, "blocks", 0, tmp_path / "out")
    units = {unit.unit_id: unit for unit in discover([done.photographs]).units}
    assert sorted(units) == ["ann/1.png", "bob/1.png"]
    assert {unit.subject for unit in units.values()} == {"ann", "bob"}
    for unit in units.values():
        assert unit.path.is_file()
        assert (tmp_path / "out") in unit.path.parents


def test_a_copy_and_its_record_are_what_its_own_seed_gives(faces: list[StoredFace], tmp_path: Path) -> None:
    done = corrupt_photographs.fn(faces, "blocks", 3, tmp_path / "out")
    record = json.loads((tmp_path / "out/corrupted/blocks.json").read_text())
    for unit in discover([done.photographs]).units:
        seed = seed_for(3, unit.unit_id, "blocks")
        original = np.array(Image.open(next(face.unit.path for face in faces if face.unit_id == unit.unit_id)))
        expected = corrupt(original, POINTS, "blocks", seed)
        np.testing.assert_array_equal(np.array(Image.open(unit.path)), expected.image)
        told = done.done[unit.unit_id]
        assert (told.seed, told.parameters) == (seed, expected.parameters)
        hull = landmark_hull(POINTS, (SIDE, SIDE))
        assert told.covered == pytest.approx(expected.covered[hull].mean())
        assert 0 < told.covered < 1
        assert record[unit.unit_id] == dataclasses.asdict(told)
    assert len({corruption.seed for corruption in done.done.values()}) == 2


def test_originals_stay_as_they_are(faces: list[StoredFace], tmp_path: Path) -> None:
    before = [face.unit.path.read_bytes() for face in faces]
    corrupt_photographs.fn(faces, "noise", 0, tmp_path / "out")
    assert [face.unit.path.read_bytes() for face in faces] == before


@pytest.fixture
def corrupted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the corruptions that are drawn."""
    names: list[str] = []

    def watched(photo: np.ndarray, landmarks: np.ndarray, name: str, seed: int) -> Corrupted:
        names.append(name)
        return corrupt(photo, landmarks, name, seed)

    watched.__module__ = corrupt.__module__
    monkeypatch.setattr(tasks.corrupt_photographs, "corrupt", watched)
    return names


def test_the_same_call_draws_nothing_and_leaves_the_files_alone(
    faces: list[StoredFace], tmp_path: Path, corrupted: list[str]
) -> None:
    def call() -> tuple[Copies, list[int]]:
        done = corrupt_photographs.fn(faces, "noise", 0, tmp_path / "out")
        paths = [done.photographs, *(unit.path for unit in discover([done.photographs]).units)]
        return done, [path.stat().st_mtime_ns for path in paths]

    before = call()
    assert corrupted == ["noise"] * 2
    assert call() == before
    assert corrupted == ["noise"] * 2


@pytest.mark.parametrize("change", [{"content_sha256": "another"}, {"landmarks": POINTS + np.float32(1)}])
def test_another_photograph_is_copied_anew_and_the_others_are_not(
    change: dict[str, Any], faces: list[StoredFace], tmp_path: Path, corrupted: list[str]
) -> None:
    corrupt_photographs.fn(faces, "noise", 0, tmp_path / "out")
    corrupted.clear()
    corrupt_photographs.fn([dataclasses.replace(faces[0], **change), *faces[1:]], "noise", 0, tmp_path / "out")
    assert corrupted == ["noise"]


def test_a_copy_that_is_gone_is_made_again(faces: list[StoredFace], tmp_path: Path, corrupted: list[str]) -> None:
    done = corrupt_photographs.fn(faces, "noise", 0, tmp_path / "out")
    corrupted.clear()
    path = discover([done.photographs]).units[0].path
    content = path.read_bytes()
    path.unlink()
    corrupt_photographs.fn(faces, "noise", 0, tmp_path / "out")
    assert corrupted == ["noise"]
    assert path.read_bytes() == content


def test_other_code_draws_anew(
    faces: list[StoredFace], tmp_path: Path, corrupted: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    corrupt_photographs.fn(faces, "noise", 0, tmp_path / "out")
    monkeypatch.setattr(tasks.corrupt_photographs, "sources_sha256", lambda *modules: "another")
    corrupt_photographs.fn(faces, "noise", 0, tmp_path / "out")
    assert corrupted == ["noise"] * 4


def test_another_seed_is_another_copy(faces: list[StoredFace], tmp_path: Path) -> None:
    done = [corrupt_photographs.fn(faces, "noise", seed, tmp_path / f"{seed}") for seed in (0, 1)]
    one, other = (discover([each.photographs]).units[0].path.read_bytes() for each in done)
    assert one != other


def test_corruptions_lie_side_by_side(faces: list[StoredFace], tmp_path: Path) -> None:
    manifests = [corrupt_photographs.fn(faces, name, 0, tmp_path / "out").photographs for name in ("noise", "blur")]
    paths = [unit.path for manifest in manifests for unit in discover([manifest]).units]
    assert len(set(paths)) == 4
    assert all(path.is_file() for path in paths)


def test_a_photograph_that_cannot_be_corrupted_has_a_reason_and_no_copy(
    faces: list[StoredFace], tmp_path: Path
) -> None:
    outside = dataclasses.replace(faces[0], landmarks=POINTS + 500)
    faces[1].unit.path.unlink()
    third = face(tmp_path, "cas/1.png", RED)
    done = corrupt_photographs.fn([outside, faces[1], third], "glasses", 0, tmp_path / "out")
    assert list(done.done) == ["cas/1.png"]
    assert set(done.failed) == {"ann/1.png", "bob/1.png"}
    assert "outside the photograph" in done.failed["ann/1.png"]
    assert all("\n" not in reason for reason in done.failed.values())
    assert [unit.unit_id for unit in discover([done.photographs]).units] == ["cas/1.png"]
