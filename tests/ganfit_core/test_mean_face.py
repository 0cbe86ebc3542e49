"""What a reconstruction has to beat, on renderings of the mean face of which all is known."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from ganfit_core.camera import project
from ganfit_core.fitting import Fitter
from ganfit_core.landmark_fit import relative_landmark_error
from ganfit_core.mean_face import mean_face
from ganfit_core.morphable import MorphableModel
from ganfit_core.parameters import LIGHT_MEAN, Parameters
from ganfit_core.texture import Generator
from ganfit_core.texture.model import load_texture_model
from ganfit_core.texture.pca import PCATexture
from tests.ganfit_core.fits import MakeFitter, make_fitter, pictures_of
from tests.heads import SHIPPED_MODEL, camera

__all__ = ["make_fitter"]

SIDES = [(0, 0, 5.0), (15, 5, 5.5), (-25, 0, 6.0)]
LIGHTS = torch.tensor(
    [
        [*LIGHT_MEAN[:3], 0.5, 0.5, 0.5, 0.4, 0.4, 0.4],
        [*LIGHT_MEAN[:3], 0.2, 0.2, 0.2, 0.2, 0.2, 0.2],
        [*LIGHT_MEAN[:3], 0.5, 0.4, 0.3, 0.5, 0.4, 0.3],
    ]
)
"""Even, dark, warm."""


@pytest.fixture(scope="module")
def fitter(make_fitter: MakeFitter) -> Fitter:
    return make_fitter()


@pytest.fixture(scope="module")
def truth(model: MorphableModel) -> Parameters:
    """The mean face from three sides in three lights."""
    return Parameters(
        torch.zeros(3, model.n_identity),
        torch.zeros(3, model.n_expression),
        torch.zeros(3, 16),
        torch.cat([camera(*side) for side in SIDES]),
        LIGHTS,
    )


@pytest.fixture(scope="module")
def found(fitter: Fitter, model: MorphableModel, texture_model: Generator, truth: Parameters) -> Parameters:
    return mean_face(fitter, fitter.prepare(pictures_of(model, texture_model, truth)))


def test_it_is_nobody(found: Parameters, truth: Parameters) -> None:
    for part, true in zip(found[:3], truth[:3], strict=True):
        assert part.shape == true.shape
        assert not part.any()
    assert not any(part.requires_grad for part in found)


def test_it_is_turned_as_the_landmarks_say(
    found: Parameters, truth: Parameters, model: MorphableModel, fitter: Fitter
) -> None:
    points = model.landmarks(model.mean.expand(3, -1, -1))
    seen, true = (project(points, view, fitter.renderer.size)[..., :2] for view in (found.camera, truth.camera))
    assert float(relative_landmark_error(seen, true).max()) < 0.03
    straight = project(points, camera(0, 0).expand(3, -1), fitter.renderer.size)[..., :2]
    assert float(relative_landmark_error(straight, true)[1:].min()) > 0.1  # unlike one that was not turned


def test_its_light_is_the_photographs(found: Parameters, fitter: Fitter, truth: Parameters) -> None:
    def shown(parameters: Parameters) -> Tensor:
        with torch.no_grad():
            rendering = fitter.energy.form(parameters).rendering
        return rendering.image * rendering.mask

    true, lit, unlit = shown(truth), shown(found), shown(found._replace(light=torch.tensor([LIGHT_MEAN] * 3)))
    error, without = ((picture - true).abs().mean(dim=(1, 2, 3)) for picture in (lit, unlit))
    assert (error[1:] < 0.5 * without[1:]).all()
    brightness = found.light[:, 3:].sum(dim=1)
    assert brightness[1] < 0.6 * brightness[0]
    red, blue = found.light[2, 3] + found.light[2, 6], found.light[2, 5] + found.light[2, 8]
    assert red > 1.3 * blue
    assert torch.equal(found.light[:, :3], LIGHTS[:, :3])  # where the lamp stands is not asked


def test_a_face_does_not_depend_on_the_others_of_its_batch(
    found: Parameters, fitter: Fitter, model: MorphableModel, texture_model: Generator, truth: Parameters
) -> None:
    pictures = pictures_of(model, texture_model, truth)
    for place, picture in enumerate(pictures):
        alone = mean_face(fitter, fitter.prepare([picture]))
        for part, whole in zip(alone, found, strict=True):
            torch.testing.assert_close(part[0], whole[place], atol=1e-3, rtol=1e-4)


def test_latent_0_of_the_shipped_pca_is_the_mean_texture() -> None:
    textures = load_texture_model(Path(SHIPPED_MODEL).with_name("texture_pca.safetensors"))
    assert isinstance(textures, PCATexture)
    with torch.no_grad():
        shown = textures(torch.zeros(1, textures.latent_dim))
    assert torch.equal(shown.flatten(), textures.mean)
    assert 0.2 < float(shown.mean()) < 0.8
