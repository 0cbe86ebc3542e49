"""Writes docs/tables.md."""

import sys
from pathlib import Path

from data.schemas.documentation import documentation

Path(sys.argv[1]).write_text(documentation(), encoding="utf-8")
