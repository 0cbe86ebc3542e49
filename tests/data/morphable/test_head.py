"""Cutting the head: edge loops, closing eyes and mouth, triangles; on a small symmetric stand-in for the body."""

from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from data.morphable import head as head_module
from data.morphable.head import Head, QuadMesh, cut_head, mirror_of, triangulate

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

RINGS, ROUND = 5, 12


def cylinder() -> IntArray:
    """Quads of an open tube; vertex ring * ROUND + place."""
    ring, place = np.mgrid[: RINGS - 1, :ROUND]
    following = (place + 1) % ROUND
    corners = [
        ring * ROUND + place,
        ring * ROUND + following,
        (ring + 1) * ROUND + following,
        (ring + 1) * ROUND + place,
    ]
    return np.stack(corners, axis=-1).reshape(-1, 4)


@pytest.mark.parametrize("ring", range(RINGS))
def test_loop_runs_once_round(ring: int) -> None:
    walk = QuadMesh(cylinder()).loop(ring * ROUND + 3, ROUND)
    assert walk[0] == ring * ROUND + 3
    assert sorted(walk) == list(range(ring * ROUND, (ring + 1) * ROUND))
    steps = {(b - a) % ROUND for a, b in zip(walk, walk[1:] + walk[:1], strict=True)}
    assert steps in ({1}, {ROUND - 1})


@pytest.mark.parametrize("length", [ROUND - 1, ROUND + 1, RINGS])
def test_loop_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match="no edge loop"):
        QuadMesh(cylinder()).loop(2 * ROUND, length)


def test_flood_stops_at_the_fence() -> None:
    mesh = QuadMesh(cylinder())
    fence = set(range(2 * ROUND, 3 * ROUND))
    assert mesh.flood(0, fence) == set(range(2 * ROUND))
    assert mesh.flood(0, fence - {2 * ROUND}) > set(range(3 * ROUND, 5 * ROUND))


def test_mirror_of() -> None:
    points = np.array([[0.0, 1, 2], [3, 0, 0], [-3, 0, 0], [5, 5, 5], [-5, 5, 5]])
    np.testing.assert_array_equal(mirror_of(points), [0, 2, 1, 4, 3])
    with pytest.raises(ValueError, match="not symmetric"):
        mirror_of(points[:4])


def test_quads_are_split_along_the_shorter_diagonal() -> None:
    kite = np.array([[0.0, 0, 0], [1, -0.2, 0], [2, 0, 0], [1, 0.2, 0]])
    none = np.zeros((0, 3), np.int64)
    for turn in range(4):
        quad = np.roll(np.arange(4), turn)[None]
        faces = triangulate(kite, quad, none)
        assert faces.shape == (2, 3)
        # The short diagonal joins 1 and 3, and both triangles turn as the quad does.
        assert all({1, 3} < set(face) for face in faces.tolist())
        a, b, c = kite[faces].transpose(1, 0, 2)
        assert (np.cross(b - a, c - a)[:, 2] > 0).all()


def test_degenerate_triangles_are_dropped() -> None:
    points = np.array([[0.0, 0, 0], [1, 0, 0], [1, 1, 0]])
    faces = triangulate(points, np.array([[0, 1, 2, 2]]), np.array([[0, 1, 2], [1, 1, 2]]))
    assert {tuple(sorted(face)) for face in faces.tolist()} == {(0, 1, 2)}


class Body(NamedTuple):
    """A plate with two sockets and a mouth, whose rim runs down into a neck."""

    vertices: FloatArray
    quads: IntArray
    eye_rim: int
    socket: int
    mouth_rim: int
    cavity: int


STEP = 10.0
EYE_LOOP, MOUTH_LOOP = 8, 14
NECK_HEIGHT = -150.0


