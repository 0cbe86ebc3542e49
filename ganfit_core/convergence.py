"""Energy over iterations of many fits of one photograph (Fast-GANFIT, Fig. 7)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT = 640, 400
GREY, BLUE, RED = (150, 150, 150), (32, 96, 192), (208, 48, 40)
"""Fits from a random start, fits from the regression, the regression itself."""
_SCALE = 3
"""Lines are drawn so many times as large and then reduced: Pillow's are not smooth."""
_WHITE, _INK, _FAINT = (255, 255, 255), (40, 40, 40), (225, 225, 225)
_LEFT, _TOP, _RIGHT, _BOTTOM = 62, 20, 20, 48
_GRIDS = (
    [n / 10 for n in range(10, 100)],
    [n / 2 for n in range(2, 20)],
    [1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0],
    [1.0, 2.0, 3.0, 5.0],
    [1.0, 3.0],
    [1.0],
)
"""Leading digits of the energy axis' ticks, from a narrow range to a wide one."""
_MOST_TICKS = 7

Course = Float[np.ndarray, "steps"]


def plot(random: Sequence[Course], refined: Sequence[Course], regressed: float) -> UInt8[np.ndarray, "400 640 3"]:
    """RGB picture, the energy on a logarithmic axis.

    Args:
        random: energies of GANFIT's fits, one per seed, each before every step; lengths may differ.
        refined: the same of GANFit++.
        regressed: energy of the regression (FastGANFit), a marker at iteration 0 and a dashed line.

    Raises:
        ValueError: an energy is not positive and finite, or a course is empty.
    """
    courses = [np.asarray(course, np.float64) for course in (*random, *refined, [regressed])]
    if any(len(course) == 0 for course in courses):
        raise ValueError("a course without energies cannot be drawn")
    energies = np.concatenate(courses)
    if not (np.isfinite(energies) & (energies > 0)).all():
        raise ValueError("energies must be positive and finite to be drawn on a logarithmic axis")
    low, high = 0.97 * energies.min(), 1.03 * energies.max()
    last = max(max(map(len, courses)) - 1, 1)

    canvas = Image.new("RGB", (WIDTH * _SCALE, HEIGHT * _SCALE), _WHITE)
    draw = ImageDraw.Draw(canvas)
    left, top, right, bottom = _LEFT, _TOP, WIDTH - _RIGHT, HEIGHT - _BOTTOM

    def at(step: float, energy: float) -> tuple[float, float]:
        across, up = step / last, math.log(energy / low) / math.log(high / low)
        return (left + (right - left) * across) * _SCALE, (bottom - (bottom - top) * up) * _SCALE

    def text(x: float, y: float, words: str, anchor: str, size: int = 12) -> None:
        draw.text((x * _SCALE, y * _SCALE), words, _INK, ImageFont.load_default(size * _SCALE), anchor)

    def marker(step: float, energy: float, colour: tuple[int, int, int], radius: int) -> None:
        x, y = at(step, energy)
        reach = radius * _SCALE
        draw.ellipse((x - reach, y - reach, x + reach, y + reach), fill=colour)

    for energy in energy_ticks(low, high):
        draw.line((*at(0, energy), *at(last, energy)), _FAINT, _SCALE)
        text(left - 8, at(0, energy)[1] / _SCALE, f"{energy:g}", "rm")
    for step in step_ticks(last):
        x = at(step, low)[0] / _SCALE
        draw.line((x * _SCALE, bottom * _SCALE, x * _SCALE, (bottom + 4) * _SCALE), _INK, _SCALE)
        text(x, bottom + 8, str(step), "ma")
    dash = 6 * _SCALE
    (start, y), (end, _) = at(0, regressed), at(last, regressed)
    for x in np.arange(start, end, 2 * dash):
        draw.line((x, y, min(x + dash, end), y), RED, 2 * _SCALE)
    for group, colour in ((random, GREY), (refined, BLUE)):
        for course in group:
            points = [at(step, energy) for step, energy in enumerate(course)]
            if len(points) > 1:
                draw.line(points, colour, 2 * _SCALE, joint="curve")
            marker(len(course) - 1, course[-1], colour, 3)
    marker(0, regressed, RED, 5)

    corners = [(x * _SCALE, y * _SCALE) for x, y in ((left, top), (left, bottom), (right, bottom))]
    draw.line(corners, _INK, _SCALE)
    text((left + right) / 2, HEIGHT - 6, "iterations", "md")
    text(left, top - 16, "energy (log)", "ma")
    legend = ((GREY, f"ganfit, {len(random)} seeds"), (BLUE, f"ganfit++, {len(refined)} seeds"), (RED, "regression"))
    box = (right - 158, top + 4, right - 2, top + 60)
    draw.rectangle(tuple(edge * _SCALE for edge in box), _WHITE)  # lines pass behind it
    for row, (colour, words) in enumerate(legend):
        y = top + 14 + 18 * row
        draw.line(((right - 150) * _SCALE, y * _SCALE, (right - 126) * _SCALE, y * _SCALE), colour, 3 * _SCALE)
        text(right - 118, y, words, "lm")
    return np.asarray(canvas.resize((WIDTH, HEIGHT), Image.Resampling.BOX))


def energy_ticks(low: float, high: float) -> list[float]:
    """At most seven round numbers in a range of a logarithmic axis."""
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for digits in _GRIDS:
        ticks = [round(digit * 10.0**e, 12) for e in exponents for digit in digits if low <= digit * 10.0**e <= high]
        if len(ticks) <= _MOST_TICKS:
            break
    return ticks


def step_ticks(last: int) -> list[int]:
    """At most seven multiples of a round number of steps, from 0."""
    each = next(n for e in range(9) for m in (1, 2, 5) if last // (n := m * 10**e) < _MOST_TICKS)
    return list(range(0, last + 1, each))
