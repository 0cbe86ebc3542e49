"""Which networks compare."""

from __future__ import annotations

from collections.abc import Sequence

from prefect import task
from prefect.cache_policies import NO_CACHE

from data.assets import MissingAssetError
from tasks.networks import load_network, network_names_here


@task(name="choose networks", tags=["io"], cache_policy=NO_CACHE, persist_result=False)
def choose_networks(names: Sequence[str] | None) -> list[str]:
    """The networks that are asked for, all that are here by default; each can be loaded.

    Raises data.assets.AssetError for one that cannot, and where there is none.
    """
    chosen = network_names_here() if names is None else list(dict.fromkeys(names))
    if not chosen:
        raise MissingAssetError(
            "no face recognition network is here that could judge a likeness: `ganfit assets list` says how to get one"
        )
    for name in chosen:
        load_network(name)
    return chosen
