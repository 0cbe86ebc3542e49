"""Photographs -> the aligned crop of each one's largest face, for what learns from many of them."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from data import assets
from data.collections import Unit
from ganfit_core.perception.align import AlignedFace, align_face
from ganfit_core.perception.detect import CenterFace
from ganfit_core.perception.faces import find_faces
from ganfit_core.perception.landmarks import DlibLandmarks
from ganfit_core.perception.photo import read_photo
from tasks.run import one_line

logger = logging.getLogger(__name__)

PERCEPTION_ASSETS = ("centerface", "dlib-landmarks-68")


class Aligned(NamedTuple):
    """What came of some photographs."""

    unit_ids: list[str]
    """Photographs with a face, in the order of the faces."""
    faces: list[AlignedFace]
    without: dict[str, str]
    """Photograph that gave no face -> reason."""


def align_photos(units: Sequence[Unit], size: int) -> Aligned:
    """Crops of `size` px; a photograph that fails only lacks its crop."""
    detect = CenterFace(assets.find("centerface"))
    landmarks = DlibLandmarks(assets.find("dlib-landmarks-68"))
    aligned = Aligned([], [], {})
    for unit in units:
        try:
            rgb = read_photo(unit.path)
            faces = find_faces(rgb, detect, landmarks)
            if not faces:
                aligned.without[unit.unit_id] = "no face"
                continue
            face = align_face(rgb, faces[0].landmarks, size)
        except Exception as error:  # one photograph must not end the run
            logger.debug("%s: no crop", unit.unit_id, exc_info=True)
            aligned.without[unit.unit_id] = one_line(error)
            continue
        aligned.unit_ids.append(unit.unit_id)
        aligned.faces.append(face)
    return aligned


def content_key(version: int, side: int, asset_ids: Sequence[str], units: Sequence[Unit]) -> str:
    """Name of what is made of some photographs: another for other or changed photographs, another side, other models
    or another `version` of the arithmetic."""
    content = [
        version,
        side,
        [assets.locate(asset).sha256 for asset in asset_ids],
        [[unit.unit_id, *_state(unit.path)] for unit in units],
    ]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:20]


def _state(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_size, found.st_mtime_ns