def body() -> Body:
    columns, rows = range(-7, 8), range(13)
    place = {(x, y): index for index, (x, y) in enumerate((x, y) for x in columns for y in rows)}
    points = [np.array([x * STEP, (y - 6.5) * STEP, 0.0]) for x, y in place]
    holes = {"left": (2, 5, 9, 10), "right": (-5, -2, 9, 10), "mouth": (-2, 2, 3, 6)}
    cells = [
        (x, y)
        for x in columns[:-1]
        for y in rows[:-1]
        if not any(a <= x < b and c <= y < d for a, b, c, d in holes.values())
    ]
    quads = [[place[x, y], place[x + 1, y], place[x + 1, y + 1], place[x, y + 1]] for x, y in cells]

    def outline(a: int, b: int, c: int, d: int) -> list[int]:
        """Anticlockwise."""
        path = [(x, c) for x in range(a, b)] + [(b, y) for y in range(c, d)]
        path += [(x, d) for x in range(b, a, -1)] + [(a, y) for y in range(d, c, -1)]
        return [place[at] for at in path]

    def ring(at: list[FloatArray]) -> list[int]:
        points.extend(at)
        return list(range(len(points) - len(at), len(points)))

    def band(outer: list[int], inner: list[int]) -> None:
        n = len(outer)
        quads.extend([outer[i], outer[(i + 1) % n], inner[(i + 1) % n], inner[i]] for i in range(n))

    seeds = {}
    for name, hole in holes.items():
        outer = outline(*hole)
        centre = np.mean([points[v] for v in outer], axis=0)
        rim = ring([centre + 0.8 * (points[v] - centre) for v in outer])
        inside = ring([centre + 0.7 * (points[v] - centre) + [0, 0, -10] for v in outer])
        deep = ring([centre + 0.5 * (points[v] - centre) + [0, 0, -20] for v in outer])
        band(outer, rim)
        band(rim, inside)
        band(inside, deep)
        seeds[name] = (rim[0], deep[0])

    border = outline(-7, 7, 0, 12)
    side = ring([1.2 * points[v] + [0, 0, -15] for v in border])
    neck = ring([points[v] * [0.5, 0, 0] + [0, 1.5 * NECK_HEIGHT, 0.4 * points[v][1] - 40] for v in border])
    band(side, border)
    band(neck, side)
    # A quad that hangs by one edge from either side of the rim once the neck is cut off.
    for first in (side[1], side[12]):
        edge = [first, first + 1]
        tips = ring([points[v] + [0, -5, -5] for v in edge])
        quads.append([tips[0], tips[1], edge[1], edge[0]])
    points.extend([np.array([1.0, 2, 3]), np.array([4.0, 5, 6])])  # helpers that no quad of the skin uses
    return Body(np.array(points), np.array(quads), *seeds["left"], *seeds["mouth"])


@pytest.fixture
def synthetic(monkeypatch: pytest.MonkeyPatch) -> Body:
    made = body()
    names = ("_EYE_RIM", "_SOCKET_SEED", "_MOUTH_RIM", "_CAVITY_SEED", "_EYE_LOOP_LENGTH", "_MOUTH_LOOP_LENGTH")
    for name, value in zip(names, (*made[2:], EYE_LOOP, MOUTH_LOOP), strict=True):
        monkeypatch.setattr(head_module, name, value)
    monkeypatch.setattr(head_module, "_NECK_HEIGHT", NECK_HEIGHT)
    return made


@pytest.fixture
def head(synthetic: Body) -> Head:
    return cut_head(synthetic.vertices, synthetic.quads)


def directed_edges(faces: IntArray) -> list[tuple[int, int]]:
    return [edge for face in faces.tolist() for edge in zip(face, face[1:] + face[:1], strict=True)]


