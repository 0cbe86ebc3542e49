"""Cuts a watertight-fronted head out of MakeHuman's body mesh.

The skin runs on into the eye sockets and the oral cavity. Those are removed; an eye is closed by a bulging patch
and the mouth by a thin curtain behind the lips, so that a photograph's eyes and teeth have texels of their own.
Every new vertex is a fixed linear combination of skin vertices plus a constant, so all morph targets carry over.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.spatial import cKDTree

# Edge loops of MakeHuman's base mesh (named by one vertex on them), left side; the right is found by mirroring.
_EYE_RIM, _EYE_LOOP_LENGTH = 7760, 28
_SOCKET_SEED = 8040
_MOUTH_RIM, _MOUTH_LOOP_LENGTH = 517, 38
_CAVITY_SEED = 687
# Everything above this height (mm) belongs to the head; it cuts the neck below the larynx.
_NECK_HEIGHT = 586.0
_EYE_BULGE_MM = 1.8
_CURTAIN_DEPTH_MM = 4.0


@dataclass(frozen=True)
class Head:
    """How a head follows from the body: head = weights @ body + offset (V, 3), mm.

    Attributes:
        weights: sparse (V, N); offset: (V, 3) mm, only on the new eye and mouth vertices.
        quads, triangles: faces over head vertices (quads of the skin and curtain, triangles of the eye patches).
        source: (V,) index of the body vertex a head vertex copies, -1 for new ones.
        eyes: (V,) bool of the eye patches; mouth: (V,) bool of the curtain between the lips.
    """

    weights: sp.csr_matrix
    offset: NDArray[np.float64]
    quads: NDArray[np.int64]
    triangles: NDArray[np.int64]
    source: NDArray[np.int64]
    eyes: NDArray[np.bool_]
    mouth: NDArray[np.bool_]

    def apply(self, body: NDArray[np.float64]) -> NDArray[np.float64]:
        """Head vertices (V, 3) of body vertices (N, 3), mm."""
        return np.asarray(self.weights @ body) + self.offset

    def displace(self, displacement: NDArray[np.float64]) -> NDArray[np.float64]:
        """Head displacement (V, 3) of a body displacement (N, 3), mm."""
        return np.asarray(self.weights @ displacement)


class QuadMesh:
    """Adjacency of a quad mesh, for walking its edge loops."""

    def __init__(self, quads: NDArray[np.int64]) -> None:
        self.neighbours: dict[int, set[int]] = defaultdict(set)
        self._edge_faces: dict[frozenset[int], set[int]] = defaultdict(set)
        for index, quad in enumerate(quads.tolist()):
            for a, b in zip(quad, quad[1:] + quad[:1], strict=True):
                self.neighbours[a].add(b)
                self.neighbours[b].add(a)
                self._edge_faces[frozenset((a, b))].add(index)

    def loop(self, start: int, length: int) -> list[int]:
        """The closed edge loop of `length` vertices through `start`; ValueError when there is none."""
        for first in sorted(self.neighbours[start]):
            walk = [start, first]
            while len(walk) <= length:
                behind = self._edge_faces[frozenset(walk[-2:])]
                ahead = [
                    b
                    for b in self.neighbours[walk[-1]]
                    if not self._edge_faces[frozenset((walk[-1], b))] & behind
                ]
                if len(ahead) != 1:
                    break
                if ahead[0] == start:
                    if len(walk) == length:
                        return walk
                    break
                walk.append(ahead[0])
        raise ValueError(f"no edge loop of {length} vertices through vertex {start}")

    def flood(self, seed: int, fence: set[int]) -> set[int]:
        """All vertices reachable from `seed` without stepping on `fence`."""
        found, queue = {seed}, [seed]
        while queue:
            for b in self.neighbours[queue.pop()] - found - fence:
                found.add(b)
                queue.append(b)
        return found


def mirror_of(vertices: NDArray[np.float64]) -> NDArray[np.int64]:
    """(V,) index of each vertex's mirror image in the plane x = 0; ValueError when the mesh is not symmetric."""
    distance, index = cKDTree(vertices).query(vertices * [-1.0, 1.0, 1.0])
    if distance.max() > 1e-3 or not np.array_equal(index[index], np.arange(len(index))):
        raise ValueError("the mesh is not symmetric in x = 0")
    return np.asarray(index, dtype=np.int64)


