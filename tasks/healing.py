"""Trying again what may heal."""

from __future__ import annotations

import errno
import logging
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

logger = logging.getLogger(__name__)

R = TypeVar("R")

TRANSIENT = frozenset({errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EBUSY, errno.EAGAIN, errno.ENETUNREACH})
"""Errors of file systems, network ones above all, that pass."""


def healing(action: Callable[[], R], what: str, delays: Sequence[float] = (1, 5, 25)) -> R:
    """What the action gives; it is tried again after each of the delays (seconds) while its errors are TRANSIENT.

    An error that stands for a TRANSIENT one, as PhotoError does, is one too. ``what`` tells the log whose it was.
    """
    for delay in delays:
        try:
            return action()
        except Exception as error:
            if not (_passes(error) or _passes(error.__context__)):
                raise
            logger.warning("%s: %s; trying again in %g s", what, error.__context__ or error, delay)
            time.sleep(delay)
    return action()


def _passes(error: BaseException | None) -> bool:
    return isinstance(error, OSError) and error.errno in TRANSIENT
