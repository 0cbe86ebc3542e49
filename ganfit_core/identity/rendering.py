"""How much a rendering of a reconstruction looks like the photograph, to a face-recognition network."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float

from ganfit_core.identity.base import IdentityNetwork
from ganfit_core.perception.align import AlignedFace

if TYPE_CHECKING:
    from ganfit_core.fitting import FitResult


@torch.no_grad()
def rendering_similarity(
    network: IdentityNetwork, faces: Sequence[AlignedFace], results: Sequence[FitResult]
) -> Float[np.ndarray, " b"]:
    """Cosine of the network's embeddings of each photograph and of its rendering on black (Fast-GANFIT, Sec. 5.3).

    Both are brought into the network's crop by the photograph's landmarks. A network that was in the energy would judge
    itself.
    """
    device = next(itertools.chain(network.parameters(), network.buffers())).device
    pictures = np.stack([face.image for face in faces] + [result.rendering for result in results])
    images = torch.from_numpy(pictures).to(device).permute(0, 3, 1, 2) / 255
    landmarks = torch.from_numpy(np.stack([face.landmarks for face in faces])).to(device).float()
    photographs, renderings = network(images, landmarks.repeat(2, 1, 1)).embedding.chunk(2)
    return (photographs * renderings).sum(dim=1).cpu().numpy()
