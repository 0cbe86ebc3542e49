"""What a reconstruction has to beat: the mean head under the mean texture, turned and lit as a photograph asks for."""

from __future__ import annotations

import torch
from torch import Tensor

from ganfit_core.energy import Target
from ganfit_core.fitting import Fitter
from ganfit_core.parameters import LIGHT_MEAN, Parameters, light_from_photo
from ganfit_core.pose import camera_from_landmarks


@torch.no_grad()
def mean_face(fitter: Fitter, target: Target) -> Parameters:
    """The camera comes from the landmarks in closed form, the light from the photograph by least squares; all
    coefficients are 0.

    Args:
        fitter: with a texture model whose latent 0 is the mean texture, which is the PCA's alone.
        target: what `fitter.prepare` says of the photographs.
    """
    model, batch = fitter.model, len(target.photo)

    def zeros(width: int) -> Tensor:
        return target.photo.new_zeros(batch, width)

    points = model.landmarks(model.mean.expand(batch, -1, -1))
    start = Parameters(
        zeros(model.n_identity),
        zeros(model.n_expression),
        zeros(fitter.texture_model.latent_dim),
        camera_from_landmarks(points, target.landmarks, fitter.renderer.size),
        zeros(len(LIGHT_MEAN)) + target.photo.new_tensor(LIGHT_MEAN),
    )
    unlit = fitter.energy.form(start).rendering
    light = light_from_photo(target.photo, unlit, fitter.energy.compared(unlit) * target.inside)
    return start._replace(light=light)
