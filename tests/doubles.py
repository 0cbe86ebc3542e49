"""Stand-ins for the models, so that the shell around them is tested without weights."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from data.schemas import LOSS_TERMS, Dimensions
from ganfit_core.mesh import Mesh
from ganfit_core.perception.align import TEMPLATE_68
from tasks.models import Models

SIZE = 64
ITERATIONS = 5


def cube() -> Mesh:
    """A cube of 200 mm whose six sides share one UV square: every edge is a seam."""
    corners = np.array([[x, y, z] for x in (-100, 100) for y in (-100, 100) for z in (-100, 100)], np.float32)
    sides = [(1, 5, 7, 3), (4, 0, 2, 6), (5, 4, 6, 7), (0, 1, 3, 2), (3, 7, 6, 2), (0, 4, 5, 1)]
    faces = [triangle for a, b, c, d in sides for triangle in ((a, b, c), (a, c, d))]
    return Mesh(
        vertices=corners,
        faces=np.array(faces, np.int64),
        uvs=np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32),
        uv_faces=np.array([[0, 1, 2], [0, 2, 3]] * 6, np.int64),
    )


def result(scale: float = 1.0) -> Any:
    """What a fit returns, with every field of ganfit_core.fitting.FitResult."""
    picture = np.full((SIZE, SIZE, 3), 90, np.uint8)
    return SimpleNamespace(
        identity=np.full(3, scale, np.float32),
        expression=np.zeros(2, np.float32),
        texture=np.ones(4, np.float32),
        camera=np.arange(10, dtype=np.float32),
        light=np.arange(9, dtype=np.float32),
        losses=dict.fromkeys(LOSS_TERMS, 0.5),
        history={term: np.geomspace(10, 0.5, ITERATIONS) for term in LOSS_TERMS},
        iterations=ITERATIONS,
        converged=True,
        vertices=cube().vertices * np.float32(scale),
        uv_map=np.full((32, 32, 3), 120, np.uint8),
        rendering=picture,
        albedo_rendering=picture,
        shape_rendering=picture,
        mask=np.ones((SIZE, SIZE), bool),
        face_weight=np.ones((SIZE, SIZE), np.float32),
    )


class FakeReconstructor:
    """Reconstructs instantly; ``refuse`` decides which faces raise."""

    def __init__(self, refuse: Callable[[Any], bool] = lambda face: False) -> None:
        self.refuse = refuse
        self.batches: list[int] = []

    def fit(
        self,
        faces: list[Any],
        seed: int,
        on_iteration: Callable[[int, int], None] | None = None,
        people: Sequence[int] | None = None,
    ) -> list[Any]:
        """One result per face, or ValueError when any face of the batch is refused."""
        self.batches.append(len(faces))
        if any(self.refuse(face) for face in faces):
            raise ValueError("the energy is not finite")
        for iteration in range(ITERATIONS):
            if on_iteration is not None:
                on_iteration(iteration + 1, ITERATIONS)
        return [result() for _ in faces]


def detect(rgb: np.ndarray) -> list[Any]:
    """One face per quadrant of the photograph that is red in its middle, the largest first."""
    height, width = rgb.shape[:2]
    found = []
    for top in (0, height // 2):
        for left in (0, width // 2):
            red, green, _ = rgb[top + height // 4, left + width // 4].astype(int)
            if red - green > 100:
                box = np.array([left, top, left + width // 2, top + height // 2], np.float32)
                found.append(SimpleNamespace(box=box, score=0.9, points=np.zeros((5, 2), np.float32)))
    return found


def landmarks(rgb: np.ndarray, box: np.ndarray, points: np.ndarray) -> np.ndarray:
    """The 68 points of an average face that fills the box."""
    return (box[:2] + TEMPLATE_68 * (box[2:] - box[:2])).astype(np.float32)


def models(**changes: Any) -> Models:
    """A complete set of stand-ins."""
    return dataclasses.replace(
        Models(
            detect=detect,
            landmarks=landmarks,
            reconstructor=FakeReconstructor(),
            topology=cube(),
            dimensions=Dimensions(identity=3, expression=2, texture=4),
            crop_size=SIZE,
            settings={"learning_rate": 0.01},
            sha256={"morphable": "00"},
            device="cpu",
        ),
        **changes,
    )
