"""`ganfit` with stand-ins for the models: ``python -m tests.flows.fake_run run ...``.

Worker processes are spawned, which imports this module again, so that they have the stand-ins too. What a photograph
shows decides what the stand-in detector does: see POISON.
"""

from __future__ import annotations

import functools
import os
import signal
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import tasks.models
from tests import doubles

SECONDS = "FAKE_SECONDS"
"""Environment variable: how long the detector takes for a photograph."""
HANGS, SWALLOWS_MEMORY, CRASHES, RAISES = (20, 220, 20), (20, 20, 220), (220, 220, 20), (20, 220, 220)
_MOST_MEMORY = 6 << 30


def _hang() -> None:
    time.sleep(3600)


def _swallow_memory() -> None:
    hoard = []
    while len(hoard) << 26 < _MOST_MEMORY:
        hoard.append(b"x" * (1 << 26))
        time.sleep(0.01)
    raise AssertionError("nothing limits the memory of a photograph")


def _crash() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def _raise() -> None:
    raise ValueError("nothing but cyan")


POISON: dict[tuple[int, int, int], Callable[[], None]] = {
    HANGS: _hang,
    SWALLOWS_MEMORY: _swallow_memory,
    CRASHES: _crash,
    RAISES: _raise,
}
"""Colour of a photograph's middle -> what looking for faces in it does."""


def detect(rgb: np.ndarray) -> list[Any]:
    """The stand-in's faces, unless the photograph is poison."""
    time.sleep(float(os.environ.get(SECONDS, "0")))
    middle = rgb[rgb.shape[0] // 2, rgb.shape[1] // 2].astype(int)
    for colour, act in POISON.items():
        if np.abs(middle - colour).max() < 10:
            act()
    return doubles.detect(rgb)


class Reconstructor(doubles.FakeReconstructor):
    """Every face has its own coefficients, and as with real models the others of its batch leave a trace in them."""

    def fit(self, faces: list[Any], seed: int, *arguments: Any, **options: Any) -> list[Any]:
        """One result per face."""
        results = super().fit(faces, seed, *arguments, **options)
        means = [np.float32(face.image.mean()) for face in faces]
        for result, mean in zip(results, means, strict=True):
            result.identity = np.array([mean, seed, len(faces)], np.float32)
            result.texture = np.full(4, np.mean(means), np.float32)
        return results


@functools.cache
def load_models(
    preset: str, method: str, iterations: int | None = None, without: tuple[str, ...] = ()
) -> tasks.models.Models:
    """In place of tasks.models.load_models."""
    settings = {"preset": preset, "iterations": iterations}
    return doubles.models(detect=detect, reconstructor=Reconstructor(), settings=settings)


if __name__ in ("__main__", "__mp_main__"):  # the command, and its workers
    tasks.models.load_models = load_models

if __name__ == "__main__":
    from flows.cli import app

    app()
