"""Contact sheets of the open morphable model, to be looked at: python -m benchmarks.morphable_sheet [FOLDER]."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from data.assets import find
from ganfit_core.camera import project
from ganfit_core.morphable import MorphableModel
from ganfit_core.renderer import Renderer

SIZE, PER_ROW = 200, 8
CAMERA = torch.tensor([[0.0, 0, 900, 0, 0, 0, 0, 1, 0, 6.0]])
SIDE_CAMERA = torch.tensor([[700.0, 0, 560, 0, 0, 0, 0, 1, 0, 6.0]])
LIGHT = torch.tensor([[150.0, 250, 900, 0.7, 0.7, 0.7, 0.25, 0.25, 0.25]])


def tile(
    model: MorphableModel, renderer: Renderer, vertices: torch.Tensor, label: str, side: bool = False
) -> NDArray[np.uint8]:
    """(SIZE, SIZE, 3) grey rendering of vertices (1, V, 3) with its name."""
    camera = SIDE_CAMERA if side else CAMERA
    image = renderer(vertices, torch.full((1, 3, 8, 8), 0.75), camera, LIGHT).image[0].permute(1, 2, 0)
    picture = np.ascontiguousarray((image.clamp(0, 1) * 255).byte().numpy())
    if label == "landmarks":
        for x, y, _ in project(model.landmarks(vertices), camera, SIZE)[0].tolist():
            cv2.circle(picture, (int(x), int(y)), 1, (255, 40, 40), -1)
    cv2.putText(picture, label, (4, SIZE - 6), cv2.FONT_HERSHEY_SIMPLEX, 0.38, (255, 255, 255), 1, cv2.LINE_AA)
    return picture


def sheet(tiles: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Tiles laid out in rows of PER_ROW."""
    blank = np.zeros_like(tiles[0])
    tiles = tiles + [blank] * (-len(tiles) % PER_ROW)
    return np.vstack([np.hstack(tiles[i : i + PER_ROW]) for i in range(0, len(tiles), PER_ROW)])


def main(folder: Path) -> None:
    """Write identity.png and expression.png into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    model = MorphableModel.load(find("morphable"))
    renderer = Renderer(model.faces, model.uvs, model.uv_faces, SIZE)
    zero_s, zero_e = torch.zeros(1, model.n_identity), torch.zeros(1, model.n_expression)

    people = [
        tile(model, renderer, model(zero_s, zero_e), "mean"),
        tile(model, renderer, model(zero_s, zero_e), "landmarks"),
    ]
    people.append(tile(model, renderer, model(zero_s, zero_e), "mean, side", side=True))
    people.append(np.zeros_like(people[0]))
    for mode in range(6):
        for sigma in (-2.0, 2.0):
            p = zero_s.clone()
            p[0, mode] = sigma
            people.append(tile(model, renderer, model(p, zero_e), f"mode {mode + 1}: {sigma:+.0f} sigma"))
    generator = torch.Generator().manual_seed(0)
    for i in range(16):
        p = torch.randn(1, model.n_identity, generator=generator)
        people.append(tile(model, renderer, model(p, zero_e), f"random {i + 1}", side=i % 4 == 3))
    faces = []
    for mode in range(model.n_expression):
        for sigma in (-1.5, 1.5):
            p = zero_e.clone()
            p[0, mode] = sigma
            faces.append(tile(model, renderer, model(zero_s, p), f"expr {mode + 1}: {sigma:+.1f}"))
    for name, tiles in (("identity", people), ("expression", faces)):
        cv2.imwrite(str(folder / f"{name}.png"), sheet(tiles)[:, :, ::-1])
    outer_eyes = model.mean[model.landmark_indices[[36, 45]]]
    figures = {
        "vertices": len(model.mean),
        "triangles": len(model.faces),
        "outer_eye_corners_mm": round(float((outer_eyes[0] - outer_eyes[1]).norm()), 1),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "out/morphable"))
