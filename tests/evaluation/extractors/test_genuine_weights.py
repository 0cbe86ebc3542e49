"""What the features of the genuine weights tell apart, where the user has them."""

from __future__ import annotations

import pytest
import skimage.data
import torch

from data.assets import AssetError, find
from evaluation.extractors import EXTRACTORS

SHIFT = 6


@pytest.mark.parametrize("name", EXTRACTORS)
def test_a_shifted_picture_is_nearly_the_same_and_another_is_not(name: str) -> None:
    try:
        network = EXTRACTORS[name].load(find(name))
    except AssetError:
        pytest.skip(f"the weights of {name} are not here")

    def crop(picture: object, top: int) -> torch.Tensor:
        values = torch.as_tensor(picture).permute(2, 0, 1)[None].float() / 255
        part = values[..., top : top + 256, 100:356]
        return torch.nn.functional.interpolate(part, (network.input_size,) * 2, mode="bilinear", antialias=True)

    pictures = [getattr(skimage.data, picture)() for picture in ("astronaut", "coffee", "chelsea")]
    features = network(torch.cat([crop(picture, top) for picture in pictures for top in (20, 20 + SHIFT)]))
    assert features.shape == (6, network.dim)
    cosines = torch.nn.functional.cosine_similarity(features[:, None], features[None], dim=2)
    same = cosines[::2, 1::2].diagonal()
    different = cosines[::2, ::2][~torch.eye(3, dtype=torch.bool)]
    assert same.min() > 0.9
    assert same.min() > different.max() + 0.1