def test_head_is_one_closed_disc(synthetic: Body, head: Head) -> None:
    vertices = head.apply(synthetic.vertices)
    faces = triangulate(vertices, head.quads, head.triangles)
    edges = directed_edges(faces)
    assert len(set(edges)) == len(edges)  # consistent winding, no edge of three triangles
    undirected = {frozenset(edge) for edge in edges}
    assert len(np.unique(faces)) == len(vertices)
    assert len(vertices) - len(undirected) + len(faces) == 1
    # What is left open is the rim where the neck was: eyes and mouth are closed, the hanging quads are gone.
    open_edges = [edge for edge in edges if edge[::-1] not in set(edges)]
    assert len(open_edges) == 2 * (14 + 12)
    assert vertices[:, 1].min() > NECK_HEIGHT


def test_sockets_and_helpers_are_left_out(synthetic: Body, head: Head) -> None:
    grid, collars = 15 * 13, 2 * EYE_LOOP + MOUTH_LOOP
    holes_inside = 3 * 2  # grid points strictly inside the mouth's hole
    assert (head.source >= 0).sum() == grid - holes_inside + collars + 2 * (14 + 12)
    assert not {synthetic.socket, synthetic.cavity} & set(head.source.tolist())


def test_skin_is_copied_and_curtains_are_new(synthetic: Body, head: Head) -> None:
    vertices = head.apply(synthetic.vertices)
    skin = head.source >= 0
    np.testing.assert_allclose(vertices[skin], synthetic.vertices[head.source[skin]])
    np.testing.assert_array_equal(~skin, head.eyes | head.mouth)
    assert (head.eyes.sum(), head.mouth.sum()) == (EYE_LOOP, MOUTH_LOOP // 2)
    assert not head.offset[skin].any()
    np.testing.assert_allclose(np.asarray(head.weights.sum(axis=1)).ravel(), 1.0)


def test_eyes_bulge_and_the_mouth_lies_behind_the_lips(synthetic: Body, head: Head) -> None:
    vertices = head.apply(synthetic.vertices)
    # The rims of this body lie in the plane z = 0, mid-heights at the middle of the holes.
    assert (vertices[head.eyes, 2] > 0).all()
    assert (vertices[head.mouth, 2] < -1).all()
    np.testing.assert_allclose(vertices[head.eyes, 1], 30.0, atol=1e-9)
    np.testing.assert_allclose(vertices[head.mouth, 1], -20.0, atol=1e-9)
    # Both eyes alike.
    left, right = vertices[head.eyes & (vertices[:, 0] > 0)], vertices[head.eyes & (vertices[:, 0] < 0)]
    np.testing.assert_allclose(left, (right * [-1, 1, 1])[::-1], atol=1e-9)
    mirror_of(vertices)


def test_curtains_face_forward(synthetic: Body, head: Head) -> None:
    vertices = head.apply(synthetic.vertices)
    faces = triangulate(vertices, head.quads, head.triangles)
    on_curtain = faces[(head.eyes | head.mouth)[faces].any(axis=1)]
    a, b, c = vertices[on_curtain].transpose(1, 0, 2)
    assert len(on_curtain) == sum(4 * (loop // 2 - 1) + 2 for loop in (EYE_LOOP, EYE_LOOP, MOUTH_LOOP))
    # The triangles at the ends stand upright here, where the rims are as high there as anywhere.
    assert (np.cross(b - a, c - a)[:, 2] > -1e-9).all()
    assert (np.cross(b - a, c - a)[:, 2] > 1).mean() > 0.7


def test_displacements_follow_the_vertices(synthetic: Body, head: Head) -> None:
    moved = np.random.default_rng(0).normal(size=synthetic.vertices.shape)
    np.testing.assert_allclose(
        head.displace(moved), head.apply(synthetic.vertices + moved) - head.apply(synthetic.vertices), atol=1e-9
    )


def test_asymmetric_body_is_refused(synthetic: Body) -> None:
    bent = synthetic.vertices.copy()
    bent[0, 1] += 1.0
    with pytest.raises(ValueError, match="not symmetric"):
        cut_head(bent, synthetic.quads)
