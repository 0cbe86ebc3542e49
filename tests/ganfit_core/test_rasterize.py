"""Visibility against an independent scan-line z-buffer, and the edge rule on its own."""

import numba
import numpy as np
import pytest
import torch
import trimesh

from ganfit_core.camera import NEAR, project
from ganfit_core.rasterize import TorchRasterizer, default_rasterizer

EDGE_TOLERANCE = 1e-3
DEPTH_TOLERANCE = 1e-6


@numba.njit(cache=False)
def z_buffer(screen, faces, size, near):
    """Nearest face of one image by looping over triangles and pixels in float64.

    Also says which pixels are decided by rounding: the centre is within EDGE_TOLERANCE of an edge, or the two
    nearest depths agree to DEPTH_TOLERANCE.
    """
    nearest = np.full((size, size), np.inf)
    second = np.full((size, size), np.inf)
    face_id = np.full((size, size), -1, np.int64)
    at_edge = np.zeros((size, size), np.bool_)
    for f in range(len(faces)):
        p, q, r = screen[faces[f, 0]], screen[faces[f, 1]], screen[faces[f, 2]]
        if min(p[2], q[2], r[2]) < near:
            continue
        left, right = min(p[0], q[0], r[0]) - 1, max(p[0], q[0], r[0]) + 1
        top, bottom = min(p[1], q[1], r[1]) - 1, max(p[1], q[1], r[1]) + 1
        for row in range(max(0, int(top)), min(size, int(bottom) + 1)):
            for column in range(max(0, int(left)), min(size, int(right) + 1)):
                x, y = column + 0.5, row + 0.5
                for a, b in ((p, q), (q, r), (r, p)):
                    dx, dy = b[0] - a[0], b[1] - a[1]
                    length = dx * dx + dy * dy
                    t = 0.0 if length == 0 else min(1.0, max(0.0, ((x - a[0]) * dx + (y - a[1]) * dy) / length))
                    if np.hypot(a[0] + t * dx - x, a[1] + t * dy - y) < EDGE_TOLERANCE:
                        at_edge[row, column] = True
                # Solve x = p + s (q - p) + t (r - p) on the screen.
                ux, uy, vx, vy = q[0] - p[0], q[1] - p[1], r[0] - p[0], r[1] - p[1]
                determinant = ux * vy - uy * vx
                if determinant == 0:
                    continue
                s = ((x - p[0]) * vy - (y - p[1]) * vx) / determinant
                t = (ux * (y - p[1]) - uy * (x - p[0])) / determinant
                if s < 0 or t < 0 or s + t > 1:
                    continue
                depth = 1 / ((1 - s - t) / p[2] + s / q[2] + t / r[2])
                if depth < nearest[row, column]:
                    second[row, column] = nearest[row, column]
                    nearest[row, column] = depth
                    face_id[row, column] = f
                elif depth < second[row, column]:
                    second[row, column] = depth
    tie = second - nearest < DEPTH_TOLERANCE * nearest
    return face_id, at_edge | tie


def assert_same_visibility(screen: torch.Tensor, faces: torch.Tensor, size: int) -> torch.Tensor:
    actual = TorchRasterizer()(screen, faces, size)
    assert actual.shape == (len(screen), size, size)
    assert actual.dtype == torch.int64
    for image, points in zip(actual.numpy(), screen.double().numpy(), strict=True):
        expected, undecided = z_buffer(points, faces.numpy(), size, NEAR)
        assert undecided.mean() < 0.02
        np.testing.assert_array_equal(image[~undecided], expected[~undecided])
    return actual


@pytest.mark.parametrize("size", [1, 37, 64, 224])
@pytest.mark.parametrize("spread", [0.05, 0.5])
def test_triangle_soup(size: int, spread: float) -> None:
    """Small and large triangles, some off the image, some wholly or partly behind the camera."""
    generator = torch.Generator().manual_seed(size)
    n = 300 if spread < 0.1 else 40
    centres = torch.rand(3, n, 1, 3, generator=generator) * 1.4 - 0.2
    corners = centres + spread * torch.randn(3, n, 3, 3, generator=generator)
    corners[..., :2] *= size
    corners[..., 2] = corners[..., 2] * 500 - 50
    faces = torch.arange(3 * n).reshape(n, 3)
    actual = assert_same_visibility(corners.reshape(3, -1, 3), faces, size)
    assert size == 1 or len(actual.unique()) > 5


@pytest.mark.parametrize(
    "eye",
    [(0.0, 0.0, 500.0), (300.0, 200.0, 350.0), (-400.0, 30.0, -90.0), (20.0, 120.0, 60.0), (10.0, 5.0, 8.0)],
)
@pytest.mark.parametrize("subdivisions", [1, 4])
def test_icosphere(eye: tuple[float, float, float], subdivisions: int) -> None:
    """From afar, from close by with parts off the image, and from inside."""
    sphere = trimesh.creation.icosphere(subdivisions=subdivisions, radius=100)
    vertices = torch.tensor(sphere.vertices, dtype=torch.float32)[None]
    camera = torch.tensor([[*eye, 3, -4, 2, 0, 1, 0, 3.5]])
    actual = assert_same_visibility(project(vertices, camera, 128), torch.tensor(sphere.faces), 128)
    assert (actual >= 0).float().mean() > 0.2


