"""VGG16 (Simonyan & Zisserman 2015) trained on ImageNet, as a feature extractor."""

from __future__ import annotations

from pathlib import Path
from typing import Self

import torch
from jaxtyping import Float
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from evaluation.extractors.base import FeatureExtractor

# Configuration D of the paper, up to its thirteenth and last convolution; 0 is max pooling.
_CHANNELS = (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512)


class VGG16(FeatureExtractor):
    """The activations of conv5_3 after its ReLU, averaged over space: 512 numbers.

    The fully connected layers are not used: they tie the input to 224 pixels, four times what faces of 100 texels
    hold, and their 4,096 features would need as many samples. At 128 pixels the average is over 8 x 8 positions.
    """

    name = "vgg16"
    version = "1"
    metric = "Frechet distance (vgg16)"
    input_size = 128
    dim = 512
    mean: Tensor
    deviation: Tensor

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inputs = 3
        for outputs in _CHANNELS:
            if outputs:
                layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(inplace=True)]
                inputs = outputs
            else:
                layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        # The statistics of ImageNet with which the weights were trained.
        self.register_buffer("mean", torch.tensor((0.485, 0.456, 0.406)).view(3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor((0.229, 0.224, 0.225)).view(3, 1, 1), persistent=False)
        self.requires_grad_(False).eval()

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what data.vgg16 built. Raises ValueError for a file that does not hold these weights."""
        network = cls()
        try:
            network.load_state_dict(load_file(str(path)))
        except (SafetensorError, RuntimeError) as error:
            raise ValueError(f"{path} does not hold the weights of VGG16's convolutions: {error}") from error
        return network

    def forward(self, images: Float[Tensor, "b 3 128 128"]) -> Float[Tensor, "b 512"]:
        """Features of RGB images in [0, 1]."""
        return self.features((images - self.mean) / self.deviation).mean(dim=(2, 3))
