"""What is tried again, and what is not."""

from __future__ import annotations

import errno

import pytest

from tasks.healing import healing


def failing(*numbers: int) -> tuple[list[int], object]:
    """An action that raises these errors one after the other and then succeeds."""
    left = list(numbers)

    def action() -> str:
        if left:
            raise OSError(left.pop(0), "no")
        return "done"

    return left, action


def test_errors_that_pass_are_tried_again() -> None:
    _, action = failing(errno.EIO, errno.ESTALE)
    assert healing(action, delays=(0, 0)) == "done"


def test_after_the_last_delay_the_error_is_raised() -> None:
    left, action = failing(errno.EIO, errno.EIO, errno.EIO, errno.EIO)
    with pytest.raises(OSError, match="no"):
        healing(action, delays=(0, 0))
    assert len(left) == 1


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EROFS])
def test_errors_that_stay_are_raised_at_once(number: int) -> None:
    left, action = failing(number, number)
    with pytest.raises(OSError, match="no"):
        healing(action, delays=(0, 0))
    assert len(left) == 1
