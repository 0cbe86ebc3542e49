"""All corruptions of a photograph, to be looked at: python -m benchmarks.corruption_sheet [FOLDER] [PHOTOGRAPH ...].

Writes FOLDER/corruptions.png with a row per photograph and seed; scikit-image's `astronaut` unless others are given.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.data import astronaut

from data import assets
from ganfit_core.corruption import CORRUPTIONS, corrupt, seed_for
from ganfit_core.perception.align import CROP_SIZE, similarity, warp
from ganfit_core.perception.detect import CenterFace
from ganfit_core.perception.faces import Face, find_faces
from ganfit_core.perception.landmarks import DlibLandmarks
from ganfit_core.perception.photo import read_photo
from ganfit_core.perception.template import TEMPLATE_68

SEEDS, REPEATS = 2, 5
SIDE = 250
"""Largest side of the photographs that are timed, px: as in LFW."""


def tile(image: NDArray[np.uint8], landmarks: NDArray[np.floating], label: str) -> NDArray[np.uint8]:
    """The face with what is around it, upright, and its name."""
    matrix = similarity(landmarks, CROP_SIZE * (0.15 + 0.7 * TEMPLATE_68))
    picture = np.ascontiguousarray(warp(image, matrix, CROP_SIZE))
    cv2.putText(picture, label, (4, CROP_SIZE - 6), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (255, 255, 255), 1, cv2.LINE_AA)
    return picture


def row(photo: NDArray[np.uint8], face: Face, unit_id: str, seed: int) -> NDArray[np.uint8]:
    """The photograph and all its corruptions, side by side."""
    tiles = [tile(photo, face.landmarks, "clean")]
    for name in CORRUPTIONS:
        spoilt = corrupt(photo, face.landmarks, name, seed_for(seed, unit_id, name))
        tiles.append(tile(spoilt.image, face.landmarks, name))
    return np.hstack(tiles)


def milliseconds(photo: NDArray[np.uint8], face: Face) -> dict[str, float]:
    """Median processor time of each corruption on a photograph of SIDE px."""
    scale = SIDE / max(photo.shape[:2])
    small = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    figures = {}
    for name in CORRUPTIONS:
        times = []
        for seed in range(REPEATS):
            start = time.process_time()
            corrupt(small, face.landmarks * scale, name, seed)
            times.append(1000 * (time.process_time() - start))
        figures[name] = round(float(np.median(times)), 2)
    return figures


def main(folder: Path, photographs: list[Path]) -> None:
    """Write the sheet and print the times, ms."""
    cv2.setNumThreads(1)
    folder.mkdir(parents=True, exist_ok=True)
    detect, predict = CenterFace(assets.find("centerface")), DlibLandmarks(assets.find("dlib-landmarks-68"))
    photos = {path.name: read_photo(path) for path in photographs} or {"astronaut": astronaut()}
    rows, figures = [], {}
    for name, photo in photos.items():
        faces = find_faces(photo, detect, predict)
        if not faces:
            raise SystemExit(f"no face in {name}")
        rows += [row(photo, faces[0], name, seed) for seed in range(SEEDS)]
        figures = figures or milliseconds(photo, faces[0])
    cv2.imwrite(str(folder / "corruptions.png"), np.vstack(rows)[..., ::-1])
    print(json.dumps(figures))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "out/corruptions"), [Path(path) for path in sys.argv[2:]])
