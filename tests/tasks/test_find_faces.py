"""Which face of a photograph is taken, and what the table says of the choice."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import tasks.models
from data import tables
from data.collections import discover
from flows.reconstruct import reconstruct
from ganfit_core.methods import METHODS
from ganfit_core.perception.detect import Detection
from tasks.find_faces import chosen, find_faces
from tasks.run import FaceChoice, Run
from tests import doubles

PHOTO = np.zeros((200, 300, 3), np.uint8)
LARGE, SMALL, MIDDLE = (0, 0, 120, 120), (250, 150, 300, 200), (120, 70, 180, 130)


def face(*box: float) -> Detection:
    return Detection(np.array(box, np.float32), 0.9, np.zeros((5, 2), np.float32))


@pytest.mark.parametrize(("choice", "expected"), [("largest", LARGE), ("central", MIDDLE)])
def test_the_face_that_is_asked_for_is_taken(choice: FaceChoice, expected: Sequence[int]) -> None:
    faces = [face(*LARGE), face(*MIDDLE), face(*SMALL)]
    assert chosen(faces, choice, PHOTO).box.tolist() == list(expected)


def test_the_middle_is_that_of_width_and_height() -> None:
    above, beside = face(140, 20, 160, 40), face(90, 90, 110, 110)  # 70 px above the middle, 50 px left of it
    assert chosen([above, beside], "central", PHOTO) is beside
    middle = face(95, 140, 105, 160)
    assert chosen([beside, middle], "central", PHOTO) is beside
    assert chosen([beside, middle], "central", PHOTO.transpose(1, 0, 2)) is middle


def test_of_faces_as_near_to_the_middle_the_larger_is_taken() -> None:
    faces = [face(100, 50, 200, 150), face(140, 90, 160, 110)]
    assert chosen(faces, "central", PHOTO) is faces[0]


@pytest.fixture
def two_faces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A large face at the edge and a small one in the middle."""

    def detect(rgb: np.ndarray) -> list[Any]:
        return [face(*LARGE), face(*MIDDLE)]

    def load_models(
        preset: str, method: str, iterations: int | None = None, without: tuple[str, ...] = ()
    ) -> tasks.models.Models:
        return doubles.models(detect=detect, settings={"without": without})

    monkeypatch.setattr(tasks.models, "load_models", load_models)
    Image.fromarray(PHOTO).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def run_of(photo: Path, face: FaceChoice, all_faces: bool = False) -> Run:
    return Run(photo.parent / "out", "laptop", METHODS["ganfit"], None, all_faces, 0, "key", "name", face=face)


@pytest.mark.parametrize(("choice", "expected"), [("largest", LARGE), ("central", MIDDLE)])
def test_one_face_is_found_and_its_row_says_where(choice: FaceChoice, expected: Sequence[int], two_faces: Path) -> None:
    (unit,) = discover([two_faces]).units
    (work,) = find_faces(unit, run_of(two_faces, face=choice))
    assert work.columns["detection_box"].tolist() == list(expected)
    assert work.columns["face_index"] == 0
    assert work.siblings == 1


def test_all_faces_are_all_whichever_is_chosen(two_faces: Path) -> None:
    (unit,) = discover([two_faces]).units
    found = find_faces(unit, run_of(two_faces, all_faces=True, face="central"))
    assert [work.columns["detection_box"].tolist() for work in found] == [list(LARGE), list(MIDDLE)]


def rows(photo: Path, **options: Any) -> list[dict[str, Any]]:
    out = photo.parent / "out"
    reconstruct.fn([str(photo)], out, method="ganfit", files="none", isolated=False, workers=1, **options)
    return tables.read(out).to_pylist()


def test_another_choice_is_another_result_in_the_rows_place(two_faces: Path) -> None:
    (first,) = rows(two_faces)
    (second,) = rows(two_faces, face="central")
    assert (first["detection_box"], second["detection_box"]) == (list(LARGE), list(MIDDLE))
    assert first["config_sha256"] != second["config_sha256"]
    assert first["result_key"] != second["result_key"]
    (again,) = rows(two_faces, face="central")
    assert again["run_id"] == second["run_id"]  # nothing was computed


def test_rows_say_which_terms_their_energy_lacked(two_faces: Path) -> None:
    (whole,) = rows(two_faces)
    assert whole["without"] == []
    (lacking,) = rows(two_faces, without=("pixel", "landmark"))
    assert lacking["without"] == ["pixel", "landmark"]
    assert lacking["result_key"] != whole["result_key"]
    (again,) = rows(two_faces, without=("pixel", "landmark"))
    assert again["run_id"] == lacking["run_id"]
