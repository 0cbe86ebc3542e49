"""A UV layout for the head in which the face fills most of the map, in human proportions.

The head, a disc once cut along the back of the skull, is mapped onto a rounded square: first with a Tutte embedding,
which cannot fold over, then by descending the symmetric Dirichlet energy (Smith and Schaefer, "Bijective
parameterization with free boundaries", 2015), which punishes stretching and squeezing alike and grows without bound
before a triangle folds. Each triangle's rest shape is first scaled by how much of the map its place deserves.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.linalg import splu, spsolve

_DESCENT_STEPS = 200
_NEW_METRIC_EVERY = 5
# Folds in the mesh hold slivers; their rest shapes get at least this height, relative to the base.
_SLIVER = 0.05


def importance(vertices: NDArray[np.float64], landmarks: NDArray[np.float64]) -> NDArray[np.float64]:
    """(V,) how large a vertex's surroundings are drawn, relative to the front of the face (1).

    Args:
        vertices: (V, 3) mm, the neutral mean head.
        landmarks: (68, 3) mm, on the same head: they place the face in it.
    """
    brow, chin, jaw = landmarks[17:27].mean(axis=0), landmarks[8], landmarks[[0, 16]].mean(axis=0)
    height = brow[1] - chin[1]
    front = _step(vertices[:, 2], jaw[2] - 5.0, jaw[2] + 25.0)
    below_hairline = 1 - _step(vertices[:, 1], brow[1] + 0.3 * height, brow[1] + 0.7 * height)
    above_neck = _step(vertices[:, 1], chin[1] - 0.25 * height, chin[1] - 0.02 * height)
    face = front * below_hairline * above_neck
    # Eyes, nose and mouth carry the identity: they get the finest texels.
    middle = landmarks[17:68].mean(axis=0)
    reach = np.ptp(landmarks[17:68], axis=0)[:2] * 0.6
    features = np.exp(-(((((vertices - middle)[:, :2]) / reach) ** 2).sum(axis=1) ** 2)) * (vertices[:, 2] > jaw[2])
    return 0.3 + 0.7 * face + 0.6 * face * features


def uv_layout(
    vertices: NDArray[np.float64], faces: NDArray[np.int64], mirror: NDArray[np.int64], size: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Texture coordinates of a head.

    Args:
        vertices: (V, 3) mm, symmetric in x = 0, with one boundary (the neck).
        faces: (F, 3).
        mirror: (V,) index of each vertex's mirror image.
        size: (V,) from `importance`.

    Returns:
        uvs (T, 2) in [0, 1], v up, left-right symmetric (u -> 1 - u); uv_faces (F, 3).

    Raises:
        ValueError: the embedding folds over (the mesh is no disc after the cut).
    """
    seam = _seam(vertices, faces, mirror)
    cut, owner = _cut_along(vertices, faces, seam)
    boundary = _boundary_loop(cut)
    on_square = _boundary_on_square(vertices[owner], boundary, size[owner])
    uvs = _tutte(len(owner), cut, boundary, on_square)
    uvs = _descend(uvs, _RestShapes.of(vertices[owner], cut, size[owner]), cut, boundary)
    uvs = _symmetrise(uvs, vertices, owner, mirror)
    area = _signed_area(uvs, cut)
    if area.min() <= 0:
        raise ValueError(f"the UV layout folds over in {int((area <= 0).sum())} triangles")
    return uvs, cut


def _step(x: NDArray[np.float64], low: float, high: float) -> NDArray[np.float64]:
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def _signed_area(uvs: NDArray[np.float64], faces: NDArray[np.int64]) -> NDArray[np.float64]:
    a, b, c = uvs[faces[:, 0]], uvs[faces[:, 1]], uvs[faces[:, 2]]
    return 0.5 * ((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0])


def _seam(vertices: NDArray[np.float64], faces: NDArray[np.int64], mirror: NDArray[np.int64]) -> list[int]:
    """The mid-line of the back, from the neck's boundary to the crown."""
    middle = np.flatnonzero(mirror == np.arange(len(mirror)))
    crown = middle[vertices[middle, 1].argmax()]
    behind = {int(v) for v in middle if vertices[v, 2] <= vertices[crown, 2]}
    edges = {frozenset(e) for f in faces.tolist() for e in zip(f, f[1:] + f[:1], strict=True)}
    path, at = [int(crown)], int(crown)
    while True:
        ahead = [v for v in behind - set(path) if frozenset((at, v)) in edges]
        if not ahead:
            return path[::-1]
        at = min(ahead, key=lambda v: vertices[v, 1])
        path.append(at)


