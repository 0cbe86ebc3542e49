"""dlib's face recognition ResNet (29 convolutions, 150x150 RGB to 128 numbers), read from its `.dat` file.

Architecture and face chip are those of dlib (King, JMLR 2009, and its face recognition example); the weights
are in the public domain (CC0).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, normalize, pad, relu

from ganfit_core.identity.base import IdentityFeatures, IdentityNetwork
from ganfit_core.identity.chip import extract_chip, similarity

# dlib's mean face for the landmarks it aligns with, in units of the chip without its padding: nose (27-35),
# eyes (36-47) and upper lip (48-54, 60-64). Jaw, eyebrows and lower lip move too much.
_CHIP_LANDMARKS = (*range(27, 55), *range(60, 65))
_MEAN_FACE_X = (
    0.490127, 0.490127, 0.490127, 0.490127, 0.36688, 0.426036, 0.490127, 0.554217, 0.613373,
    0.121737, 0.187122, 0.265825, 0.334606, 0.260918, 0.182743,
    0.645647, 0.714428, 0.793132, 0.858516, 0.79751, 0.719335,
    0.254149, 0.340985, 0.428858, 0.490127, 0.551395, 0.639268, 0.726104,
    0.290379, 0.428096, 0.490127, 0.552157, 0.689874,
)  # fmt: skip
_MEAN_FACE_Y = (
    0.203352, 0.307009, 0.409805, 0.515625, 0.587326, 0.609345, 0.628106, 0.609345, 0.587326,
    0.216423, 0.178758, 0.179852, 0.231733, 0.245099, 0.244077,
    0.231733, 0.179852, 0.178758, 0.216423, 0.244077, 0.245099,
    0.780233, 0.745405, 0.727388, 0.742578, 0.727388, 0.745405, 0.780233,
    0.784792, 0.778746, 0.785343, 0.778746, 0.784792,
)  # fmt: skip
_PADDING = 0.25

# Mean RGB of dlib's input layer, in [0, 255], and its divisor.
_MEAN_RGB = (122.782, 117.001, 104.298)
_INPUT_SCALE = 256.0

# Per stage: channels, number of blocks, stride of the first block. The last stage is one block on its own.
_STAGES = ((32, 3, 1), (64, 4, 2), (128, 3, 2), (256, 3, 2), (256, 1, 2))


class _Block(nn.Module):
    """Two 3x3 convolutions beside a shortcut; a strided one has neither padding nor a learned shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1 if stride == 1 else 0)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        residual = self.conv2(relu(self.conv1(x)))
        if self.stride == 1:
            return relu(x + residual)
        shortcut = avg_pool2d(x, 2)
        # dlib adds tensors of unlike sizes as if the smaller were continued by zeros: channels of the
        # shortcut, rows and columns of whichever came out smaller.
        channels, height, width = (max(a, b) for a, b in zip(residual.shape[1:], shortcut.shape[1:], strict=True))
        return relu(_extend(residual, channels, height, width) + _extend(shortcut, channels, height, width))


def _extend(x: Tensor, channels: int, height: int, width: int) -> Tensor:
    return pad(x, (0, width - x.shape[3], 0, height - x.shape[2], 0, channels - x.shape[1]))


