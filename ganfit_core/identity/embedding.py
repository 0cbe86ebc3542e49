"""Embeddings as face verification compares them."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import normalize

from ganfit_core.identity.base import IdentityNetwork


@torch.no_grad()
def mirrored_embedding(network: IdentityNetwork, aligned: Float[Tensor, "b 3 s s"]) -> Float[Tensor, "b d"]:
    """Unit norm of the sum of the embeddings of a crop and of its mirror image: less of the pose, more of the person.

    Args:
        aligned: RGB in [0, 1], what `network.align` cuts.
    """
    both = network.features(torch.cat([aligned, aligned.flip(-1)])).embedding
    return normalize(both[: len(aligned)] + both[len(aligned) :])
