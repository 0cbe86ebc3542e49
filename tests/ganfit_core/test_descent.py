"""Adam by rows against torch's, and plateaus of scripted energies."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from ganfit_core.descent import BETAS, WARM_UP, Plateau, RowAdam

RATES = torch.tensor([0.1, 0.1, 0.02])
TARGET = torch.tensor([[1.0, -2.0, 0.3], [0.5, 4.0, -1.0]])


def bowl(numbers: Tensor) -> Tensor:
    return (numbers - TARGET).pow(4).sum()


def test_all_rows_together_are_torch_s_adam_after_a_warm_up() -> None:
    numbers, left, right = (torch.zeros(2, width).requires_grad_() for width in (3, 2, 1))
    ours = RowAdam(numbers, RATES)
    theirs = torch.optim.Adam([{"params": left, "lr": 0.1}, {"params": right, "lr": 0.02}], betas=BETAS)
    warming = torch.optim.lr_scheduler.LambdaLR(theirs, lambda step: min(1.0, (step + 1) / WARM_UP))
    for _ in range(20):
        bowl(numbers).backward()
        ours.step(torch.arange(2), torch.ones(2))
        theirs.zero_grad()
        bowl(torch.cat([left, right], dim=1)).backward()
        theirs.step()
        warming.step()
    torch.testing.assert_close(numbers, torch.cat([left, right], dim=1))


def test_a_row_left_out_stands_still_and_goes_on_as_if_it_had_never_waited() -> None:
    waiting, alone = (torch.zeros(2, 3).requires_grad_() for _ in range(2))
    adam, other = RowAdam(waiting, RATES), RowAdam(alone, RATES)
    for turn in range(9):
        bowl(waiting).backward()
        rows = torch.tensor([0, 1]) if turn % 3 == 0 else torch.tensor([0])
        before = waiting.detach().clone()
        adam.step(rows, torch.ones(len(rows)))
        assert torch.equal(before[1], waiting.detach()[1]) == (turn % 3 != 0)
    for _ in range(3):
        bowl(alone).backward()
        other.step(torch.arange(2), torch.ones(2))
    torch.testing.assert_close(waiting[1], alone[1])
    assert (waiting[0] != alone[0]).any()


def test_each_row_has_its_factor() -> None:
    """The first step of Adam is the learning rate, here that of a cold start, against the gradient's sign."""
    numbers = torch.zeros(2, 3).requires_grad_()
    bowl(numbers).backward()
    RowAdam(numbers, RATES).step(torch.tensor([1, 0]), torch.tensor([0.5, 2.0]))
    torch.testing.assert_close(numbers.detach(), torch.tensor([[2.0], [0.5]]) / WARM_UP * RATES * TARGET.sign())


def test_no_step_without_a_gradient() -> None:
    numbers = torch.zeros(2, 3).requires_grad_()
    adam = RowAdam(numbers, RATES)
    with pytest.raises(ValueError, match="no gradient"):
        adam.step(torch.arange(2), torch.ones(2))
    bowl(numbers).backward()
    adam.step(torch.arange(2), torch.ones(2))
    with pytest.raises(ValueError, match="no gradient"):  # of this step
        adam.step(torch.arange(2), torch.ones(2))


def course(plateau: Plateau, image: int, energies: list[float]) -> tuple[list[float], int | None]:
    """Factors of an image before each step, and the number of steps after which it converged."""
    rows = torch.tensor([image])
    factors = []
    for step, energy in enumerate(energies, 1):
        factors.append(float(plateau.factors(rows)))
        if plateau.converged(rows, torch.tensor([energy])):
            return factors, step
    return factors, None


def plateau() -> Plateau:
    return Plateau(batch=2, tolerance=0.01, patience=3, factors=(1.0, 0.25))


def test_steps_are_shortened_at_the_first_plateau_and_end_at_the_second() -> None:
    factors, end = course(plateau(), 0, [10.0] * 20)
    assert factors == [1.0] * 4 + [0.25] * 3
    assert end == 7


def test_what_short_steps_gain_keeps_them_going() -> None:
    factors, end = course(plateau(), 1, [10.0] * 4 + [9.8, 9.6, 9.4] + [9.4] * 20)
    assert factors == pytest.approx([1.0] * 4 + [0.25] * 6)
    assert end == 10


@pytest.mark.parametrize(("fall", "converges"), [(0.994, False), (0.998, True)])
def test_the_tolerance_is_relative_and_over_the_patience(fall: float, converges: bool) -> None:
    """0.6 % a step are 1.2 % in two steps; 0.2 % a step are 0.6 % in three."""
    _, end = course(plateau(), 0, [10.0 * fall**step for step in range(30)])
    assert (end is not None) == converges


def test_images_do_not_depend_on_one_another() -> None:
    both = plateau()
    everyone = torch.arange(2)
    courses = torch.tensor([[10.0] * 7, [10.0 * 0.9**step for step in range(7)]])
    ends = [both.converged(everyone, energies) for energies in courses.T]
    assert torch.stack(ends).tolist() == [[False, False]] * 6 + [[True, False]]
    assert both.factors(everyone).tolist() == [0.25, 1.0]
    reverse = plateau()
    for energies in courses.T:
        last = reverse.converged(everyone.flip(0), energies.flip(0))
    assert last.tolist() == [False, True]
