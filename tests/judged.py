"""Photographs whose colour says who is shown, a fit that renders that colour, and a network that sees nothing else.

Cosines can be worked out by hand. A regression adds blue to a rendering by the expression, three quarters of the
brightest channel, so that the photograph and its rendering have a cosine of 4/5, and none of it is left in a neutral
face; a fit has the photograph's colour.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import normalize

import data.lfw
import flows.fits
import tasks.judges
import tasks.models
import tasks.stored_faces
from data import assets
from data.assets import Found
from data.collections import Unit
from data.schemas import Dimensions
from flows.reconstruct import reconstruct
from ganfit_core.fitting import who
from ganfit_core.identity.base import IdentityFeatures, IdentityNetwork
from ganfit_core.identity.networks import NETWORKS, Network
from ganfit_core.methods import METHODS, Reconstructor
from ganfit_core.parameters import LIGHT_MEAN, Parameters
from ganfit_core.perception.align import TEMPLATE_68, AlignedFace
from tasks import networks
from tasks.stored_faces import StoredFace
from tests import doubles

SIZE, SIDE = doubles.SIZE, 96
RED, GREEN, WALL, WHITE = (200, 0, 0), (0, 200, 0), (90, 90, 90), (255, 255, 60)
"""Two people, no face, and a face that no fit succeeds with."""
CAMERA = (0.0, 0.0, 900.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 9.0)
"""Under which the model's points lie on the template of the crop."""
_POINTS = np.column_stack([100 * (2 * TEMPLATE_68[:, 0] - 1), 100 * (1 - 2 * TEMPLATE_68[:, 1]), np.zeros(68)])
PAIRS = 2
"""Pairs of each kind in a fold."""


def photograph(path: Path, colour: tuple[int, int, int]) -> Path:
    """A face of one colour before a wall, or the wall alone."""
    pixels = np.full((SIDE, SIDE, 3), WALL, np.uint8)
    pixels[16:80, 16:80] = colour
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, "png")
    return path


