"""What every test needs."""

from collections.abc import Iterator

import pytest
import torch


@pytest.fixture(autouse=True)
def denormals() -> Iterator[None]:
    """The program flushes denormals, a setting of the whole process that hypothesis does not bear."""
    yield
    torch.set_flush_denormal(False)
