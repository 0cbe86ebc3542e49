"""Cuts a watertight-fronted head out of MakeHuman's body mesh.

The skin runs on into the eye sockets and the oral cavity. Those are removed; each eye and the mouth are closed by a
curtain between the lids and between the lips, so that a photograph's eyes and teeth have texels of their own.
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
# An eyeball of 12 mm radius stands this far before the line between lids 9 mm apart.
_EYE_BULGE_MM = 0.9
_MOUTH_DEPTH_MM = 4.0


@dataclass(frozen=True)
class Head:
    """How a head follows from the body: head = weights @ body + offset (V, 3), mm.

    Attributes:
        weights: sparse (V, N); offset: (V, 3) mm, only on the new eye and mouth vertices.
        quads, triangles: faces over head vertices (of skin and curtains, and at the curtains' ends).
        source: (V,) index of the body vertex a head vertex copies, -1 for new ones.
        eyes: (V,) bool of the curtains between the lids; mouth: (V,) bool of the one between the lips.
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
                    b for b in self.neighbours[walk[-1]] if not self._edge_faces[frozenset((walk[-1], b))] & behind
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
    quads_of_head, ends = [skin], []
    count = len(source)
    slits = ((left_rim, _EYE_BULGE_MM), (right_rim, _EYE_BULGE_MM), (lips, -_MOUTH_DEPTH_MM))
    starts = []
    for ring, forward in slits:
        weights, offset, curtain, triangles = _curtain(body, ring, position, count, forward)
        rows.append(weights)
        offsets.append(offset)
        quads_of_head.append(curtain)
        ends.append(triangles)
        starts.append(count)
        count += len(offset)
    eyes_from, mouth_from = starts[0], starts[2]

    index = np.arange(count)
    return Head(
        weights=sp.vstack(rows).tocsr(),
        offset=np.concatenate(offsets),
        quads=np.concatenate(quads_of_head),
        triangles=np.concatenate(ends),
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


Patch = tuple[sp.csr_matrix, NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]


def _curtain(body: NDArray[np.float64], ring: list[int], position: dict[int, int], first: int, forward: float) -> Patch:
    """Closes a slit: a two-quad-high curtain from its upper to its lower edge, with a triangle at either end.

    Args:
        ring: body vertices around the slit; position: body vertex -> head vertex; first: next free head vertex.
        forward: how far the curtain's middle row stands before (behind, if negative) the edges, mm.
    """
    n, m = len(ring), len(ring) // 2
    # Of all ways to halve the ring, the one whose halves are farthest apart in height cuts it at its corners.
    height = body[ring, 1]
    start = max(range(n), key=lambda r: height[[(r + k) % n for k in range(m)]].sum())
    upper = [ring[(start + k) % n] for k in range(m)]
    lower = [ring[(start - 1 - k) % n] for k in range(m)]
    if body[upper[0], 0] > body[upper[-1], 0]:
        upper, lower = upper[::-1], lower[::-1]
    weights = sp.csr_matrix(
        (np.full(2 * m, 0.5), (np.repeat(np.arange(m), 2), np.stack([upper, lower], 1).ravel())), (m, len(body))
    )
    # Nearly flush with the edges at the corners, farthest from them in the middle.
    offset = np.zeros((m, 3))
    offset[:, 2] = forward * np.sin(np.linspace(0, np.pi, m + 2))[1:-1]

    top, low = (np.array([position[v] for v in arc]) for arc in (upper, lower))
    middle = first + np.arange(m)
    quads = [
        np.stack([above[:-1], below[:-1], below[1:], above[1:]], 1) for above, below in ((top, middle), (middle, low))
    ]
    ends = np.array([[top[0], low[0], middle[0]], [top[-1], middle[-1], low[-1]]])
    return weights, offset, np.concatenate(quads), ends


def triangulate(
    vertices: NDArray[np.float64], quads: NDArray[np.int64], triangles: NDArray[np.int64]
) -> NDArray[np.int64]:
    """(F, 3) triangles: every quad split along its shorter diagonal, degenerate ones dropped."""
    a, b, c, d = quads.T
    short_ac = np.linalg.norm(vertices[a] - vertices[c], axis=1) <= np.linalg.norm(vertices[b] - vertices[d], axis=1)
    first = np.where(short_ac[:, None], np.stack([a, b, c], 1), np.stack([a, b, d], 1))
    second = np.where(short_ac[:, None], np.stack([a, c, d], 1), np.stack([b, c, d], 1))
    faces = np.concatenate([first, second, triangles])
    distinct = (faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2]) & (faces[:, 2] != faces[:, 0])
    return faces[distinct]
