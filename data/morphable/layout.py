"""A UV layout for the head in which the face fills most of the map.

The head, a disc once cut along the back of the skull, is mapped onto the unit square with a Tutte embedding whose
weights are then adapted to even out the stretch (Yoshizawa, Belyaev and Seidel, "A fast and simple stretch-minimizing
mesh parameterization", 2004). A fixed convex boundary and positive weights keep the map free of fold-overs. "Even"
is measured after scaling each triangle by how much of the map its place on the head deserves.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.linalg import spsolve

_ROUNDS = 12
_DAMPING = 0.7


def importance(vertices: NDArray[np.float64], landmarks: NDArray[np.float64]) -> NDArray[np.float64]:
    """(V,) how large a vertex's surroundings are drawn, relative to the front of the face (1).

    Args:
        vertices: (V, 3) mm, the neutral mean head.
        landmarks: (68, 3) mm, on the same head: they place the face in it.
    """
    brow, chin, jaw = landmarks[17:27].mean(axis=0), landmarks[8], landmarks[[0, 16]].mean(axis=0)
    height = brow[1] - chin[1]
    front = _step(vertices[:, 2], jaw[2] - 5.0, jaw[2] + 25.0)
    below_hairline = 1 - _step(vertices[:, 1], brow[1] + 0.55 * height, brow[1] + 0.85 * height)
    above_neck = _step(vertices[:, 1], chin[1] - 0.25 * height, chin[1] - 0.02 * height)
    return 0.3 + 0.7 * front * below_hairline * above_neck


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
    pairs = _pair_index(cut)
    weights = np.ones(pairs[0].shape[1])
    for _ in range(_ROUNDS):
        uvs = _embed(len(owner), pairs[0], weights, boundary, on_square)
        stretch = _vertex_stretch(vertices[owner], uvs, cut, size[owner])
        weights = weights / stretch[pairs[0][1]] ** _DAMPING
        weights /= weights.mean()
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


def _boundary_on_square(
    points: NDArray[np.float64], loop: list[int], size: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(L, 2) places of the boundary on a rounded square: the front of the neck below, the crown on top."""
    ring = points[loop]
    length = np.linalg.norm(np.roll(ring, -1, axis=0) - ring, axis=1) * size[loop]
    along = np.concatenate([[0.0], np.cumsum(length)])
    crown = ring[:, 1].argmax()
    front = np.where(np.abs(ring[:, 0]) < 1e-6, ring[:, 2] - 1e3 * (ring[:, 1] > ring[:, 1].min() + 60), -np.inf).argmax()
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


def _pair_index(faces: NDArray[np.int64]) -> tuple[NDArray[np.int64]]:
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    both = np.concatenate([edges, edges[:, ::-1]])
    return (np.unique(both, axis=0).T,)


def _embed(
    count: int,
    pairs: NDArray[np.int64],
    weights: NDArray[np.float64],
    boundary: list[int],
    places: NDArray[np.float64],
) -> NDArray[np.float64]:
    i, j = pairs
    total = np.bincount(i, weights, minlength=count)
    matrix = sp.coo_matrix((-weights / total[i], (i, j)), (count, count)).tocsr() + sp.identity(count, format="csr")
    fixed = np.zeros(count, dtype=bool)
    fixed[boundary] = True
    uvs = np.zeros((count, 2))
    uvs[boundary] = places
    free = ~fixed
    uvs[free] = spsolve(matrix[free][:, free].tocsc(), -matrix[free][:, fixed] @ uvs[fixed])
    return uvs


def _vertex_stretch(
    points: NDArray[np.float64], uvs: NDArray[np.float64], faces: NDArray[np.int64], size: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(T,) L2 stretch of Sander et al. 2001 at each vertex: how thinly the map covers the scaled surface."""
    q = points[faces]
    u = uvs[faces]
    area = np.maximum(_signed_area(uvs, faces), 1e-12)[:, None]
    du = [(u[:, (k + 1) % 3, 1] - u[:, (k + 2) % 3, 1])[:, None] for k in range(3)]
    dv = [(u[:, (k + 2) % 3, 0] - u[:, (k + 1) % 3, 0])[:, None] for k in range(3)]
    by_u = sum(q[:, k] * du[k] for k in range(3)) / (2 * area)
    by_v = sum(q[:, k] * dv[k] for k in range(3)) / (2 * area)
    squared = 0.5 * ((by_u**2).sum(1) + (by_v**2).sum(1)) * size[faces].mean(axis=1) ** 2
    surface = np.linalg.norm(np.cross(q[:, 1] - q[:, 0], q[:, 2] - q[:, 0]), axis=1) + 1e-9
    summed = np.bincount(faces.ravel(), np.repeat(squared * surface, 3), minlength=len(points))
    around = np.bincount(faces.ravel(), np.repeat(surface, 3), minlength=len(points))
    stretch = np.sqrt(summed / around)
    return np.asarray(stretch / np.median(stretch))


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
