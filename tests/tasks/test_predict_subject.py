"""Predictions of a person's face from videos, with a stand-in for the fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.faces_dataset import SETTINGS, Subject
from data.micc import parse_micc
from ganfit_core.methods import METHODS
from tasks import predict_subject as task
from tasks.micc_recipes import FLOOR, Recipe, table_one
from tasks.predict_subject import Plan, asset_hashes, predict_subject
from tests import filmed

METHODS_USED = ("fast", "ganfit", "ganfit++")
SINGLE = Recipe("fast", "single")


def plan(*recipes: Recipe, settings: Sequence[str] = ("cooperative",), frames: int = 3, seed: int = 0) -> Plan:
    return Plan(recipes or table_one(METHODS_USED), tuple(settings), frames, seed=seed)


@pytest.fixture
def fitter() -> filmed.Fitter:
    return filmed.Fitter()


@pytest.fixture(autouse=True)
def models(monkeypatch: pytest.MonkeyPatch, fitter: filmed.Fitter) -> list[tuple[Any, ...]]:
    """What was loaded: stand-ins all, without a judge."""
    loaded: list[tuple[Any, ...]] = []

    def load(preset: str, method: str, iterations: int | None, without: tuple[str, ...] = ()) -> Any:
        loaded.append((preset, method, iterations))
        return filmed.models(method, fitter.without(*without) if without else fitter)

    monkeypatch.setattr(task, "load_models", load)
    monkeypatch.setattr(task, "judge_or_none", lambda: None)
    return loaded


@pytest.fixture
def person(tmp_path: Path) -> Callable[..., Subject]:
    """A person whose videos were written to `tmp_path`/micc; the cooperative one has a face in each frame."""

    def make(**videos: Sequence[bool]) -> Subject:
        for setting, faces in (videos or {"cooperative": (True,) * filmed.FRAMES}).items():
            filmed.film(tmp_path / "micc", 1, setting, faces)
        return parse_micc(tmp_path / "micc").subjects[0]

    return make


def test_each_recipe_uses_frames_in_its_own_way(person: Callable[..., Subject], tmp_path: Path) -> None:
    rows = predict_subject(person(), plan(), tmp_path / "out")
    found = {Recipe(row["method"], row["fusion"], tuple(row["without"])).name: row for row in rows}
    assert list(found) == [recipe.name for recipe in table_one(METHODS_USED)]
    assert {row["status"] for row in rows} == {"ok"}
    assert {row["stage"] for row in rows} == {"fit"}
    middle, mean = filmed.coefficient(3), np.mean([filmed.coefficient(frame) for frame in (1, 3, 5)])
    # Identity as far as the stand-ins fill it: by the frames; 1 / faces that were fitted together.
    expected = {
        "fast, single": ([3], middle, 0),
        "fast, mean of regressions": ([1, 3, 5], mean, 0),
        "ganfit, single": ([3], middle, 1),
        "ganfit, joint": ([1, 3, 5], mean, 1 / 3),
        "ganfit++, single": ([3], middle, 1),
        "ganfit++, mean of fits": ([1, 3, 5], mean, 1),
        "ganfit++, joint": ([1, 3, 5], mean, 1 / 3),
    }
    for name, (frames, identity, together) in expected.items():
        assert found[name]["frames"] == frames, name
        assert found[name]["identity"][:2] == pytest.approx([identity, together], abs=1e-6), name
        assert len(found[name]["identity"]) == filmed.MODEL.n_identity
        assert found[name]["seconds"] >= 0
        assert found[name]["cosine"] is None
    floor = found["mean face"]
    assert (floor["frames"], floor["identity"], floor["seconds"]) == ([], None, None)


def test_left_out_terms_are_left_out_of_that_recipe_alone(person: Callable[..., Subject], tmp_path: Path) -> None:
    recipes = [Recipe("ganfit++", "joint", without) for without in ((), ("pixel",), ("identity", "content"))]
    recipes += [Recipe("ganfit", "joint", ("landmark",)), Recipe("ganfit++", "single")]
    rows = predict_subject(person(), plan(*recipes), tmp_path)
    assert [row["identity"][2] for row in rows] == [0, 1, 2, 1, 0]


def test_a_term_that_does_not_exist_fails_its_recipe_alone(person: Callable[..., Subject], tmp_path: Path) -> None:
    wrong, right = predict_subject(person(), plan(Recipe("ganfit++", "joint", ("beauty",)), SINGLE), tmp_path)
    assert (wrong["status"], wrong["stage"], right["status"]) == ("failed", "fit", "ok")
    assert "beauty" in wrong["reason"]


def test_frames_without_a_face_are_skipped(person: Callable[..., Subject], tmp_path: Path) -> None:
    subject = person(cooperative=[True, False, True, True, True, True])
    floor, single, every = predict_subject(subject, plan(*table_one(["fast"])), tmp_path)
    assert (single["frames"], every["frames"]) == ([5], [3, 5])
    assert single["skipped"] == every["skipped"] == [1]
    assert floor["skipped"] == []


@pytest.mark.parametrize(
    ("damage", "status", "stage", "reason"),
    [
        ("no face", "no_face", "detect", "no face on any of 3 frames"),
        ("empty", "unreadable", "read", "empty file"),
        ("noise", "unreadable", "read", "VideoError"),
        ("vanished", "unreadable", "read", "no such file"),
        ("never there", "unreadable", "read", "no video of the setting indoor"),
    ],
)
def test_a_bad_video_is_one_row_per_recipe_and_the_mean_face_needs_none(
    person: Callable[..., Subject], tmp_path: Path, damage: str, status: str, stage: str, reason: str
) -> None:
    good = (True,) * filmed.FRAMES
    if damage == "never there":
        subject = person(cooperative=good, outdoor=good)
    else:
        subject = person(cooperative=good, indoor=(damage != "no face",) * filmed.FRAMES, outdoor=good)
    if damage == "empty":
        subject.videos["indoor"].write_bytes(b"")
    elif damage == "noise":
        subject.videos["indoor"].write_bytes(np.random.default_rng(0).bytes(5000))
    elif damage == "vanished":
        subject.videos["indoor"].unlink()
    rows = predict_subject(subject, plan(settings=SETTINGS), tmp_path / "out")
    recipes = table_one(METHODS_USED)
    assert [(row["setting"], row["method"], row["fusion"]) for row in rows] == [
        (setting, recipe.method, recipe.fusion) for setting in SETTINGS for recipe in recipes
    ]
    bad = [row for row in rows if row["status"] != "ok"]
    assert [row["setting"] for row in bad] == ["indoor"] * (len(recipes) - 1)
    for row in bad:
        assert (row["status"], row["stage"], row["identity"], row["frames"]) == (status, stage, None, [])
        assert reason in row["reason"]
        assert row["skipped"] == ([1, 3, 5] if damage == "no face" else [])
    assert all(row["reason"] is None for row in rows if row["status"] == "ok")


def test_gaps_of_two_settings_are_told_apart(person: Callable[..., Subject], tmp_path: Path) -> None:
    rows = predict_subject(person(), plan(SINGLE, settings=SETTINGS), tmp_path)
    assert [row["setting"] for row in rows] == list(SETTINGS)
    assert "indoor" in rows[1]["reason"]
    assert "outdoor" in rows[2]["reason"]
    assert rows[2]["source"] is None


def test_a_fit_that_fails_is_tried_again_and_harms_no_other(
    person: Callable[..., Subject], tmp_path: Path, fitter: filmed.Fitter
) -> None:
    fitter.fail = (3,)
    subject, asked = person(), plan(*table_one(["ganfit++"]))

    def statuses() -> list[str]:
        return [row["status"] for row in predict_subject(subject, asked, tmp_path / "out")]

    rows = predict_subject(subject, asked, tmp_path / "out")
    assert [row["status"] for row in rows] == ["ok", "ok", "failed", "failed"]
    assert rows[3]["reason"] == "ValueError: the energy is not finite"
    fits = fitter.fits
    assert statuses() == ["ok", "ok", "failed", "failed"]
    assert fitter.fits == fits + 2
    fitter.fail = ()
    assert statuses() == ["ok"] * 4


def test_what_was_made_is_read_until_something_of_it_changes(
    person: Callable[..., Subject], tmp_path: Path, fitter: filmed.Fitter, models: list[Any]
) -> None:
    subject, one = person(), plan(Recipe("ganfit", "single"))
    made = predict_subject(subject, one, tmp_path / "out")
    assert fitter.fits == 1
    models.clear()
    assert predict_subject(subject, one, tmp_path / "out") == made
    assert (fitter.fits, models) == (1, [])
    # Of more recipes, those that are new are made.
    predict_subject(subject, plan(Recipe("ganfit", "single"), Recipe("ganfit", "joint")), tmp_path / "out")
    assert fitter.fits == 2
    for changed in (plan(*one.recipes, frames=2), plan(*one.recipes, seed=1)):
        predict_subject(subject, changed, tmp_path / "out")
    assert fitter.fits == 4
    # Another person's are another's.
    predict_subject(Subject("subject_02", (), subject.videos), one, tmp_path / "out")
    assert fitter.fits == 5
    # Other bytes at the same path: the frames are seen anew.
    person(cooperative=[False, False, True, True, True, True])
    (again,) = predict_subject(subject, one, tmp_path / "out")
    assert fitter.fits == 6
    assert (again["frames"], again["skipped"]) == ([5], [1])
    person()
    assert predict_subject(subject, one, tmp_path / "out") == made
    assert fitter.fits == 6


def test_a_folder_of_frames_is_known_by_each_of_them(
    person: Callable[..., Subject], tmp_path: Path, fitter: filmed.Fitter
) -> None:
    from PIL import Image

    folder = tmp_path / "frames"
    folder.mkdir()
    for frame in range(3):
        Image.fromarray(np.full((filmed.HEIGHT, filmed.WIDTH, 3), 200, np.uint8)).save(folder / f"{frame}.png")
    subject, one = Subject("subject_01", (), {"cooperative": folder}), plan(Recipe("ganfit", "joint"))
    (row,) = predict_subject(subject, one, tmp_path / "out")
    assert (row["status"], row["frames"]) == ("ok", [0, 1, 2])
    (folder / "2.png").unlink()
    (row,) = predict_subject(subject, one, tmp_path / "out")
    assert row["frames"] == [0, 1]
    assert fitter.fits == 2


def test_models_are_those_of_the_plan(person: Callable[..., Subject], tmp_path: Path, models: list[Any]) -> None:
    predict_subject(person(), Plan((SINGLE,), ("cooperative",), 3, "paper", 7), tmp_path)
    assert set(models) == {("paper", "fast", 7)}


def test_the_judge_says_the_mean_cosine_of_the_frames_used(
    person: Callable[..., Subject], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def similarity(network: str, faces: list[Any], results: list[Any]) -> np.ndarray:
        assert network == "judge"
        assert len(faces) == len(results)
        return np.array([0.2, 0.4, 0.9])[: len(faces)]

    monkeypatch.setattr(task, "judge_or_none", lambda: "00")
    monkeypatch.setattr(task.assets, "find", lambda name: name)
    monkeypatch.setattr(task.MobileFaceNet, "load", lambda path: "judge")
    monkeypatch.setattr(task, "rendering_similarity", similarity)
    floor, single, every = predict_subject(person(), plan(*table_one(["fast"])), tmp_path)
    assert (floor["cosine"], single["cosine"]) == (None, pytest.approx(0.2))
    assert every["cosine"] == pytest.approx(0.5)


def test_predictions_depend_on_the_files_of_their_methods(monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(asset_hashes([FLOOR.method])) == ["morphable"]
    fast, whole = asset_hashes(["fast"]), asset_hashes(list(METHODS))
    assert {"morphable", "texture-generator", "regressor-gan"} <= fast.keys() < whole.keys()
    monkeypatch.setattr(task, "judge_or_none", lambda: "00")
    assert asset_hashes(["fast"]) == fast | {task.JUDGE: "00"}
