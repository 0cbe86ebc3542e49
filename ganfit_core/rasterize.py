"""Visibility: which triangle covers each pixel. The only step of rendering that has no derivative."""

from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from ganfit_core.camera import NEAR

_SUBPIXEL = 2.0**16
"""Vertices are snapped to 1/65536 px, so edge functions are exact in float64 for |x|, |y| < 1024 px."""

_MAX_CELLS = {"cpu": 2**17, "cuda": 2**22}
"""Candidate pixels evaluated at once: bounds memory, and keeps a CPU core inside its cache."""


@runtime_checkable
class Rasterizer(Protocol):
    """A visibility backend. Gradients never pass through it, so all backends give the same ones."""

    def __call__(
        self, screen_xyz: Float[Tensor, "b v 3"], faces: Int64[Tensor, "f 3"], size: int
    ) -> Int64[Tensor, "b {size} {size}"]:
        """The nearest triangle at every pixel centre.

        Args:
            screen_xyz: x and y in pixels, depth in mm (positive in front), as `camera.project` returns.
            faces: vertex indices.
            size: side of the square image in pixels.

        Returns:
            (B, size, size) index of the covering face, -1 where there is none.
        """
        ...


class TorchRasterizer:
    """Z-buffer in pure torch, for CPU and CUDA, all images of a batch together.

    Two-sided and watertight: the edges belong to their triangles, so a pixel centre on a shared edge is
    covered. Triangles with a vertex nearer than `NEAR`, with no area, or off the image are dropped. Depth is
    perspective-correct (1/z is linear on the screen); equal float32 depths go to the lower face index.
    Triangles are grouped by the size of their bounding box, rounded up to powers of two, to evaluate the edge
    functions as dense blocks.
    """

    @torch.no_grad()
    def __call__(
        self, screen_xyz: Float[Tensor, "b v 3"], faces: Int64[Tensor, "f 3"], size: int
    ) -> Int64[Tensor, "b {size} {size}"]:
        """See `Rasterizer`."""
        batch, n_faces = len(screen_xyz), len(faces)
        empty = torch.iinfo(torch.int64).max
        keys = torch.full((batch * size * size,), empty, dtype=torch.int64, device=screen_xyz.device)
        x, y, z = _corners(screen_xyz, faces)

        # A pixel centre is at index + 0.5; only boxes that hold a centre on the image survive.
        left = (x.amin(0) - 0.5).ceil().clamp_min(0)
        right = (x.amax(0) - 0.5).floor().clamp_max(size - 1)
        top = (y.amin(0) - 0.5).ceil().clamp_min(0)
        bottom = (y.amax(0) - 0.5).floor().clamp_max(size - 1)
        area = ((x[1] - x[0]) * (y[2] - y[0]) - (x[2] - x[0]) * (y[1] - y[0])).abs()
        # Written so that NaN fails every test.
        kept = (z.amin(0) >= NEAR) & (left <= right) & (top <= bottom) & (area > 0) & (area < torch.inf)
        triangle = kept.nonzero().squeeze(1)

        sides = [2**i for i in range((size - 1).bit_length())] + [size]
        thresholds = torch.tensor(sides, device=screen_xyz.device)
        width_class = torch.bucketize((right - left + 1)[triangle], thresholds)
        height_class = torch.bucketize((bottom - top + 1)[triangle], thresholds)
        bucket, order = (height_class * len(sides) + width_class).sort(stable=True)
        triangle = triangle[order]
        planes = _planes(x[:, triangle], y[:, triangle], z[:, triangle])
        left, top = left[triangle].long(), top[triangle].long()

        max_cells = _MAX_CELLS.get(screen_xyz.device.type, _MAX_CELLS["cuda"])
        start = 0
        for bucket_id, count in enumerate(torch.bincount(bucket).tolist()):
            height, width = sides[bucket_id // len(sides)], sides[bucket_id % len(sides)]
            step = max(1, max_cells // (height * width))
            for first in range(start, start + count, step):
                part = slice(first, min(first + step, start + count))
                image, face = triangle[part] // n_faces, triangle[part] % n_faces
                # Blocks that would pass the right or bottom border are moved back onto the image.
                column, row = left[part].clamp_max(size - width), top[part].clamp_max(size - height)
                pixel, owner, inverse_depth = _covered(planes[..., part], column, row, width, height)
                # Positive float32 numbers sort like their bits, so one integer holds depth and face.
                depth_bits = inverse_depth.reciprocal().float().view(torch.int32).long()
                origin = (image * size + row) * size + column
                offset = (pixel // width) * size + pixel % width
                keys.scatter_reduce_(0, origin[owner] + offset, (depth_bits << 32) | face[owner], "amin")
            start += count
        face_id = torch.where(keys == empty, -1, keys & 0xFFFFFFFF)
        return face_id.view(batch, size, size)


def _corners(screen_xyz: Tensor, faces: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """x, y, z (3, B * F) in float64 of the triangles' corners, x and y snapped to the sub-pixel grid."""
    batch, n_vertices, _ = screen_xyz.shape
    x, y, z = screen_xyz.detach().double().reshape(-1, 3).t().contiguous()
    offset = torch.arange(batch, device=faces.device)[:, None] * n_vertices
    index = (faces.t()[:, None] + offset).reshape(-1)
    x, y, z = (values.index_select(0, index).view(3, batch * len(faces)) for values in (x, y, z))
    return (x * _SUBPIXEL).round() / _SUBPIXEL, (y * _SUBPIXEL).round() / _SUBPIXEL, z


def _planes(x: Tensor, y: Tensor, z: Tensor) -> Tensor:
    """Coefficients (3, 4, N) of a * x + b * y + c for the three edge functions, positive inside, and for 1/z.

    The two triangles at an edge get exactly opposite coefficients for it, whatever is rounded: no pixel falls
    between.
    """
    next_x, next_y, last_x, last_y = x.roll(-1, 0), y.roll(-1, 0), x.roll(1, 0), y.roll(1, 0)
    edges = torch.stack([next_y - last_y, last_x - next_x, next_x * last_y - last_x * next_y])
    area = (x[1] - x[0]) * (y[2] - y[0]) - (x[2] - x[0]) * (y[1] - y[0])
    inverse_depth = (edges / z).sum(1, keepdim=True) / area
    return torch.cat([edges * area.sign(), inverse_depth], dim=1)


def _covered(planes: Tensor, column: Tensor, row: Tensor, width: int, height: int) -> tuple[Tensor, Tensor, Tensor]:
    """Pixel in the block, triangle and 1/z of every covered pixel centre of N blocks of equal size."""
    a, b, c = planes
    x = column[:, None] + torch.arange(width, device=planes.device) + 0.5
    y = row[:, None] + torch.arange(height, device=planes.device) + 0.5
    values = (b[..., None] * y + c[..., None])[..., None] + (a[..., None] * x)[:, :, None]  # (4, N, height, width)
    inside = torch.minimum(torch.minimum(values[0], values[1]), values[2]) >= 0
    hit = inside.flatten().nonzero().squeeze(1)
    owner = hit // (width * height)
    # Rounding on slivers must not turn a depth negative: its bits would win every comparison.
    inverse_depth = values[3].flatten()[hit].clamp(1e-30, 1 / NEAR)
    return hit - owner * (width * height), owner, inverse_depth


def default_rasterizer(device: torch.device | str) -> Rasterizer:
    """The rasteriser to use on a device: the pure torch one, which runs on all of them."""
    return TorchRasterizer()
