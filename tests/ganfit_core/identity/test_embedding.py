"""Embeddings as face verification compares them."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from ganfit_core.identity import DlibResNet, IdentityFeatures, IdentityNetwork
from ganfit_core.identity.embedding import mirrored_embedding


class Halves(IdentityNetwork):
    """Its embedding is the mean of a crop's left half and of its right half."""

    input_size, embedding_dim = 4, 2

    def align(self, images: Tensor, landmarks: Tensor) -> Tensor:
        return images

    def features(self, aligned: Tensor) -> IdentityFeatures:
        halves = torch.stack([half.mean(dim=(1, 2, 3)) for half in aligned.chunk(2, dim=-1)], dim=1)
        return IdentityFeatures(functional.normalize(halves), ())


def crop(left: float, right: float) -> Tensor:
    return torch.cat([torch.full((1, 3, 4, 2), left), torch.full((1, 3, 4, 2), right)], dim=-1)


def test_the_embedding_is_the_direction_of_the_sum_over_both_sides() -> None:
    embedded = mirrored_embedding(Halves(), torch.cat([crop(1, 0), crop(0.6, 0.8)]))
    torch.testing.assert_close(embedded, torch.full((2, 2), 0.5**0.5))


def test_a_crop_and_its_mirror_image_are_the_same() -> None:
    assert torch.equal(mirrored_embedding(Halves(), crop(0.2, 0.9)), mirrored_embedding(Halves(), crop(0.9, 0.2)))


def test_each_crop_is_summed_with_its_own_mirror_image(dlib_resnet: DlibResNet) -> None:
    crops = torch.rand(3, 3, dlib_resnet.input_size, dlib_resnet.input_size, generator=torch.Generator().manual_seed(0))
    together = mirrored_embedding(dlib_resnet, crops)
    assert together.shape == (3, dlib_resnet.embedding_dim)
    torch.testing.assert_close(together.norm(dim=1), torch.ones(3))
    for row, one in zip(together, crops, strict=True):
        expected = dlib_resnet.features(one[None]).embedding + dlib_resnet.features(one[None].flip(-1)).embedding
        torch.testing.assert_close(row, functional.normalize(expected)[0], atol=1e-5, rtol=0)


def test_no_gradient_is_kept(dlib_resnet: DlibResNet) -> None:
    crops = torch.rand(1, 3, dlib_resnet.input_size, dlib_resnet.input_size, requires_grad=True)
    assert not mirrored_embedding(dlib_resnet, crops).requires_grad


def test_no_crops_have_no_embeddings() -> None:
    assert mirrored_embedding(Halves(), torch.zeros(0, 3, 4, 4)).shape == (0, 2)