def _cut_along(
    vertices: NDArray[np.float64], faces: NDArray[np.int64], seam: list[int]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Doubles the seam's vertices (its last, the crown, stays single) on the faces of the subject's right."""
    right = vertices[faces].mean(axis=1)[:, 0] < 0
    owner = np.concatenate([np.arange(len(vertices)), np.asarray(seam[:-1], dtype=np.int64)])
    twin = np.arange(len(vertices))
    twin[seam[:-1]] = np.arange(len(vertices), len(owner))
    cut = faces.copy()
    cut[right] = twin[cut[right]]
    return cut, owner


def _boundary_loop(faces: NDArray[np.int64]) -> list[int]:
    edges = [e for f in faces.tolist() for e in zip(f, f[1:] + f[:1], strict=True)]
    count = Counter(frozenset(e) for e in edges)
    follow = {a: b for a, b in edges if count[frozenset((a, b))] == 1}
    start = min(follow)
    loop = [start]
    while follow[loop[-1]] != start:
        loop.append(follow[loop[-1]])
    return loop


def _boundary_on_square(points: NDArray[np.float64], loop: list[int], size: NDArray[np.float64]) -> NDArray[np.float64]:
    """(L, 2) places of the boundary on a rounded square: the front of the neck below, the crown on top."""
    ring = points[loop]
    length = np.linalg.norm(np.roll(ring, -1, axis=0) - ring, axis=1) * size[loop]
    along = np.concatenate([[0.0], np.cumsum(length)])
    crown = ring[:, 1].argmax()
    front = np.where(
        np.abs(ring[:, 0]) < 1e-6, ring[:, 2] - 1e3 * (ring[:, 1] > ring[:, 1].min() + 60), -np.inf
    ).argmax()
    total = along[-1]
    half = (along[crown] - along[front]) % total
    travelled = (along[:-1] - along[front]) % total
    # Each half of the boundary takes half of the square's outline, so that left and right stay mirror images.
    share = np.where(travelled <= half, 0.5 * travelled / half, 0.5 + 0.5 * (travelled - half) / (total - half))
    angle = -np.pi / 2 + 2 * np.pi * share
    direction = np.stack([np.cos(angle), np.sin(angle)], 1)
    # A superellipse: nearly the whole square, yet strictly convex as Tutte's theorem asks.
    radius = (np.abs(direction) ** 6).sum(axis=1) ** (-1 / 6)
    return np.asarray(0.5 + 0.495 * direction * radius[:, None])


def _tutte(
    count: int, faces: NDArray[np.int64], boundary: list[int], places: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Every inner vertex at the mean of its neighbours."""
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    i, j = np.unique(np.concatenate([edges, edges[:, ::-1]]), axis=0).T
    degree = np.bincount(i, minlength=count)
    matrix = sp.coo_matrix((-1.0 / degree[i], (i, j)), (count, count)).tocsr() + sp.identity(count, format="csr")
    fixed = np.zeros(count, dtype=bool)
    fixed[boundary] = True
    uvs = np.zeros((count, 2))
    uvs[boundary] = places
    uvs[~fixed] = spsolve(matrix[~fixed][:, ~fixed].tocsc(), -matrix[~fixed][:, fixed] @ uvs[fixed])
    return uvs


@dataclass(frozen=True)
class _RestShapes:
    """Triangles laid flat with corners (0, 0), (base, 0), (foot, height), scaled to fill the square together."""

    base: NDArray[np.float64]
    foot: NDArray[np.float64]
    height: NDArray[np.float64]
    weight: NDArray[np.float64]

    @classmethod
    def of(cls, points: NDArray[np.float64], faces: NDArray[np.int64], size: NDArray[np.float64]) -> _RestShapes:
        q = points[faces]
        one, two = q[:, 1] - q[:, 0], q[:, 2] - q[:, 0]
        base = np.linalg.norm(one, axis=1) + 1e-9
        foot = (one * two).sum(axis=1) / base
        height = np.sqrt(np.maximum((two**2).sum(axis=1) - foot**2, 0))
        height = np.maximum(height, _SLIVER * base)
        scale = size[faces].mean(axis=1)
        scale = scale / np.sqrt((0.5 * base * height * scale**2).sum())
        base, foot, height = base * scale, foot * scale, height * scale
        return cls(base, foot, height, 0.5 * base * height)

    def jacobians(self, uvs: NDArray[np.float64], faces: NDArray[np.int64]) -> tuple[NDArray[np.float64], ...]:
        """Columns (F, 2) and determinants (F,) of the map's Jacobians."""
        p = uvs[faces]
        one, two = p[:, 1] - p[:, 0], p[:, 2] - p[:, 0]
        first = one / self.base[:, None]
        second = (two - one * (self.foot / self.base)[:, None]) / self.height[:, None]
        return first, second, first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]

    def energy(self, uvs: NDArray[np.float64], faces: NDArray[np.int64]) -> tuple[float, NDArray[np.float64]]:
        """Sum of ||J||^2 + ||J^-1||^2 over the scaled area, and its gradient (T, 2); infinite once a triangle folds."""
        first, second, det = self.jacobians(uvs, faces)
        gradient = np.zeros_like(uvs)
        if det.min() <= 1e-6:
            return np.inf, gradient
        squares = (first**2).sum(axis=1) + (second**2).sum(axis=1)
        by_square = (2 * self.weight * (1 + 1 / det**2))[:, None]
        by_det = (-2 * self.weight * squares / det**3)[:, None]
        of_first = by_square * first + by_det * np.stack([second[:, 1], -second[:, 0]], 1)
        of_second = by_square * second + by_det * np.stack([-first[:, 1], first[:, 0]], 1)
        of_two = of_second / self.height[:, None]
        of_one = of_first / self.base[:, None] - of_two * (self.foot / self.base)[:, None]
        np.add.at(gradient, faces[:, 1], of_one)
        np.add.at(gradient, faces[:, 2], of_two)
        np.add.at(gradient, faces[:, 0], -of_one - of_two)
        return float((self.weight * squares * (1 + 1 / det**2)).sum()), gradient

    def stiffness(self, uvs: NDArray[np.float64], faces: NDArray[np.int64]) -> sp.csc_matrix:
        """(T, T) Laplacian whose triangles are as stiff as the energy is at `uvs`: the descent's metric."""
        first, second, det = self.jacobians(uvs, faces)
        squares = (first**2).sum(axis=1) + (second**2).sum(axis=1)
        stiff = 2 * self.weight * (1 + 1 / det**2 + 3 * squares**2 / det**4)
        zero = np.zeros_like(self.base)
        x, y = np.stack([zero, self.base, self.foot], 1), np.stack([zero, zero, self.height], 1)
        twice_area = (self.base * self.height)[:, None]
        by_x = (np.roll(y, -1, axis=1) - np.roll(y, -2, axis=1)) / twice_area
        by_y = (np.roll(x, -2, axis=1) - np.roll(x, -1, axis=1)) / twice_area
        local = (by_x[:, :, None] * by_x[:, None] + by_y[:, :, None] * by_y[:, None]) * stiff[:, None, None]
        rows, columns = np.repeat(faces, 3, axis=1).ravel(), np.tile(faces, (1, 3)).ravel()
        return sp.coo_matrix((local.ravel(), (rows, columns)), (len(uvs), len(uvs))).tocsc()


