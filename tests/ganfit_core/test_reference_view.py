"""Renderings in which only who is shown is left."""

from __future__ import annotations

import pytest
import torch

from ganfit_core.camera import project
from ganfit_core.morphable import MorphableModel
from ganfit_core.parameters import CAMERA_MEAN, LIGHT_MEAN, Parameters
from ganfit_core.reference_view import reference_view
from tests.heads import camera


@pytest.fixture
def shown(model: MorphableModel) -> Parameters:
    """Two people who smile from two sides in two lights."""
    generator = torch.Generator().manual_seed(0)
    return Parameters(
        torch.randn(2, model.n_identity, generator=generator),
        torch.randn(2, model.n_expression, generator=generator),
        torch.randn(2, 16, generator=generator),
        torch.cat([camera(30), camera(-20, 10)]),
        torch.rand(2, 9, generator=generator),
    )


def test_who_is_shown_stays_and_all_else_is_the_same_for_everybody(shown: Parameters) -> None:
    view = reference_view(shown)
    assert torch.equal(view.identity, shown.identity)
    assert torch.equal(view.texture, shown.texture)
    assert not view.expression.any()
    for values, mean in ((view.camera, CAMERA_MEAN), (view.light, LIGHT_MEAN)):
        assert torch.equal(values, torch.tensor(mean).expand(2, -1))


def test_shapes_and_types_are_those_of_the_parameters(shown: Parameters) -> None:
    double = Parameters(*(part.double() for part in shown))
    for part, given in zip(reference_view(double), double, strict=True):
        assert (part.shape, part.dtype) == (given.shape, given.dtype)


def test_the_camera_sees_the_mean_head_from_the_front_whole_and_in_the_middle(
    model: MorphableModel, shown: Parameters
) -> None:
    points = project(model.landmarks(model.mean[None]), reference_view(shown).camera[:1], 224)[0, :, :2]
    left, right = points[36:42].mean(dim=0), points[42:48].mean(dim=0)
    assert abs(float(left[1] - right[1])) < 1  # level eyes
    assert abs(float((left + right)[0] / 2 - points[27:31, 0].mean())) < 1  # the nose's bridge halfway between them
    assert float(points.amin()) > 0
    assert float(points.amax()) < 224
    assert torch.allclose(points.mean(dim=0), torch.tensor([112.0, 112.0]), atol=25)
