"""The layout of the Florence/MICC dataset, and its gaps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from data.faces_dataset import DatasetError, FaceDataset, Missing, ScanFile
from data.micc import parse_micc

VIDEOS = ("Indoor-Cooperative.mjpg", "PTZ-Indoor.mjpg", "PTZ-Outdoor.mjpg")


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def add_subject(root: Path, number: int, landmarks: Path | None = None) -> Path:
    """A subject without a gap; returns its folder."""
    folder = root / f"subject_{number:02d}"
    for scan in ("frontal1", "frontal2", "sidel", "sider"):
        mesh = touch(folder / "Model" / scan / "obj" / f"1109201504{number:02d}.obj")
        touch(mesh.with_suffix(".mtl"))
        if scan.startswith("frontal"):
            touch((landmarks or root) / mesh.with_suffix(".ljson").relative_to(root))
    for video in VIDEOS:
        touch(folder / "Video" / video)
    return folder


def gaps(dataset: FaceDataset) -> list[tuple[str, str]]:
    return [(gap.subject, gap.what) for gap in dataset.missing]


def test_a_complete_dataset(tmp_path: Path) -> None:
    for number in (2, 1, 10):
        add_subject(tmp_path, number)
    (tmp_path / "readme.txt").touch()
    dataset = parse_micc(tmp_path)
    assert [subject.id for subject in dataset.subjects] == ["subject_01", "subject_02", "subject_10"]
    assert {gap.what for gap in dataset.missing} == {"folder"}
    assert [gap.subject for gap in dataset.missing] == [f"subject_{number:02d}" for number in range(3, 10)]
    assert dataset.unused == ()
    subject = dataset.subjects[0]
    obj = tmp_path / "subject_01/Model/frontal2/obj/110920150401.obj"
    assert subject.scans[1] == ScanFile("frontal2", obj, obj.with_suffix(".ljson"))
    assert [scan.name for scan in subject.scans] == ["frontal1", "frontal2"]
    assert subject.videos == {
        "cooperative": tmp_path / "subject_01/Video/Indoor-Cooperative.mjpg",
        "indoor": tmp_path / "subject_01/Video/PTZ-Indoor.mjpg",
        "outdoor": tmp_path / "subject_01/Video/PTZ-Outdoor.mjpg",
    }


def test_landmarks_of_a_parallel_folder_and_its_known_gap(tmp_path: Path) -> None:
    data, landmarks = tmp_path / "MICC", tmp_path / "MICC_landmarks"
    for number in range(1, 31):
        add_subject(data, number, landmarks)
    (landmarks / "subject_30/Model/frontal2/obj/110920150430.ljson").unlink()
    dataset = parse_micc(data, landmarks)
    assert dataset.missing == (Missing("subject_30", "landmarks of frontal2 (110920150430.ljson)"),)
    first, second = dataset.subjects[29].scans
    assert first.landmarks == landmarks / "subject_30/Model/frontal1/obj/110920150430.ljson"
    assert second.landmarks is None
    assert second.mesh.parts[-4] == "Model"
    # Nothing lies beside the scans.
    assert len([gap for gap in parse_micc(data).missing if gap.what.startswith("landmarks")]) == 60


def test_every_gap_is_listed_in_order(tmp_path: Path) -> None:
    no_scans = add_subject(tmp_path, 1)
    for scan in ("frontal1", "frontal2"):
        next((no_scans / "Model" / scan / "obj").glob("*.obj")).unlink()
    (no_scans / "Video" / VIDEOS[2]).unlink()
    (tmp_path / "subject_02").mkdir()
    add_subject(tmp_path, 3)
    dataset = parse_micc(tmp_path)
    videos = ["video cooperative (Indoor-Cooperative)", "video indoor (PTZ-Indoor)", "video outdoor (PTZ-Outdoor)"]
    assert gaps(dataset) == [
        *(("subject_01", what) for what in ("scan frontal1", "scan frontal2", videos[2])),
        *(("subject_02", what) for what in ("scan frontal1", "scan frontal2", *videos)),
    ]
    assert [len(subject.scans) for subject in dataset.subjects] == [0, 0, 2]
    assert [len(subject.videos) for subject in dataset.subjects] == [2, 0, 3]


def test_names_in_another_case_and_other_extensions(tmp_path: Path) -> None:
    folder = tmp_path / "Subject_1"
    mesh = touch(folder / "MODEL/Frontal1/OBJ/a.OBJ")
    landmarks = touch(mesh.with_suffix(".LJSON"))
    videos = [
        touch(folder / "video" / name) for name in ("indoor-cooperative.MPG", "PTZ_Indoor.avi", "ptz-outdoor.MP4")
    ]
    (folder / "Video.txt").touch()
    dataset = parse_micc(tmp_path)
    assert gaps(dataset) == [("subject_01", "scan frontal2")]
    assert dataset.subjects[0].scans == (ScanFile("frontal1", mesh, landmarks),)
    assert list(dataset.subjects[0].videos.values()) == videos


def test_a_folder_of_frames_is_a_video_and_other_files_are_none(tmp_path: Path) -> None:
    folder = add_subject(tmp_path, 1)
    (folder / "Video" / VIDEOS[0]).rename(folder / "Video" / "Indoor-Cooperative.txt")
    touch(folder / "Video/PTZ-Indoor-preview.mjpg")
    assert gaps(parse_micc(tmp_path)) == [("subject_01", "video cooperative (Indoor-Cooperative)")]
    touch(folder / "Video/Indoor-Cooperative/0001.jpg")
    dataset = parse_micc(tmp_path)
    assert dataset.missing == ()
    assert dataset.subjects[0].videos["cooperative"] == folder / "Video/Indoor-Cooperative"


def test_of_several_files_one_is_taken_and_the_others_are_named(tmp_path: Path) -> None:
    folder = add_subject(tmp_path, 1)
    labelled = folder / "Model/frontal1/obj/110920150401.obj"
    unlabelled = touch(labelled.with_name("000.obj"))
    stray = touch(labelled.with_name("999.ljson"))
    second = touch(folder / "Model/frontal2/obj/110920150402.obj")
    video = touch(folder / "Video/PTZ-Indoor.avi")
    same = tmp_path / "subject_1"
    same.mkdir()
    dataset = parse_micc(tmp_path)
    assert dataset.missing == ()
    scans = dataset.subjects[0].scans
    # The labelled one rather than the first, and the first of those without landmarks.
    assert scans[0].mesh == labelled
    assert scans[1].mesh.name == "110920150401.obj"
    assert dataset.subjects[0].videos["indoor"] == video
    assert set(dataset.unused) == {unlabelled, stray, second, folder / "Video/PTZ-Indoor.mjpg", same}


def test_a_folder_that_must_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    locked = add_subject(tmp_path, 1) / "Video"
    listed = Path.iterdir

    def iterdir(folder: Path) -> Iterator[Path]:
        if folder == locked:
            raise PermissionError(13, "Permission denied")
        return listed(folder)

    monkeypatch.setattr(Path, "iterdir", iterdir)
    with pytest.raises(DatasetError, match=r"cannot be read: .*Video \(Permission denied\)"):
        parse_micc(tmp_path)


def test_no_dataset(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no folder subject_01"):
        parse_micc(tmp_path)
    with pytest.raises(DatasetError, match=r"no such folder: .*absent"):
        parse_micc(tmp_path / "absent")
    add_subject(tmp_path, 1)
    with pytest.raises(DatasetError, match=r"no such folder: .*landmarks"):
        parse_micc(tmp_path, tmp_path / "landmarks")
