"""What is compared on scanned and filmed people: methods, and how each uses the frames of a video."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ganfit_core.methods import METHODS

MEAN_FACE = "mean face"
Fusion = Literal["none", "single", "joint", "mean of fits", "mean of regressions"]
"""What becomes of a video's frames: none is looked at; the middle one alone is; all are fitted with one identity and
texture (Fast-GANFIT, Eq. 14); each is fitted alone and the parameters are averaged; each is regressed and the
parameters are averaged. The last two are the naive ways that the paper sets itself apart from (Sec. 3.5)."""


@dataclass(frozen=True)
class Recipe:
    """A row of Table 1."""

    method: str
    """Of ganfit_core.methods.METHODS, or the mean face."""
    fusion: Fusion
    without: tuple[str, ...] = ()
    """Weights of the energy that are switched off, as ganfit_core.energy.Weights.without names them."""

    @property
    def name(self) -> str:
        """As tables and files show it."""
        left_out = f" without {', '.join(self.without)}" if self.without else ""
        return f"{self.method}{left_out}" if self.fusion == "none" else f"{self.method}{left_out}, {self.fusion}"


FLOOR = Recipe(MEAN_FACE, "none")
"""What a method must beat: the model's mean head for everybody."""

ABLATION: tuple[tuple[str, ...], ...] = (
    ("identity",),
    ("identity_random",),
    ("content",),
    ("identity", "identity_random", "content"),
    ("landmark",),
    ("pixel",),
    ("identity_prior",),
    ("expression_prior",),
    ("light_prior",),
)
"""What is left out in the nine last rows of Table 1, in their order."""


def table_one(methods: Sequence[str]) -> tuple[Recipe, ...]:
    """The mean face, and each method on one frame and on all.

    A fit that starts from a regression also stands beside the mean of its single fits; from a random start that would
    take several times as long as all the rest.
    """
    recipes = [FLOOR]
    for name in methods:
        method = METHODS[name]
        recipes.append(Recipe(name, "single"))
        if method.refine and method.start == "regression":
            recipes.append(Recipe(name, "mean of fits"))
        recipes.append(Recipe(name, "joint" if method.refine else "mean of regressions"))
    return tuple(recipes)


def ablation(method: str) -> tuple[Recipe, ...]:
    """The method with the whole energy, then with each of `ABLATION` left out; all frames together."""
    return Recipe(method, "joint"), *(Recipe(method, "joint", without) for without in ABLATION)
