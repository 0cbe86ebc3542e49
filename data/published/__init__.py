"""Numbers from the literature that our results stand beside: a module for each publication.

A number stands beside ours only where both have one protocol's id; otherwise it is shown apart, under its own.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from data.published import fast_ganfit, ganfit, mohaghegh, peers
from data.published.entry import Published
from data.published.fast_ganfit import GANFIT_FID
from data.published.micc import COSINE, ERROR, MICC_DATASET

__all__ = ["COSINE", "ERROR", "GANFIT_FID", "MICC_DATASET", "PUBLISHED", "Published", "by_protocol", "rows"]

PUBLISHED = tuple(entry for publication in (ganfit, fast_ganfit, mohaghegh, peers) for entry in publication.numbers())
"""Every published number that this project cites."""


def by_protocol(protocol: str) -> list[Published]:
    """The numbers that were measured in one way, in the order of their tables."""
    return [entry for entry in PUBLISHED if entry.protocol == protocol]


def rows() -> list[dict[str, Any]]:
    """The rows of the table `published`."""
    return [asdict(entry) for entry in PUBLISHED]
