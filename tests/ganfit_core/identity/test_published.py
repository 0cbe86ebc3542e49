"""Networks whose weights cannot be shipped: the tensors of the published files, and what the published code computes.

The numbers are those of the authors' modules with the same made weights (tests/ganfit_core/identity/made_weights.py):
facenet-pytorch 2.6.0, LightCNN's light_cnn.py, face.evoLVe's model_irse.py, Albanie's vgg_face_dag.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor

from ganfit_core.identity.base import IdentityNetwork
from ganfit_core.identity.evolve import EvolveIR50
from ganfit_core.identity.facenet import FaceNet
from ganfit_core.identity.light_cnn import LightCNN29
from ganfit_core.identity.vgg_face import VGGFace
from tests.ganfit_core.identity.made_weights import crop, fill_by_name, signature


class Published(NamedTuple):
    """What is known of a published file and its code."""

    network: type[Any]
    classifier: dict[str, tuple[int, ...]]
    """Tensors of the file that the network leaves out."""
    signature: tuple[int, str]
    """Of all tensors of the file."""
    first: tuple[float, ...]
    """Numbers of the embedding of `crop`."""
    activations: list[tuple[int, int]]
    """Channels and side."""


PUBLISHED = {
    "vgg-face": Published(
        VGGFace,
        {"fc8.weight": (2622, 4096), "fc8.bias": (2622,)},
        (32, "c2b6f52fa57b191c"),
        (0.01877, 0.01483, 0.01591, 0.00998),
        [(64, 224), (128, 112), (256, 56), (512, 28), (512, 14)],
    ),
    "facenet": Published(
        FaceNet,
        {"logits.weight": (8631, 512), "logits.bias": (8631,)},
        (716, "dab2b9a792ad8712"),
        (-0.08932, 0.02122, 0.08347, -0.01309),
        [(64, 77), (192, 36), (256, 17), (896, 8), (1792, 3)],
    ),
    "lightcnn": Published(
        LightCNN29,
        {"fc2.weight": (80013, 256)},
        (61, "c97391f588c1bc55"),
        (-0.01459, -0.04060, 0.03513, 0.05448),
        [(48, 128), (96, 64), (192, 32), (128, 16)],
    ),
    "evolve-ir50": Published(
        EvolveIR50,
        {},
        (349, "d838a781c07c16e1"),
        (-0.00041, -0.02946, 0.02408, -0.08350),
        [(64, 56), (128, 28), (256, 14), (512, 7)],
    ),
}

NAMES = pytest.mark.parametrize("name", PUBLISHED)


def published_state(name: str) -> dict[str, Tensor]:
    """Tensors of the published names and shapes, each of one number that is stored once."""
    with torch.device("meta"):
        layers = PUBLISHED[name].network().layers
    shapes = {key: tensor.shape for key, tensor in layers.state_dict().items()} | PUBLISHED[name].classifier
    return {key: torch.tensor(0.001 * place).expand(shape) for place, (key, shape) in enumerate(shapes.items())}


@NAMES
def test_tensors_are_those_of_the_published_file(name: str) -> None:
    assert signature(published_state(name)) == PUBLISHED[name].signature


@NAMES
def test_a_file_of_the_published_format_is_read(name: str, tmp_path: Path) -> None:
    state = published_state(name)
    path = tmp_path / "weights.pth"
    if name == "lightcnn":
        parallel = {f"module.{key}": tensor for key, tensor in state.items()}
        torch.save({"epoch": 79, "arch": "LightCNN", "state_dict": parallel, "prec1": 0.9}, path)
    else:
        torch.save(state, path)
    network = PUBLISHED[name].network.load(path)
    for key, tensor in network.layers.state_dict().items():
        if not key.endswith("num_batches_tracked"):
            assert tensor.flatten()[0] == state[key].flatten()[0]
    assert not any(parameter.requires_grad for parameter in network.parameters())
    assert not network.training


@NAMES
def test_the_embedding_is_that_of_the_published_code(name: str) -> None:
    known = PUBLISHED[name]
    network: IdentityNetwork = known.network()
    fill_by_name(network.layers)
    aligned = crop(network.input_size).requires_grad_()
    features = network.features(aligned)
    assert features.embedding.shape == (1, network.embedding_dim)
    torch.testing.assert_close(features.embedding[0, :4], torch.tensor(known.first), rtol=0, atol=2e-5)
    torch.testing.assert_close(features.embedding.norm(dim=1), torch.ones(1))
    assert [tuple(activation.shape[1:3]) for activation in features.activations] == known.activations
    (gradient,) = torch.autograd.grad(features.embedding[0, 0] + features.activations[-1].mean(), aligned)
    assert gradient.isfinite().all()
    assert gradient.abs().sum() > 0


@NAMES
def test_another_file_is_refused_in_one_line(name: str, tmp_path: Path) -> None:
    load = PUBLISHED[name].network.load
    path = tmp_path / "other.pth"
    path.write_bytes(b"not a state dict")
    with pytest.raises(ValueError, match=r"other\.pth does not hold the weights of") as unreadable:
        load(path)
    torch.save({"conv1.weight": torch.zeros(3)}, path)
    with pytest.raises(ValueError, match=r"\d+ tensors are missing, unknown or of another shape, among them") as other:
        load(path)
    torch.save([1, 2], path)
    with pytest.raises(ValueError, match="tensors are missing"):
        load(path)
    assert "\n" not in str(unreadable.value) + str(other.value)
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "absent.pth")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("vgg-face", (255 - 129.186279, 127.5 - 104.762382, -93.593964)),
        ("facenet", (127.5 / 128, 0.0, -127.5 / 128)),
        ("lightcnn", (0.299 + 0.587 / 2,)),
        ("evolve-ir50", (1.0, 0.0, -1.0)),
    ],
)
def test_the_layers_read_colours_as_published(name: str, expected: tuple[float, ...]) -> None:
    class Seen(torch.nn.Module):
        def forward(self, x: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
            seen.append(x)
            return x.flatten(1), ()

    seen: list[Tensor] = []
    network: IdentityNetwork = PUBLISHED[name].network()
    network.layers = Seen()
    network.features(torch.tensor([1.0, 0.5, 0.0]).view(1, 3, 1, 1))
    torch.testing.assert_close(seen[0].flatten(), torch.tensor(expected))
