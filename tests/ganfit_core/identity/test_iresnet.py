"""IResNet-50 on random weights under the published names: insightface's own are a download of 174 MB."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from ganfit_core.identity import IResNet50, MobileFaceNet

STAGES = ((64, 3), (128, 4), (256, 14), (512, 3))


def published_shapes() -> dict[str, tuple[int, ...]]:
    """Names and shapes of arcface_torch's r50, written out layer by layer."""
    shapes: dict[str, tuple[int, ...]] = {}

    def norm(name: str, channels: int) -> None:
        shapes.update({f"{name}.{part}": (channels,) for part in ("weight", "bias", "running_mean", "running_var")})
        shapes[f"{name}.num_batches_tracked"] = ()

    shapes["conv1.weight"] = (64, 3, 3, 3)
    norm("bn1", 64)
    shapes["prelu.weight"] = (64,)
    inputs = 64
    for stage, (outputs, blocks) in enumerate(STAGES, start=1):
        for block in range(blocks):
            name = f"layer{stage}.{block}"
            norm(f"{name}.bn1", inputs)
            shapes[f"{name}.conv1.weight"] = (outputs, inputs, 3, 3)
            norm(f"{name}.bn2", outputs)
            shapes[f"{name}.prelu.weight"] = (outputs,)
            shapes[f"{name}.conv2.weight"] = (outputs, outputs, 3, 3)
            norm(f"{name}.bn3", outputs)
            if block == 0:
                shapes[f"{name}.downsample.0.weight"] = (outputs, inputs, 1, 1)
                norm(f"{name}.downsample.1", outputs)
            inputs = outputs
    norm("bn2", 512)
    shapes["fc.weight"], shapes["fc.bias"] = (512, 512 * 7 * 7), (512,)
    norm("features", 512)
    return shapes


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)

    def values(name: str, shape: tuple[int, ...]) -> Tensor:
        if name.endswith("num_batches_tracked"):
            return torch.tensor(1000)
        if len(shape) == 1:  # away from the values with which layers are made, variances positive
            return 0.5 + torch.rand(shape, generator=generator)
        return torch.empty(shape).normal_(0, shape[1:].numel() ** -0.5, generator=generator)

    return {name: values(name, torch.Size(shape)) for name, shape in published_shapes().items()}


@pytest.fixture(scope="module")
def network(state: dict[str, Tensor], tmp_path_factory: pytest.TempPathFactory) -> IResNet50:
    path = tmp_path_factory.mktemp("iresnet") / "backbone.pth"
    torch.save(state, path)
    loaded = IResNet50.load(path)
    path.unlink()
    return loaded


@pytest.fixture(scope="module")
def crops() -> Tensor:
    return torch.rand(2, 3, 112, 112, generator=torch.Generator().manual_seed(1))


def test_published_state_dict_is_read_whole(network: IResNet50, state: dict[str, Tensor]) -> None:
    actual = network.backbone.state_dict()
    assert actual.keys() == state.keys()
    assert all(torch.equal(actual[name], tensor) for name, tensor in state.items())
    assert sum(parameter.numel() for parameter in network.parameters()) == pytest.approx(43.6e6, rel=1e-3)


def test_activations_unit_norm_and_gradient_to_the_image(network: IResNet50, crops: Tensor) -> None:
    network.train()
    assert not any(module.training for module in network.modules())
    assert not any(parameter.requires_grad for parameter in network.parameters())
    image = crops.clone().requires_grad_()
    features = network.features(image)
    shapes = [tuple(activation.shape) for activation in features.activations]
    assert shapes == [(2, 64, 56, 56), (2, 128, 28, 28), (2, 256, 14, 14), (2, 512, 7, 7)]
    assert features.embedding.shape == (2, network.embedding_dim)
    torch.testing.assert_close(features.embedding.norm(dim=1), torch.ones(2))
    (gradient,) = torch.autograd.grad(features.embedding[0, 0], image)
    assert gradient.isfinite().all()
    assert gradient[0].abs().sum() > 0
    assert (gradient[1] == 0).all()


def normalised(x: Tensor, state: dict[str, Tensor], name: str) -> Tensor:
    parts = ("weight", "bias", "running_mean", "running_var")
    weight, bias, mean, variance = (state[f"{name}.{part}"].view(-1, *[1] * (x.ndim - 2)) for part in parts)
    return (x - mean) / (variance + 1e-5).sqrt() * weight + bias


def activated(x: Tensor, state: dict[str, Tensor], name: str) -> Tensor:
    return torch.where(x > 0, x, x * state[f"{name}.weight"][:, None, None])


def block(x: Tensor, state: dict[str, Tensor], name: str, stride: int) -> Tensor:
    """BN, convolution, BN, PReLU, strided convolution, BN; beside it a 1x1 convolution and BN, or nothing."""
    conv = torch.nn.functional.conv2d
    out = conv(normalised(x, state, f"{name}.bn1"), state[f"{name}.conv1.weight"], padding=1)
    out = activated(normalised(out, state, f"{name}.bn2"), state, f"{name}.prelu")
    out = normalised(conv(out, state[f"{name}.conv2.weight"], stride=stride, padding=1), state, f"{name}.bn3")
    if stride == 1:
        return out + x
    return out + normalised(conv(x, state[f"{name}.downsample.0.weight"], stride=2), state, f"{name}.downsample.1")


def test_layers_equal_plain_torch(network: IResNet50, state: dict[str, Tensor], crops: Tensor) -> None:
    """Stem and first stage from the pixels, a strided block of the second, and the head on the last activation."""
    features = network.features(crops)
    x = torch.nn.functional.conv2d((crops - 0.5) / 0.5, state["conv1.weight"], padding=1)
    x = activated(normalised(x, state, "bn1"), state, "prelu")
    for number, stride in enumerate((2, 1, 1)):
        x = block(x, state, f"layer1.{number}", stride)
    torch.testing.assert_close(features.activations[0], x, rtol=1e-4, atol=1e-4)

    first = network.backbone.get_submodule("layer2.0")(x)
    torch.testing.assert_close(first, block(x, state, "layer2.0", 2), rtol=1e-4, atol=1e-4)

    last = normalised(features.activations[-1], state, "bn2").flatten(1)
    head = normalised(last @ state["fc.weight"].T + state["fc.bias"], state, "features")
    torch.testing.assert_close(features.embedding, head / head.norm(dim=1, keepdim=True), rtol=1e-4, atol=1e-5)


def test_reads_the_crop_of_mobilefacenet(network: IResNet50, photos: dict) -> None:
    photo = photos["rotated"]
    aligned = network.align(photo.image, photo.landmarks)
    assert torch.equal(aligned, MobileFaceNet().align(photo.image, photo.landmarks))


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.pth"
    path.write_bytes(b"not a state dict")
    with pytest.raises(ValueError, match=r"other\.pth is not a readable torch state dict"):
        IResNet50.load(path)
    torch.save([torch.zeros(3)], path)
    with pytest.raises(ValueError, match=r"other\.pth is not a readable torch state dict: it does not map"):
        IResNet50.load(path)
    torch.save({"conv1.weight": torch.zeros(64, 3, 3, 3)}, path)
    with pytest.raises(ValueError, match="does not hold the weights of IResNet-50"):
        IResNet50.load(path)
    with pytest.raises(FileNotFoundError):
        IResNet50.load(tmp_path / "missing.pth")
