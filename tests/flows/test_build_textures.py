"""Photographs to complete UV maps, with the real models on crops of one public-domain portrait."""

from __future__ import annotations

import importlib
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import skimage.data
import torch
from PIL import Image
from safetensors.torch import load_file

from data import assets
from data.collections import Unit
from data.lfw import PAIRS_PER_CLASS
from ganfit_core.morphable import MorphableModel
from ganfit_core.texture.maps import MapShards
from tasks.complete_maps import complete_shard, learn_statistics
from tasks.unwrap_faces import part_name, read_part, unwrap_photos

RESOLUTION = 64
HELD_OUT = "Held_Out_Person"
# The module, which the flow of the same name hides.
flow_module = importlib.import_module("flows.build_textures")
aligned_module = importlib.import_module("tasks.aligned")


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
    return build_from([photos], pairs, out)


def build_from(photos: list[Path], pairs: Path | None, out: Path) -> pd.DataFrame:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flow_module, "SHARD", 4)
        found: pd.DataFrame = flow_module.build_textures.fn(photos, out, pairs, RESOLUTION).to_pandas()
    return found


@pytest.fixture(scope="module")
def built(photos: Path, pairs: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, pd.DataFrame]:
    out = tmp_path_factory.mktemp("textures")
    return out, build(photos, pairs, out)


def test_index_has_a_row_per_photograph(built: tuple[Path, pd.DataFrame]) -> None:
    out, index = built
    pd.testing.assert_frame_equal(pd.read_parquet(out / "index.parquet"), index)
    rows = index.set_index("unit_id")
    assert len(rows) == len(index) == 7
    assert rows.loc["No_Face/No_Face_0001.png", "reason"] == "no face"
    assert "not an image" in rows.loc["Broken_0001.jpg", "reason"]
    assert set(rows["split"]) == {"train", "held_out"}
    assert list(rows.index[rows["split"] == "held_out"]) == [f"{HELD_OUT}/{HELD_OUT}_0001.png"]
    assert rows.loc["Ada_One/Ada_One_0002.png", "subject"] == "Ada_One"
    faces = rows[rows["yaw"].notna()]
    assert len(faces) == 5
    assert (faces["landmark_error"] < 0.05).all()
    assert (faces[["yaw", "pitch"]].abs() < 20).all(axis=None)
    assert faces["seen"].between(0.5, 1).all()


