"""Verification of identity: cosines of embeddings, the ROC curve and what is read off it, accuracy over folds.

A pair is accepted as one person when its score reaches a threshold. Over all thresholds, the ROC curve sets the share
of accepted pairs of one person (true acceptance rate, TAR) against that of two people (false acceptance rate, FAR).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float64, Int
from numpy.typing import NDArray


class Roc(NamedTuple):
    """The ROC curve, a point per distinct score from the greatest down, before them one that accepts nothing."""

    fpr: Float64[np.ndarray, " k"]
    """Share of the pairs of two people whose score is at least the threshold: the FAR."""
    tpr: Float64[np.ndarray, " k"]
    """The same of the pairs of one person: the TAR."""
    thresholds: Float64[np.ndarray, " k"]
    """Falling; infinity first."""


class FoldAccuracy(NamedTuple):
    """Accuracy over folds, each at the threshold that is best for the others."""

    mean: float
    standard_error: float
    thresholds: Float64[np.ndarray, " k"]
    """One per fold, folds in ascending order."""


def cosine(a: Float[np.ndarray, "n d"], b: Float[np.ndarray, "n d"]) -> Float64[np.ndarray, " n"]:
    """Cosine of the angle between the vectors of each row: a·b / (|a| |b|).

    Raises:
        ValueError: shapes differ, a number is not finite, or a row is zero and has no direction.
    """
    x, y = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if x.shape != y.shape or x.ndim != 2:
        raise ValueError(f"shapes differ or are no rows of vectors: {x.shape}, {y.shape}")
    lengths = np.linalg.norm(x, axis=1) * np.linalg.norm(y, axis=1)
    if not np.isfinite(lengths).all() or not (lengths > 0).all():
        raise ValueError("embeddings must be finite and not zero")
    return np.clip((x * y).sum(axis=1) / lengths, -1.0, 1.0)


def roc(scores: Float[np.ndarray, " n"], same: Bool[np.ndarray, " n"]) -> Roc:
    """The ROC curve of scores, of which `same` says whether they are of one person.

    Equal scores make one point: no threshold can part them.

    Raises:
        ValueError: shapes differ, a score is not finite, or the pairs are all of one kind. So do all functions below.
    """
    accepted_same, accepted_different, thresholds = _accepted(scores, same)
    return Roc(accepted_different / accepted_different[-1], accepted_same / accepted_same[-1], thresholds)


def auc(scores: Float[np.ndarray, " n"], same: Bool[np.ndarray, " n"]) -> float:
    """Area under the ROC curve by trapezia: the chance that a pair of one person scores higher than one of two, equal
    scores counted half (Hanley and McNeil 1982)."""
    curve = roc(scores, same)
    return float(np.trapezoid(curve.tpr, curve.fpr))


def equal_error_rate(scores: Float[np.ndarray, " n"], same: Bool[np.ndarray, " n"]) -> float:
    """The error where FAR and 1 - TAR are equal, interpolated linearly between neighbouring points of the ROC curve."""
    curve = roc(scores, same)
    # rises strictly, from -1 to 1: every point accepts at least one pair more than the one before it
    return float(np.interp(0.0, curve.fpr + curve.tpr - 1, curve.fpr))


def tar_at_far(scores: Float[np.ndarray, " n"], same: Bool[np.ndarray, " n"], far: float) -> float:
    """Greatest share of accepted pairs of one person while of the others no more than `far` are accepted.

    Nothing is interpolated: with fewer than 1 / far pairs of two people, none of them may be accepted.

    Raises:
        ValueError: `far` is not in [0, 1].
    """
    if not 0 <= far <= 1:
        raise ValueError(f"a false acceptance rate is in [0, 1]: {far}")
    curve = roc(scores, same)
    return float(curve.tpr[curve.fpr <= far].max())


def k_fold_accuracy(
    scores: Float[np.ndarray, " n"], same: Bool[np.ndarray, " n"], folds: Int[np.ndarray, " n"]
) -> FoldAccuracy:
    """Mean accuracy over the folds, each at the best threshold of all others, and its standard error.

    LFW's protocol (Huang et al. 2007, "Labeled Faces in the Wild", Sec. 3): the error is that of the mean of k
    accuracies, std / sqrt(k) with k - 1 in the standard deviation. A threshold lies midway between neighbouring scores;
    of several that are equally good, the greatest is taken. `folds` says which fold each score belongs to.

    Raises:
        ValueError: there is a single fold, or the others of a fold are all of one kind.
    """
    _check(scores, same)
    if folds.shape != scores.shape:
        raise ValueError(f"shapes differ: {scores.shape}, folds {folds.shape}")
    names = np.unique(folds)
    if len(names) < 2:
        raise ValueError("a threshold is chosen on other folds, and there is only one fold")
    thresholds = np.array([_best_threshold(scores[folds != name], same[folds != name]) for name in names])
    accuracies = [
        ((scores[folds == name] >= threshold) == same[folds == name]).mean()
        for name, threshold in zip(names, thresholds, strict=True)
    ]
    error = np.std(accuracies, ddof=1) / np.sqrt(len(names))
    return FoldAccuracy(float(np.mean(accuracies)), float(error), thresholds)


def _best_threshold(scores: NDArray[np.floating], same: NDArray[np.bool_]) -> float:
    accepted_same, accepted_different, thresholds = _accepted(scores, same)
    best = int(np.argmax(accepted_same - accepted_different))
    following = thresholds[best + 1] if best + 1 < len(thresholds) else -np.inf
    return float((thresholds[best] + following) / 2)


def _accepted(
    scores: NDArray[np.floating], same: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """How many pairs of one person and of two reach each threshold, and the thresholds, as in `Roc`."""
    _check(scores, same)
    order = np.argsort(-scores, kind="stable")
    ranked, hits = scores[order].astype(np.float64), same[order]
    last = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)  # of each run of equal scores
    accepted_same = np.append(0, np.cumsum(hits)[last])
    accepted = np.append(0, last + 1)
    return accepted_same, accepted - accepted_same, np.append(np.inf, ranked[last])


def _check(scores: NDArray[np.floating], same: NDArray[np.bool_]) -> None:
    if scores.ndim != 1 or scores.shape != same.shape:
        raise ValueError(f"shapes differ or are no lists: {scores.shape}, {same.shape}")
    if not np.isfinite(scores).all():
        raise ValueError("scores must be finite")
    if same.all() or not same.any():
        raise ValueError("there must be pairs of one person and pairs of two")
