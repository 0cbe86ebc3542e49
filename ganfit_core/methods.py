"""The methods by name: with which texture model, from which start, and whether a fit follows (Fast-GANFIT, Sec. 4)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    # The command line reads the names: they shall not cost the seconds that torch takes.
    from ganfit_core.fitting import FitResult, Fitter
    from ganfit_core.perception.align import AlignedFace
    from ganfit_core.regressor import Regressor


@dataclass(frozen=True)
class Method:
    """A recipe from an aligned face to parameters."""

    name: str
    texture: Literal["gan", "vae", "pca"]
    """The texture model."""
    start: Literal["random", "regression"]
    """Where the parameters come from: a random texture after GANFIT's alignment, or the regressor N(I)."""
    refine: bool
    """Whether Eq. 13 is minimised from there; without it the start is the result."""
    description: str
    """One line for a user."""


METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method("ganfit", "gan", "random", True, "fit from a random texture of the GAN"),
        Method("fast", "gan", "regression", False, "regression alone, GAN texture: a fraction of a second"),
        Method("ganfit++", "gan", "regression", True, "regression, then the fit from there, GAN texture"),
        Method("vaefit", "vae", "random", True, "ganfit with the VAE's textures"),
        Method("fast-vaefit", "vae", "regression", False, "fast with the VAE's textures"),
        Method("vaefit++", "vae", "regression", True, "ganfit++ with the VAE's textures"),
        Method("pcafit", "pca", "random", True, "ganfit with the PCA's textures"),
        Method("fast-pcafit", "pca", "regression", False, "fast with the PCA's textures"),
        Method("pcafit++", "pca", "regression", True, "ganfit++ with the PCA's textures"),
    )
}
"""Name -> recipe: GANFIT, Fast-GANFIT and GANFit++, and the same with the other texture models (Fig. 7)."""
DEFAULT = "ganfit++"


class Reconstructor:
    """Reconstructs batches of aligned faces by a method.

    Args:
        method: the recipe.
        fitter: with the method's texture model.
        regressor: trained with the same texture model, on the fitter's device; None where the start is random.

    Raises:
        ValueError: a regressor is lacking, superfluous, or was trained with another texture model.
    """

    def __init__(self, method: Method, fitter: Fitter, regressor: Regressor | None = None) -> None:
        texture = regressor.texture_kind if regressor else None
        if texture != (method.texture if method.start == "regression" else None):
            raise ValueError(f"{method.name} does not go with {f'a regressor of {texture}' if texture else 'none'}")
        self.method, self.fitter, self.regressor = method, fitter, regressor

    def fit(
        self,
        faces: list[AlignedFace],
        seed: int,
        on_iteration: Callable[[int, int], None] | None = None,
        people: Sequence[int] | None = None,
    ) -> list[FitResult]:
        """One result per face; arguments and errors as those of ganfit_core.fitting.Fitter.fit.

        Without refinement, faces of one person have the means of their regressed identities and textures.
        """
        import torch

        from ganfit_core.fitting import who

        if self.regressor is None:
            return self.fitter.fit(faces, seed, on_iteration, people)
        target, shown = self.fitter.prepare(faces), who(people, faces)
        with torch.no_grad():
            regressed = self.regressor(target.photo, target.landmarks, target.features)
        if not self.method.refine:
            return self.fitter.results(regressed.shared(shown), target)
        return self.fitter.refine(target, regressed, seed, on_iteration, shown)
