import numpy as np
import pytest
import torch
from torch import Tensor

from ganfit_core.identity.chip import extract_chip, five_points, invert_similarity, similarity


def matrices(scale: list[float], angle: list[float], shift: list[tuple[float, float]]) -> Tensor:
    s, a = torch.tensor(scale, dtype=torch.float64), torch.tensor(angle, dtype=torch.float64)
    rows = [torch.stack([s * a.cos(), -s * a.sin()], 1), torch.stack([s * a.sin(), s * a.cos()], 1)]
    return torch.cat([torch.stack(rows, 1), torch.tensor(shift, dtype=torch.float64)[:, :, None]], 2)


def apply(matrix: Tensor, points: Tensor) -> Tensor:
    return points @ matrix[:, :, :2].mT + matrix[:, :, 2][:, None]


def test_similarity_recovers_a_batch_of_known_transforms() -> None:
    expected = matrices([0.5, 3.0], [0.4, -2.5], [(10, -3), (-40, 7)])
    source = torch.randn(1, 9, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(similarity(source, apply(expected, source.expand(2, -1, -1))), expected)


def test_similarity_is_the_least_squares_solution_for_noisy_points() -> None:
    source, target = np.random.default_rng(0).normal(size=(2, 33, 2))
    zeros, ones = np.zeros(33), np.ones(33)
    equations = np.concatenate(
        [
            np.stack([source[:, 0], -source[:, 1], ones, zeros], 1),
            np.stack([source[:, 1], source[:, 0], zeros, ones], 1),
        ]
    )
    a, b, tx, ty = np.linalg.lstsq(equations, target.T.reshape(-1))[0]
    result = similarity(torch.from_numpy(source)[None], torch.from_numpy(target)[None])[0]
    np.testing.assert_allclose(result, [[a, -b, tx], [b, a, ty]], atol=1e-12)


def test_inverse_undoes_the_similarity() -> None:
    matrix = matrices([0.5, 3.0], [0.4, -2.5], [(10, -3), (-40, 7)])
    points = torch.randn(2, 5, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(apply(invert_similarity(matrix), apply(matrix, points)), points)


def test_five_points_are_eyes_nose_and_mouth_corners() -> None:
    landmarks = torch.zeros(1, 68, 2)
    landmarks[0, 36:42, 0] = torch.tensor([1.0, 2, 3, 4, 5, 3])
    landmarks[0, 42:48, 0] = 20
    landmarks[0, 30] = torch.tensor([12.0, 9])
    landmarks[0, 48], landmarks[0, 54] = torch.tensor([8.0, 15]), torch.tensor([16.0, 15])
    expected = torch.tensor([[[3.0, 0], [20, 0], [12, 9], [8, 15], [16, 15]]])
    torch.testing.assert_close(five_points(landmarks), expected)


def test_chip_of_a_coordinate_ramp_holds_the_coordinates_at_every_pyramid_level() -> None:
    """Box filters and bilinear interpolation keep a ramp as it is, so any misplaced level or centre shows."""
    width, height = 203, 170
    x, y = torch.meshgrid(torch.arange(width) + 0.5, torch.arange(height) + 0.5, indexing="xy")
    images = torch.stack([x, y]).double().expand(4, -1, -1, -1)
    to_image = matrices([0.7, 2.6, 1.5, 5.0], [0.3, -0.2, 1.0, 0.1], [(40, 40), (40, 60), (100, 40), (30, 20)])
    chips = extract_chip(images, to_image, size=20)
    u, v = torch.meshgrid(torch.arange(20) + 0.5, torch.arange(20) + 0.5, indexing="xy")
    points = torch.stack([u, v], -1).view(1, 400, 2).double().expand(4, -1, -1)
    expected = apply(to_image, points).mT.reshape(4, 2, 20, 20)
    torch.testing.assert_close(chips, expected, atol=1e-9, rtol=0)


def test_shrinking_averages_what_bilinear_sampling_would_skip() -> None:
    fine_stripes = (torch.arange(128) % 2).float().expand(1, 1, 128, 128)
    shrink = matrices([4.0], [0.0], [(0, 0)]).float()
    torch.testing.assert_close(extract_chip(fine_stripes, shrink, size=32), torch.full((1, 1, 32, 32), 0.5))


def test_chip_is_black_outside_the_image() -> None:
    chip = extract_chip(torch.ones(1, 3, 8, 8), matrices([1.0], [0.0], [(4, 0)]).float(), size=8)
    torch.testing.assert_close(chip[..., :4], torch.ones(1, 3, 8, 4))
    assert chip[..., 4:].abs().max() == 0


@pytest.mark.parametrize("scale", [0.8, 2.3])
def test_gradient_with_respect_to_image_and_matrix(scale: float) -> None:
    image = torch.rand(1, 1, 24, 24, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    matrix = matrices([scale], [0.2], [(4.1, 0.3)])
    assert torch.autograd.gradcheck(
        lambda i, m: extract_chip(i, m, size=6), (image.requires_grad_(), matrix.requires_grad_())
    )
