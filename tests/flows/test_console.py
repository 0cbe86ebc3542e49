"""What every command waits for."""

from __future__ import annotations

import subprocess
import sys


def test_the_commands_are_known_without_what_takes_seconds_to_import() -> None:
    code = (
        "import sys, flows.cli; sys.exit(' '.join({'torch', 'prefect', 'numpy', 'pandas'} & sys.modules.keys()) or 0)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stderr == ""