def test_depth_is_perspective_correct() -> None:
    """Two crossing quads meet at column 20; with z instead of 1/z interpolated it would be column 11."""
    near, far = 100.0, 220.0
    slanted = [[0.0, 0, near], [64, 0, far], [64, 64, far], [0, 64, near]]
    crossing = 1 / (0.6875 / near + 0.3125 / far)
    flat = [[0.0, 0, crossing], [64, 0, crossing], [64, 64, crossing], [0, 64, crossing]]
    faces = torch.tensor([[0, 1, 2], [0, 2, 3], [4, 5, 6], [4, 6, 7]])
    face_id = TorchRasterizer()(torch.tensor([slanted + flat]), faces, 64)[0]
    assert (face_id[:, :20] < 2).all()
    assert (face_id[:, 20:] >= 2).all()


@pytest.mark.parametrize("winding", [1, -1])
def test_pixel_centres_on_shared_edges_and_vertices_are_covered(winding: int) -> None:
    """A grid with vertices jittered among pixel centres and corners: centres lie on edges and vertices."""
    generator = torch.Generator().manual_seed(3)
    n = 16
    row, column = torch.meshgrid(torch.arange(n + 1), torch.arange(n + 1), indexing="ij")
    points = torch.stack([column, row], dim=-1) * 4.0
    points[1:-1, 1:-1] += torch.randint(-2, 3, (n - 1, n - 1, 2), generator=generator) * 0.5
    screen = torch.cat([points.reshape(-1, 2), torch.full(((n + 1) ** 2, 1), 300.0)], dim=1)[None]
    corner = (row * (n + 1) + column)[:-1, :-1].reshape(-1)
    faces = torch.cat(
        [
            torch.stack([corner, corner + 1, corner + n + 2], 1),
            torch.stack([corner, corner + n + 2, corner + n + 1], 1),
        ]
    )
    faces = faces if winding > 0 else faces.flip(1)
    assert (TorchRasterizer()(screen, faces, 4 * n) >= 0).all()


def test_no_holes_inside_a_rotated_fan() -> None:
    """A thousand slivers around one vertex, at arbitrary angles, cover the whole disc."""
    angle = torch.linspace(0.1, 0.1 + 2 * torch.pi, 1001, dtype=torch.float64)[:-1]
    rim = torch.stack([32.5 + 30 * angle.cos(), 31.5 + 30 * angle.sin(), torch.full_like(angle, 100)], dim=1)
    screen = torch.cat([torch.tensor([[32.5, 31.5, 100.0]]), rim.float()])[None]
    index = torch.arange(1000)
    faces = torch.stack([torch.zeros_like(index), index + 1, (index + 1) % 1000 + 1], dim=1)
    face_id = TorchRasterizer()(screen, faces, 64)[0]
    y, x = torch.meshgrid(torch.arange(64) + 0.5, torch.arange(64) + 0.5, indexing="ij")
    radius = torch.hypot(x - 32.5, y - 31.5)
    assert (face_id[radius < 29.9] >= 0).all()
    assert (face_id[radius > 30.1] == -1).all()


def test_degenerate_and_non_finite_triangles_are_ignored() -> None:
    nan, inf = float("nan"), float("inf")
    triangles = [
        [[1.0, 1, 50], [30, 30, 50], [16, 16, 50]],
        [[5.0, 5, 50], [5, 5, 50], [5, 5, 50]],
        [[nan, 0, 50], [30, 0, 50], [0, 30, 50]],
        [[0.0, 0, nan], [30, 0, 50], [0, 30, 50]],
        [[0.0, inf, 50], [30, 0, 50], [0, 30, 50]],
        [[0.0, 0, 0.5], [30, 0, 50], [0, 30, 50]],
        [[0.0, 0, -50], [30, 0, -50], [0, 30, -50]],
        [[-9.0, 0, 50], [-1, 0, 50], [-9, 30, 50]],
    ]
    faces = torch.arange(24).reshape(8, 3)
    assert (TorchRasterizer()(torch.tensor(triangles).reshape(1, 24, 3), faces, 32) == -1).all()


def test_no_faces_gives_an_empty_view() -> None:
    face_id = TorchRasterizer()(torch.zeros(2, 4, 3), torch.zeros(0, 3, dtype=torch.long), 8)
    assert (face_id == torch.full((2, 8, 8), -1)).all()


def test_ties_go_to_the_lower_face_and_batches_equal_singles() -> None:
    screen = torch.tensor([[[0.0, 0, 90], [20, 0, 90], [0, 20, 90]], [[3.0, 4, 90], [15, 6, 90], [7, 15, 90]]])
    faces = torch.tensor([[0, 1, 2], [2, 1, 0], [1, 2, 0]])
    rasterizer = default_rasterizer("cpu")
    together = rasterizer(screen, faces, 16)
    assert together.unique().tolist() == [-1, 0]
    for image in range(2):
        assert torch.equal(together[image : image + 1], rasterizer(screen[image : image + 1], faces, 16))
