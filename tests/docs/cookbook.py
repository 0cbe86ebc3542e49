"""The queries of docs/cookbook.md, read from it."""

from __future__ import annotations

import re
from pathlib import Path

COOKBOOK = Path(__file__).parents[2] / "docs" / "cookbook.md"


def _blocks(text: str) -> list[tuple[str, str]]:
    """(heading, query) of every block of SQL."""
    return [
        (section.partition("\n")[0], query)
        for section in re.split(r"^#+ ", text, flags=re.MULTILINE)
        for query in re.findall(r"^```sql\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    ]


_BLOCKS = _blocks(COOKBOOK.read_text(encoding="utf-8"))
VIEWS = [query for _, query in _BLOCKS if query.startswith("CREATE")]
"""What the queries read, in the order of the text."""
QUERIES = [(heading, query) for heading, query in _BLOCKS if not query.startswith("CREATE")]
"""(heading, query), in the order of the text."""
