"""`ganfit fit-video` with the real shape model and tracking, and a stand-in for detector, landmarks and fit."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

import tasks.export_video
import tasks.models
from data import tables
from data.assets import MissingAssetError
from data.schemas import Dimensions
from data.video import open_video
from data.video_writer import write_video
from flows.cli import app
from ganfit_core.camera import project
from ganfit_core.landmark_fit import fit_landmarks
from ganfit_core.mesh import Mesh
from ganfit_core.morphable import MorphableModel
from tests import doubles
from tests.heads import SHIPPED_MODEL, camera

WIDTH, HEIGHT, FRAMES = 160, 120, 12
MODEL = MorphableModel.load(SHIPPED_MODEL)


def head_at(frame: int) -> np.ndarray:
    """(68, 2) landmarks of a head that turns and moves to the right, in px of the frame."""
    points = project(MODEL.landmarks(MODEL.mean[None]), camera(20 * math.sin(frame / 4), focal=2.5), WIDTH)[0, :, :2]
    return (points.numpy() + np.array([frame - 6, (HEIGHT - WIDTH) / 2])).astype(np.float32)


def picture(frame: int, face: bool) -> np.ndarray:
    """A frame that tells the stand-ins its number by the brightness of a corner, and whether there is a face."""
    pixels = np.full((HEIGHT, WIDTH, 3), 100, np.uint8)
    pixels[:16, :16] = 20 * frame
    pixels[-16:, -16:] = 250 if face else 0
    return pixels


def number(rgb: np.ndarray) -> int:
    return round(float(rgb[4:12, 4:12].mean()) / 20)


def detect(rgb: np.ndarray) -> list[Any]:
    if rgb[-12:-4, -12:-4].mean() < 125:
        return []
    points = head_at(number(rgb))
    box = np.concatenate([points.min(axis=0), points.max(axis=0)])
    return [SimpleNamespace(box=box, score=0.9, points=np.zeros((5, 2), np.float32))]


class JointReconstructor:
    """Fits landmarks alone, as people; remembers what it was asked."""

    def __init__(self, fail: bool = False) -> None:
        self.fail = fail
        self.asked: list[list[int] | None] = []

    def fit(
        self,
        faces: list[Any],
        seed: int,
        on_iteration: Callable[[int, int], None] | None = None,
        people: Sequence[int] | None = None,
    ) -> list[Any]:
        self.asked.append(None if people is None else list(people))
        if self.fail:
            raise ValueError("the energy is not finite")
        landmarks = torch.from_numpy(np.stack([face.landmarks for face in faces]))
        fit = fit_landmarks(MODEL, landmarks, doubles.SIZE, iterations=20)
        results = [doubles.result() for _ in faces]
        for row, found in enumerate(results):
            found.identity = np.zeros(MODEL.n_identity, np.float32)
            found.expression, found.camera = fit.expression[row].numpy(), fit.camera[row].numpy()
            found.uv_map = (220 * (np.indices((32, 32)).sum(axis=0) // 4 % 2)[..., None].repeat(3, 2)).astype(np.uint8)
            found.light = np.array([0, 250, 900, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5], np.float32)
        return results


@pytest.fixture
def reconstructor(monkeypatch: pytest.MonkeyPatch) -> JointReconstructor:
    fake = JointReconstructor()
    stand_ins = doubles.models(
        detect=detect,
        landmarks=lambda rgb, box, points: head_at(number(rgb)),
        reconstructor=fake,
        dimensions=Dimensions(MODEL.n_identity, MODEL.n_expression, 4),
        topology=Mesh(*(getattr(MODEL, name).numpy() for name in ("mean", "faces", "uvs", "uv_faces"))),
    )
    monkeypatch.setattr(tasks.models, "load_models", lambda *names: stand_ins)
    monkeypatch.setattr(tasks.export_video, "_SIDE", 64)
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    return fake


def film(path: Path, faces: Sequence[bool] = (True,) * FRAMES) -> Path:
    write_video(path, (picture(frame, face) for frame, face in enumerate(faces)), 12)
    return path


def ganfit(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["fit-video", *(str(argument) for argument in arguments)])


def tables_of(out: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    (row,) = tables.read(out).to_pylist()
    return row, sorted(tables.read(out, "frames").to_pylist(), key=lambda frame: frame["frame"])


def test_a_video_becomes_one_row_a_row_per_frame_and_its_files(
    tmp_path: Path, reconstructor: JointReconstructor
) -> None:
    video = film(tmp_path / "films" / "a.mp4", [frame not in (4, 5) for frame in range(FRAMES)])
    answer = ganfit(video, "--out", tmp_path / "out", "--frames", 3)
    assert answer.exit_code == 0, answer.output
    assert reconstructor.asked == [[0, 0, 0]]
    row, frames = tables_of(tmp_path / "out")
    assert (row["status"], row["frames"], row["unit_id"], row["collection"]) == ("ok", 3, "a.mp4", "films")
    assert row["source"] == [str(video)]
    assert row["identity"] is not None
    assert row["expression"] is row["camera"] is row["light"] is None
    assert [frame["frame"] for frame in frames] == list(range(FRAMES))
    assert [frame["time_s"] for frame in frames] == pytest.approx(np.arange(FRAMES) / 12, abs=1e-3)
    assert [frame["frame"] for frame in frames if frame["status"] == "no_face"] == [4, 5]
    assert sum(frame["chosen"] for frame in frames) == 3
    for frame in frames:
        found = frame["status"] == "ok"
        columns = ("landmarks", "expression", "camera", "light", "landmark_error", "detection_score")
        assert all((frame[name] is not None) == found for name in columns)
    assert {frame["run_id"] for frame in frames} == {row["run_id"]}

    folder = (tmp_path / "out" / row["mesh"]).parent
    assert {path.name for path in folder.iterdir()} == {"face.glb", "overlay.mp4", "overlay.png", "parameters.npz"}
    overlay = open_video(folder / "overlay.mp4")
    assert (len(overlay), overlay.width, overlay.height) == (FRAMES, 3 * WIDTH, HEIGHT)
    for frame in overlay.frames([2, 4]):
        plain, face, shape = np.split(frame.image.astype(int), 3, axis=1)
        assert (np.abs(face - plain).mean() > 1.5) == (frame.index == 2)
        assert (np.abs(shape - plain).mean() > 1.5) == (frame.index == 2)
    with np.load(folder / "parameters.npz", allow_pickle=False) as file:
        metadata = json.loads(str(file["metadata"]))
        assert file["frame"].tolist() == [0, 1, 2, 3, *range(6, FRAMES)]
        assert file["expression"].shape == (10, MODEL.n_expression)
        # The parameters alone lead back to the frame's landmarks.
        vertices = MODEL(torch.zeros(10, MODEL.n_identity), torch.from_numpy(file["expression"]))
        points = project(MODEL.landmarks(vertices), torch.from_numpy(file["camera"]), WIDTH)[..., :2].numpy()
        distance = np.linalg.norm(points + np.array([0, (HEIGHT - WIDTH) / 2]) - file["landmarks"], axis=2)
    assert distance.mean() < 0.6
    assert 0 < metadata["jitter_percent"]["tracked"] < 1.1 * metadata["jitter_percent"]["detected"]
    assert metadata["frames"] == FRAMES
    assert str(folder / "overlay.mp4") in answer.output
    assert not (tmp_path / "out" / "run.log").exists()


def test_the_choice_and_the_number_of_frames_are_part_of_the_configuration(
    tmp_path: Path, reconstructor: JointReconstructor
) -> None:
    video = film(tmp_path / "a.mp4")
    hashes = set()
    for name, options in (("a", ()), ("b", ("--frames", 2)), ("c", ("--choose", "uniform"))):
        assert ganfit(video, "--out", tmp_path / name, *options).exit_code == 0
        hashes.add(tables_of(tmp_path / name)[0]["config_sha256"])
    assert len(hashes) == 3
    assert [frame["frame"] for frame in tables_of(tmp_path / "c")[1] if frame["chosen"]] == [0, 2, 3, 5, 6, 8, 9, 11]


def test_the_same_command_replaces_its_rows(tmp_path: Path, reconstructor: JointReconstructor) -> None:
    video = film(tmp_path / "a.mp4")
    for _ in range(2):
        assert ganfit(video, "--out", tmp_path / "out", "--frames", 2).exit_code == 0
    assert len(tables_of(tmp_path / "out")[1]) == FRAMES


def test_a_video_that_can_no_longer_be_read_leaves_no_frames(tmp_path: Path, reconstructor: JointReconstructor) -> None:
    video, other = film(tmp_path / "a.mp4"), film(tmp_path / "b.mp4", (True,) * 3)
    for path in (video, other):
        assert ganfit(path, "--out", tmp_path / "out", "--frames", 2).exit_code == 0
    other.write_bytes(b"")
    assert ganfit(other, "--out", tmp_path / "out").exit_code == 1
    assert {row["unit_id"]: row["status"] for row in tables.read(tmp_path / "out").to_pylist()} == {
        "a.mp4": "ok",
        "b.mp4": "unreadable",
    }
    assert tables.read(tmp_path / "out", "frames")["unit_id"].to_pylist() == ["a.mp4"] * FRAMES
    video.write_bytes(b"")
    assert ganfit(video, "--out", tmp_path / "out").exit_code == 1
    assert len(tables.read(tmp_path / "out", "frames")) == 0


def test_a_folder_of_images_is_a_video_too(tmp_path: Path, reconstructor: JointReconstructor) -> None:
    from PIL import Image

    (tmp_path / "shots").mkdir()
    for frame in range(4):
        Image.fromarray(picture(frame, True)).save(tmp_path / "shots" / f"{frame}.png")
    (tmp_path / "shots" / "2.png").write_bytes(b"damaged")
    assert ganfit(tmp_path / "shots", "--out", tmp_path / "out").exit_code == 0
    row, frames = tables_of(tmp_path / "out")
    assert (row["status"], row["frames"], len(frames)) == ("ok", 3, 3)
    assert "2.png" in row["reason"]


def test_a_video_that_ends_mid_frame_gives_what_comes_before(tmp_path: Path, reconstructor: JointReconstructor) -> None:
    from PIL import Image

    stream = b""
    for frame in range(5):
        Image.fromarray(picture(frame, True)).save(tmp_path / "one.jpg")
        stream += (tmp_path / "one.jpg").read_bytes()
    (tmp_path / "a.mjpg").write_bytes(stream[:-300])
    assert ganfit(tmp_path / "a.mjpg", "--out", tmp_path / "out").exit_code == 0
    row, frames = tables_of(tmp_path / "out")
    assert (row["status"], len(frames)) == ("ok", 4)
    assert "after frame 4" in row["reason"]


def test_a_video_without_a_face_is_a_row_that_says_so(tmp_path: Path, reconstructor: JointReconstructor) -> None:
    video = film(tmp_path / "a.mp4", [False] * 5)
    answer = ganfit(video, "--out", tmp_path / "out")
    assert answer.exit_code == 1
    row, frames = tables_of(tmp_path / "out")
    assert (row["status"], row["reason"], row["frames"]) == ("no_face", "no face found in 5 frames", 0)
    assert [frame["status"] for frame in frames] == ["no_face"] * 5
    assert reconstructor.asked == []
    assert "no face found" in answer.output


@pytest.mark.parametrize(("content", "reason"), [(b"", "empty file"), (b"hello\n" * 50, "not a video")])
def test_what_is_no_video_is_a_row_that_says_so(
    tmp_path: Path, reconstructor: JointReconstructor, content: bytes, reason: str
) -> None:
    (tmp_path / "a.mp4").write_bytes(content)
    assert ganfit(tmp_path / "a.mp4", "--out", tmp_path / "out").exit_code == 1
    (row,) = tables.read(tmp_path / "out").to_pylist()
    assert row["status"] == "unreadable"
    assert row["reason"].startswith(reason)
    assert not (tmp_path / "out" / "frames").exists()


def test_a_fit_that_fails_is_a_row_that_says_so(tmp_path: Path, reconstructor: JointReconstructor) -> None:
    reconstructor.fail = True
    assert ganfit(film(tmp_path / "a.mp4"), "--out", tmp_path / "out").exit_code == 1
    row, frames = tables_of(tmp_path / "out")
    assert (row["status"], row["stage"]) == ("failed", "fit")
    assert "not finite" in row["reason"]
    assert all(frame["landmarks"] is not None and frame["expression"] is None for frame in frames)
    assert "Traceback" in (tmp_path / "out" / "run.log").read_text()


def test_models_that_are_not_there_are_an_error_before_the_video_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load_models(*names: object) -> None:
        raise MissingAssetError("ganfit++ cannot run")

    monkeypatch.setattr(tasks.models, "load_models", load_models)
    answer = ganfit(film(tmp_path / "a.mp4"), "--out", tmp_path / "out")
    assert answer.exit_code == 1
    assert "ganfit++ cannot run" in answer.output
    assert not (tmp_path / "out" / "reconstructions").exists()


def test_an_unexpected_error_is_told_in_a_line(
    tmp_path: Path, reconstructor: JointReconstructor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write_part(*arguments: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(tables, "write_part", write_part)
    answer = ganfit(film(tmp_path / "a.mp4", (False,) * 2), "--out", tmp_path / "out")
    assert answer.exit_code == 1
    assert "No space left on device" in answer.output
    assert "Traceback" in (tmp_path / "out" / "error.log").read_text()


def test_a_path_that_does_not_exist_is_an_error(tmp_path: Path, reconstructor: JointReconstructor) -> None:
    answer = ganfit(tmp_path / "none.mp4", "--out", tmp_path / "out")
    assert answer.exit_code == 2
    assert "no such file" in answer.output
    assert not (tmp_path / "out").exists()