def cut_head(body: NDArray[np.float64], quads: NDArray[np.int64]) -> Head:
    """The head of MakeHuman's body: body (N, 3) mm, quads (Q, 4)."""
    mesh = QuadMesh(quads)
    used = np.unique(quads)
    mirror = dict(zip(used.tolist(), used[mirror_of(body[used])].tolist(), strict=True))

    left_rim = mesh.loop(_EYE_RIM, _EYE_LOOP_LENGTH)
    right_rim = [mirror[v] for v in left_rim]
    lips = mesh.loop(_MOUTH_RIM, _MOUTH_LOOP_LENGTH)
    hidden = (
        mesh.flood(_SOCKET_SEED, set(left_rim))
        | mesh.flood(mirror[_SOCKET_SEED], set(right_rim))
        | mesh.flood(_CAVITY_SEED, set(lips))
    )
    keep = np.zeros(len(body), dtype=bool)
    keep[used] = body[used, 1] > _NECK_HEIGHT
    keep[list(hidden)] = False
    skin = _without_spikes(quads[keep[quads].all(axis=1)], set(left_rim + right_rim + lips))
    source = np.unique(skin)
    position = {int(v): i for i, v in enumerate(source)}
    skin = np.searchsorted(source, skin)

    rows = [sp.csr_matrix((np.ones(len(source)), (np.arange(len(source)), source)), (len(source), len(body)))]
    offsets = [np.zeros((len(source), 3))]
    triangles: list[NDArray[np.int64]] = []
    new_quads: list[NDArray[np.int64]] = [skin]
    count = len(source)
    eyes_from = count
    for rim in (left_rim, right_rim):
        weights, offset, faces = _eye_patch(body, rim, position, count)
        rows.append(weights)
        offsets.append(offset)
        triangles.append(faces)
        count += len(offset)
    mouth_from = count
    (weights, offset, curtain), ends = _curtain(body, lips, position, count)
    triangles.append(ends)
    rows.append(weights)
    offsets.append(offset)
    new_quads.append(curtain)
    count += len(offset)

    index = np.arange(count)
    return Head(
        weights=sp.vstack(rows).tocsr(),
        offset=np.concatenate(offsets),
        quads=np.concatenate(new_quads),
        triangles=np.concatenate(triangles),
        source=np.concatenate([source, np.full(count - len(source), -1)]),
        eyes=(index >= eyes_from) & (index < mouth_from),
        mouth=index >= mouth_from,
    )


def _without_spikes(quads: NDArray[np.int64], rims: set[int]) -> NDArray[np.int64]:
    """Drops quads that hang by one or two edges from a ragged border; the rims of eyes and mouth are no such border."""
    while True:
        edges = np.sort(np.stack([quads, np.roll(quads, -1, axis=1)], axis=2), axis=2)
        _, index, count = np.unique(edges.reshape(-1, 2), axis=0, return_inverse=True, return_counts=True)
        loose = (count[index].reshape(-1, 4) == 1) & ~np.isin(quads, list(rims))
        spikes = loose.sum(axis=1) >= 2
        if not spikes.any():
            return quads
        quads = quads[~spikes]


Patch = tuple[sp.csr_matrix, NDArray[np.float64], NDArray[np.int64]]


