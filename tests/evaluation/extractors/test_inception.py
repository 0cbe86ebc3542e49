"""The FID Inception: its shape always, its weights where the user has put them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from evaluation.extractors import FIDInception
from evaluation.extractors.inception import _MixedA, _MixedE


def test_the_layers_are_those_of_the_published_network() -> None:
    network = FIDInception()
    # Inception-v3 without its auxiliary head, and 1,008 classes: the published file has 95.6 MB
    assert sum(parameter.numel() for parameter in network.parameters()) == 23_850_960
    shapes: dict[str, tuple[int, ...]] = {}

    def note(name: str) -> object:
        def hook(module: nn.Module, inputs: object, output: Tensor) -> None:
            shapes[name] = tuple(output.shape[1:])

        return hook

    for name, module in network.named_children():
        module.register_forward_hook(note(name))  # type: ignore[arg-type]
    assert network(torch.rand(1, 3, 299, 299)).shape == (1, FIDInception.dim)
    assert shapes == {
        "Conv2d_1a_3x3": (32, 149, 149),
        "Conv2d_2a_3x3": (32, 147, 147),
        "Conv2d_2b_3x3": (64, 147, 147),
        "Conv2d_3b_1x1": (80, 73, 73),
        "Conv2d_4a_3x3": (192, 71, 71),
        "Mixed_5b": (256, 35, 35),
        "Mixed_5c": (288, 35, 35),
        "Mixed_5d": (288, 35, 35),
        "Mixed_6a": (768, 17, 17),
        **{f"Mixed_6{block}": (768, 17, 17) for block in "bcde"},
        "Mixed_7a": (1280, 8, 8),
        "Mixed_7b": (2048, 8, 8),
        "Mixed_7c": (2048, 8, 8),
    }
    assert not network.training


def only_pooling(block: nn.Module, inputs: int) -> nn.Module:
    """The block with its pooling branch passing the first channels through."""
    block.branch_pool = nn.Identity()
    return block.eval().requires_grad_(False)


def test_averages_leave_the_padding_out() -> None:
    block = only_pooling(_MixedA(4, 4), 4)
    pooled = block(torch.ones(1, 4, 5, 5))[:, -4:]
    torch.testing.assert_close(pooled, torch.ones(1, 4, 5, 5))


@pytest.mark.parametrize(("largest", "corner"), [(True, 9.0), (False, 2.25)])
def test_the_last_block_takes_the_maximum(largest: bool, corner: float) -> None:
    image = torch.zeros(1, 4, 5, 5)
    image[..., 1, 1] = 9
    block = only_pooling(_MixedE(4, largest), 4)
    assert float(block(image)[0, -1, 0, 0]) == pytest.approx(corner)


def test_a_state_dict_is_read_and_anything_else_refused(tmp_path: Path) -> None:
    network = FIDInception()
    published = {name: tensor for name, tensor in network.state_dict().items() if "num_batches" not in name}
    torch.save(published, tmp_path / "weights.pth")
    read = FIDInception.load(tmp_path / "weights.pth")
    torch.testing.assert_close(read.Mixed_7c.branch_pool.conv.weight, network.Mixed_7c.branch_pool.conv.weight)
    (tmp_path / "text").write_text("no weights")
    torch.save({"fc.weight": torch.zeros(2)}, tmp_path / "other")
    for name in ("text", "other"):
        with pytest.raises(ValueError, match="FID Inception"):
            FIDInception.load(tmp_path / name)
