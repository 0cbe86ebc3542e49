"""Photographs to complete UV maps, with the real models on crops of one public-domain portrait."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import skimage.data
from PIL import Image

from data.collections import Unit
from data.lfw import PAIRS_PER_CLASS
from tasks.unwrap_faces import Shard, read_part, reference_map, unwrap, unwrap_photos

RESOLUTION = 64
HELD_OUT = "Held_Out_Person"
# The module, which the flow of the same name hides.
flow_module = importlib.import_module("flows.build_textures")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five portraits of four people, a picture without a face, and a file that is no picture."""
    folder = tmp_path_factory.mktemp("photos")
    portrait = skimage.data.astronaut()
    versions = {
        "Ada_One/Ada_One_0001.png": portrait[:400],
        "Ada_One/Ada_One_0002.png": portrait[:, ::-1],
        "Eve_Two/Eve_Two_0001.png": portrait[:320, 60:400] * 0.75,
        "Sue_Three/Sue_Three_0001.png": portrait[:360:, 40:440] * 0.9 + 20,
        f"{HELD_OUT}/{HELD_OUT}_0001.png": portrait,
        "No_Face/No_Face_0001.png": skimage.data.coffee(),
    }
    for name, picture in versions.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(np.ascontiguousarray(picture).clip(0, 255).astype(np.uint8)).save(path)
    (folder / "Broken_0001.jpg").write_bytes(b"no picture")
    return folder


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten folds, the last one of nobody but the person held out."""
    path = tmp_path_factory.mktemp("lfw") / "pairs.txt"
    fold = ["Somebody\t1\t2"] * PAIRS_PER_CLASS + ["Somebody\t1\tElse\t1"] * PAIRS_PER_CLASS
    last = [f"{HELD_OUT}\t1\t2"] * PAIRS_PER_CLASS + [f"{HELD_OUT}\t1\t{HELD_OUT}\t2"] * PAIRS_PER_CLASS
    path.write_text("\n".join(["10\t300", *fold * 9, *last]) + "\n")
    return path


def build(photos: Path, pairs: Path, out: Path) -> pd.DataFrame:
    """The flow as a plain function, in two shards."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flow_module, "SHARD", 4)
        found: pd.DataFrame = flow_module.build_textures.fn([photos], out, pairs, RESOLUTION)
    return found


@pytest.fixture(scope="module")
def built(photos: Path, pairs: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, pd.DataFrame]:
    out = tmp_path_factory.mktemp("textures")
    return out, build(photos, pairs, out)


def test_index_has_a_row_per_face(built: tuple[Path, pd.DataFrame]) -> None:
    out, index = built
    pd.testing.assert_frame_equal(pd.read_parquet(out / "index.parquet"), index)
    subjects = dict(zip(index["unit_id"], index["subject"], strict=True))
    assert subjects == {
        "Ada_One/Ada_One_0001.png": "Ada_One",
        "Ada_One/Ada_One_0002.png": "Ada_One",
        "Eve_Two/Eve_Two_0001.png": "Eve_Two",
        "Sue_Three/Sue_Three_0001.png": "Sue_Three",
    }
    assert (index["landmark_error"] < 0.05).all()
    assert (index["yaw"].abs() < 20).all()
    assert index["seen"].between(0.2, 1).all()


def test_held_out_people_are_nowhere(built: tuple[Path, pd.DataFrame]) -> None:
    out, index = built
    assert HELD_OUT not in set(index["subject"])
    for part in (out / "parts").iterdir():
        assert not any(HELD_OUT in unit_id for unit_id in read_part(part).unit_ids)


