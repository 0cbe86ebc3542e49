"""Normals and the reflection model against closed forms."""

import numpy as np
import pytest
import torch
import trimesh

from ganfit_core.shading import SHININESS, SPECULAR, phong, unit, vertex_normals


def test_vertex_normals_equal_an_area_weighted_loop() -> None:
    mesh = trimesh.creation.icosphere(subdivisions=1, radius=80)
    generator = np.random.default_rng(0)
    vertices = mesh.vertices[None] + generator.normal(scale=15, size=(2, *mesh.vertices.shape))
    expected = np.zeros_like(vertices)
    for image, points in enumerate(vertices):
        for a, b, c in mesh.faces:
            expected[image, [a, b, c]] += np.cross(points[b] - points[a], points[c] - points[a]) / 2
    expected /= np.linalg.norm(expected, axis=-1, keepdims=True)
    actual = vertex_normals(torch.tensor(vertices), torch.tensor(mesh.faces))
    np.testing.assert_allclose(actual.numpy(), expected, atol=1e-12)


def test_sphere_normals_point_outwards() -> None:
    mesh = trimesh.creation.icosphere(subdivisions=3, radius=80)
    vertices = torch.tensor(mesh.vertices, dtype=torch.float32)[None]
    torch.testing.assert_close(vertex_normals(vertices, torch.tensor(mesh.faces)), vertices / 80, atol=2e-2, rtol=0)


def test_vertex_normals_without_faces_are_zero_with_finite_gradients() -> None:
    vertices = torch.eye(3).repeat(2, 1)[None].requires_grad_()
    normals = vertex_normals(vertices, torch.tensor([[0, 1, 2]]))
    assert (normals[0, 3:] == 0).all()
    (gradient,) = torch.autograd.grad(normals.sum(), vertices)
    assert gradient.isfinite().all()


def shade(normal: list[float], light: list[float], eye: list[float]) -> torch.Tensor:
    albedo = torch.tensor([[[0.2], [0.4], [0.6]]])
    colours = phong(
        albedo,
        torch.tensor([normal], dtype=torch.float32)[..., None],
        torch.zeros(1, 3, 1),
        torch.tensor([light], dtype=torch.float32),
        torch.tensor([eye], dtype=torch.float32),
    )
    return colours[0, :, 0]


def test_light_at_sixty_degrees_seen_along_the_mirrored_ray() -> None:
    root = 3**0.5
    colours = shade([0, 0, 1], [root, 0, 1, 0.5, 0.6, 0.7, 0.1, 0.2, 0.3], [-2 * root, 0, 2])
    expected = [
        ambient * albedo + colour * (albedo * 0.5 + SPECULAR)
        for albedo, colour, ambient in zip((0.2, 0.4, 0.6), (0.5, 0.6, 0.7), (0.1, 0.2, 0.3), strict=True)
    ]
    torch.testing.assert_close(colours, torch.tensor(expected))


def test_highlight_falls_off_with_the_angle_to_the_mirrored_ray() -> None:
    on_axis = shade([0, 0, 1], [0, 0, 9, 1, 1, 1, 0, 0, 0], [0, 0, 5])
    off_axis = shade([0, 0, 1], [0, 0, 9, 1, 1, 1, 0, 0, 0], [3, 0, 4])
    torch.testing.assert_close(on_axis - off_axis, torch.full((3,), SPECULAR * (1 - 0.8**SHININESS)))


def test_light_behind_the_surface_leaves_the_ambient_term() -> None:
    colours = shade([0, 0, 1], [0, 3, -1, 1, 1, 1, 0.5, 0.5, 0.5], [0, 0.1, 1])
    torch.testing.assert_close(colours, torch.tensor([0.1, 0.2, 0.3]))


@pytest.mark.parametrize("dim", [1, -1])
def test_unit_vectors_equal_torch_and_finite_differences(dim: int) -> None:
    vectors = torch.randn(2, 3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    torch.testing.assert_close(unit(vectors, dim), torch.nn.functional.normalize(vectors, dim=dim))
    assert torch.autograd.gradcheck(lambda v: unit(v, dim), vectors)


def test_unit_of_a_tiny_vector_stays_finite() -> None:
    vectors = torch.tensor([[0.0, 0, 0], [0, 1e-14, 0]], requires_grad=True)
    directions = unit(vectors, 1)
    torch.testing.assert_close(directions, torch.tensor([[0.0, 0, 0], [0, 1e-2, 0]]))
    (gradient,) = torch.autograd.grad(directions.sum(), vectors)
    assert gradient.isfinite().all()
