"""Named recipes for a fit."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from ganfit_core.energy import Weights


@dataclass(frozen=True)
class Descent:
    """A part of stage 2: descent by Adam, every image to its own end."""

    share: float
    """Of stage 2's most steps."""
    learning_rate: float
    """For shape, camera and light."""
    texture_learning_rate: float
    """For the texture's latent."""
    patience: int
    """An image is on a plateau when its energy, without the random view, has not improved by `tolerance` over this
    many steps."""
    tolerance: float
    """Relative improvement of the energy that counts."""
    rate_factors: tuple[float, ...]
    """Of an image's learning rates: the first until its first plateau, and so on; at the last one's plateau it has
    converged."""
    coarse_size: int | None = None
    """Side of small renderings in pixels, for coarse steps: without the identity term on a random view, and with
    networks that compute in bfloat16. None: the whole energy at the preset's size."""


@dataclass(frozen=True)
class Preset:
    """Everything about a fit that is not the photograph."""

    render_size: int
    """Side of crop and rendering in pixels."""
    alignment_iterations: int
    """Adam steps of stage 1, landmarks alone."""
    iterations: int
    """Most Adam steps of stage 2 from a random start."""
    descent: Descent
    """That stage 2."""
    refinement_iterations: int
    """Most Adam steps of stage 2 from a regression (GANFit++)."""
    refinement: tuple[Descent, ...]
    """That stage 2, part by part."""
    texture_candidates: int
    """Random textures tried before stage 2; the one nearest to the unwrapped photograph starts it."""
    projection_iterations: int
    """Adam steps that bring that texture nearer to the unwrapped photograph, before stage 2."""
    projection_learning_rate: float
    """Of these steps."""
    weights: Weights = field(default_factory=Weights)
    """The lambdas of the energy."""

    def parts(self, regressed: bool) -> tuple[tuple[Descent, int], ...]:
        """The parts of stage 2 with the most steps of each, which make up the most steps of all."""
        parts = self.refinement if regressed else (self.descent,)
        most = self.refinement_iterations if regressed else self.iterations
        ends = [int(most * sum(part.share for part in parts[: i + 1])) for i in range(len(parts) - 1)]
        return tuple((part, end - begin) for part, begin, end in zip(parts, [0, *ends], [*ends, most], strict=True))

    def limited(self, iterations: int) -> Preset:
        """The same with so many steps of stage 2 at most, wherever it starts."""
        return replace(self, iterations=iterations, refinement_iterations=iterations)


PRESETS: dict[str, Preset] = {
    # A face in under half a minute on a laptop's CPU. Fewer and longer steps than the paper's, and two heavier terms,
    # chosen on six photographs outside the held-out fold. Pixels: from 1 over 5 to 15 their term falls from 0.065 over
    # 0.054 to 0.047, while a network outside the energy finds the renderings no less like the person (cosine 0.535,
    # 0.543, 0.547). Landmarks: from 0.001 to 0.003 their error falls from 2.9 to 2.2 % of the inter-ocular distance,
    # with the cosine at 0.70 both times. Learning rates: from 0.02 and 0.05 to 0.03 and 0.1 the energy reaches in 80
    # steps what it reached in 100; a texture rate of 0.2 is faster still, but its renderings are less like the person.
    # The prior of identity: on 8 synthetic people of another model (seed 1000, five cooperative frames fitted together
    # by ganfit++) the rigid error of the face falls from 2.33 mm at 0.05 to 2.15 at 0.5 and is 2.23 at 2, where the
    # mean face has 2.37; the cosine stays, 0.794, 0.792, 0.787.
    "laptop": Preset(
        render_size=224,
        alignment_iterations=150,
        iterations=100,
        descent=Descent(1.0, 0.03, 0.1, patience=8, tolerance=0.015, rate_factors=(1.0, 0.3)),
        texture_candidates=128,
        projection_iterations=60,
        projection_learning_rate=0.1,
        # Most of the way is made in coarse steps. On four photographs outside the held-out fold, from an unfinished
        # regressor: 30 steps at 224 px reach an energy of 2.43, 60 at 128 px without the random view 2.32, 40 of these
        # and 10 at full size 2.31, in about the same time.
        refinement_iterations=60,
        refinement=(
            Descent(0.75, 0.05, 0.2, patience=6, tolerance=0.015, rate_factors=(1.0, 0.3), coarse_size=128),
            Descent(0.25, 0.015, 0.06, patience=5, tolerance=0.015, rate_factors=(1.0,)),
        ),
        weights=Weights(pixel=15.0, landmark=0.003, identity_prior=0.5),
    ),
    # The paper's weights and learning rate, several hundred steps, and a rendering of 512 px.
    "paper": Preset(
        render_size=512,
        alignment_iterations=300,
        iterations=600,
        descent=Descent(1.0, 0.01, 0.01, patience=40, tolerance=0.01, rate_factors=(1.0, 0.3)),
        texture_candidates=256,
        projection_iterations=100,
        projection_learning_rate=0.05,
        refinement_iterations=200,
        refinement=(Descent(1.0, 0.01, 0.01, patience=20, tolerance=0.01, rate_factors=(1.0, 0.3)),),
    ),
}
