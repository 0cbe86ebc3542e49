"""Which networks judge, and which may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from data import assets
from data.assets import AssetError, Found
from data.assets.registry import ASSETS
from ganfit_core.identity.networks import NETWORKS
from ganfit_core.identity.sface import SFace
from tasks import networks


@pytest.fixture(autouse=True)
def fresh() -> None:
    """No network of another test."""
    networks.load_network.cache_clear()


def put(monkeypatch: pytest.MonkeyPatch, **found: Found) -> None:
    """Let the lookup find these assets and no others."""

    def locate(asset_id: str) -> Found:
        if asset_id not in found:
            raise assets.MissingAssetError(f"{asset_id} is missing")
        return found[asset_id]

    monkeypatch.setattr(assets, "locate", locate)


def here(name: str) -> Found:
    return Found(Path(f"{name}.file"), "here", f"hash of {name}")


def test_every_network_has_a_registered_asset() -> None:
    assert {network.asset for network in NETWORKS.values()} <= set(ASSETS)


def test_a_network_is_loaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[Path] = []

    def load(path: Path) -> SFace:
        loaded.append(path)
        return SFace()

    monkeypatch.setitem(NETWORKS, "sface", NETWORKS["sface"]._replace(load=load))
    put(monkeypatch, sface=here("sface"))
    assert networks.load_network("sface") is networks.load_network("sface")
    assert loaded == [Path("sface.file")]


def test_a_missing_network_is_told_in_one_error(monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch)
    with pytest.raises(AssetError, match="sface is missing"):
        networks.load_network("sface")


def test_a_file_that_is_no_network_is_an_error_of_assets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "sface.safetensors"
    path.write_bytes(b"no weights")
    put(monkeypatch, sface=Found(path, "here", "a"))
    with pytest.raises(AssetError, match="does not hold the weights of SFace"):
        networks.load_network("sface")


def test_an_unknown_name_is_told_with_the_known_ones() -> None:
    with pytest.raises(AssetError, match=r"no face recognition network eigenfaces: choose from .*sface"):
        networks.load_network("eigenfaces")


def test_only_networks_with_their_weights_here_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch, sface=here("sface"))
    assert networks.network_names_here() == ["sface"]
    assert networks.network_sha256("sface") == "hash of sface"


def test_a_network_of_the_energy_may_not_judge(monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch, sface=here("sface"), mobilefacenet=here("mobilefacenet"))
    used = {"identity-network": "hash of sface", "morphable": "another"}
    with pytest.raises(AssetError, match=r"sface is part of the energy.*Use another network: mobilefacenet"):
        networks.refuse_network_of_loss("sface", used)
    networks.refuse_network_of_loss("mobilefacenet", used)
