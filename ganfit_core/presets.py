"""Named recipes for a fit."""

from __future__ import annotations

from dataclasses import dataclass, field

from ganfit_core.energy import Weights


@dataclass(frozen=True)
class Preset:
    """Everything about a fit that is not the photograph."""

    render_size: int
    """Side of crop and rendering in pixels."""
    alignment_iterations: int
    """Adam steps of stage 1, landmarks alone."""
    iterations: int
    """Most Adam steps of stage 2, all terms."""
    learning_rate: float
    """Of stage 2, for shape, camera and light."""
    texture_learning_rate: float
    """Of stage 2, for the texture's latent, which has farther to go: the rest starts from stage 1."""
    texture_candidates: int
    """Random textures tried before stage 2; the one nearest to the unwrapped photograph starts it."""
    projection_iterations: int
    """Adam steps that bring that texture nearer to the unwrapped photograph, before stage 2."""
    patience: int
    """An image has converged when its energy has not improved by `tolerance` over this many steps."""
    tolerance: float
    """Relative improvement of the energy that counts."""
    weights: Weights = field(default_factory=Weights)
    """The lambdas of the energy."""


PRESETS: dict[str, Preset] = {
    # A face in half a minute on a laptop's CPU.
    "laptop": Preset(224, 150, 100, 0.01, 0.05, 128, 40, 12, 0.002),
    # The settings of the paper: a learning rate of 0.01 and several hundred steps, at twice the resolution.
    "paper": Preset(512, 300, 600, 0.01, 0.01, 256, 100, 40, 0.0005),
}