def _descend(
    uvs: NDArray[np.float64], shapes: _RestShapes, faces: NDArray[np.int64], boundary: list[int]
) -> NDArray[np.float64]:
    """Preconditioned gradient descent with backtracking; the boundary stays."""
    free = np.setdiff1d(np.arange(len(uvs)), boundary)
    energy, gradient = shapes.energy(uvs, faces)
    step = 1.0
    for iteration in range(_DESCENT_STEPS):
        if iteration % _NEW_METRIC_EVERY == 0:
            metric = splu(shapes.stiffness(uvs, faces)[free][:, free].tocsc())
        direction = np.zeros_like(uvs)
        direction[free] = -metric.solve(gradient[free])
        slope = float((gradient * direction).sum())
        step = min(1.0, 2 * step)
        while step > 1e-8:
            trial, trial_gradient = shapes.energy(uvs + step * direction, faces)
            if trial < energy + 1e-4 * step * slope:
                break
            step /= 2
        else:
            break
        uvs, energy, gradient = uvs + step * direction, trial, trial_gradient
    return uvs


def _symmetrise(
    uvs: NDArray[np.float64], vertices: NDArray[np.float64], owner: NDArray[np.int64], mirror: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Averages the map with its mirror image (the two sides of the seam are each other's image)."""
    count = len(vertices)
    image = np.arange(len(owner))
    image[:count] = mirror
    for twin in range(count, len(owner)):
        image[twin] = owner[twin]
        image[owner[twin]] = twin
    mean = 0.5 * (uvs + np.stack([1 - uvs[image, 0], uvs[image, 1]], 1))
    return np.asarray(mean)
