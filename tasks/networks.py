"""The face recognition networks that judge reconstructions, loaded once per process from the asset registry."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch

from data import assets

if TYPE_CHECKING:
    from ganfit_core.identity.base import IdentityNetwork
    from ganfit_core.identity.networks import Network


@functools.cache
def load_network(name: str) -> IdentityNetwork:
    """A network of ganfit_core.identity.networks.NETWORKS, on the device that fits run on.

    Raises data.assets.AssetError where its weights are missing or others, or the name is unknown.
    """
    network = _network(name)
    path = assets.locate(network.asset).path
    try:
        loaded = network.load(path)
    except ValueError as error:
        raise assets.AssetError(str(error)) from error
    return loaded.to(torch.device("cuda" if torch.cuda.is_available() else "cpu"))


def network_names_here() -> list[str]:
    """The networks whose weights are on this machine, and as expected."""
    from ganfit_core.identity.networks import NETWORKS

    return [name for name, network in NETWORKS.items() if _is_here(network)]


def network_sha256(name: str) -> str:
    """Hash of the network's weights; errors as those of `load_network`."""
    return assets.locate(_network(name).asset).sha256


def refuse_network_of_loss(name: str, used: Mapping[str, str]) -> None:
    """Raise AssetError if the network's weights are among those that made a reconstruction (asset id -> sha256).

    A network that was in the energy would judge itself: what it says is then what was minimised.
    """
    if network_sha256(name) in used.values():
        raise assets.AssetError(
            f"{name} is part of the energy of these reconstructions and cannot judge them. Use another network: "
            f"{', '.join(other for other in network_names_here() if other != name) or 'none is here'}"
        )


def _network(name: str) -> Network:
    from ganfit_core.identity.networks import NETWORKS

    if name not in NETWORKS:
        raise assets.AssetError(f"there is no face recognition network {name}: choose from {', '.join(NETWORKS)}")
    return NETWORKS[name]


def _is_here(network: Network) -> bool:
    try:
        assets.locate(network.asset)
    except assets.AssetError:
        return False
    return True
