"""What tables there are."""

from __future__ import annotations

import enum


class TableName(enum.StrEnum):
    """What can be shown."""

    one = "1"
    two = "2"
    lfw = "lfw"
    quality = "quality"
    ablation = "ablation"
