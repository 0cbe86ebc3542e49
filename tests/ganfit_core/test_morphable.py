"""The shipped shape model, and files that are none."""

import hashlib
import json
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from ganfit_core.morphable import ModelFileError, MorphableModel
from ganfit_core.shading import vertex_normals
from tests.heads import SHIPPED_MODEL

MIRRORED = torch.tensor([-1.0, 1, 1])
REGIONS = ("face", "eyes", "lips", "mouth", "ears", "neck")
# The subject's right half of the iBUG landmarks, and the left half in mirrored order.
RIGHT = [*range(8), *range(17, 22), 31, 32, 36, 37, 38, 39, 40, 41, 48, 49, 50, 58, 59, 60, 61, 67]
LEFT = [*range(16, 8, -1), *range(26, 21, -1), 35, 34, 45, 44, 43, 42, 47, 46, 54, 53, 52, 56, 55, 64, 63, 65]
MIDDLE = [8, 27, 28, 29, 30, 33, 51, 57, 62, 66]


@pytest.fixture(scope="module")
def points(model: MorphableModel) -> Tensor:
    """(68, 3) landmarks of the mean."""
    return model.landmarks(model.mean[None])[0]


def directed_edges(faces: Tensor) -> list[tuple[int, int]]:
    return [edge for f in faces.tolist() for edge in zip(f, f[1:] + f[:1], strict=True)]


def uv_areas(model: MorphableModel) -> Tensor:
    a, b, c = model.uvs[model.uv_faces].unbind(1)
    one, two = b - a, c - a
    return 0.5 * (one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0])


def test_recorded_checksum_is_that_of_the_file() -> None:
    recorded = json.loads((SHIPPED_MODEL.parent / "checksums.json").read_text())
    assert recorded[SHIPPED_MODEL.name] == hashlib.sha256(SHIPPED_MODEL.read_bytes()).hexdigest()


def test_sizes(model: MorphableModel) -> None:
    n_vertices, n_faces = len(model.mean), len(model.faces)
    assert model.n_identity >= 80
    assert model.n_expression >= 29
    assert model.mean.shape == (n_vertices, 3)
    assert model.identity_basis.shape == (model.n_identity, n_vertices, 3)
    assert model.expression_basis.shape == (model.n_expression, n_vertices, 3)
    assert model.faces.shape == model.uv_faces.shape == (n_faces, 3)
    assert model.landmark_indices.shape == (68,)
    assert model.mirror.shape == (n_vertices,)
    assert all(mask.shape == (n_vertices,) for mask in model.regions.values())
    assert sorted(model.faces.unique().tolist()) == list(range(n_vertices))
    assert sorted(model.uv_faces.unique().tolist()) == list(range(len(model.uvs)))


def test_everything_is_finite(model: MorphableModel) -> None:
    for name, tensor in model.named_buffers():
        assert torch.isfinite(tensor).all(), name


def test_mean_head_has_human_measures(model: MorphableModel, points: Tensor) -> None:
    assert 75 < (points[36] - points[45]).norm() < 95
    low, high = model.mean.amin(dim=0), model.mean.amax(dim=0)
    assert 200 < high[1] - low[1] < 290
    assert 130 < high[0] - low[0] < 200
    # The frame's origin is inside the head, not at its feet.
    assert ((low < 0) & (high > 0)).all()


def test_bases_are_in_millimetres_per_standard_deviation(model: MorphableModel) -> None:
    for basis in (model.identity_basis, model.expression_basis):
        size = basis.square().sum(dim=2).mean(dim=1).sqrt()  # root mean square over the vertices
        assert 0.5 < size[0] < 10
        assert 0.005 < size[-1] < size[0]
        assert basis.norm(dim=2).max() < 30
    # Expressions move the face, not the back of the head.
    moved = model.expression_basis.norm(dim=2).square().sum(dim=0).sqrt()
    assert moved[model.regions["lips"]].mean() > 10 * moved[model.mean[:, 2] < 0].mean()


