"""The face recognition networks that can judge a likeness, by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from ganfit_core.identity.base import IdentityNetwork
from ganfit_core.identity.evolve import EvolveIR50
from ganfit_core.identity.facenet import FaceNet
from ganfit_core.identity.light_cnn import LightCNN29
from ganfit_core.identity.mobilefacenet import MobileFaceNet
from ganfit_core.identity.onnx_arcface import BuffaloL
from ganfit_core.identity.sface import SFace
from ganfit_core.identity.vgg_face import VGGFace


class Network(NamedTuple):
    """How to load a network, and from what."""

    load: Callable[[Path], IdentityNetwork]
    """Raises FileNotFoundError, and ValueError for another file."""
    asset: str
    """Id of its weights in data.assets."""


NETWORKS: dict[str, Network] = {
    "mobilefacenet": Network(MobileFaceNet.load, "mobilefacenet"),
    "sface": Network(SFace.load, "sface"),
    "vgg-face": Network(VGGFace.load, "vgg-face"),
    "facenet": Network(FaceNet.load, "facenet-vggface2"),
    "lightcnn": Network(LightCNN29.load, "lightcnn-29-v2"),
    "evolve-ir50": Network(EvolveIR50.load, "evolve-ir50"),
    "buffalo-l": Network(BuffaloL.load, "buffalo-l-r50"),
}
"""Those that no energy of a preset sees. Their names stand in the tables of results."""