def detect(rgb: np.ndarray) -> list[Any]:
    """The middle of the photograph, unless it is grey."""
    middle = rgb[SIDE // 2, SIDE // 2].astype(int)
    if np.ptp(middle) < 60:
        return []
    return [SimpleNamespace(box=np.array([16, 16, 80, 80], np.float32), score=0.9, points=np.zeros((5, 2)))]


def landmarks(rgb: np.ndarray, box: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Those of an average face that fills the box: its crop is the box."""
    return (box[:2] + TEMPLATE_68 * SIZE).astype(np.float32)


class Judge(IdentityNetwork):
    """Its embedding is the mean colour between the landmarks.

    `seen` has the number of pictures that it was shown at a time, `boxes` left, top, right and bottom of the landmarks.
    """

    input_size, embedding_dim = 4, 3

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[int] = []
        self.boxes: list[list[int]] = []

    def align(self, images: Tensor, landmarks: Tensor) -> Tensor:
        crops = []
        for image, points in zip(images, landmarks, strict=True):
            box = [round(float(side)) for side in (*points.amin(dim=0), *points.amax(dim=0))]
            self.boxes.append(box)
            left, top, right, bottom = box
            crops.append(image[:, top:bottom, left:right].mean(dim=(1, 2)))
        return torch.stack(crops)[:, :, None, None].expand(-1, -1, self.input_size, self.input_size)

    def features(self, aligned: Tensor) -> IdentityFeatures:
        self.seen.append(len(aligned))
        return IdentityFeatures(normalize(aligned.mean(dim=(2, 3))), ())


class Fitter:
    """In the place of ganfit_core.fitting.Fitter. Green of a rendering: a tenth for each term that was left out."""

    device = torch.device("cpu")
    renderer = SimpleNamespace(size=SIZE)
    model = SimpleNamespace(landmarks=lambda vertices: vertices)

    def __init__(self, left_out: tuple[str, ...] = ()) -> None:
        self.left_out = left_out
        self.energy = SimpleNamespace(form=self._form)
        self.fitted: list[int] = []

    def without(self, *terms: str) -> Fitter:
        return Fitter(terms)

    def prepare(self, faces: list[AlignedFace]) -> Any:
        photo = torch.stack([torch.from_numpy(face.image[SIZE // 2, SIZE // 2] / np.float32(255)) for face in faces])
        return SimpleNamespace(photo=photo, landmarks=None, features=None)

    def fit(self, faces: list[AlignedFace], seed: int, on_iteration: Any, people: Sequence[int] | None) -> list[Any]:
        target = self.prepare(faces)
        return self.refine(target, parameters(target.photo), seed, on_iteration, who(people, faces))

    def refine(self, target: Any, start: Parameters, *_: Any) -> list[Any]:
        self.fitted.append(len(target.photo))
        if (target.photo[:, 0] == 1).any():
            raise ValueError("the energy is not finite")
        green = torch.tensor([0, 0.1 * len(self.left_out), 0])
        return self.results(parameters(target.photo + green), target)

    def results(self, found: Parameters, target: Any) -> list[Any]:
        results = [doubles.result() for _ in target.photo]
        for row, result in enumerate(results):
            for name, values in found._asdict().items():
                setattr(result, name, values[row].numpy())
        return results

    def _form(self, shown: Parameters) -> Any:
        colour = shown.identity + shown.expression
        image = colour[:, :, None, None].expand(-1, -1, SIZE, SIZE)
        vertices = torch.from_numpy(_POINTS).float().expand(len(colour), -1, -1)
        return SimpleNamespace(vertices=vertices, rendering=SimpleNamespace(image=image))


def parameters(identity: Tensor, expression: Tensor | None = None) -> Parameters:
    """The identity is a colour, and so is what the expression adds to it."""
    count = len(identity)
    return Parameters(
        identity,
        torch.zeros(count, 3) if expression is None else expression,
        torch.zeros(count, 1),
        torch.tensor(CAMERA).expand(count, -1),
        torch.tensor(LIGHT_MEAN).expand(count, -1),
    )


def vectors(identity: Any, expression: Any) -> dict[str, np.ndarray]:
    """Parameters as a row of `reconstructions` has them."""
    shown = parameters(torch.tensor([list(identity)]).float(), torch.tensor([list(expression)]).float())
    return {name: values[0].numpy() for name, values in shown._asdict().items()}


def stored(path: Path, unit_id: str, points: np.ndarray, shown: Mapping[str, np.ndarray]) -> StoredFace:
    """A face that was reconstructed."""
    content, landmarks = f"content of {unit_id}", np.asarray(points, np.float32)
    unit, key = Unit(unit_id, path), f"result of {unit_id}"
    return StoredFace(unit, "ok", "export", None, content, landmarks, key, shown, {}, "settings")


class Regressor:
    """In the place of a regressor of any texture model."""

    def __init__(self, texture: str) -> None:
        self.texture_kind = texture

    def __call__(self, photo: Tensor, *_: Any) -> Parameters:
        blue = 0.75 * photo.amax(dim=1) * (photo[:, 2] == 0)
        return parameters(photo, torch.stack([torch.zeros_like(blue), torch.zeros_like(blue), blue], dim=1))


@dataclass
class World:
    """The models and networks that are here."""

    judges: dict[str, Judge]
    hashes: dict[str, str]
    """Of the judges' files."""
    loss: dict[str, str] = field(default_factory=lambda: {"morphable": "00", "dlib-resnet": "11"})
    """Asset id -> hash, of the reconstructions."""
    settings: dict[str, Any] = field(default_factory=dict)
    fitters: dict[tuple[str, ...], Fitter] = field(default_factory=dict)

    def load_models(
        self, preset: str, method: str, iterations: int | None = None, without: tuple[str, ...] = ()
    ) -> tasks.models.Models:
        """In place of tasks.models.load_models."""
        recipe = METHODS[method]
        fitter: Any = self.fitters.setdefault((method, *without), Fitter(without))
        regressor: Any = Regressor(recipe.texture) if recipe.start == "regression" else None
        return doubles.models(
            detect=detect,
            landmarks=landmarks,
            reconstructor=Reconstructor(recipe, fitter, regressor),
            dimensions=Dimensions(identity=3, expression=3, texture=1),
            settings=self.settings | {"preset": preset, "iterations": iterations, "without": without},
            sha256=dict(self.loss),
        )

    def asked(self) -> tuple[int, int]:
        """Pictures that the networks were shown and faces that were fitted since the last question."""
        shown = [judge.seen for judge in self.judges.values()]
        fitted = [fitter.fitted for fitter in self.fitters.values()]
        counts = sum(map(sum, shown)), sum(map(sum, fitted))
        for each in (*shown, *fitted):
            each.clear()
        return counts


def mean_face(fitter: Any, target: Any) -> Parameters:
    """In place of ganfit_core.mean_face.mean_face: grey."""
    return parameters(torch.full((len(target.photo), 3), 0.5))


def install(monkeypatch: pytest.MonkeyPatch, names: Sequence[str] = ("judge",)) -> World:
    """Put the stand-ins where the evaluations look for models and networks."""
    world = World({name: Judge() for name in names}, {name: f"hash of {name}" for name in names})

    def locate(asset_id: str) -> Found:
        if asset_id in world.hashes:
            return Found(Path(asset_id), "here", world.hashes[asset_id])
        if asset_id in {network.asset for network in NETWORKS.values()}:
            raise assets.MissingAssetError(f"{asset_id} is missing: it can be had elsewhere")
        return Found(Path(asset_id), "here", world.loss.get(asset_id, f"hash of {asset_id}"))

    for name, judge in world.judges.items():
        load: Any = functools.partial(_load, judge)
        monkeypatch.setitem(NETWORKS, name, Network(load, name))
    monkeypatch.setattr(assets, "locate", locate)
    networks.load_network.cache_clear()
    for module in (tasks.models, tasks.stored_faces, tasks.judges):
        monkeypatch.setattr(module, "load_models", world.load_models)
    monkeypatch.setattr(tasks.stored_faces, "mean_face", mean_face)
    here = SimpleNamespace(fn=functools.partial(reconstruct.fn, isolated=False))  # where the stand-ins are
    monkeypatch.setattr(flows.fits, "reconstruct", here)
    monkeypatch.setattr(data.lfw, "PAIRS_PER_CLASS", PAIRS)
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    return world


def reconstruct_here(inputs: list[str], out: Path, method: str, **options: Any) -> None:
    """The flow `reconstruct` in this process, where the stand-ins are."""
    reconstruct.fn(inputs, out, method=method, files="none", isolated=False, workers=1, **options)


def lfw(root: Path, photographs: Mapping[str, tuple[int, int, int]], folds: Mapping[int, Sequence[str]]) -> Path:
    """A data set of PAIRS pairs of each kind in each fold.

    Args:
        photographs: "NAME 1" -> colour.
        folds: fold -> its lines of pairs.txt, with spaces for tabs; folds that are not named have pairs of nobody.
    """
    for photo, colour in photographs.items():
        name, number = photo.split()
        photograph(root / "lfw-small" / name / f"{name}_{int(number):04d}.jpg", colour)
    nobody = ["Nobody 1 2"] * PAIRS + ["Nobody 1 None 1"] * PAIRS
    lines = [f"10\t{PAIRS}"]
    for fold in range(1, 11):
        lines += [line.replace(" ", "\t") for line in folds.get(fold, nobody)]
    (root / "pairs.txt").write_text("\n".join(lines) + "\n")
    return root


def _load(judge: Judge, path: Path) -> Judge:
    return judge