def _eye_patch(body: NDArray[np.float64], rim: list[int], position: dict[int, int], first: int) -> Patch:
    """Two rings and a centre inside the lid margin, bulging forward like the eyeball."""
    n = len(rim)
    shares = (2 / 3, 1 / 3)
    rows, columns, values, offset = [], [], [], []
    for ring, share in enumerate(shares):
        for i, v in enumerate(rim):
            row = ring * n + i
            rows += [row] * (n + 1)
            columns += [v, *rim]
            values += [share, *[(1 - share) / n] * n]
            offset.append([0.0, 0.0, _EYE_BULGE_MM * (1 - share**2)])
    rows += [2 * n] * n
    columns += rim
    values += [1 / n] * n
    offset.append([0.0, 0.0, _EYE_BULGE_MM])
    weights = sp.csr_matrix((values, (rows, columns)), (2 * n + 1, len(body)))

    rings = [np.array([position[v] for v in rim]), first + np.arange(n), first + n + np.arange(n)]
    faces = []
    for outer, inner in zip(rings, rings[1:], strict=False):
        o1, i1 = np.roll(outer, -1), np.roll(inner, -1)
        faces += [np.stack([outer, o1, i1], 1), np.stack([outer, i1, inner], 1)]
    last = rings[-1]
    faces.append(np.stack([last, np.roll(last, -1), np.full(n, first + 2 * n)], 1))
    triangles = np.concatenate(faces)
    # Wound so that the patch looks towards +z, whichever way round the rim was walked.
    area = np.cross(body[rim], np.roll(body[rim], -1, axis=0)).sum(axis=0)[2]
    return weights, np.asarray(offset), triangles if area > 0 else triangles[:, ::-1]


def _curtain(
    body: NDArray[np.float64], lips: list[int], position: dict[int, int], first: int
) -> tuple[Patch, NDArray[np.int64]]:
    """A two-quad-high curtain from the upper to the lower lip, hanging a little behind them, and its end triangles."""
    n, m = len(lips), len(lips) // 2
    # The loop crosses the mid-line twice; each crossing is the middle of one lip, of m vertices.
    crossings = sorted((i for i in range(n) if abs(body[lips[i], 0]) < 1e-6), key=lambda i: -body[lips[i], 1])
    upper, lower = ([lips[(i + k) % n] for k in range(-(m // 2), m // 2 + 1)] for i in crossings)
    if body[upper[0], 0] > 0:
        upper.reverse()
    if body[lower[0], 0] > 0:
        lower.reverse()
    rows = np.repeat(np.arange(m), 2)
    columns = np.stack([upper, lower], 1).ravel()
    weights = sp.csr_matrix((np.full(2 * m, 0.5), (rows, columns)), (m, len(body)))
    # Nearly flush with the lips at the corners, deepest in the middle.
    depth = _CURTAIN_DEPTH_MM * np.sin(np.linspace(0, np.pi, m + 2))[1:-1]
    offset = np.stack([np.zeros(m), np.zeros(m), -depth], 1)

    top, low = (np.array([position[v] for v in arc]) for arc in (upper, lower))
    middle = first + np.arange(m)
    quads = [
        np.stack([above[:-1], below[:-1], below[1:], above[1:]], 1) for above, below in ((top, middle), (middle, low))
    ]
    ends = np.array([[top[0], low[0], middle[0]], [top[-1], middle[-1], low[-1]]])
    return (weights, offset, np.concatenate(quads)), ends


def triangulate(vertices: NDArray[np.float64], quads: NDArray[np.int64], triangles: NDArray[np.int64]) -> NDArray[np.int64]:
    """(F, 3) triangles: every quad split along its shorter diagonal, degenerate ones dropped."""
    a, b, c, d = quads.T
    short_ac = np.linalg.norm(vertices[a] - vertices[c], axis=1) <= np.linalg.norm(vertices[b] - vertices[d], axis=1)
    first = np.where(short_ac[:, None], np.stack([a, b, c], 1), np.stack([a, b, d], 1))
    second = np.where(short_ac[:, None], np.stack([a, c, d], 1), np.stack([b, c, d], 1))
    faces = np.concatenate([first, second, triangles])
    distinct = (faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2]) & (faces[:, 2] != faces[:, 0])
    return faces[distinct]
