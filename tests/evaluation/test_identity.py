"""Measures of verification against scikit-learn, on two files of scores: all distinct, and many tied."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq
from sklearn.metrics import accuracy_score, roc_auc_score, roc_curve
from sklearn.metrics.pairwise import cosine_similarity

from evaluation.identity import auc, cosine, equal_error_rate, k_fold_accuracy, roc, tar_at_far

DATA = Path(__file__).parent / "data"

Scores = tuple[np.ndarray, np.ndarray, np.ndarray]


@pytest.fixture(params=["scores_distinct.csv", "scores_tied.csv"])
def given_scores(request: pytest.FixtureRequest) -> Scores:
    """Scores, whether each is of one person, and its fold."""
    fold, same, score = np.loadtxt(DATA / request.param, delimiter=",", skiprows=1).T
    return score, same.astype(bool), fold.astype(np.int64)


def test_cosine_is_scikit_learn_s() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 6, 5)).astype(np.float32)
    np.testing.assert_allclose(cosine(a, b), np.diag(cosine_similarity(a.astype(float), b.astype(float))), atol=1e-12)


def test_cosine_of_a_vector_with_itself_is_at_most_one() -> None:
    a = np.random.default_rng(1).normal(size=(100, 7))
    assert cosine(a, 3 * a).max() <= 1.0
    np.testing.assert_allclose(cosine(a, -a), -1.0)


@pytest.mark.parametrize(
    ("a", "match"),
    [
        (np.ones((2, 4)), "shapes differ"),
        (np.array([[0.0, 0, 0], [1, 1, 1]]), "not zero"),
        (np.array([[np.nan, 0, 0], [1, 1, 1]]), "finite"),
    ],
)
def test_vectors_without_a_cosine_are_refused(a: np.ndarray, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        cosine(a, np.ones((2, 3)))


def test_the_curve_is_scikit_learn_s(given_scores: Scores) -> None:
    scores, same, _ = given_scores
    for ours, theirs in zip(roc(scores, same), roc_curve(same, scores, drop_intermediate=False), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-12)


def test_the_area_is_scikit_learn_s(given_scores: Scores) -> None:
    scores, same, _ = given_scores
    assert auc(scores, same) == pytest.approx(roc_auc_score(same, scores), abs=1e-12)


def test_the_equal_error_is_where_the_line_through_scikit_learn_s_points_crosses(given_scores: Scores) -> None:
    scores, same, _ = given_scores
    fpr, tpr, _ = roc_curve(same, scores, drop_intermediate=False)
    expected = brentq(lambda far: 1 - far - np.interp(far, fpr, tpr), 0.0, 1.0)
    assert 0.05 < expected < 0.3
    assert equal_error_rate(scores, same) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("far", [0.0, 1e-3, 1 / 60, 0.05, 0.3, 1.0])
def test_tar_is_the_best_of_scikit_learn_s_points_within_far(given_scores: Scores, far: float) -> None:
    scores, same, _ = given_scores
    fpr, tpr, _ = roc_curve(same, scores, drop_intermediate=False)
    assert tar_at_far(scores, same, far) == max(t for f, t in zip(fpr, tpr, strict=True) if f <= far)


def test_three_of_3000_false_acceptances_are_a_rate_of_one_in_a_thousand() -> None:
    different = np.linspace(0.0, 0.5, 3000)
    fourth, third = different[-4], different[-3]
    scores = np.append(different, [third, fourth])
    same = np.append(np.zeros(3000, bool), [True, True])
    assert tar_at_far(scores, same, 1e-3) == 0.5


def test_a_fold_s_threshold_has_the_best_accuracy_scikit_learn_finds_on_the_others(given_scores: Scores) -> None:
    scores, same, folds = given_scores
    result = k_fold_accuracy(scores, same, folds)
    accuracies = []
    for fold, threshold in zip(range(1, 6), result.thresholds, strict=True):
        rest = folds != fold
        candidates = np.append(scores[rest], np.inf)
        best = max(accuracy_score(same[rest], scores[rest] >= candidate) for candidate in candidates)
        assert accuracy_score(same[rest], scores[rest] >= threshold) == best
        accuracies.append(accuracy_score(same[~rest], scores[~rest] >= threshold))
    assert result.mean == pytest.approx(np.mean(accuracies), abs=1e-12)
    assert result.standard_error == pytest.approx(np.std(accuracies, ddof=1) / np.sqrt(5), abs=1e-12)
    assert len(set(accuracies)) > 1


def test_accuracy_by_hand() -> None:
    scores = np.array([0.9, 0.5, 0.4, 0.1, 0.8, 0.45, 0.7, 0.2])
    same = np.array([True, True, False, False, True, True, False, False])
    folds = np.repeat([3, 8], 4)
    mean, error, thresholds = k_fold_accuracy(scores, same, folds)
    # fold 8 says 0.75 or 0.325, the greater is taken: it loses 0.5 of fold 3; fold 3 says 0.45: it accepts 0.7
    np.testing.assert_allclose(thresholds, [0.75, 0.45])
    assert mean == 0.75
    assert error == 0.0


def test_what_all_are_accepted_for_is_accepted_however_low() -> None:
    same = np.array([True, True, False, True, True, False])
    scores = np.array([0.4, 0.1, 0.9, 0.3, 0.6, 0.5])
    assert k_fold_accuracy(scores, same, np.repeat([1, 2], 3)).thresholds[1] == -np.inf


@given(st.lists(st.tuples(st.integers(-3, 3), st.booleans()), min_size=2, max_size=30))
def test_area_and_errors_of_mirrored_scores_are_mirrored(pairs: list[tuple[int, bool]]) -> None:
    scores, same = (np.array(column) for column in zip(*pairs, strict=True))
    scores = scores.astype(float)
    if same.all() or not same.any():
        with pytest.raises(ValueError, match="pairs of one person and pairs of two"):
            roc(scores, same)
        return
    assert auc(-scores, same) == pytest.approx(1 - auc(scores, same), abs=1e-12)
    assert equal_error_rate(-scores, ~same) == pytest.approx(equal_error_rate(scores, same), abs=1e-12)


def test_degenerate_input_is_refused() -> None:
    scores, same = np.array([0.1, 0.2, 0.3]), np.array([True, False, True])
    with pytest.raises(ValueError, match="shapes differ"):
        roc(scores[:2], same)
    with pytest.raises(ValueError, match="finite"):
        auc(np.array([0.1, np.nan, 0.3]), same)
    for kind in (True, False):
        with pytest.raises(ValueError, match="pairs of one person and pairs of two"):
            equal_error_rate(scores, np.full(3, kind))
    for far in (-0.1, 1.1, np.nan):
        with pytest.raises(ValueError, match="false acceptance rate"):
            tar_at_far(scores, same, far)


def test_folds_that_leave_no_threshold_to_choose_are_refused() -> None:
    scores, same = np.array([0.1, 0.2, 0.3, 0.4]), np.array([True, False, True, True])
    with pytest.raises(ValueError, match="only one fold"):
        k_fold_accuracy(scores, same, np.ones(4, np.int64))
    with pytest.raises(ValueError, match="shapes differ"):
        k_fold_accuracy(scores, same, np.ones(3, np.int64))
    with pytest.raises(ValueError, match="pairs of one person and pairs of two"):
        k_fold_accuracy(scores, same, np.array([1, 1, 2, 2]))
