"""VGG16: its shape always, its weights where the asset has been built."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch.nn import Conv2d

from data.assets import AssetError, find
from evaluation.extractors import VGG16


@pytest.fixture(scope="module")
def network() -> VGG16:
    try:
        return VGG16.load(find("vgg16"))
    except AssetError:
        pytest.skip("ganfit assets build vgg16 has not been run")


def test_the_layers_are_those_of_the_published_network() -> None:
    untrained = VGG16()
    # 14,714,688: VGG16's 138,357,544 parameters without the three fully connected layers
    assert sum(parameter.numel() for parameter in untrained.parameters()) == 14_714_688
    places = [i for i, layer in enumerate(untrained.features) if isinstance(layer, Conv2d)]
    assert places == [0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28]
    assert untrained(torch.rand(2, 3, 128, 128)).shape == (2, VGG16.dim)
    assert not any(parameter.requires_grad for parameter in untrained.train().parameters())
    assert not untrained.training


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no weights")
    save_file({"weight": torch.zeros(3)}, str(tmp_path / "other"))
    for name in ("text", "other"):
        with pytest.raises(ValueError, match="VGG16"):
            VGG16.load(tmp_path / name)


def test_the_weights_are_those_that_everybody_uses(network: VGG16) -> None:
    first, last = network.features[0], network.features[28]
    assert isinstance(first, Conv2d)
    assert isinstance(last, Conv2d)
    # torchvision's vgg16-397923af, as its state dict prints
    torch.testing.assert_close(first.weight[0, 0, 0], torch.tensor([-0.5537, 0.1427, 0.5290]), atol=5e-5, rtol=0)
    torch.testing.assert_close(first.bias[:3], torch.tensor([0.4034, 0.3778, 0.4644]), atol=5e-5, rtol=0)