def test_maps_are_complete_and_look_like_faces(built: tuple[Path, pd.DataFrame]) -> None:
    out, index = built
    maps = np.load(out / "maps.npy")
    kept = index[index["map"] >= 0].sort_values("map")
    assert kept["kept"].all()
    assert (index["map"] >= 0).sum() == index["kept"].sum()
    assert maps.shape == (len(kept), RESOLUTION, RESOLUTION, 3)
    assert maps.dtype == np.uint8
    assert len(maps) >= 2
    assert list(kept["map"]) == list(range(len(maps)))
    # No holes, and skin: redder than green, greener than blue.
    assert (maps.max(axis=3) < 20).mean() < 0.01
    middle = maps[:, RESOLUTION // 4 : 3 * RESOLUTION // 4, RESOLUTION // 4 : 3 * RESOLUTION // 4].mean(axis=(0, 1, 2))
    assert middle[0] > middle[1] > middle[2] > 40
    assert not [path for path in out.iterdir() if "tmp" in path.name]


def test_second_run_resumes(photos: Path, pairs: Path, built: tuple[Path, pd.DataFrame]) -> None:
    out, first = built
    parts = sorted((out / "parts").iterdir())
    assert len(parts) == 3  # two shards, and the first once more without a reference
    before = [(part.stat().st_mtime_ns, part.stat().st_ino) for part in parts]
    maps = (out / "maps.npy").read_bytes()
    lost = parts[1].read_bytes()
    parts[1].unlink()
    second = build(photos, pairs, out)
    assert [(part.stat().st_mtime_ns, part.stat().st_ino) for part in (parts[0], parts[2])] == [before[0], before[2]]
    assert parts[1].exists()
    again, former = read_part(parts[1]), Path(parts[1].with_suffix(".old"))
    former.write_bytes(lost)
    assert again.unit_ids == read_part(former).unit_ids
    former.unlink()
    assert list(second["unit_id"]) == list(first["unit_id"])
    assert np.abs(np.frombuffer(maps, np.uint8).astype(int) - np.fromfile(out / "maps.npy", np.uint8)).mean() < 1


def test_part_that_exists_is_left_alone(tmp_path: Path) -> None:
    part = tmp_path / "parts" / "0.npz"
    part.parent.mkdir()
    part.write_bytes(b"of an earlier run")
    missing = Unit("A_0001.jpg", tmp_path / "A_0001.jpg")
    assert unwrap_photos.fn([missing], RESOLUTION, None, part) == part
    assert part.read_bytes() == b"of an earlier run"


def test_photos_without_a_face_give_an_empty_shard(photos: Path, tmp_path: Path) -> None:
    names = ("No_Face/No_Face_0001.png", "Broken_0001.jpg", "missing.jpg")
    part = unwrap_photos.fn([Unit(name, photos / name) for name in names], RESOLUTION, None, tmp_path / "p" / "0.npz")
    shard = read_part(part)
    assert shard.unit_ids == []
    assert shard.textures.shape == (0, RESOLUTION, RESOLUTION, 3)
    assert shard.confidence.shape == (0, RESOLUTION, RESOLUTION)
    assert all(values.shape == (0,) for values in shard.quality.values())
    assert list(part.parent.iterdir()) == [part]


def test_mirrored_portrait_gives_the_mirrored_map(photos: Path, tmp_path: Path) -> None:
    name = "Ada_One/Ada_One_0001.png"
    mirrored = tmp_path / "mirrored.png"
    Image.open(photos / name).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(mirrored)
    shard = unwrap([Unit(name, photos / name), Unit("mirrored.png", mirrored)], RESOLUTION, None)
    one, other = shard.textures.astype(float)
    both = (shard.confidence[0] > 200) & (shard.confidence[1][:, ::-1] > 200)
    assert both.mean() > 0.2
    difference = np.abs(one - other[:, ::-1]).mean(axis=2)[both].mean()
    unrelated = np.abs(one - other).mean(axis=2)[both].mean()
    assert difference < 12
    assert difference < 0.7 * unrelated


def test_reference_map_is_the_symmetric_mean() -> None:
    textures = np.zeros((2, 8, 8, 3), np.uint8)
    textures[0], textures[1] = 100, 200
    confidence = np.full((2, 8, 8), 255, np.uint8)
    confidence[1, :, 4:] = 0
    textures[1, :, 4:] = 0
    reference = reference_map(Shard(["a", "b"], textures, confidence, {}))
    assert reference.shape == (3, 8, 8)
    # Left: 100 and 200; right: 100 alone; together three maps' worth.
    np.testing.assert_allclose(reference, (100 + 200 + 100) / 3 / 255, atol=1e-3)
    np.testing.assert_allclose(reference, reference[:, :, ::-1])
