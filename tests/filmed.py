"""Filmed and scanned people in MICC's layout, small enough for tests, and a fit that tells which frames it saw.

The n-th frame of a video tells the stand-ins its number; a face in it is reconstructed with 0.1 n^2 standard deviations
in the first identity coefficient, so that means of fits, fits of means and single frames are all told apart.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from PIL import Image

from data.schemas import Dimensions
from data.synthetic_micc import layout
from data.synthetic_micc.scanner import Scan
from data.synthetic_micc.settings import SETTINGS
from evaluation.similarity import Similarity
from ganfit_core.energy import Weights
from ganfit_core.fitting import who
from ganfit_core.mesh import Surface
from ganfit_core.methods import METHODS, Reconstructor
from ganfit_core.morphable import MorphableModel
from ganfit_core.parameters import Parameters
from ganfit_core.people import People
from ganfit_core.perception.align import TEMPLATE_68, AlignedFace
from tasks.models import Models
from tests import doubles
from tests.heads import SHIPPED_MODEL

MODEL = MorphableModel.load(SHIPPED_MODEL)
WIDTH, HEIGHT = 96, 64
FRAMES = 6


def coefficient(frame: int) -> float:
    """What a face of this frame is reconstructed with."""
    return 0.1 * frame**2


def film(root: Path, number: int, setting: str, faces: Sequence[bool] = (True,) * FRAMES) -> Path:
    """A raw stream of JPEGs, each with a face or without."""
    stream = io.BytesIO()
    for frame, face in enumerate(faces):
        pixels = np.full((HEIGHT, WIDTH, 3), 100, np.uint8)
        pixels[:16, :16] = 20 * frame
        pixels[-16:, -16:] = 250 if face else 0
        Image.fromarray(pixels).save(stream, "jpeg", quality=95)
    path = layout.video_path(root, number, SETTINGS[setting].filename)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(stream.getvalue())
    return path


def head(identity: float = 0.0, change: Callable[[np.ndarray], np.ndarray] = lambda points: points) -> Scan:
    """A scan that is the model's head, its first identity coefficient set, its points changed by a function."""
    with torch.no_grad():
        vertices = MODEL(coefficients(identity), torch.zeros(1, MODEL.n_expression))
    landmarks = MODEL.landmarks(vertices)[0].numpy().astype(np.float64)
    points = vertices[0].numpy().astype(np.float64)
    # Neither mouth nor backs of the eyes are on a scan.
    faces = MODEL.faces[~MODEL.regions["mouth"][MODEL.faces].any(dim=1)].numpy()
    used, renumbered = np.unique(faces, return_inverse=True)
    surface = Surface(change(points[used]), renumbered.reshape(-1, 3))
    unposed = np.eye(3), np.zeros(3)
    return Scan(surface, np.full((len(used), 3), 0.6), change(landmarks), *unposed)


def coefficients(first: float) -> torch.Tensor:
    """(1, ns) an identity."""
    return torch.cat([torch.tensor([[first]]), torch.zeros(1, MODEL.n_identity - 1)], dim=1)


def posed(points: np.ndarray) -> np.ndarray:
    """As a scanner's frame has it: turned by a few degrees and moved by half a metre."""
    a = np.radians(12.0)
    turn = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    return Similarity(1.0, turn, np.array([30.0, -40.0, 500.0])).apply(points)


def scan(root: Path, number: int, what: Scan, name: str = "frontal1", landmarks: bool = True) -> Path:
    """Write a scan with its landmarks beside it, or the bare shape: without them and without colours."""
    path = layout.scan_path(root, number, name)
    layout.write_scan(path, what)
    if not landmarks:
        path.with_suffix(".ljson").unlink()
        lines = path.read_text().splitlines()
        path.write_text("\n".join(" ".join(line.split()[:4]) for line in lines))
    return path


def detect(rgb: np.ndarray) -> list[Any]:
    """A face where the last corner is bright; its place is the frame's number, shown by the first corner."""
    if rgb[-12:-4, -12:-4].mean() < 125:
        return []
    left = round(float(rgb[4:12, 4:12].mean()) / 20)
    box = np.array([left, 0, left + doubles.SIZE, doubles.SIZE], np.float32)
    return [SimpleNamespace(box=box, score=0.9, points=np.zeros((5, 2), np.float32))]


class Fitter:
    """In the place of ganfit_core.fitting.Fitter.

    Identity: of the frame; 1 / number of faces that were fitted together; number of terms without a weight. `fail`
    names fits that raise: how many faces they have.
    """

    device = torch.device("cpu")

    def __init__(self, weights: Weights | None = None, fail: tuple[int, ...] = ()) -> None:
        self.weights, self.fail = weights or Weights(), fail
        self.fits = 0

    def without(self, *terms: str) -> Fitter:
        return Fitter(self.weights.without(*terms), self.fail)

    def prepare(self, faces: list[AlignedFace]) -> Any:
        numbers = [-float(face.matrix[0, 2]) for face in faces]
        return SimpleNamespace(photo=torch.tensor(numbers), landmarks=None, features=None)

    def fit(self, faces: list[AlignedFace], seed: int, on_iteration: Any, people: Sequence[int] | None) -> list[Any]:
        target = self.prepare(faces)
        return self.refine(target, regress(target.photo), seed, on_iteration, who(people, faces))

    def refine(self, target: Any, start: Parameters, seed: int, on_iteration: Any, people: People) -> list[Any]:
        self.fits += 1
        if len(target.photo) in self.fail:
            raise ValueError("the energy is not finite")
        identity = start.identity.clone()
        identity[:, 1] = 1 / (people.of[:, None] == people.of).sum(dim=1)
        identity[:, 2] = sum(weight == 0 for weight in vars(self.weights).values())
        return self.results(start._replace(identity=identity).shared(people), target)

    def results(self, parameters: Parameters, target: Any) -> list[Any]:
        results = [doubles.result() for _ in target.photo]
        for row, result in enumerate(results):
            for name, values in parameters._asdict().items():
                setattr(result, name, values[row].numpy())
        return results


def regress(numbers: torch.Tensor, *_: Any) -> Parameters:
    """In the place of a regressor."""
    count = len(numbers)
    identity = torch.cat([coefficients(coefficient(round(float(number)))) for number in numbers])
    widths = (MODEL.n_expression, 4, 10, 9)
    return Parameters(identity, *(torch.zeros(count, width) for width in widths))


class Regressor:
    """Goes with any method."""

    def __init__(self, texture: str) -> None:
        self.texture_kind = texture

    def __call__(self, numbers: torch.Tensor, *_: Any) -> Parameters:
        return regress(numbers)


def models(method: str, fitter: Fitter) -> Models:
    """Stand-ins around a real reconstructor."""
    recipe = METHODS[method]
    regressor: Any = Regressor(recipe.texture) if recipe.start == "regression" else None
    fake: Any = fitter
    return doubles.models(
        detect=detect,
        landmarks=lambda rgb, box, points: (box[:2] + TEMPLATE_68 * doubles.SIZE).astype(np.float32),
        reconstructor=Reconstructor(recipe, fake, regressor),
        dimensions=Dimensions(MODEL.n_identity, MODEL.n_expression, 4),
    )
