"""Which networks compare."""

from __future__ import annotations

from collections.abc import Sequence

from prefect import task
from prefect.cache_policies import NO_CACHE

from data.assets import MissingAssetError
from ganfit_core.methods import METHODS
from tasks.likeness_settings import Settings
from tasks.models import load_models
from tasks.networks import load_network, network_names_here, refuse_network_of_loss
from tasks.stored_faces import MEAN_FACE_MODELS


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


@task(name="check methods", tags=["io"], cache_policy=NO_CACHE, persist_result=False)
def check_methods(
    methods: Sequence[str], networks: Sequence[str], settings: Settings, leave_one_out: bool = False
) -> None:
    """See that all can run, and that none has a judge in its energy, before the first photograph is reconstructed.

    Raises data.assets.AssetError where not, ValueError for no methods or one without an energy where something is to be
    left out of it.
    """
    if not methods:
        raise ValueError("no methods to evaluate")
    for method in (*methods, MEAN_FACE_MODELS):
        models = load_models(settings.preset, method, settings.iterations)
        for network in networks:
            refuse_network_of_loss(network, models.sha256)
        if leave_one_out and method in methods and not METHODS[method].refine:
            raise ValueError(f"{method} minimises no energy of which something could be left out")
