"""Normals and the reflection model against closed forms."""

import numpy as np
import torch
import trimesh

from ganfit_core.shading import SHININESS, SPECULAR, phong, vertex_normals


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
    albedo = torch.tensor([[[0.2, 0.4, 0.6]]])
    return phong(
        albedo,
        torch.tensor([[normal]], dtype=torch.float32),
        torch.zeros(1, 1, 3),
        torch.tensor([light], dtype=torch.float32),
        torch.tensor([eye], dtype=torch.float32),
    )


def test_light_at_sixty_degrees_seen_along_the_mirrored_ray() -> None:
    root = 3**0.5
    colours = shade([0, 0, 1], [root, 0, 1, 0.5, 0.6, 0.7, 0.1, 0.2, 0.3], [-2 * root, 0, 2])
    expected = [
        ambient * albedo + colour * (albedo * 0.5 + SPECULAR)
        for albedo, colour, ambient in zip((0.2, 0.4, 0.6), (0.5, 0.6, 0.7), (0.1, 0.2, 0.3), strict=True)
    ]
    torch.testing.assert_close(colours, torch.tensor([[expected]]))


def test_highlight_falls_off_with_the_angle_to_the_mirrored_ray() -> None:
    on_axis = shade([0, 0, 1], [0, 0, 9, 1, 1, 1, 0, 0, 0], [0, 0, 5])
    off_axis = shade([0, 0, 1], [0, 0, 9, 1, 1, 1, 0, 0, 0], [3, 0, 4])
    torch.testing.assert_close(on_axis - off_axis, torch.full((1, 1, 3), SPECULAR * (1 - 0.8**SHININESS)))


def test_light_behind_the_surface_leaves_the_ambient_term() -> None:
    colours = shade([0, 0, 1], [0, 3, -1, 1, 1, 1, 0.5, 0.5, 0.5], [0, 0.1, 1])
    torch.testing.assert_close(colours, torch.tensor([[[0.1, 0.2, 0.3]]]))
