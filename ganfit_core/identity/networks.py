"""The face recognition networks that can judge a likeness, by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from ganfit_core.identity.base import IdentityNetwork
from ganfit_core.identity.mobilefacenet import MobileFaceNet
from ganfit_core.identity.sface import SFace


class Network(NamedTuple):
    """How to load a network, and from what."""

    load: Callable[[Path], IdentityNetwork]
    """Raises FileNotFoundError, and ValueError for another file."""
    asset: str
    """Id of its weights in data.assets."""


NETWORKS: dict[str, Network] = {
    "mobilefacenet": Network(MobileFaceNet.load, "mobilefacenet"),
    "sface": Network(SFace.load, "sface"),
}
"""Those that no energy of a preset sees. Their names stand in the tables of results."""
