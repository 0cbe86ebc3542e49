"""Layers of the progressive-growing GAN (Karras et al. 2018, Sec. 3 and 4)."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

LEAKY_SLOPE = 0.2
RELU_GAIN = math.sqrt(2.0)
EPSILON = 1e-8


class EqualizedConv2d(nn.Module):
    """Convolution whose N(0, 1) weights are scaled at run time by He's constant (Sec. 4.1).

    Adam normalises updates by their scale, so scaling at run time rather than at initialisation gives every
    layer the same learning speed. `padding` keeps the side for odd kernels.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, gain: float = RELU_GAIN) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.scale = gain / math.sqrt(inputs * kernel * kernel)
        self.padding = kernel // 2

    def forward(self, x: Float[Tensor, "b i h w"]) -> Float[Tensor, "b o h w"]:
        """Convolve, stride 1."""
        return F.conv2d(x, self.weight * self.scale, self.bias, padding=self.padding)


class EqualizedLinear(nn.Module):
    """Fully connected layer with the equalised learning rate (Sec. 4.1)."""

    def __init__(self, inputs: int, outputs: int, gain: float = RELU_GAIN) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.scale = gain / math.sqrt(inputs)

    def forward(self, x: Float[Tensor, "b i"]) -> Float[Tensor, "b o"]:
        """Affine map."""
        return F.linear(x, self.weight * self.scale, self.bias)


def pixel_norm(x: Float[Tensor, "b c *spatial"]) -> Float[Tensor, "b c *spatial"]:
    """Divide each pixel's feature vector by its root mean square over channels (Sec. 4.2).

    On a latent (b, n) it projects to the hypersphere of radius sqrt(n).
    """
    return x * torch.rsqrt(x.square().mean(dim=1, keepdim=True) + EPSILON)


def minibatch_stddev(x: Float[Tensor, "b c h w"], group: int = 4) -> Float[Tensor, "b d h w"]:
    """Append one map holding the features' mean standard deviation within groups of images (Sec. 3).

    The group shrinks to the largest divisor of the batch that does not exceed `group`.
    """
    batch, channels, height, width = x.shape
    size = next(n for n in range(min(group, batch), 0, -1) if batch % n == 0)
    grouped = x.float().reshape(size, batch // size, channels, height, width)
    deviation = (grouped.var(dim=0, unbiased=False) + EPSILON).sqrt().mean(dim=(1, 2, 3))
    extra = deviation.repeat(size).reshape(batch, 1, 1, 1).expand(batch, 1, height, width)
    return torch.cat([x, extra.to(x.dtype)], dim=1)


def upsample(x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h2 w2"]:
    """Double the side by nearest neighbour."""
    return F.interpolate(x, scale_factor=2, mode="nearest")


def downsample(x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h2 w2"]:
    """Halve the side by averaging."""
    return F.avg_pool2d(x, 2)


def leaky_relu(x: Float[Tensor, "b c *spatial"]) -> Float[Tensor, "b c *spatial"]:
    """Leaky ReLU of slope 0.2 (Table 2)."""
    return F.leaky_relu(x, LEAKY_SLOPE)
