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


def healing(action: Callable[[], R], delays: Sequence[float] = (1, 5, 25)) -> R:
    """What the action gives; it is tried again after each of the delays (seconds) while its errors are TRANSIENT."""
    for delay in delays:
        try:
            return action()
        except OSError as error:
            if error.errno not in TRANSIENT:
                raise
            logger.warning("%s; trying again in %g s", error, delay)
            time.sleep(delay)
    return action()
