"""Pictures of the evaluation's numbers, saved as PNG."""

from flows.figures.corruptions import corruption_bars
from flows.figures.cosines import cosine_histogram, pair_histogram

__all__ = ["corruption_bars", "cosine_histogram", "pair_histogram"]
