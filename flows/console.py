"""What the commands share: the terminal's streams, progress, how a command stops, and names of texture models."""

from __future__ import annotations

import contextlib
import enum
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from rich.console import Console

if TYPE_CHECKING:
    from flows.terminal import TerminalProgress

# names of files may look like rich's markup, and a wrapped path cannot be copied
out = Console(markup=False, highlight=False, soft_wrap=True)
err = Console(stderr=True, markup=False, highlight=False, soft_wrap=True)

BAD_ARGUMENT = 2


class TextureName(enum.StrEnum):
    """The texture models."""

    gan = "gan"
    vae = "vae"
    pca = "pca"


@contextlib.contextmanager
def watched(out_folder: Path) -> Iterator[TerminalProgress]:
    """Progress on the terminal for the steps of what runs inside."""
    from flows.terminal import TerminalProgress
    from tasks.progress import progress

    with TerminalProgress(out, err, out_folder) as terminal:
        token = progress.set(terminal)
        try:
            yield terminal
        finally:
            progress.reset(token)


def stop(message: str, code: int) -> NoReturn:
    """End the command with a message on the error stream."""
    err.print(f"ganfit: {message}")
    sys.exit(code)
