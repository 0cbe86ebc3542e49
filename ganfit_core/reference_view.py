"""Reconstructions as all are shown alike: what is left of a rendering is who it is."""

from __future__ import annotations

import torch

from ganfit_core.parameters import CAMERA_MEAN, LIGHT_MEAN, Parameters


def reference_view(parameters: Parameters) -> Parameters:
    """The same identity and texture with a neutral expression, seen by the mean camera of portraits, which is frontal,
    in the light that fits start from."""
    camera, light = (
        like.new_tensor(mean).expand_as(like)
        for like, mean in ((parameters.camera, CAMERA_MEAN), (parameters.light, LIGHT_MEAN))
    )
    return Parameters(parameters.identity, torch.zeros_like(parameters.expression), parameters.texture, camera, light)
