"""What stands in Table 1."""

from __future__ import annotations

import pytest

from data import published
from ganfit_core.energy import Weights
from ganfit_core.methods import METHODS
from tasks.micc_recipes import ABLATION, FLOOR, Recipe, ablation, table_one


def test_each_method_stands_on_one_frame_and_on_all_below_the_mean_face() -> None:
    assert [recipe.name for recipe in table_one(["fast", "ganfit", "ganfit++"])] == [
        "mean face",
        "fast, single",
        "fast, mean of regressions",
        "ganfit, single",
        "ganfit, joint",
        "ganfit++, single",
        "ganfit++, mean of fits",
        "ganfit++, joint",
    ]
    assert table_one([]) == (FLOOR,)


def test_names_tell_recipes_apart() -> None:
    recipes = {*table_one(list(METHODS)), *ablation("ganfit++"), *ablation("pcafit++")}
    assert len({recipe.name for recipe in recipes}) == len(recipes)


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(KeyError):
        table_one(["hearsay"])


def test_the_ablation_is_the_papers() -> None:
    """As many rows as Table 1 has, each leaving out other weights, which exist; the whole energy before them."""
    whole, *rest = ablation("ganfit++")
    assert whole == Recipe("ganfit++", "joint")
    assert whole in table_one(["ganfit++"])
    printed = {entry.method for entry in published.PUBLISHED if "GANFit++ \\" in entry.method}
    assert len(rest) == len(printed) == 9
    assert {recipe.fusion for recipe in rest} == {"joint"}
    off = {Weights().without(*recipe.without) for recipe in rest}
    assert len(off) == len(ABLATION)
    assert Weights() not in off


def test_names_say_what_is_left_out() -> None:
    assert Recipe("ganfit++", "joint", ("identity", "pixel")).name == "ganfit++ without identity, pixel, joint"
