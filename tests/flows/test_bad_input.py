"""`ganfit fit` on what people's folders really hold: one row each, and the run goes on."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import tasks.models
from data import tables
from flows.cli import app
from tests import doubles
from tests.doubles import FakeReconstructor

RED, PURPLE, GREY = (220, 20, 20), (220, 20, 180), (90, 90, 90)


def picture(faces: int = 1, size: int = 128, colour: tuple[int, int, int] = RED) -> Image.Image:
    """A photograph in which the stand-in detector finds so many faces."""
    pixels = np.full((size, size, 3), GREY, np.uint8)
    half = size // 2
    for number in range(faces):
        top, left = divmod(number, 2)
        pixels[top * half : (top + 1) * half, left * half : (left + 1) * half] = colour
    return Image.fromarray(pixels)


@pytest.fixture
def reconstructor(monkeypatch: pytest.MonkeyPatch) -> FakeReconstructor:
    """Stand-in models in place of the real ones; no Prefect server."""
    fake = FakeReconstructor()
    stand_ins = doubles.models(reconstructor=fake)
    monkeypatch.setattr(tasks.models, "load_models", lambda *names: stand_ins)
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    return fake


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder to fill."""
    folder = tmp_path / "photos"
    folder.mkdir()
    return folder


def ganfit(*arguments: object) -> Any:
    """Run the command; output and exit code."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def rows(out: Path) -> list[dict[str, Any]]:
    """The table."""
    return tables.read(out).sort_by([("unit_id", "ascending"), ("face_index", "ascending")]).to_pylist()


def save(image: Image.Image, path: Path, **options: Any) -> None:
    """Write a picture, making its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)


