"""The tables, and the folders that each one's files lie in."""

from __future__ import annotations

PARTITIONS: dict[str, tuple[str, ...]] = {
    "reconstructions": ("method", "texture_model"),
    "frames": ("method", "texture_model"),
    "micc": ("protocol", "method"),
    "frechet": ("extractor", "texture_model"),
    "lfw_photos": ("network", "method"),
    "lfw_pairs": ("network", "method"),
    "lfw_summary": ("network", "method"),
    "image_quality": ("corruption", "method"),
    "published": (),
}
"""Columns of each table that are folders (Hive style) and not stored in the files."""
