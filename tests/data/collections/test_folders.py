"""Discovery of photographs in folders as people keep them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from data.collections import CollectionError, discover


def touch(path: Path, content: bytes = b"") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def ids(*paths: Path, exclude: tuple[Path, ...] = ()) -> list[str]:
    return [unit.unit_id for unit in discover(paths, exclude).units]


def test_folders_are_entered_and_only_visible_photographs_are_taken(tmp_path: Path) -> None:
    for name in ("b.JPG", "a.png", "sub/deep/ç 名.jpeg", "notes.txt", ".hidden.jpg", ".git/x.jpg"):
        touch(tmp_path / name)
    assert ids(tmp_path) == ["a.png", "b.JPG", "sub/deep/ç 名.jpeg"]


def test_a_named_file_is_taken_whatever_its_name(tmp_path: Path) -> None:
    assert ids(touch(tmp_path / "portrait.data")) == ["portrait.data"]


def test_ids_of_several_inputs_stay_apart_and_no_photograph_is_taken_twice(tmp_path: Path) -> None:
    one = touch(tmp_path / "x" / "a.jpg")
    touch(tmp_path / "y" / "a.jpg")
    assert ids(tmp_path / "x", tmp_path / "y", one) == ["x/a.jpg", "y/a.jpg"]


def test_a_loop_of_links_ends(tmp_path: Path) -> None:
    touch(tmp_path / "a.jpg")
    (tmp_path / "again").symlink_to(tmp_path, target_is_directory=True)
    assert ids(tmp_path) == ["a.jpg"]


def test_results_written_below_the_photographs_are_not_taken_for_photographs(tmp_path: Path) -> None:
    touch(tmp_path / "a.jpg")
    touch(tmp_path / "out" / "a.jpg" / "overlay.png")
    assert ids(tmp_path, exclude=(tmp_path / "out",)) == ["a.jpg"]


def test_the_key_depends_on_the_request_and_not_on_its_order(tmp_path: Path) -> None:
    a, b = touch(tmp_path / "a.jpg"), touch(tmp_path / "b.jpg")
    assert discover([a, b]).key == discover([b, a]).key != discover([a]).key


def test_an_empty_folder_and_a_missing_path_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(CollectionError, match=r"^no photos found in "):
        discover([tmp_path])
    with pytest.raises(CollectionError, match=r"^no such file or folder: .*absent$"):
        discover([tmp_path / "absent"])


def test_a_name_that_is_no_unicode_can_be_written_into_a_table(tmp_path: Path) -> None:
    name = b"caf\xe9.jpg"
    try:
        touch(Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)))
    except OSError:
        pytest.skip("this file system takes only Unicode names")
    assert ids(tmp_path) == ["caf\\xe9.jpg"]