class DlibResNet(IdentityNetwork):
    """dlib's ResNet-29 with its per-channel affine layers folded into the convolutions.

    Activations: 32x35x35, 64x17x17, 128x8x8, 256x4x4 and 256x2x2.
    """

    input_size = 150
    embedding_dim = 128
    template: Tensor
    mean_rgb: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 32, 7, stride=2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2))
        stages, inputs = [], 32
        for outputs, blocks, stride in _STAGES:
            first = _Block(inputs, outputs, stride)
            stages.append(nn.Sequential(first, *(_Block(outputs, outputs, 1) for _ in range(blocks - 1))))
            inputs = outputs
        self.stages = nn.ModuleList(stages)
        self.fc = nn.Linear(inputs, self.embedding_dim, bias=False)
        mean_face = torch.tensor((_MEAN_FACE_X, _MEAN_FACE_Y)).T[None]
        template = (mean_face + _PADDING) / (1 + 2 * _PADDING) * self.input_size
        self.register_buffer("template", template, persistent=False)
        self.register_buffer("mean_rgb", torch.tensor(_MEAN_RGB).view(1, 3, 1, 1) / 255, persistent=False)
        self.requires_grad_(False).eval()

    @classmethod
    def load(cls, path: Path) -> DlibResNet:
        """Read `dlib_face_recognition_resnet_model_v1.dat`.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: the file does not hold the weights of this network.
        """
        weights = _DatReader(path)
        network = cls()
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                channels = module.out_channels
                kernel, bias = np.split(weights.tensor(module.weight.numel() + channels), [-channels])
                gain, offset = weights.tensor(2 * channels).reshape(2, channels)
                kernel = kernel.reshape(module.weight.shape) * gain[:, None, None, None]
                module.load_state_dict(
                    {"weight": torch.from_numpy(kernel), "bias": torch.from_numpy(gain * bias + offset)}
                )
        fc = weights.tensor(network.fc.in_features, network.fc.out_features)
        network.fc.load_state_dict({"weight": torch.from_numpy(fc.T.copy())})
        # Kept through every layer, also for contiguous images: 20 % less CPU time at batch 1.
        return nn.utils.convert_conv2d_weight_memory_format(network, torch.channels_last)

    def align(self, images: Float[Tensor, "b 3 h w"], landmarks: Float[Tensor, "b 68 2"]) -> Float[Tensor, "b 3 s s"]:
        """dlib's face chip (`dlib.get_face_chip` with 68 points, size 150, padding 0.25)."""
        chip_to_image = similarity(self.template, landmarks[:, list(_CHIP_LANDMARKS)])
        linear, translation = chip_to_image[:, :, :2], chip_to_image[:, :, 2:]
        # dlib puts the outermost pixel centres of chip and photo on one another, which stretches the
        # similarity about the middle of the chip from s * size to (s * size - 1) / (size - 1).
        scale = linear[:, :, :1].norm(dim=1, keepdim=True)
        stretched = linear * (self.input_size - 1 / scale) / (self.input_size - 1)
        middle = linear.new_full((2, 1), self.input_size / 2)
        translation = translation + (linear - stretched) @ middle
        return extract_chip(images, torch.cat([stretched, translation], dim=2), self.input_size)

    def features(self, aligned: Float[Tensor, "b 3 s s"]) -> IdentityFeatures:
        activations = self._activations(aligned)
        return IdentityFeatures(normalize(self._project(activations[-1])), activations)

    def descriptor(self, aligned: Float[Tensor, "b 3 s s"]) -> Float[Tensor, "b 128"]:
        """dlib's face descriptor, not normalised: a distance below 0.6 is its threshold for one person."""
        return self._project(self._activations(aligned)[-1])

    def _activations(self, aligned: Tensor) -> tuple[Tensor, ...]:
        x = self.stem((aligned - self.mean_rgb) * (255 / _INPUT_SCALE))
        activations = []
        for stage in self.stages:
            x = stage(x)
            activations.append(x)
        return tuple(activations)

    def _project(self, x: Tensor) -> Tensor:
        return self.fc(x.mean(dim=(2, 3)))


class _DatReader:
    """Parameter tensors of a dlib network file, in the order of evaluation.

    dlib writes an integer as a byte count and its little-endian bytes, a tensor as the integers 2 (format
    version), n, k, rows, columns followed by raw float32. Between the tensors lie descriptions of layers,
    which the architecture here makes redundant: the next tensor is where the header of the expected shape is.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._data = Path(path).read_bytes()
        self._position = 0

    def tensor(self, *shape: int) -> np.ndarray:
        """The next tensor of this shape, a read-only view of the file's bytes."""
        extents = (2, *shape, *(1,) * (4 - len(shape)))
        header = b"".join(_encode(extent) for extent in extents)
        found = self._data.find(header, self._position)
        start = found + len(header)
        count = int(np.prod(shape))
        self._position = start + 4 * count
        if found < 0 or self._position > len(self._data):
            raise ValueError(f"{self._path} is not dlib's face recognition network: no tensor of shape {shape}")
        return np.frombuffer(self._data, "<f4", count, start).reshape(shape)


def _encode(value: int) -> bytes:
    length = (value.bit_length() + 7) // 8
    return bytes([length]) + value.to_bytes(length, "little")
