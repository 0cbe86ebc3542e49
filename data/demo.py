"""The photograph of the demonstration.

NASA's portrait of the astronaut Eileen Collins, in the public domain, which the scikit-image package ships.
``python -m data.demo`` prints its path.
"""

from __future__ import annotations

import sys
from pathlib import Path

from data.assets.lookup import installed_file


def demo_photo() -> Path:
    """Path of the portrait. Raises FileNotFoundError where scikit-image is not installed."""
    path = installed_file("scikit-image", "skimage/data/astronaut.png")
    if path is None:
        raise FileNotFoundError("the demonstration uses scikit-image's picture: pip install scikit-image")
    return path


if __name__ == "__main__":
    sys.stdout.write(f"{demo_photo()}\n")
