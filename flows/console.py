"""What the commands share: names of what may be chosen, the terminal's streams, and how a command runs and stops."""

from __future__ import annotations

import contextlib
import enum
import logging
import logging.handlers
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, ParamSpec, TypeVar

from rich.console import Console

from ganfit_core.methods import DEFAULT, METHODS

if TYPE_CHECKING:
    from prefect import Flow

    from flows.terminal import TerminalProgress

P = ParamSpec("P")
R = TypeVar("R")

# names of files may look like rich's markup, and a wrapped path cannot be copied
out = Console(markup=False, highlight=False, soft_wrap=True)
err = Console(stderr=True, markup=False, highlight=False, soft_wrap=True)

BAD_ARGUMENT = 2
RESUME = "what is written stays, and the same command goes on from there"
ANEW = "what is written stays; the same command computes everything anew"
_LOG_BYTES = 10 << 20


class PresetName(enum.StrEnum):
    """The presets of ganfit_core.fitting, which takes seconds to import."""

    laptop = "laptop"
    paper = "paper"


MethodName = enum.StrEnum("MethodName", {name: name for name in METHODS})  # type: ignore[misc]
DEFAULT_METHOD = MethodName(DEFAULT)


class TextureName(enum.StrEnum):
    """The texture models."""

    gan = "gan"
    vae = "vae"
    pca = "pca"


@contextlib.contextmanager
def watched(out_folder: Path, each: bool = True) -> Iterator[TerminalProgress]:
    """Progress on the terminal for the steps of what runs inside; ``each``: with a report of every face."""
    from flows.terminal import TerminalProgress
    from tasks.progress import progress

    with TerminalProgress(out, err, out_folder, each) as terminal:
        token = progress.set(terminal)
        try:
            yield terminal
        finally:
            progress.reset(token)


@contextlib.contextmanager
def reconstructing(
    out_folder: Path, preset: PresetName, methods: list[MethodName], iterations: int | None
) -> Iterator[TerminalProgress]:
    """What runs inside reconstructs faces: checks before it, progress, and a message for whatever it raises."""
    from tasks import models

    try:
        out_folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        stop(f"results cannot be written to {out_folder}: {error.strerror}", BAD_ARGUMENT)
    with guarded(out_folder, ANEW) as terminal:
        terminal.step("loading models", 0, 1)  # before a server hears of the run: what is missing is told here
        for method in methods:
            models.load_models(preset.value, method.value, iterations)
        yield terminal


@contextlib.contextmanager
def guarded(out_folder: Path, afterwards: str, each: bool = True) -> Iterator[TerminalProgress]:
    """Progress for what runs inside, and a message for whatever it raises.

    ``afterwards`` says what becomes of the rest when it was ended early: RESUME or ANEW.
    """
    import httpx

    from data.assets import AssetError
    from data.collections import CollectionError
    from data.disk import DiskSpaceError
    from data.lock import LockedError, UnwritableError
    from data.migrations import NewerVersionError
    from flows.runners import RunnerError
    from tasks.shard_results import SERVER_LOST, IncompleteError
    from tasks.worker import UnusableWorkerError

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # who is asked to end ends as if by Ctrl-C
    try:
        with failures_logged_to(out_folder / "run.log"), watched(out_folder, each) as terminal:
            yield terminal
    except (CollectionError, RunnerError, UnwritableError) as error:
        stop(str(error), BAD_ARGUMENT)
    except (AssetError, DiskSpaceError, IncompleteError, LockedError, NewerVersionError, UnusableWorkerError) as error:
        stop(str(error), 1)
    except httpx.TransportError:  # Prefect's own, who cannot tell its server how the flow ended
        stop(SERVER_LOST, 1)
    except KeyboardInterrupt:
        stop(f"interrupted; {afterwards}", 130)
    except Exception as error:
        log, details = out_folder / "error.log", ""
        with contextlib.suppress(OSError):  # a full disk may be the error
            log.write_text(traceback.format_exc(), encoding="utf-8")
            details = f"\ndetails are in {log}"
        if isinstance(error, OSError):
            stop(f"stopped: {error}; {afterwards}, once that is mended{details}", 1)
        stop(f"stopped by an unexpected {type(error).__name__}: {error}{details}", 1)


def recorded_if_served(flow: Flow[P, R]) -> Callable[P, R]:
    """The flow itself where a Prefect server is named, else the plain function that it wraps."""
    from prefect.settings import PREFECT_API_URL

    return flow if PREFECT_API_URL.value() else flow.fn


@contextlib.contextmanager
def failures_logged_to(path: Path) -> Iterator[None]:
    """Keep warnings, and the stack traces behind the rows' reasons, in a file that exists only once there are any.

    The terminal is spared them; handlers that the logger has already, as Prefect's, go on.
    """
    handler = _FileWhileThereIsRoom(path, maxBytes=_LOG_BYTES, backupCount=1, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(name)s: %(message)s"))
    logger = logging.getLogger("tasks")
    level, propagate = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        logger.propagate = propagate
        with contextlib.suppress(OSError):  # what found no room is tried once more
            handler.close()


class _FileWhileThereIsRoom(logging.handlers.RotatingFileHandler):
    """Says nothing where it cannot write: what writes the results meets the same error, and tells it in one line."""

    def handleError(self, record: logging.LogRecord) -> None:
        if not isinstance(sys.exception(), OSError):
            super().handleError(record)


def stop(message: str, code: int) -> NoReturn:
    """End the command with a message on the error stream."""
    err.print(f"ganfit: {message}")
    sys.exit(code)
