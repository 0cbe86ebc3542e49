"""VGG-Face (Parkhi et al., BMVC 2015): VGG16 on 224x224 RGB, the network of Fast-GANFIT's experiments on LFW."""

from __future__ import annotations

from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import max_pool2d, normalize, relu

from ganfit_core.identity.base import IdentityFeatures, IdentityNetwork
from ganfit_core.identity.face_box import detector_box, extract_box
from ganfit_core.identity.published import load_published

# Per resolution: channels, number of convolutions.
_STAGES = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))

# Mean RGB of the photographs it was trained on, in [0, 255]: subtracted, nothing is divided.
_MEAN_RGB = (129.186279296875, 104.76238250732422, 93.59396362304688)

# The authors' crop is a square with the mean of the detector's width and height, widened by this.
_WIDENED = 1.1


class _Layers(nn.Module):
    """The layers, under the names they have in the published weights."""

    def __init__(self) -> None:
        super().__init__()
        inputs = 3
        for stage, (outputs, convolutions) in enumerate(_STAGES, start=1):
            for number in range(1, convolutions + 1):
                self.add_module(f"conv{stage}_{number}", nn.Conv2d(inputs, outputs, 3, padding=1))
                inputs = outputs
        self.fc6 = nn.Linear(inputs * 7 * 7, 4096)
        self.fc7 = nn.Linear(4096, 4096)

    def forward(self, x: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        activations = []
        for stage, (_, convolutions) in enumerate(_STAGES, start=1):
            for number in range(1, convolutions + 1):
                x = relu(self.get_submodule(f"conv{stage}_{number}")(x))
            activations.append(x)
            x = max_pool2d(x, 2)
        # Between these two, dropout acts in training only.
        return relu(self.fc7(relu(self.fc6(x.flatten(1))))), tuple(activations)


class VGGFace(IdentityNetwork):
    """VGG-Face; its embedding is the descriptor of 4096 numbers before the classifier, after the ReLU.

    Activations: 64x224x224, 128x112x112, 256x56x56, 512x28x28 and 512x14x14.
    """

    input_size = 224
    embedding_dim = 4096
    mean_rgb: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.layers = _Layers()
        self.register_buffer("mean_rgb", torch.tensor(_MEAN_RGB).view(1, 3, 1, 1), persistent=False)
        self.requires_grad_(False).eval()

    @classmethod
    def load(cls, path: Path) -> VGGFace:
        """Read `vgg_face_dag.pth`, Albanie's conversion of the authors' weights; errors as in `load_published`."""
        network = cls()
        load_published(network.layers, path, "VGG-Face", classifier="fc8")
        return network

    def align(self, images: Float[Tensor, "b 3 h w"], landmarks: Float[Tensor, "b 68 2"]) -> Float[Tensor, "b 3 s s"]:
        """The authors' crop (`faceCrop` of their code): an upright square about the detector's box, not rotated."""
        centre, size = detector_box(landmarks)
        side = _WIDENED * size.mean(dim=1, keepdim=True)
        return extract_box(images, centre, side.expand(-1, 2), self.input_size)

    def features(self, aligned: Float[Tensor, "b 3 s s"]) -> IdentityFeatures:
        embedding, activations = self.layers(255 * aligned - self.mean_rgb)
        return IdentityFeatures(normalize(embedding), activations)