def truncated_jpeg(path: Path) -> None:
    """The first half of a file whose picture has detail in it."""
    noise = np.random.default_rng(0).integers(0, 255, (256, 256, 3), np.uint8)
    save(Image.fromarray(noise), path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def exif_rotated(path: Path) -> None:
    """A photograph taken with the camera on its side."""
    exif = Image.Exif()
    exif[0x0112] = 6
    save(picture(4), path, exif=exif)


def animated(path: Path) -> None:
    """A GIF of two frames."""
    save(picture(4), path, save_all=True, append_images=[picture(0)])


def sixteen_bit(path: Path) -> None:
    """Greyscale of 16 bits."""
    save(Image.fromarray(np.full((128, 128), 40_000, np.uint16)), path)


def megapixels(path: Path) -> None:
    """60 megapixels, nearly all alike."""
    save(picture(4, 64).convert("P").resize((10_000, 6_000), Image.Resampling.NEAREST), path)


CASES: dict[str, tuple[str, Callable[[Path], Any], str, str]] = {
    "plain": ("a.jpg", lambda p: save(picture(), p), "ok", "export"),
    "no face": ("a.jpg", lambda p: save(picture(0), p), "no_face", "detect"),
    "truncated": ("a.jpg", truncated_jpeg, "unreadable", "read"),
    "no bytes": ("a.jpg", lambda p: p.write_bytes(b""), "unreadable", "read"),
    "text": ("a.jpg", lambda p: p.write_text("dear diary"), "unreadable", "read"),
    "1x1": ("a.png", lambda p: save(picture().resize((1, 1)), p), "unreadable", "read"),
    "60 megapixels": ("a.png", megapixels, "ok", "export"),
    "greyscale": ("a.jpg", lambda p: save(picture().convert("L"), p), "no_face", "detect"),
    "cmyk": ("a.jpg", lambda p: save(picture(4).convert("CMYK"), p), "ok", "export"),
    "16 bit": ("a.png", sixteen_bit, "no_face", "detect"),
    "rgba": ("a.png", lambda p: save(picture().convert("RGBA"), p), "ok", "export"),
    "exif": ("a.jpg", exif_rotated, "ok", "export"),
    "gif": ("a.gif", animated, "ok", "export"),
    "spaces and letters": (
        "mein Bild [1] Zoë 名前.JPG",
        lambda p: save(picture(), p),
        "ok",
        "export",
    ),
    "subfolder": ("sub/deep/a.jpg", lambda p: save(picture(), p), "ok", "export"),
}


@pytest.mark.parametrize("case", CASES)
def test_every_file_becomes_one_row(case: str, photos: Path, tmp_path: Path, reconstructor: FakeReconstructor) -> None:
    name, write, status, stage = CASES[case]
    write(photos / name)
    run = ganfit("fit", photos, "--out", tmp_path / "out")
    assert run.exit_code == 0, run.output
    (row,) = rows(tmp_path / "out")
    assert (row["unit_id"], row["status"], row["stage"]) == (name, status, stage)
    assert (row["reason"] is None) == (status == "ok")
    assert "\n" not in (row["reason"] or "")
    assert f"{name}: {status}" in run.output
    assert "Traceback" not in run.output
    assert row["content_sha256"] is not None
    if status == "ok":
        for kind in ("mesh", "overlay"):
            assert (tmp_path / "out" / row[kind]).stat().st_size > 0
            assert str(tmp_path / "out" / row[kind]) in run.output
        assert row["losses"]["total"] == 0.5
        assert len(row["landmarks"]) == 136


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_may_not_be_read_is_a_row(photos: Path, tmp_path: Path, reconstructor: FakeReconstructor) -> None:
    save(picture(), photos / "a.jpg")
    (photos / "a.jpg").chmod(0)
    assert ganfit("fit", photos, "--out", tmp_path / "out").exit_code == 0
    (row,) = rows(tmp_path / "out")
    assert (row["status"], row["reason"], row["content_sha256"]) == ("unreadable", "permission denied", None)


def test_bad_files_do_not_stop_good_ones(photos: Path, tmp_path: Path, reconstructor: FakeReconstructor) -> None:
    for number in range(10):
        save(picture(), photos / f"{number}.jpg")
    truncated_jpeg(photos / "3.jpg")
    (photos / "7.jpg").write_bytes(b"")
    (photos / "broken.jpg").symlink_to(photos / "absent.jpg")
    run = ganfit("fit", photos, "--out", tmp_path / "out", "--batch", 3)
    assert run.exit_code == 0
    names = [row["unit_id"] for row in rows(tmp_path / "out")]
    assert names == [f"{number}.jpg" for number in range(10)] + ["broken.jpg"]
    assert [row["status"] for row in rows(tmp_path / "out")].count("ok") == 8
    assert "11 photos: 8 ok, 3 unreadable" in run.output
    assert reconstructor.batches == [3, 3, 2]


def test_all_faces_is_a_row_per_face(photos: Path, tmp_path: Path, reconstructor: FakeReconstructor) -> None:
    save(picture(3), photos / "group.png")
    save(picture(0), photos / "wall.png")
    assert ganfit("fit", photos, "--out", tmp_path / "out", "--all-faces").exit_code == 0
    got = [(row["unit_id"], row["face_index"], row["status"]) for row in rows(tmp_path / "out")]
    assert got == [("group.png", n, "ok") for n in range(3)] + [("wall.png", None, "no_face")]
    assert len({row["mesh"] for row in rows(tmp_path / "out")}) == 4
    assert ganfit("fit", photos, "--out", tmp_path / "out").exit_code == 0
    assert [row["face_index"] for row in rows(tmp_path / "out")] == [0, None]


def test_a_batch_that_fails_is_fitted_one_by_one(
    photos: Path, tmp_path: Path, reconstructor: FakeReconstructor
) -> None:
    for number in range(3):
        save(picture(1, colour=PURPLE if number == 1 else RED), photos / f"{number}.png")
    reconstructor.refuse = lambda face: bool((face.image[..., 2] > 150).any())
    assert ganfit("fit", photos, "--out", tmp_path / "out").exit_code == 0
    assert reconstructor.batches == [3, 1, 1, 1]
    assert [row["status"] for row in rows(tmp_path / "out")] == ["ok", "failed", "ok"]
    failed = rows(tmp_path / "out")[1]
    assert (failed["stage"], failed["reason"]) == ("fit", "ValueError: the energy is not finite")
    assert failed["landmarks"] is not None
    assert "Traceback" in (tmp_path / "out" / "run.log").read_text()
    assert failed["identity"] is None


def test_a_run_whose_every_photograph_fails_has_still_run(
    photos: Path, tmp_path: Path, reconstructor: FakeReconstructor
) -> None:
    save(picture(), photos / "a.png")
    reconstructor.refuse = lambda face: True
    assert ganfit("fit", photos, "--out", tmp_path / "out").exit_code == 0
    assert rows(tmp_path / "out")[0]["status"] == "failed"


def test_repeating_a_command_repeats_no_row_and_takes_no_result_for_a_photograph(
    photos: Path, reconstructor: FakeReconstructor
) -> None:
    save(picture(), photos / "a.png")
    for _ in range(2):
        assert ganfit("fit", photos, "--out", photos).exit_code == 0
    assert [row["unit_id"] for row in rows(photos)] == ["a.png"]


def test_a_disk_error_while_exporting_is_a_row(photos: Path, tmp_path: Path, reconstructor: FakeReconstructor) -> None:
    save(picture(), photos / "a.png")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "faces").write_text("in the way")
    assert ganfit("fit", photos, "--out", tmp_path / "out").exit_code == 0
    (row,) = rows(tmp_path / "out")
    assert (row["status"], row["stage"], row["mesh"]) == ("failed", "export", None)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["absent"], "no such file or folder"),
        (["."], "no photos found in"),
        ([".", "--preset", "enormous"], "enormous"),
        ([".", "--method", "magic"], "magic"),
        ([".", "--iterations", "0"], "--iterations"),
        ([".", "--batch", "0"], "--batch"),
        ([], "inputs"),
    ],
)
def test_a_bad_argument_is_one_clear_message_and_exit_code_2(
    arguments: list[str],
    message: str,
    photos: Path,
    monkeypatch: pytest.MonkeyPatch,
    reconstructor: FakeReconstructor,
) -> None:
    monkeypatch.chdir(photos)
    run = ganfit("fit", *arguments, "--out", "out")
    assert run.exit_code == 2
    assert message in run.output
    assert "Traceback" not in run.output
    assert not (photos / "out").exists()


def test_an_output_folder_that_is_a_file_is_a_bad_argument(
    photos: Path, tmp_path: Path, reconstructor: FakeReconstructor
) -> None:
    save(picture(), photos / "a.png")
    (tmp_path / "out").write_text("")
    run = ganfit("fit", photos, "--out", tmp_path / "out")
    assert run.exit_code == 2
    assert "cannot be written" in run.output


def test_a_missing_model_is_told_without_a_stack_trace(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reconstructor: FakeReconstructor
) -> None:
    from data.assets import MissingAssetError

    def load_models(*names: object) -> None:
        raise MissingAssetError("morphable is missing: get it so")

    monkeypatch.setattr(tasks.models, "load_models", load_models)
    save(picture(), photos / "a.png")
    run = ganfit("fit", photos, "--out", tmp_path / "out")
    assert run.exit_code == 1
    assert "morphable is missing: get it so" in run.output
    assert "Traceback" not in run.output
