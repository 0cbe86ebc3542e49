"""Photographs and videos, patterns, and who is shown."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from data.collections import CollectionError, Unit, discover


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    return folder


def kinds(*units: Unit) -> dict[str, str]:
    return {unit.unit_id: unit.kind for unit in units}


def subjects(*paths: Path | str) -> dict[str, str | None]:
    return {unit.unit_id: unit.subject for unit in discover(paths).units}


def ids(*paths: Path | str, exclude: tuple[Path, ...] = ()) -> list[str]:
    return [unit.unit_id for unit in discover(paths, exclude).units]


def test_videos_are_taken_where_they_are_asked_for(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "clip.MP4", "sub/b.webm", "notes.txt")
    assert kinds(*discover([tmp_path], kinds=("photo", "video")).units) == {
        "a.jpg": "photo",
        "clip.MP4": "video",
        "sub/b.webm": "video",
    }
    assert ids(tmp_path) == ["a.jpg"]
    assert discover([tmp_path]).key == discover([tmp_path], kinds=("photo", "video")).key


def test_a_named_video_is_a_photograph_to_those_who_take_only_photographs(tmp_path: Path) -> None:
    clip = touch(tmp_path, "clip.mp4") / "clip.mp4"
    assert kinds(*discover([clip]).units) == {"clip.mp4": "photo"}
    assert kinds(*discover([clip], kinds=("photo", "video")).units) == {"clip.mp4": "video"}


def test_the_message_names_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(CollectionError, match=r"^no photos or videos found in "):
        discover([tmp_path], kinds=("photo", "video"))


def test_the_signature_follows_size_and_time_of_change(tmp_path: Path) -> None:
    photo = touch(tmp_path, "a.jpg") / "a.jpg"

    def signature() -> str | None:
        in_folder, alone, matched = (
            discover([path]).units[0].signature for path in (tmp_path, photo, f"{tmp_path}/*.jpg")
        )
        assert in_folder == alone == matched
        return in_folder

    first = signature()
    assert first is not None
    os.utime(photo, ns=(1, 1))
    second = signature()
    photo.write_bytes(b"longer than before")
    os.utime(photo, ns=(1, 1))
    assert len({first, second, signature()}) == 3


def test_a_link_to_nothing_is_a_unit_without_signature(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").symlink_to(tmp_path / "absent.jpg")
    (tmp_path / "b.jpg").symlink_to(tmp_path / "b.jpg")
    assert [(unit.unit_id, unit.signature) for unit in discover([tmp_path]).units] == [("a.jpg", None), ("b.jpg", None)]


def test_patterns_match_at_any_depth_with_ids_from_where_they_begin(tmp_path: Path) -> None:
    touch(tmp_path, "photos/a.jpg", "photos/x/b.jpg", "photos/x/c.png", "photos/x/notes.txt", "photos/.hidden/d.jpg")
    assert ids(f"{tmp_path}/photos/**/*.jpg") == ["a.jpg", "x/b.jpg"]
    assert ids(f"{tmp_path}/ph*/x/*") == ["photos/x/b.jpg", "photos/x/c.png"]
    assert ids(f"{tmp_path}/photos/**") == ["a.jpg", "x/b.jpg", "x/c.png"]


def test_a_pattern_is_seen_from_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "[2024]/a.jpg")
    monkeypatch.chdir(tmp_path / "[2024]")
    assert ids("*.jpg") == ids("./?.jpg") == ["a.jpg"]
    assert discover(["*.jpg"]).name == "[2024]"


def test_a_path_of_that_very_name_is_no_pattern(tmp_path: Path) -> None:
    touch(tmp_path, "[ab].jpg", "a.jpg")
    assert ids(f"{tmp_path}/[ab].jpg") == ["[ab].jpg"]


def test_patterns_leave_excluded_folders_and_further_ways_to_the_same_folder(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "out/faces/deep/b.jpg")
    (tmp_path / "again").symlink_to(tmp_path, target_is_directory=True)
    assert ids(f"{tmp_path}/**/*.jpg", exclude=(tmp_path / "out" / "faces",)) == ["a.jpg"]


def test_a_pattern_that_matches_nothing_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(CollectionError, match=r"^no photos found in .*\*\.jpg$"):
        discover([f"{tmp_path}/*.jpg"])


def test_the_names_of_labeled_faces_in_the_wild_say_who_is_shown(tmp_path: Path) -> None:
    touch(tmp_path, "lfw/Ann_Lee/Ann_Lee_0001.jpg", "lfw/Ann_Lee/Ann_Lee_12.jpg", "lfw/Ann_Lee/Bob_0001.jpg")
    expected = {"Ann_Lee_0001.jpg": "Ann_Lee", "Ann_Lee_12.jpg": None, "Bob_0001.jpg": None}
    assert subjects(tmp_path) == {f"lfw/Ann_Lee/{name}": subject for name, subject in expected.items()}
    assert subjects(tmp_path / "lfw" / "Ann_Lee") == expected
    assert subjects(tmp_path / "lfw" / "Ann_Lee" / "Ann_Lee_0001.jpg") == {"Ann_Lee_0001.jpg": "Ann_Lee"}


@pytest.mark.parametrize("place", ["celeba", "celeba/img_align_celeba"])
def test_celebas_list_says_who_is_shown_beside_the_photographs_and_one_level_above(tmp_path: Path, place: str) -> None:
    images = touch(tmp_path, *(f"celeba/img_align_celeba/00000{n}.jpg" for n in (1, 2, 3))) / "celeba/img_align_celeba"
    (tmp_path / place / "identity_CelebA.txt").write_text("000001.jpg 2880\n000002.jpg 2937\n")
    expected = {"000001.jpg": "2880", "000002.jpg": "2937", "000003.jpg": None}
    assert subjects(images) == subjects(f"{images}/*.jpg") == expected
    assert list(subjects(tmp_path).values()) == list(expected.values())
    assert subjects(images / "000001.jpg") == {"000001.jpg": "2880"}


def test_a_list_of_identities_that_is_none_is_one_line(tmp_path: Path) -> None:
    touch(tmp_path, "000001.jpg")
    (tmp_path / "identity_CelebA.txt").write_text("000001.jpg 2880\nwho knows what\n")
    with pytest.raises(CollectionError, match=r"identity_CelebA\.txt:2: not a file's name and an identity: 'who knows"):
        discover([tmp_path])