def test_random_people_differ_but_stay_people(model: MorphableModel) -> None:
    generator = torch.Generator().manual_seed(0)
    identity = torch.randn(50, model.n_identity, generator=generator)
    landmarks = model.landmarks(model(identity, torch.zeros(50, model.n_expression)))
    width = (landmarks[:, 36] - landmarks[:, 45]).norm(dim=1)
    assert ((width > 65) & (width < 105)).all()
    assert width.std() > 0.5


def test_vertices_are_linear_in_the_coefficients(model: MorphableModel) -> None:
    identity, expression = torch.zeros(3, model.n_identity), torch.zeros(3, model.n_expression)
    identity[1, 2], expression[2, 1] = 2.0, -3.0
    vertices = model(identity, expression)
    torch.testing.assert_close(vertices[0], model.mean)
    torch.testing.assert_close(vertices[1], model.mean + 2 * model.identity_basis[2])
    torch.testing.assert_close(vertices[2], model.mean - 3 * model.expression_basis[1])


def test_mirror_is_an_involution_and_the_mean_symmetric(model: MorphableModel) -> None:
    assert torch.equal(model.mirror[model.mirror], torch.arange(len(model.mirror)))
    torch.testing.assert_close(model.mean[model.mirror] * MIRRORED, model.mean, atol=0.1, rtol=0)
    for name, mask in model.regions.items():
        assert torch.equal(mask[model.mirror], mask), name


def test_landmarks_are_in_ibug_order(points: Tensor) -> None:
    assert (points[RIGHT, 0] < 0).all()
    assert (points[LEFT, 0] > 0).all()
    assert (points[MIDDLE, 0].abs() < 2).all()
    torch.testing.assert_close(points[LEFT] * MIRRORED, points[RIGHT], atol=0.5, rtol=0)

    def height(first: int, last: int) -> float:
        return float(points[first : last + 1, 1].mean())

    assert height(17, 26) > height(36, 47) > height(31, 35) > height(48, 67) > height(8, 8)
    # Along the jaw, brows, and around each eye and the lips.
    assert (points[:17, 0].diff() > 0).all()
    assert (points[17:27, 0].diff() > 0).all()
    assert (points[:9, 1].diff() < 0).all()
    assert (points[27:31, 1].diff() < 0).all()
    for outer, inner in ((36, 39), (42, 45)):
        upper, lower = points[[outer + 1, outer + 2]], points[[inner + 1, inner + 2]]
        assert points[outer, 0] < upper[:, 0].min() <= upper[:, 0].max() < points[inner, 0]
        assert upper[:, 1].min() > lower[:, 1].max()
    assert points[51, 1] > points[62, 1] >= points[66, 1] > points[57, 1]
    # The tip of the nose stands out most.
    assert points[30, 2] == points[:, 2].max()


def test_mesh_is_a_disc(model: MorphableModel) -> None:
    edges = directed_edges(model.faces)
    count = Counter(frozenset(edge) for edge in edges)
    assert max(count.values()) == 2
    assert len(model.mean) - len(count) + len(model.faces) == 1
    following = {a: b for a, b in edges if count[frozenset((a, b))] == 1}
    start = next(iter(following))
    loop = [start]
    while following[loop[-1]] != start:
        loop.append(following[loop[-1]])
    assert len(loop) == len(following)  # one boundary: the neck
    assert model.mean[loop, 1].mean() < model.mean[model.landmark_indices[48:68], 1].mean()


def test_winding_is_consistent_and_normals_point_outwards(model: MorphableModel, points: Tensor) -> None:
    edges = directed_edges(model.faces)
    assert len(set(edges)) == len(edges)
    normals = vertex_normals(model.mean[None], model.faces)[0]
    outwards = (normals * torch.nn.functional.normalize(model.mean, dim=1)).sum(dim=1)
    # Not everywhere: behind the ears and in the nostrils the skin turns inwards.
    assert (outwards > 0).float().mean() > 0.85
    assert (normals[model.landmark_indices[27:31], 2] > 0).all()
    assert normals[model.mean[:, 1].argmax(), 1] > 0.8


