"""What is tried again, and what is not."""

from __future__ import annotations

import errno
from collections.abc import Callable

import pytest

from ganfit_core.perception.photo import PhotoError
from tasks.healing import healing


def failing(*numbers: int) -> tuple[list[int], Callable[[], str]]:
    """An action that raises these errors one after the other and then succeeds."""
    left = list(numbers)

    def action() -> str:
        if left:
            raise OSError(left.pop(0), "no")
        return "done"

    return left, action


def test_errors_that_pass_are_tried_again() -> None:
    _, action = failing(errno.EIO, errno.ESTALE)
    assert healing(action, "a.jpg", delays=(0, 0)) == "done"


def test_after_the_last_delay_the_error_is_raised() -> None:
    left, action = failing(errno.EIO, errno.EIO, errno.EIO, errno.EIO)
    with pytest.raises(OSError, match="no"):
        healing(action, "a.jpg", delays=(0, 0))
    assert len(left) == 1


def test_an_error_that_stands_for_one_that_passes_is_tried_again() -> None:
    _, action = failing(errno.EIO)

    def read() -> str:
        try:
            return action()
        except OSError:
            raise PhotoError("damaged") from None

    assert healing(read, "a.jpg", delays=(0,)) == "done"


def test_the_log_tells_whose_error_it_was(caplog: pytest.LogCaptureFixture) -> None:
    _, action = failing(errno.EIO)
    healing(action, "a.jpg", delays=(0,))
    assert caplog.messages == ["a.jpg: [Errno 5] no; trying again in 0 s"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EROFS])
def test_errors_that_stay_are_raised_at_once(number: int) -> None:
    left, action = failing(number, number)
    with pytest.raises(OSError, match="no"):
        healing(action, "a.jpg", delays=(0, 0))
    assert len(left) == 1
