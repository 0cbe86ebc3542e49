"""Lists of files."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest

from data.collections import CollectionError, Unit, discover, write_manifest

ALL: Any = ("photo", "video")


def csv(folder: Path, text: str, name: str = "list.csv") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def units(*paths: Path, kinds: Any = ALL) -> dict[str, Unit]:
    return {unit.unit_id: unit for unit in discover(paths, kinds=kinds).units}


def test_paths_are_relative_to_the_manifest_and_ids_their_names_below_it(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_bytes(b"a")
    found = units(csv(tmp_path, f"path\nphotos/./a.jpg\n{tmp_path}/photos/b.jpg\n"))
    assert {key: unit.path for key, unit in found.items()} == {
        "photos/a.jpg": tmp_path / "photos" / "a.jpg",
        "photos/b.jpg": tmp_path / "photos" / "b.jpg",
    }
    assert found["photos/a.jpg"].signature == discover([tmp_path / "photos"]).units[0].signature is not None
    assert found["photos/b.jpg"].signature is None  # not there: the run writes a row that says so


def test_paths_elsewhere_have_ids_that_stay_below_the_results(tmp_path: Path) -> None:
    manifest = csv(tmp_path, "path\n../x/a.jpg\n/elsewhere/b.jpg\nsub/../c.jpg\n", "lists/list.csv")
    assert {key: unit.path for key, unit in units(manifest).items()} == {
        "x/a.jpg": tmp_path / "x" / "a.jpg",
        "elsewhere/b.jpg": Path("/elsewhere/b.jpg"),
        "c.jpg": tmp_path / "lists" / "c.jpg",
    }


def test_columns_name_the_unit_its_subject_and_its_kind(tmp_path: Path) -> None:
    text = "subject,note,unit_id,path,kind\nAnn,x,one,a.jpg,\n,,two,b.bin,video\nBob,,,Zoe/Zoe_0001.jpg,photo\n"
    found = units(csv(tmp_path, text))
    assert {key: (unit.subject, unit.kind, unit.path.name) for key, unit in found.items()} == {
        "one": ("Ann", "photo", "a.jpg"),
        "two": (None, "video", "b.bin"),
        "Zoe/Zoe_0001.jpg": ("Bob", "photo", "Zoe_0001.jpg"),
    }


def test_without_a_kind_the_extension_tells_and_a_folder_is_a_video(tmp_path: Path) -> None:
    (tmp_path / "frames").mkdir()
    manifest = csv(tmp_path, "path\na.jpg\nclip.mp4\nframes\nunknown.bin\n")
    found = units(manifest)
    assert {key: unit.kind for key, unit in found.items()} == {
        "a.jpg": "photo",
        "clip.mp4": "video",
        "frames": "video",
        "unknown.bin": "photo",
    }
    assert list(units(manifest, kinds=("photo",))) == ["a.jpg", "unknown.bin"]
    empty = found["frames"].signature
    (tmp_path / "frames" / "1.png").write_bytes(b"1")
    assert units(manifest)["frames"].signature != empty is not None


def test_parquet_says_the_same(tmp_path: Path) -> None:
    table = pa.table({"path": ["a.jpg", "b.jpg"], "unit_id": ["one", None], "subject": pa.array([7, None], pa.int32())})
    pyarrow.parquet.write_table(table, tmp_path / "list.parquet")
    found = units(tmp_path / "list.parquet")
    assert {key: (unit.path, unit.subject) for key, unit in found.items()} == {
        "one": (tmp_path / "a.jpg", "7"),
        "b.jpg": (tmp_path / "b.jpg", None),
    }


def test_spreadsheets_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_bytes(b'\xef\xbb\xbfpath,unit_id\r\n"a, b.jpg",\xc3\xa7\r\n\r\n')
    assert {key: unit.path.name for key, unit in units(tmp_path / "list.csv").items()} == {"ç": "a, b.jpg"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "list.csv:1: no column 'path' among: none"),
        ("file,subject\na.jpg,Ann\n", "list.csv:1: no column 'path' among: file, subject"),
        ("path\na.jpg\n\nb.jpg\na.jpg\n", "list.csv:5: the unit_id 'a.jpg' again, after .*list.csv:2"),
        ("path,unit_id\na.jpg,x\nb.jpg,x\n", "list.csv:3: the unit_id 'x' again, after .*list.csv:2"),
        ("path,subject\na.jpg,Ann\n,Bob\n", "list.csv:3: no path"),
        ("path,subject\na.jpg\n", "list.csv:2: 1 fields where the header has 2"),
        ("path,kind\na.jpg,movie\n", "list.csv:2: kind is photo or video, not 'movie'"),
        ("path,unit_id\na.jpg,../../x\n", "list.csv:2: unit_id is names with / between them, not '../../x'"),
        ("path,unit_id\na.jpg,/x\n", "list.csv:2: unit_id is names with / between them, not '/x'"),
        ("path\n.\n", "list.csv:2: not the path of a file: '.'"),
        ('path\n"a.jpg\n', "list.csv:3: not CSV in UTF-8: unexpected end of data"),
    ],
)
def test_a_damaged_manifest_is_one_line_that_says_where(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(CollectionError, match=f"{message}$") as caught:
        discover([csv(tmp_path, text)])
    assert "\n" not in str(caught.value)


def test_what_is_no_text_and_what_is_no_parquet_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_bytes(b"path\nb\xe9.jpg\n")
    with pytest.raises(CollectionError, match=r"list\.csv:\d: not CSV in UTF-8: "):
        discover([tmp_path / "list.csv"])
    (tmp_path / "list.parquet").write_bytes(b"PAR1 no more")
    with pytest.raises(CollectionError, match=r"list\.parquet: not a Parquet file: .*$"):
        discover([tmp_path / "list.parquet"])
    with pytest.raises(CollectionError, match=r"^no such file or folder: .*absent\.csv$"):
        discover([tmp_path / "absent.csv"])


def test_a_row_of_parquet_is_named_in_messages(tmp_path: Path) -> None:
    pyarrow.parquet.write_table(pa.table({"path": ["a.jpg", None]}), tmp_path / "list.parquet")
    with pytest.raises(CollectionError, match=r"list\.parquet, row 2: no path$"):
        discover([tmp_path / "list.parquet"])


def test_two_files_of_one_id_from_two_requests_are_refused_and_one_file_is_taken_once(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"a")
    manifest = csv(tmp_path, "path,subject\na.jpg,Ann\n")
    assert {key: unit.subject for key, unit in units(tmp_path, manifest).items()} == {"a.jpg": "Ann"}
    other = csv(tmp_path, "path,unit_id\nb.jpg,a.jpg\n", "other.csv")
    expected = f"two files have the unit_id a.jpg: {tmp_path}/a.jpg and {tmp_path}/b.jpg"
    with pytest.raises(CollectionError, match=f"^{re.escape(expected)}$"):
        discover([tmp_path, other])


def test_a_written_manifest_is_read_as_the_units_that_were_written(tmp_path: Path) -> None:
    odd = 'Müller, "Jo"/a b\'s.jpg'
    written = [
        Unit("Ann/Ann_0001.jpg", tmp_path / "elsewhere" / "one.jpg", subject="Ann"),
        Unit(odd, tmp_path / odd, subject='Müller, "Jo"'),
        Unit("film.bin", tmp_path / "film.bin", kind="video"),
    ]
    write_manifest(tmp_path / "lists" / "list.csv", written)
    found = units(tmp_path / "lists" / "list.csv")
    assert {key: (unit.path, unit.subject, unit.kind) for key, unit in found.items()} == {
        unit.unit_id: (unit.path, unit.subject, unit.kind) for unit in written
    }


def test_units_elsewhere_are_written_with_their_address(tmp_path: Path) -> None:
    unit = Unit("a.jpg", Path("a.jpg"), url="https://example.org/photos/a.jpg")
    write_manifest(tmp_path / "list.csv", [unit])
    assert "https://example.org/photos/a.jpg,a.jpg" in (tmp_path / "list.csv").read_text()


def test_a_manifest_with_this_content_is_left_alone_and_another_replaced(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    first, second = (Unit(f"{name}.jpg", tmp_path / f"{name}.jpg") for name in "ab")
    write_manifest(path, [first])
    os.utime(path, ns=(1, 1))
    write_manifest(path, iter([first]))
    assert path.stat().st_mtime_ns == 1
    write_manifest(path, [first, second])
    assert sorted(units(path)) == ["a.jpg", "b.jpg"]
    write_manifest(path, [second])
    assert sorted(units(path)) == ["b.jpg"]
    assert [file.name for file in tmp_path.iterdir()] == ["list.csv"]
