"""Collections elsewhere: memory, archives, web servers."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from data.collections import CollectionError, FetchError, Unit, content_sha256, discover, fetched
from data.collections.remote import TRIES
from tests.data.collections.conftest import Server


def ids(*paths: Any, kinds: Any = ("photo",)) -> list[str]:
    return [unit.unit_id for unit in discover(paths, kinds=kinds).units]


def content(unit: Unit) -> bytes:
    with fetched(unit) as here:
        return here.path.read_bytes()


def archive(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as written:
        for name, data in files.items():
            written.writestr(name.replace("__", "/"), data)
    return buffer.getvalue()


@pytest.fixture
def photos(memory: MemoryFileSystem) -> MemoryFileSystem:
    for name in ("a.jpg", "x/b.PNG", "x/clip.mp4", "x/.hidden.jpg", ".git/c.jpg", "notes.txt"):
        memory.pipe_file(f"/bucket/photos/{name}", name.encode())
    return memory


def test_folders_patterns_and_files_elsewhere_give_units(photos: MemoryFileSystem) -> None:
    assert ids("memory://bucket/photos") == ids("memory://bucket/photos/") == ["a.jpg", "x/b.PNG"]
    assert ids("memory://bucket/photos", kinds=("photo", "video")) == ["a.jpg", "x/b.PNG", "x/clip.mp4"]
    assert ids("memory://bucket/photos/**/b.*") == ["x/b.PNG"]
    assert ids("memory://bucket/photos/notes.txt") == ["notes.txt"]
    assert ids("memory://") == ["bucket/photos/a.jpg", "bucket/photos/x/b.PNG"]
    assert discover(["memory://bucket/photos"]).name == "photos"


def test_a_unit_elsewhere_is_fetched_while_it_is_needed(photos: MemoryFileSystem) -> None:
    unit = discover(["memory://bucket/photos"]).units[1]
    assert (unit.url, unit.source, unit.is_here) == ("memory://bucket/photos/x/b.PNG",) * 2 + (False,)
    with fetched(unit) as here:
        assert here.is_here
        assert here.path.suffix == ".PNG"
        assert here.path.read_bytes() == b"x/b.PNG"
        assert here.source == unit.source
        with fetched(here) as again:
            assert again is here
    assert not here.path.exists()


def test_the_signature_changes_with_the_file(photos: MemoryFileSystem) -> None:
    before = discover(["memory://bucket/photos"]).units
    photos.pipe_file("/bucket/photos/a.jpg", b"other")
    after = discover(["memory://bucket/photos"]).units
    assert before[0].signature != after[0].signature
    assert before[1].signature == after[1].signature is not None


def test_what_is_not_there_is_one_line(photos: MemoryFileSystem) -> None:
    for url in ("memory://bucket/absent", "memory://bucket/absent.csv", "zip://::/absent.zip"):
        with pytest.raises(CollectionError, match=f"^{url}: no such file or folder$"):
            discover([url])
    with pytest.raises(CollectionError, match=r"^no photos found in memory://bucket/\*\.jpg$"):
        discover(["memory://bucket/*.jpg"])


def test_a_protocol_without_its_package_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CollectionError, match=r"^nonsense://x: Protocol not known: nonsense$"):
        discover(["nonsense://x"])
    monkeypatch.setitem(__import__("sys").modules, "s3fs", None)
    with pytest.raises(CollectionError, match=r"^s3://bucket/photos: Install s3fs to access S3$"):
        discover(["s3://bucket/photos"])


def test_a_manifest_elsewhere_names_files_beside_it_and_anywhere(photos: MemoryFileSystem, tmp_path: Path) -> None:
    (tmp_path / "here.jpg").write_bytes(b"here")
    lines = ["path", "x/b.PNG", "../more/c.jpg", f"{tmp_path}/here.jpg", "memory://other/d.jpg", f"file://{tmp_path}/e"]
    photos.pipe_file("/bucket/photos/list.csv", "\n".join(lines).encode())
    photos.pipe_file("/other/d.jpg", b"d")
    found = {unit.source: unit for unit in discover(["memory://bucket/photos/list.csv"]).units}
    assert {source: unit.unit_id for source, unit in found.items()} == {
        "memory://bucket/photos/x/b.PNG": "x/b.PNG",
        "memory://bucket/more/c.jpg": "more/c.jpg",
        f"{tmp_path}/here.jpg": f"{tmp_path}/here.jpg"[1:],
        "memory://other/d.jpg": "other/d.jpg",
        f"{tmp_path}/e": f"{tmp_path}/e"[1:],
    }
    in_folder = discover(["memory://bucket/photos"]).units[1]
    assert found["memory://bucket/photos/x/b.PNG"].signature == in_folder.signature is not None
    assert found["memory://bucket/more/c.jpg"].signature is None
    assert content(found["memory://other/d.jpg"]) == b"d"


def test_a_manifest_here_may_name_files_elsewhere(photos: MemoryFileSystem, tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("path,unit_id\nmemory://bucket/photos/a.jpg,one\n")
    (unit,) = discover([tmp_path / "list.csv"]).units
    assert (unit.unit_id, content(unit)) == ("one", b"a.jpg")
    (tmp_path / "list.csv").write_text(f"path\nzip://a.jpg::{tmp_path}/list.csv\nzip://b.jpg::{tmp_path}/absent\n")
    assert [unit.signature for unit in discover([tmp_path / "list.csv"]).units] == [None, None]
    (tmp_path / "list.csv").write_text("path\nnonsense://a.jpg\n")
    with pytest.raises(CollectionError, match=r"^nonsense://a\.jpg: Protocol not known"):
        discover([tmp_path / "list.csv"])


@pytest.mark.parametrize("place", ["", "photos/"])
def test_subjects_are_known_elsewhere_too(memory: MemoryFileSystem, place: str) -> None:
    memory.pipe_file("/celeba/photos/000001.jpg", b"")
    memory.pipe_file(f"/celeba/{place}identity_CelebA.txt", b"000001.jpg 2880\n")
    memory.pipe_file("/lfw/Ann/Ann_0002.jpg", b"")
    assert [unit.subject for unit in discover(["memory://celeba/photos"]).units] == ["2880"]
    assert [unit.subject for unit in discover(["memory://celeba"]).units] == ["2880"]
    assert [unit.subject for unit in discover(["memory://lfw"]).units] == ["Ann"]


def test_an_archive_that_is_none_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "p.zip").write_bytes(b"no archive")
    with pytest.raises(CollectionError, match=r"p\.zip: File is not a zip file$"):
        discover([f"zip://::{tmp_path}/p.zip"])


def test_a_failed_download_can_be_told_to_another_process() -> None:
    error = pickle.loads(pickle.dumps(FetchError("timed out", lasting=False)))
    assert (str(error), error.reason, error.lasting) == ("timed out", "timed out", False)


def test_archives_are_folders(memory: MemoryFileSystem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = archive(**{"top__a.jpg": b"in zip", "top__deep__b.png": b"deep"})
    (tmp_path / "p.zip").write_bytes(packed)
    memory.pipe_file("/bucket/q.zip", packed)
    monkeypatch.chdir(tmp_path)
    assert ids("zip://::memory://bucket/q.zip") == ids("zip::p.zip") == ["top/a.jpg", "top/deep/b.png"]
    assert ids("zip://top/deep::p.zip") == ["b.png"]
    here = discover(["zip://top/**/*.*::p.zip"])
    assert [unit.unit_id for unit in here.units] == ["a.jpg", "deep/b.png"]
    assert here.units[1].url == f"zip://top/deep/b.png::{tmp_path}/p.zip"
    assert [content(unit) for unit in here.units] == [b"in zip", b"deep"]
    assert all(unit.signature for unit in here.units)


def test_an_archive_cannot_name_its_way_out_of_the_results(tmp_path: Path) -> None:
    (tmp_path / "p.zip").write_bytes(archive(**{"..__..__evil.jpg": b"evil", ".__x.jpg": b"", "x__.y.jpg": b""}))
    assert ids(f"zip://::{tmp_path}/p.zip") == ["evil.jpg", "x.jpg"]


def test_several_places_are_one_collection(photos: MemoryFileSystem, tmp_path: Path) -> None:
    (tmp_path / "z.jpg").write_bytes(b"z")
    photos.pipe_file("/bucket/more/z.jpg", b"z")
    assert ids("memory://bucket/photos", "memory://bucket/more") == ["more/z.jpg", "photos/a.jpg", "photos/x/b.PNG"]
    mixed = discover(["memory://bucket/more", tmp_path])
    assert [unit.unit_id for unit in mixed.units] == [f"file{tmp_path}/z.jpg", "memory/bucket/more/z.jpg"]
    assert mixed.name == "root"


def test_file_urls_are_paths(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"a")
    as_url, as_path = discover([f"file://{tmp_path}"]), discover([tmp_path])
    assert as_url == as_path
    assert ids(f"file://{tmp_path}/*.jpg") == ["a.jpg"]


def test_a_web_servers_folder_and_files_are_read(web: Server, tmp_path: Path) -> None:
    (tmp_path / "web" / "x").mkdir()
    (tmp_path / "web" / "a.jpg").write_bytes(b"a")
    (tmp_path / "web" / "x" / "b.jpg").write_bytes(b"b")
    assert ids(f"{web.url}/") == ids(f"{web.url}/**/*.jpg") == ["a.jpg", "x/b.jpg"]
    (unit,) = discover([f"{web.url}/a.jpg?size=large"]).units
    assert (unit.unit_id, unit.path.name, content(unit)) == ("a.jpg?size=large", "a.jpg", b"a")
    assert unit.signature is not None
    with pytest.raises(CollectionError, match=r"absent\.jpg: no such file or folder$"):
        discover([f"{web.url}/absent.jpg"])


@pytest.mark.usefixtures("no_waiting")
@pytest.mark.parametrize("failure", [503, 429, 0])
def test_failures_that_pass_are_tried_again(web: Server, tmp_path: Path, failure: int) -> None:
    (tmp_path / "web" / "a.jpg").write_bytes(b"whole")
    unit = Unit("a.jpg", Path("a.jpg"), url=f"{web.url}/a.jpg")
    web.failing["/a.jpg"] = [failure] * (TRIES - 1)
    assert content(unit) == b"whole"
    web.failing["/a.jpg"] = [failure] * TRIES
    with pytest.raises(FetchError, match=r"^cannot be downloaded: .+$") as caught, fetched(unit):
        pass
    assert not caught.value.lasting
    assert content_sha256(unit) is not None  # the tries are used up, and the server is well again


@pytest.mark.usefixtures("no_waiting")
@pytest.mark.parametrize("failures", [TRIES - 1, TRIES])
def test_a_folder_on_the_web_that_cannot_be_listed_is_not_taken_for_empty(
    web: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failures: int
) -> None:
    (tmp_path / "web" / "x").mkdir()
    (tmp_path / "web" / "x" / "b.jpg").write_bytes(b"b")
    (tmp_path / "web" / "a.jpg").write_bytes(b"a")
    from fsspec.implementations.http import HTTPFileSystem

    left = [failures]
    whole = HTTPFileSystem._ls_real

    async def ls(self: HTTPFileSystem, url: str, **options: Any) -> Any:
        if url.rstrip("/").endswith("/x") and left[0]:
            left[0] -= 1
            raise TimeoutError
        return await whole(self, url, **options)

    monkeypatch.setattr(HTTPFileSystem, "_ls_real", ls)
    if failures < TRIES:
        assert ids(f"{web.url}/") == ["a.jpg", "x/b.jpg"]
    else:
        with pytest.raises(CollectionError, match=r"/: timed out$"):
            discover([f"{web.url}/"])


@pytest.mark.usefixtures("no_waiting")
@pytest.mark.parametrize(("status", "reason"), [(404, "no such file or folder"), (403, "403.*")])
def test_failures_that_last_are_not_tried_again(web: Server, status: int, reason: str) -> None:
    unit = Unit("a.jpg", Path("a.jpg"), url=f"{web.url}/a.jpg")
    web.failing["/a.jpg"] = [status] * TRIES
    with pytest.raises(FetchError, match=f"^cannot be downloaded: {reason}$") as caught, fetched(unit):
        pass
    assert caught.value.lasting
    assert [method for method, _ in web.asked].count("GET") == 1
    assert content_sha256(unit) is None
