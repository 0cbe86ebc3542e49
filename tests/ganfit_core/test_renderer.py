"""The deferred renderer: gradients, orientation of texture and view, batching and empty views."""

import math

import numpy as np
import pytest
import torch
import trimesh
from torch import Tensor

from ganfit_core.camera import look_at, project
from ganfit_core.rasterize import TorchRasterizer
from ganfit_core.renderer import Renderer, at_corners, barycentric_coordinates, fragments, interpolate

FRONTAL = torch.tensor([[0.0, 0, 500, 0, 0, 0, 0, 1, 0, 4.0]])
AMBIENT = torch.tensor([[0.0, 0, 900, 0, 0, 0, 1, 1, 1]])


class FixedVisibility:
    """Repeats the first visibility: finite differences then see the function autograd differentiates."""

    def __init__(self) -> None:
        self.face_id: Tensor | None = None

    def __call__(self, screen_xyz: Tensor, faces: Tensor, size: int) -> Tensor:
        if self.face_id is None:
            self.face_id = TorchRasterizer()(screen_xyz, faces, size)
        return self.face_id


def sphere(subdivisions: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Vertices (1, V, 3) and faces of a 100 mm sphere, with texture coordinates of their own per corner."""
    mesh = trimesh.creation.icosphere(subdivisions=subdivisions, radius=100)
    faces = torch.tensor(mesh.faces)
    vertices = torch.tensor(mesh.vertices, dtype=torch.float32)
    corners = vertices[faces].reshape(-1, 3) / 100
    uvs = 0.5 + 0.45 * corners[:, :2] * torch.where(corners[:, 2:] > 0, 1.0, 0.7)
    return vertices[None], faces, uvs, torch.arange(len(uvs)).reshape(-1, 3)


def smooth_texture(batch: int, side: int) -> Tensor:
    x = torch.linspace(0, 3, side)
    waves = [torch.sin(a * x[:, None] + b * x[None] + a) for a, b in ((1.0, 2.0), (2.0, -1.0), (1.5, 0.7))]
    return (0.5 + 0.4 * torch.stack(waves))[None].repeat(batch, 1, 1, 1)


def scene(batch: int) -> dict[str, Tensor]:
    """Inputs in float64, different in every image."""
    generator = torch.Generator().manual_seed(0)
    vertices = sphere(2)[0].repeat(batch, 1, 1)
    camera = torch.tensor([30.0, 20, 450, 2, -3, 5, 0.1, 1, 0.05, 4]).repeat(batch, 1)
    light = torch.tensor([200.0, 250, 500, 0.5, 0.6, 0.7, 0.3, 0.25, 0.2]).repeat(batch, 1)
    inputs = {
        "vertices": vertices + 3 * torch.randn(vertices.shape, generator=generator),
        "texture": smooth_texture(batch, 24) + 0.02 * torch.rand(batch, 3, 24, 24, generator=generator),
        "camera": camera * (1 + 0.1 * torch.rand(camera.shape, generator=generator)),
        "light": light * (1 + 0.1 * torch.rand(light.shape, generator=generator)),
    }
    return {name: value.double() for name, value in inputs.items()}


def make_renderer(subdivisions: int = 2, size: int = 40, fixed: bool = False) -> Renderer:
    _, faces, uvs, uv_faces = sphere(subdivisions)
    return Renderer(faces, uvs, uv_faces, size, FixedVisibility() if fixed else None)


@pytest.mark.parametrize(
    ("output", "name"),
    [("image", "vertices"), ("image", "texture"), ("image", "camera"), ("image", "light")]
    + [(output, name) for output in ("depth", "normals", "uv") for name in ("vertices", "camera")],
)
def test_gradients_equal_central_differences(output: str, name: str) -> None:
    renderer, inputs = make_renderer(fixed=True), scene(2)
    inputs[name].requires_grad_()
    rendering = renderer(**inputs)
    generator = torch.Generator().manual_seed(1)
    values = getattr(rendering, output)
    weights = torch.randn(values.shape, generator=generator, dtype=torch.float64)
    (gradient,) = torch.autograd.grad((weights * values).sum(), inputs[name])
    assert gradient.abs().max() > 0

    start = inputs[name].detach().flatten()
    if start.numel() <= 20:
        directions = torch.eye(start.numel(), dtype=torch.float64)
    else:
        directions = torch.randn(12, start.numel(), generator=generator, dtype=torch.float64)
        # Also single coordinates, of those the image depends on.
        strongest = gradient.flatten().abs().topk(12).indices
        directions = torch.cat([directions, torch.eye(start.numel(), dtype=torch.float64)[strongest]])

    def loss(flat: Tensor) -> Tensor:
        moved = renderer(**(inputs | {name: flat.view_as(inputs[name])}))
        return (weights * getattr(moved, output)).sum()

    # Small enough that no pixel centre crosses an edge, where the clamped barycentrics have a kink.
    step = 1e-7
    with torch.no_grad():
        expected = torch.stack([(loss(start + step * d) - loss(start - step * d)) / (2 * step) for d in directions])
    actual = directions @ gradient.flatten()
    torch.testing.assert_close(actual, expected, rtol=1e-3, atol=1e-3 * expected.abs().mean().item())


def quad(size: int) -> tuple[Renderer, Tensor]:
    """A square facing the camera that fills exactly the middle half of the image's width and height."""
    vertices = torch.tensor([[[-62.5, -62.5, 0], [62.5, -62.5, 0], [62.5, 62.5, 0], [-62.5, 62.5, 0]]])
    uvs = torch.tensor([[0.0, 0], [1, 0], [1, 1], [0, 1]])
    faces = torch.tensor([[0, 1, 2], [0, 2, 3]])
    return Renderer(faces, uvs, faces, size), vertices


def test_texture_row_zero_is_at_the_top() -> None:
    """The quad covers 8 x 8 pixels of 16 x 16, one per texel: the render is the texture itself."""
    renderer, vertices = quad(16)
    texture = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    rendering = renderer(vertices, texture, FRONTAL, AMBIENT)
    torch.testing.assert_close(rendering.albedo[:, :, 4:12, 4:12], texture)
    torch.testing.assert_close(rendering.image[:, :, 4:12, 4:12], texture)
    assert rendering.mask.sum() == 64
    assert rendering.mask[:, :, 4:12, 4:12].all()
    assert (rendering.albedo[:, :, :4] == 0).all()
    # v = 1 is texture row 0, and the topmost pixel of the quad.
    torch.testing.assert_close(rendering.uv[0, 4, 4], torch.tensor([1 / 16, 15 / 16]))


def test_checkerboard_agrees_with_trimesh_texture_lookup() -> None:
    """An asymmetric checkerboard, nearest texel by trimesh at our uv, away from the squares' borders."""
    side, size = 64, 96
    row, column = np.mgrid[0:side, 0:side] // 8
    board = np.stack([(row + column) % 2 * 255, row * 32, column * 32], axis=-1).astype(np.uint8)
    vertices, faces, uvs, uv_faces = sphere(3)
    renderer = Renderer(faces, uvs, uv_faces, size)
    texture = torch.tensor(board).permute(2, 0, 1)[None] / 255
    rendering = renderer(vertices, texture, FRONTAL, AMBIENT)
    covered = rendering.mask[0, 0] > 0
    uv = rendering.uv[0][covered].numpy()
    expected = trimesh.visual.color.uv_to_color(uv, trimesh.visual.material.Image.fromarray(board))[:, :3]
    actual = rendering.albedo[0].permute(1, 2, 0)[covered].numpy() * 255
    position = np.abs((uv * 8) % 1 - 0.5).max(axis=1)
    inner = position < 0.4
    assert inner.sum() > 1000
    np.testing.assert_allclose(actual[inner], expected[inner], atol=0.01)


def test_frontal_view_has_plus_x_right_and_plus_y_up() -> None:
    """Normals, positions and depth of a sphere seen from the front."""
    vertices, *_ = sphere(4)
    rendering = make_renderer(4, 100)(vertices, smooth_texture(1, 8), FRONTAL, AMBIENT)
    normals = rendering.normals[0]
    assert normals[0, 50, 80] > 0.3
    assert normals[0, 50, 20] < -0.3
    assert normals[1, 20, 50] > 0.3
    assert normals[1, 80, 50] < -0.3
    covered = rendering.mask[0, 0] > 0
    torch.testing.assert_close(normals.norm(dim=0)[covered], torch.ones(int(covered.sum())))
    # The ray through each pixel meets the sphere at this depth.
    grid = (torch.arange(100) + 0.5) / 50 - 1
    slope = (grid[:, None] ** 2 + grid[None] ** 2) / 16
    discriminant = 500**2 - (1 + slope) * (500**2 - 100**2)
    expected = (500 - discriminant.clamp_min(0).sqrt()) / (1 + slope)
    inner = discriminant > 2500
    assert inner.sum() > 3000
    torch.testing.assert_close(rendering.depth[0, 0][inner], expected[inner], atol=0.5, rtol=0)


def test_lit_from_the_right_is_bright_on_the_right() -> None:
    vertices, *_ = sphere(3)
    light = torch.tensor([[600.0, 0, 300, 1, 1, 1, 0.1, 0.1, 0.1]])
    image = make_renderer(3, 60)(vertices, torch.full((1, 3, 4, 4), 0.5), FRONTAL, light).image[0, 0]
    assert image[30, 42] > image[30, 30] > image[30, 18] > 0


@pytest.mark.parametrize("eye_z", [5000.0, -200.0])
def test_empty_view_is_zero_with_finite_gradients(eye_z: float) -> None:
    """Mesh behind the camera, and out of sight."""
    camera = torch.tensor([[0.0, 0, eye_z, 0, 9000 if eye_z > 0 else 0, 2 * eye_z, 0, 1, 0, 4]])
    inputs = [sphere(1)[0], smooth_texture(1, 8), camera, AMBIENT.clone()]
    rendering = make_renderer(1, 24)(*(value.requires_grad_() for value in inputs))
    assert (rendering.face_id == -1).all()
    for name in ("image", "mask", "albedo", "normals", "uv", "depth"):
        assert (getattr(rendering, name) == 0).all(), name
    for gradient in torch.autograd.grad(rendering.image.sum() + rendering.depth.sum(), inputs):
        assert (gradient == 0).all()


def test_batch_equals_singles() -> None:
    inputs, renderer = scene(3), make_renderer()
    inputs["camera"][1, 2] *= 2
    inputs["camera"][2, :6] = torch.tensor([0.0, 0, 500, 0, 0, 900])  # looks away: an empty image in the batch
    together = renderer(**inputs)
    assert together.mask.sum(dim=(1, 2, 3))[2] == 0
    for image in range(3):
        single = renderer(**{name: value[image : image + 1] for name, value in inputs.items()})
        for name in single._fields:
            torch.testing.assert_close(getattr(together, name)[image], getattr(single, name)[0], msg=name)


def test_float32_agrees_with_float64() -> None:
    inputs, renderer = scene(1), make_renderer(fixed=True)
    double, single = renderer(**inputs), renderer(**{name: value.float() for name, value in inputs.items()})
    assert single.image.dtype == torch.float32
    torch.testing.assert_close(single.image, double.image.float(), atol=2e-4, rtol=0)


def test_fragments_interpolate_vertices_back_to_the_pixels() -> None:
    """A position interpolated at a pixel projects onto its centre: the weights are perspective-correct."""
    inputs, renderer = scene(2), make_renderer()
    projected = project(inputs["vertices"], inputs["camera"], 40)
    geometry = fragments(projected, renderer.faces, 40, renderer.rasterizer)
    corners = at_corners(inputs["vertices"], renderer.faces)
    points = interpolate(geometry.face_id, geometry.barycentrics, corners)
    screen = project(points.flatten(2).mT, inputs["camera"], 40).view(2, 40, 40, 3)
    covered = geometry.face_id >= 0
    row, column = torch.meshgrid(torch.arange(40) + 0.5, torch.arange(40) + 0.5, indexing="ij")
    centres = torch.stack([column, row], dim=-1).double().expand(2, 40, 40, 2)
    torch.testing.assert_close(screen[covered][:, :2], centres[covered], atol=1e-3, rtol=0)
    assert (points.movedim(1, -1)[~covered] == 0).all()
    assert (geometry.barycentrics.movedim(1, -1)[~covered] == 0).all()
    torch.testing.assert_close(geometry.barycentrics.sum(1), covered.double())
    rotation, translation = look_at(inputs["camera"])
    depth = (points.flatten(2).mT @ rotation.mT + translation[:, None])[..., 2].view(2, 40, 40)
    rendered = renderer(**inputs).depth[:, 0]
    torch.testing.assert_close(rendered[covered], depth[covered])


def test_uv_map_can_be_rasterised() -> None:
    """Fragments of the texture layout: at each texel the interpolated uv is the texel's own."""
    uvs = torch.tensor([[0.1, 0.1], [0.9, 0.2], [0.8, 0.9], [0.2, 0.8]])
    faces = torch.tensor([[0, 1, 2], [0, 2, 3]])
    screen = torch.cat([uvs * 32, torch.full((4, 1), 100.0)], dim=1)[None]
    face_id, barycentrics = fragments(screen, faces, 32, TorchRasterizer())
    uv = interpolate(face_id, barycentrics, at_corners(uvs[None], faces))[0]
    covered = face_id[0] >= 0
    assert 0.3 < covered.float().mean() < 0.7
    row, column = torch.meshgrid(torch.arange(32) + 0.5, torch.arange(32) + 0.5, indexing="ij")
    torch.testing.assert_close(uv[:, covered], torch.stack([column, row])[:, covered] / 32, atol=1e-5, rtol=0)


def test_slivers_have_finite_values_and_gradients() -> None:
    """Triangles far thinner than a pixel that still cover pixel centres."""
    width = 2.0**-12
    points = [[[0.5 + i, 0.5, 0], [0.5 + i + width, 31.5, 0], [0.5 + i, 31.5, 0]] for i in range(16)]
    vertices = torch.tensor(points).reshape(1, -1, 3) - torch.tensor([16.0, 16, 0])
    faces = torch.arange(48).reshape(16, 3)
    renderer = Renderer(faces, torch.rand(48, 2, generator=torch.Generator().manual_seed(0)), faces, 32)
    camera = torch.tensor([[0.0, 0, 16, 0, 0, 0, 0, 1, 0, 1.0]])
    inputs = [vertices, smooth_texture(1, 8), camera, AMBIENT.clone()]
    rendering = renderer(*(value.requires_grad_() for value in inputs))
    assert rendering.mask.sum() > 100
    assert rendering.image.min() >= 0
    assert rendering.image.max() <= 1 + math.ulp(1)
    for gradient in torch.autograd.grad(rendering.image.sum(), inputs):
        assert gradient.isfinite().all()


@pytest.mark.parametrize("width", [1e-7, 0.0])
def test_barycentrics_beside_a_sliver_do_not_extrapolate(width: float) -> None:
    """A point left of a triangle by far more than its width, as rounding can leave a pixel centre."""
    corners = torch.tensor([[[0.0, width, 0], [0, 1, 1], [100, 100, 100]]], requires_grad=True)
    weights = barycentric_coordinates(corners, torch.tensor([[-1e-5, 0.6]]))
    assert ((weights >= 0) & (weights <= 1)).all()
    (gradient,) = torch.autograd.grad(weights[0, 2], corners)
    assert gradient.isfinite().all()


@pytest.mark.parametrize("meshes", [1, 2])
def test_interpolation_equals_a_loop_and_its_gradients_finite_differences(meshes: int) -> None:
    generator = torch.Generator().manual_seed(0)
    face_id = torch.randint(0, 4, (2, 5), generator=generator)
    weights = torch.rand(2, 3, 5, dtype=torch.float64, generator=generator, requires_grad=True)
    values = torch.randn(meshes, 6, 3, 4, dtype=torch.float64, generator=generator, requires_grad=True)
    actual = interpolate(face_id, weights, values)
    for image in range(2):
        for pixel in range(5):
            corners = values[image % meshes, :, :, face_id[image, pixel]]
            torch.testing.assert_close(actual[image, :, pixel], corners @ weights[image, :, pixel])
    assert torch.autograd.gradcheck(lambda w, v: interpolate(face_id, w, v), (weights, values))
    fixed = values.detach()
    assert torch.autograd.gradcheck(lambda w: interpolate(face_id, w, fixed), weights)
