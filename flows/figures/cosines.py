"""Distributions of cosines (Fast-GANFIT, Fig. 9 and 10)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from numpy.typing import NDArray

from evaluation.identity import auc
from flows.figures.canvas import axes, style

_EDGES = np.linspace(-1, 1, 51)
_MARGIN = 0.05


def cosine_histogram(path: Path, cosines: Mapping[str, Float[np.ndarray, " _n"]], title: str) -> None:
    """One density per method over shared bins, with the means in the legend (Fig. 9).

    Args:
        cosines: method -> cosines of photographs and renderings, in [-1, 1].

    Raises:
        ValueError: there is nothing to show, or a number is no cosine.
    """
    _check(cosines)
    with axes(path) as canvas:
        draw_cosines(canvas, cosines)
        canvas.set_title(title)


def pair_histogram(path: Path, same: Float[np.ndarray, " _n"], different: Float[np.ndarray, " _m"], title: str) -> None:
    """Densities of the cosines of pairs of one person and of two, with the area under the ROC curve (Fig. 10).

    Raises:
        ValueError: there is nothing to show, or a number is no cosine.
    """
    _check({"same": same, "different": different})
    area = auc(np.concatenate([same, different]), np.arange(len(same) + len(different)) < len(same))
    with axes(path) as canvas:
        draw_cosines(canvas, {"one person": same, "two people": different})
        canvas.set_title(f"{title}\narea under the ROC curve: {area:.4f}")


def draw_cosines(canvas: Axes, cosines: Mapping[str, NDArray[np.floating]]) -> None:
    """Draw the densities and the legend."""
    for place, (name, values) in enumerate(cosines.items()):
        look = style(place)
        density, _ = np.histogram(np.clip(values, -1, 1), _EDGES, density=True)
        label = f"{name}: mean {values.mean():.3f}, n {len(values):,}"
        canvas.stairs(density, _EDGES, color=look.colour, linestyle=look.line, linewidth=1.6, label=label)
        canvas.stairs(density, _EDGES, color=look.colour, fill=True, alpha=0.3 / len(cosines))
    shown = np.concatenate(list(cosines.values()))
    canvas.set_xlim(max(shown.min() - _MARGIN, -1), min(shown.max() + _MARGIN, 1))
    canvas.set_xlabel("cosine")
    canvas.set_ylabel("density")
    canvas.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)


def _check(cosines: Mapping[str, NDArray[np.floating]]) -> None:
    if not cosines:
        raise ValueError("no cosines to show")
    for name, values in cosines.items():
        # Rounding may carry a cosine beyond 1.
        if not values.size or not (np.abs(values) <= 1 + 1e-6).all():
            raise ValueError(f"{name}: no cosines, or some that are not in [-1, 1]")
