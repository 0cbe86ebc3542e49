"""Principal components of heads and of expressions, pre-scaled so that coefficients are in standard deviations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

_UNITS_AT_ONCE = 12.0
_SIDE_AGREEMENT = 0.8
# These move the whole jaw or mouth to a side; they are no left and right halves of one movement.
_WHOLE = {"jawLeft", "jawRight", "mouthLeft", "mouthRight"}


@dataclass(frozen=True)
class Components:
    """mean (V, 3) mm; basis (k, V, 3) mm per standard deviation; explained: share of the variance kept, in [0, 1]."""

    mean: NDArray[np.float64]
    basis: NDArray[np.float64]
    explained: float


def align(heads: NDArray[Any], anchor: NDArray[np.bool_]) -> NDArray[Any]:
    """Heads (N, V, 3) moved rigidly (rotation, translation; never scale) onto their mean over the `anchor` vertices.

    Generalised Procrustes analysis; size stays, because it tells people apart and is metric.
    """
    mean = heads.mean(axis=0)
    for _ in range(3):
        target = mean[anchor] - mean[anchor].mean(axis=0)
        centred = heads - heads[:, anchor].mean(axis=1, keepdims=True)
        u, _, vt = np.linalg.svd(np.einsum("nvi,vj->nij", centred[:, anchor], target))
        flip = np.sign(np.linalg.det(u @ vt))
        u[:, :, 2] *= flip[:, None]
        heads = np.einsum("nvi,nij->nvj", centred, u @ vt)
        mean = heads.mean(axis=0)
    return heads


def components(
    samples: NDArray[np.float64], count: int, weight: NDArray[np.float64], centre: bool = True
) -> Components:
    """Weighted PCA of samples (N, V, 3).

    Args:
        samples: (N, V, 3) mm.
        count: number of components kept.
        weight: (V,) how much an error at each vertex matters; the mode order follows it, the modes stay in mm.
        centre: subtract the mean; without it, coefficient 0 stays at displacement 0 (expressions around neutral).
    """
    mean = samples.mean(axis=0) if centre else np.zeros_like(samples[0])
    flat = (samples - mean).reshape(len(samples), -1)
    scaled = flat * np.repeat(np.sqrt(weight), 3)
    # N < 3V: the N x N Gram matrix has the same spectrum and is cheaper.
    last = len(samples) - 1
    values, vectors = eigh(scaled @ scaled.T, subset_by_index=(last - count + 1, last))
    values, vectors = values[::-1], vectors[:, ::-1]
    scores = vectors * np.sqrt(len(samples))
    basis = scores.T @ flat / len(samples)
    # A fixed sign, so that a rebuild gives the same model.
    basis *= np.sign(basis[np.arange(count), np.abs(basis).argmax(axis=1)])[:, None]
    return Components(mean, basis.reshape(count, -1, 3), float(values.sum() / (scaled**2).sum()))


def expression_samples(
    units: dict[str, NDArray[np.float64]], count: int, generator: np.random.Generator
) -> NDArray[np.float64]:
    """(count, V, 3) mm: random faces made of a few ARKit units each, left and right mostly together."""
    bases = sorted({n if n in _WHOLE else n.removesuffix("Left").removesuffix("Right") for n in units})
    weights = {name: np.zeros(count) for name in units}
    for base in bases:
        active = generator.random(count) < _UNITS_AT_ONCE / len(bases)
        strength = active * generator.random(count)
        for name in (base, base + "Left", base + "Right"):
            if name in units and (name == base or name not in _WHOLE):
                together = generator.random(count) < _SIDE_AGREEMENT
                share = np.where(together, 1.0, generator.random(count))
                weights[name] = strength * share
    return np.einsum(
        "un,uvi->nvi", np.stack([weights[n] for n in units]), np.stack(list(units.values())), optimize=True
    )