def test_maps_are_complete_and_look_like_faces(built: tuple[Path, pd.DataFrame]) -> None:
    out, index = built
    kept = index[index["reason"].isna()]
    assert kept["file"].notna().all()
    assert index["file"].notna().sum() == len(kept)
    for split, rows in kept.groupby("split"):
        assert len(MapShards(out, split)) == len(rows)
    maps = np.stack([np.load(out / "maps" / row.file)[row.row] for row in kept.itertuples()])
    assert maps.shape[1:] == (RESOLUTION, RESOLUTION, 3)
    assert maps.dtype == np.uint8
    assert len(maps) >= 3
    # No holes, and skin: redder than green, greener than blue.
    assert (maps.max(axis=3) < 20).mean() < 0.01
    middle = maps[:, RESOLUTION // 4 : 3 * RESOLUTION // 4, RESOLUTION // 4 : 3 * RESOLUTION // 4].mean(axis=(0, 1, 2))
    assert middle[0] > middle[1] > middle[2] > 40
    assert not [path for path in out.rglob("*") if "tmp" in path.name]
    mask = np.load(out / "mask.npy")
    assert mask.shape == (RESOLUTION, RESOLUTION)
    assert 0.2 < mask.mean() < 0.6


def test_source_says_what_the_maps_were_made_of(built: tuple[Path, pd.DataFrame]) -> None:
    out, index = built
    source = json.loads((out / "source.json").read_text())
    assert source["photographs"] == 7
    assert sum(source["maps"].values()) == index["reason"].isna().sum()
    assert source["held_out"] == "fold 10 of pairs.txt"
    assert source["uv_sha256"] == MorphableModel.load(assets.find("morphable")).uv_sha256


def test_nothing_is_learnt_from_held_out_people(built: tuple[Path, pd.DataFrame], photos: Path, tmp_path: Path) -> None:
    # Without them the same statistics come out.
    folders = [path for path in photos.iterdir() if path.name != HELD_OUT]
    build_from(folders, None, tmp_path)
    one, other = (load_file(folder / "statistics.safetensors") for folder in (built[0], tmp_path))
    assert one.keys() == other.keys()
    for name, tensor in one.items():
        torch.testing.assert_close(tensor, other[name], atol=2e-3, rtol=0)


def test_second_run_resumes(photos: Path, pairs: Path, built: tuple[Path, pd.DataFrame]) -> None:
    out, first = built
    parts = sorted((out / "parts").iterdir())
    assert len(parts) == 3  # two of the training people, one of the held-out one
    before = [(part.stat().st_mtime_ns, part.stat().st_ino) for part in parts]
    maps = {path.name: np.load(path) for path in (out / "maps").iterdir()}
    parts[1].unlink()
    second = build(photos, pairs, out)
    assert [(part.stat().st_mtime_ns, part.stat().st_ino) for part in (parts[0], parts[2])] == [before[0], before[2]]
    assert parts[1].exists()
    assert list(second["unit_id"]) == list(first["unit_id"])
    assert {path.name for path in (out / "maps").iterdir()} == set(maps)
    for name, former in maps.items():
        assert np.abs(former.astype(int) - np.load(out / "maps" / name)).mean() < 1


def test_part_that_exists_is_left_alone(tmp_path: Path) -> None:
    part = tmp_path / "parts" / "0.npz"
    part.parent.mkdir()
    np.savez(part, of="an earlier run")
    before = part.read_bytes()
    missing = Unit("A_0001.jpg", tmp_path / "A_0001.jpg")
    assert unwrap_photos.fn([missing], RESOLUTION, part) == part
    assert part.read_bytes() == before


def test_a_damaged_part_is_made_anew(tmp_path: Path) -> None:
    part = tmp_path / "0.npz"
    part.write_bytes(b"torn")
    unwrap_photos.fn([Unit("A_0001.jpg", tmp_path / "A_0001.jpg")], RESOLUTION, part)
    assert "no such file" in read_part(part).without["A_0001.jpg"].lower()


def test_one_photograph_that_fails_leaves_the_others(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["Ada_One/Ada_One_0001.png", "Eve_Two/Eve_Two_0001.png"]
    align, calls = aligned_module.align_face, []

    def fail_once(*arguments: object) -> object:
        calls.append(arguments)
        if len(calls) == 1:
            raise ArithmeticError("no similarity")
        return align(*arguments)

    monkeypatch.setattr(aligned_module, "align_face", fail_once)
    shard = read_part(unwrap_photos.fn([Unit(n, photos / n) for n in names], RESOLUTION, tmp_path / "0.npz"))
    assert shard.unit_ids == names[1:]
    assert "no similarity" in shard.without[names[0]]


def test_a_changed_photograph_gets_a_part_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "A_0001.jpg"
    path.write_bytes(b"one")
    first = part_name([Unit("A_0001.jpg", path)], RESOLUTION)
    assert part_name([Unit("A_0001.jpg", path)], RESOLUTION) == first
    path.write_bytes(b"another")
    assert part_name([Unit("A_0001.jpg", path)], RESOLUTION) != first


def test_a_rebuild_never_mixes_with_what_was_there(built: tuple[Path, pd.DataFrame], tmp_path: Path) -> None:
    out = tmp_path / "textures"
    shutil.copytree(built[0], out)
    (out / "maps" / "train-00099.npy").write_bytes(b"of a longer run")
    parts = [part for part in (out / "parts").iterdir() if len(read_part(part).unit_ids) > 1]
    learn_statistics.fn(parts, RESOLUTION, out)
    assert not (out / "source.json").exists()
    assert not (out / "index.parquet").exists()
    assert list((out / "maps").iterdir()) == []


def test_a_shard_without_any_face_ends_nothing(built: tuple[Path, pd.DataFrame], photos: Path, tmp_path: Path) -> None:
    name = "No_Face/No_Face_0001.png"
    nobody = unwrap_photos.fn([Unit(name, photos / name)], RESOLUTION, tmp_path / "0.npz")
    statistics, target = built[0] / "statistics.safetensors", tmp_path / "train-00000.npy"
    rows = complete_shard.fn(nobody, "train", statistics, target)
    assert rows[["unit_id", "reason"]].to_numpy().tolist() == [[name, "no face"]]
    assert not target.exists()
    faces = [part for part in (built[0] / "parts").iterdir() if len(read_part(part).unit_ids) > 1]
    learn_statistics.fn([nobody, *faces], RESOLUTION, tmp_path / "textures")


def test_an_unfit_resolution_is_told(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="power of two"):
        flow_module.build_textures.fn([photos], tmp_path, None, 100)


def test_photos_without_a_face_give_an_empty_shard(photos: Path, tmp_path: Path) -> None:
    names = ("No_Face/No_Face_0001.png", "Broken_0001.jpg", "missing.jpg")
    part = unwrap_photos.fn([Unit(name, photos / name) for name in names], RESOLUTION, tmp_path / "p" / "0.npz")
    shard = read_part(part)
    assert shard.unit_ids == []
    assert list(shard.without) == list(names)
    assert shard.without[names[0]] == "no face"
    assert shard.maps.textures.shape == (0, RESOLUTION, RESOLUTION, 3)
    assert shard.maps.confidence.shape == (0, RESOLUTION, RESOLUTION)
    assert all(values.shape == (0,) for values in shard.maps.quality.values())
    assert list(part.parent.iterdir()) == [part]


def test_mirrored_portrait_gives_the_mirrored_map(photos: Path, tmp_path: Path) -> None:
    name = "Ada_One/Ada_One_0001.png"
    mirrored = tmp_path / "mirrored.png"
    Image.open(photos / name).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(mirrored)
    units = [Unit(name, photos / name), Unit("mirrored.png", mirrored)]
    maps = read_part(unwrap_photos.fn(units, RESOLUTION, tmp_path / "0.npz")).maps
    one, other = maps.textures.astype(float)
    both = (maps.confidence[0] > 200) & (maps.confidence[1][:, ::-1] > 200)
    np.testing.assert_allclose(maps.quality["yaw"][0], -maps.quality["yaw"][1], atol=3)
    assert both.mean() > 0.2
    difference = np.abs(one - other[:, ::-1]).mean(axis=2)[both].mean()
    unrelated = np.abs(one - other).mean(axis=2)[both].mean()
    assert difference < 12
    assert difference < 0.7 * unrelated