def test_uvs_lie_in_the_square_without_fold_over(model: MorphableModel) -> None:
    assert model.uvs.min() >= 0
    assert model.uvs.max() <= 1
    areas = uv_areas(model)
    assert areas.min() > 0
    assert 0.8 < areas.sum() <= 1


def test_uvs_are_symmetric(model: MorphableModel) -> None:
    places: dict[int, set[int]] = defaultdict(set)
    for vertex, index in zip(model.faces.flatten().tolist(), model.uv_faces.flatten().tolist(), strict=True):
        places[vertex].add(index)
    for vertex, own in places.items():
        image = model.uvs[sorted(places[int(model.mirror[vertex])])] * torch.tensor([-1.0, 1]) + torch.tensor([1.0, 0])
        assert torch.cdist(model.uvs[sorted(own)], image).amin(dim=1).max() < 1e-4


def test_face_stands_upright_on_the_map(model: MorphableModel) -> None:
    place = dict(zip(model.faces.flatten().tolist(), model.uv_faces.flatten().tolist(), strict=True))
    uv = model.uvs[[place[int(v)] for v in model.landmark_indices]]
    assert (uv[RIGHT, 0] < 0.5).all()
    assert (uv[LEFT, 0] > 0.5).all()
    assert (uv[[27, 30, 33, 51, 57, 8], 1].diff() < 0).all()


def test_face_takes_most_of_the_map(model: MorphableModel) -> None:
    assert uv_areas(model)[model.regions["face"][model.faces].all(dim=1)].sum() > 0.45


def test_regions_are_where_they_are_called(model: MorphableModel, points: Tensor) -> None:
    assert set(REGIONS) <= set(model.regions)
    centre = {name: model.mean[model.regions[name]].mean(dim=0) for name in REGIONS}
    assert all(torch.isfinite(middle).all() for middle in centre.values())  # none is empty
    assert centre["eyes"][1] > centre["lips"][1] > centre["neck"][1]
    assert centre["face"][2] > centre["ears"][2]
    assert not (model.regions["face"] & (model.mean[:, 2] < 0)).any()
    landmark = model.landmark_indices
    assert model.regions["eyes"][landmark[36:48]].float().mean() > 0.8
    assert model.regions["lips"][landmark[48:68]].all()
    assert model.regions["face"][landmark[17:68]].all()
    ears = model.mean[model.regions["ears"], 0].abs()
    assert ears.min() > 0.7 * points[[0, 16], 0].abs().mean()


def test_wrong_files_are_told(tmp_path: Path) -> None:
    text, other, partial = tmp_path / "text", tmp_path / "other", tmp_path / "partial"
    text.write_text("no tensors")
    save_file({"weight": torch.zeros(3)}, other)
    save_file({"mean": torch.zeros(4, 3), "identity_basis": torch.zeros(1, 4, 3)}, partial)
    for path in (text, tmp_path / "missing", tmp_path):
        with pytest.raises(ModelFileError, match=path.name):
            MorphableModel.load(path)
    with pytest.raises(ModelFileError, match="no mean"):
        MorphableModel.load(other)
    with pytest.raises(ModelFileError, match="expression_basis"):
        MorphableModel.load(partial)


def test_truncated_file_is_told(tmp_path: Path) -> None:
    short = tmp_path / "short.safetensors"
    short.write_bytes(SHIPPED_MODEL.read_bytes()[:100_000])
    with pytest.raises(ModelFileError):
        MorphableModel.load(short)


def test_indices_are_whole_numbers_and_bases_single_precision(model: MorphableModel) -> None:
    for name in ("faces", "uv_faces", "landmark_indices", "mirror"):
        assert getattr(model, name).dtype == torch.int64
    for name in ("mean", "identity_basis", "expression_basis", "uvs"):
        assert getattr(model, name).dtype == torch.float32
    assert np.unique(model.landmark_indices).size == 68
