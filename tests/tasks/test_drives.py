"""Network drives that are away for a moment: photographs are read, and files written, once they are back."""

from __future__ import annotations

import errno
import hashlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import tasks.models
from data.collections import Unit
from ganfit_core import export
from ganfit_core.methods import METHODS
from tasks import healing
from tasks.export_faces import export_faces
from tasks.find_faces import find_faces
from tasks.fit_faces import fit_faces
from tasks.run import Run, Work
from tests import doubles
from tests.flows.test_bad_input import picture, save


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """With stand-in models."""
    monkeypatch.setattr(tasks.models, "load_models", lambda *names: doubles.models())
    return Run(tmp_path / "out", "laptop", METHODS["fast"], None, False, 0, "key", "photos")


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Pauses that were made, s; they take no time."""
    seconds: list[float] = []
    monkeypatch.setattr(healing, "time", SimpleNamespace(sleep=seconds.append))
    return seconds


@pytest.fixture
def photo(tmp_path: Path) -> Unit:
    """A photograph with a face."""
    save(picture(1), tmp_path / "a.png")
    return Unit("a.png", tmp_path / "a.png")


def failing(monkeypatch: pytest.MonkeyPatch, where: Any, name: str, path: Path, number: int, times: int) -> None:
    """Let calls that concern this path fail so many times with this error."""
    whole, left = getattr(where, name), [number] * times

    def call(target: Any, *arguments: Any, **options: Any) -> Any:
        if target == path and left:
            raise OSError(left.pop(), "the drive is away", str(path))
        return whole(target, *arguments, **options)

    monkeypatch.setattr(where, name, call)


def find(photo: Unit, run: Run) -> Work:
    (work,) = find_faces(photo, run)
    return work


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.ETIMEDOUT])
def test_a_photograph_that_cannot_be_opened_for_a_moment_is_read(
    photo: Unit, run: Run, waits: list[float], monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    failing(monkeypatch, Path, "stat", photo.path, number, times=4)  # of hash and pixels
    work = find(photo, run)
    assert work.ok
    assert work.columns["content_sha256"] == hashlib.sha256(photo.path.read_bytes()).hexdigest()
    assert waits == [1, 5]


def test_a_photograph_whose_drive_stays_away_is_unreadable(
    photo: Unit, run: Run, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, Path, "stat", photo.path, errno.EIO, times=9)
    work = find(photo, run)
    assert (work.columns["status"], work.columns["reason"]) == ("unreadable", "cannot be read: the drive is away")
    assert waits == [1, 5, 25]


@pytest.mark.parametrize("number", [errno.EACCES, errno.ENOENT])
def test_what_will_not_pass_is_not_waited_for(
    photo: Unit, run: Run, waits: list[float], monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    failing(monkeypatch, Path, "stat", photo.path, number, times=9)
    assert find(photo, run).columns["status"] == "unreadable"
    assert waits == []


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE])
def test_files_of_a_face_are_written_once_the_drive_is_back(
    photo: Unit, run: Run, waits: list[float], monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    target = run.out / run.folder(photo, 0) / "overlay.png"
    failing(monkeypatch, export, "write_png", target, number, times=1)
    (work,) = export_faces(fit_faces([find(photo, run)], run), run)
    assert (work.columns["status"], work.columns["stage"]) == ("ok", "export")
    assert target.stat().st_size > 0
    assert waits == [1]


def test_a_batch_that_fails_is_told_by_its_photographs(
    photo: Unit, run: Run, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Failing(doubles.FakeReconstructor):
        """Bears one face at a time."""

        def fit(self, faces: Any, *arguments: Any) -> Any:
            if len(faces) > 1:
                raise RuntimeError("no memory")
            return super().fit(faces, *arguments)

    monkeypatch.setattr(tasks.models, "load_models", lambda *names: doubles.models(reconstructor=Failing()))
    other = Unit("b.png", photo.path)
    fitted = fit_faces([find(photo, run), find(other, run)], run)
    assert [work.ok for work in fitted] == [True, True]
    assert caplog.messages == ["a.png, b.png: a batch of 2 faces failed (no memory); fitting them one by one"]
