"""Averaging over the photographs of a person."""

from __future__ import annotations

import pytest
import torch

from ganfit_core.parameters import Leaves, Parameters
from ganfit_core.people import People


def test_persons_are_counted_in_the_order_in_which_they_come() -> None:
    people = People([9, 4, 9, 1, 4])
    assert people.of.tolist() == [0, 1, 0, 2, 1]
    assert people.first.tolist() == [0, 1, 3]


def test_the_mean_is_of_each_persons_own_photographs() -> None:
    people = People([9, 4, 9])
    values = torch.tensor([[1.0, 2.0], [10.0, 20.0], [3.0, 6.0]])
    assert people.mean(values).tolist() == [[2.0, 4.0], [10.0, 20.0], [2.0, 4.0]]
    assert people.mean(values[:, 0]).tolist() == [2.0, 10.0, 2.0]
    maps = values[:, :, None, None].expand(-1, -1, 4, 5)
    assert torch.equal(people.mean(maps), people.mean(values)[:, :, None, None].expand(-1, -1, 4, 5))


def test_the_mean_of_some_persons() -> None:
    people = People([9, 4, 9, 4])
    assert people.mean(torch.tensor([1.0, 5.0]), torch.tensor([0, 2])).tolist() == [3.0, 3.0]


def test_photographs_of_a_person_get_the_very_same_numbers() -> None:
    people = People([0] * 13 + [1] * 7)
    for seed in range(50):
        mean = people.mean(torch.randn(20, generator=torch.Generator().manual_seed(seed)))
        assert len(set(mean[:13].tolist())) == 1
        assert len(set(mean[13:].tolist())) == 1


def test_photographs_that_take_no_part_do_not_shrink_the_mean() -> None:
    assert People([0, 0, 0, 1]).mean(torch.ones(3), torch.tensor([0, 2, 3])).tolist() == [1.0, 1.0, 1.0]


def test_the_mean_of_those_who_are_shown_once_is_exact() -> None:
    values = torch.randn(7, 50, generator=torch.Generator().manual_seed(0))
    assert torch.equal(People.alone(7).mean(values), values)


@pytest.fixture
def parameters() -> Parameters:
    generator = torch.Generator().manual_seed(1)
    sizes = {"identity": 4, "expression": 3, "texture": 5, "camera": 10, "light": 9}
    return Parameters(**{name: torch.randn(3, size, generator=generator) for name, size in sizes.items()})


def test_identity_and_texture_are_shared_and_nothing_else(parameters: Parameters) -> None:
    shared = parameters.shared(People([0, 1, 0]))
    for name in Parameters._fields:
        before, after = getattr(parameters, name), getattr(shared, name)
        if name in ("identity", "texture"):
            torch.testing.assert_close(after[0], (before[0] + before[2]) / 2)
            assert torch.equal(after[0], after[2])
            assert torch.equal(after[1], before[1])
        else:
            assert torch.equal(after, before)


def test_the_optimisers_numbers_are_shared_alike(parameters: Parameters) -> None:
    people, leaves = People([0, 1, 0]), Leaves(parameters)
    before = leaves.rows(torch.arange(3))
    leaves.share(people, torch.tensor([1]))
    for one, other in zip(before, leaves.rows(torch.arange(3)), strict=True):
        assert torch.equal(one, other)
    leaves.share(people, torch.tensor([0, 2]))
    for one, other in zip(before.shared(people), leaves.rows(torch.arange(3)), strict=True):
        torch.testing.assert_close(one, other)
    assert leaves.numbers.is_leaf
    assert leaves.numbers.requires_grad
