"""Collections that hold videos: their two tables stay together, whatever happens to either."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from data import compaction, tables
from data.verification import verify
from flows.reconstruct import reconstruct
from tasks import write_rows
from tasks.progress import progress
from tests.flows.test_fit_video import JointReconstructor, film, ganfit, picture, reconstructor
from tests.flows.test_run import Planned

__all__ = ["reconstructor"]

Compute = Callable[..., Counter[str]]


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    """Two videos, one without a face, and a photograph of nobody."""
    folder = tmp_path / "films"
    folder.mkdir()
    film(folder / "a.mp4", (True,) * 5)
    film(folder / "b.mp4", (False,) * 3)
    Image.fromarray(picture(0, face=False)).save(folder / "wall.png")
    return folder


@pytest.fixture
def compute(videos: Path, tmp_path: Path, reconstructor: JointReconstructor) -> Compute:
    """Run over the videos; says why units were computed."""

    def run(**options: Any) -> Counter[str]:
        heard = Planned()
        token = progress.set(heard)
        try:
            options = {"method": "fast", "videos": True, "isolated": False, "files": "none"} | options
            reconstruct.fn([str(videos)], tmp_path / "out", **options)
        finally:
            progress.reset(token)
        return heard.reasons

    return run


def state(out: Path) -> tuple[dict[str, str], Counter[str]]:
    """Status of each unit, of which none has two rows, and how many frames each has."""
    rows = tables.read(out).to_pylist()
    assert len({row["unit_id"] for row in rows}) == len(rows)
    frames = tables.read(out, "frames").to_pylist()
    run_of = {row["unit_id"]: row["run_id"] for row in rows}
    assert all(frame["run_id"] == run_of[frame["unit_id"]] for frame in frames)
    return {row["unit_id"]: row["status"] for row in rows}, Counter(frame["unit_id"] for frame in frames)


WHOLE = ({"a.mp4": "ok", "b.mp4": "no_face", "wall.png": "no_face"}, {"a.mp4": 5, "b.mp4": 3})


def test_videos_and_photographs_are_computed_once(compute: Compute, tmp_path: Path) -> None:
    assert compute() == {"new": 3}
    assert state(tmp_path / "out") == WHOLE
    assert compute() == {}
    assert compute(again=True) == {"asked for again": 3}
    assert state(tmp_path / "out") == WHOLE
    assert verify(tmp_path / "out") == []


def test_a_changed_video_has_the_frames_of_the_new_one(compute: Compute, videos: Path, tmp_path: Path) -> None:
    compute()
    film(videos / "a.mp4", (True,) * 4)
    assert compute() == {"changed": 1}
    assert state(tmp_path / "out") == (WHOLE[0], {"a.mp4": 4, "b.mp4": 3})


def test_a_folder_of_frames_is_done_once_it_is(tmp_path: Path, reconstructor: JointReconstructor) -> None:
    (tmp_path / "frames").mkdir()
    for number in range(3):
        Image.fromarray(picture(number, face=True)).save(tmp_path / "frames" / f"{number}.png")
    (tmp_path / "list.csv").write_text("path,kind\nframes,video\n")
    for _ in range(2):
        reconstruct.fn([str(tmp_path / "list.csv")], tmp_path / "out", videos=True, isolated=False, files="none")
    assert len(reconstructor.asked) == 1


def test_frames_that_were_lost_are_made_again_with_their_video(compute: Compute, tmp_path: Path) -> None:
    compute()
    for part in (tmp_path / "out" / "frames").rglob("part-*.parquet"):
        part.unlink()
    assert compute() == {"new": 1}
    assert state(tmp_path / "out")[1]["a.mp4"] == 5


def test_a_run_that_ends_between_the_two_tables_is_made_good(
    compute: Compute, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = tables.write_part
    written: list[str] = []

    def once(rows: Any, schema: Any, *rest: Any) -> Path:
        if written:
            raise OSError(28, "No space left on device")
        written.append(schema.metadata[b"table"].decode())
        return write(rows, schema, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(write_rows.tables, "write_part", once)
        with pytest.raises(OSError, match="No space left"):
            compute()
    compute()
    assert state(tmp_path / "out") == WHOLE


def test_photographs_alone_do_not_make_videos_gone(compute: Compute, tmp_path: Path) -> None:
    compute()
    compute(videos=False, prune=True, again=True)
    assert state(tmp_path / "out") == WHOLE


def test_a_video_fitted_again_after_compaction_has_one_row(tmp_path: Path, reconstructor: JointReconstructor) -> None:
    video = film(tmp_path / "films" / "a.mp4", (True,) * 4)
    for _ in range(2):
        assert ganfit(video, "--out", tmp_path / "out", "--method", "fast").exit_code == 0
        compaction.compact(tmp_path / "out")
    assert ganfit(video, "--out", tmp_path / "out", "--method", "fast").exit_code == 0
    assert state(tmp_path / "out") == ({"a.mp4": "ok"}, {"a.mp4": 4})
