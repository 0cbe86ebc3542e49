"""Visibility: which triangle covers each pixel. The only step of rendering that has no derivative."""

from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from ganfit_core.camera import NEAR

_SUBPIXEL = 2.0**16
"""Vertices are snapped to 1/65536 px, so edge functions are exact in float64 for |x|, |y| < 1024 px."""

_MAX_CELLS = {"cpu": 2**17, "cuda": 2**22}
"""Pixels looked at together, at most: bounds memory, and keeps a CPU core inside its cache."""


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
    Triangles are cut into the spans of pixel centres they cover in each row, so that no pixel outside a triangle
    is looked at.
    """

    @torch.no_grad()
    def __call__(
        self, screen_xyz: Float[Tensor, "b v 3"], faces: Int64[Tensor, "f 3"], size: int
    ) -> Int64[Tensor, "b {size} {size}"]:
        """See `Rasterizer`."""
        batch, n_faces = len(screen_xyz), len(faces)
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
        # index_select here and below: advanced indexing takes more than twice as long.
        planes = _planes(*(values.index_select(1, triangle) for values in (x, y, z)))
        left, right, top, bottom = (side.index_select(0, triangle).long() for side in (left, right, top, bottom))
        first_pixel = triangle // n_faces * size**2

        empty = torch.iinfo(torch.int64).max
        keys = torch.full((batch * size**2,), empty, device=screen_xyz.device)
        # No triangle has more rows, or covers more pixels, than its box has cells.
        cells = (right - left + 1) * (bottom - top + 1)
        max_cells = _MAX_CELLS.get(screen_xyz.device.type, _MAX_CELLS["cuda"])
        start = 0
        for count in torch.bincount(cells.cumsum(0) // max_cells).tolist():
            part = slice(start, start + count)
            owner, row = _ranges(top[part], bottom[part])
            first, last, inverse_depth, slope = _spans(planes[..., part].gather(2, owner.expand(3, 4, -1)), row, size)
            line = first_pixel[part].index_select(0, owner) + row * size
            span, column = _ranges(first, last)
            inverse_depth = inverse_depth.index_select(0, span) + slope.index_select(0, span) * column
            # Rounding on slivers must not turn a depth negative: its bits would win every comparison.
            depth = inverse_depth.clamp(1e-30, 1 / NEAR).reciprocal().float()
            # Positive float32 numbers sort like their bits, so one integer holds depth and triangle.
            key = (depth.view(torch.int32).long() << 32) | triangle[part].index_select(0, owner).index_select(0, span)
            keys.scatter_reduce_(0, line.index_select(0, span) + column, key, "amin")
            start += count
        face_id = (keys & 0xFFFFFFFF).view(batch, -1) - torch.arange(batch, device=keys.device)[:, None] * n_faces
        return torch.where(keys.view(batch, -1) == empty, -1, face_id).view(batch, size, size)


def _ranges(first: Tensor, last: Tensor) -> tuple[Tensor, Tensor]:
    """The integers from first to last of N ranges, all in one row, preceded by the range that each of them is from."""
    length = (last - first + 1).clamp_min(0)
    owner = torch.repeat_interleave(length)
    start = first - (length.cumsum(0) - length)
    return owner, start.index_select(0, owner) + torch.arange(len(owner), device=owner.device)


def _corners(screen_xyz: Tensor, faces: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """x, y, z (3, B * F) in float64 of the triangles' corners, x and y snapped to the sub-pixel grid."""
    batch, n_vertices, _ = screen_xyz.shape
    x, y, z = screen_xyz.double().reshape(-1, 3).t().contiguous()
    offset = torch.arange(batch, device=faces.device)[:, None] * n_vertices
    index = (faces.t()[:, None] + offset).reshape(-1)
    snapped = ((x * _SUBPIXEL).round() / _SUBPIXEL, (y * _SUBPIXEL).round() / _SUBPIXEL, z)
    x, y, z = (values.index_select(0, index).view(3, -1) for values in snapped)
    return x, y, z


def _planes(x: Tensor, y: Tensor, z: Tensor) -> Tensor:
    """Coefficients (3, 4, N) of a * x + b * y + c for the three edge functions, positive inside, and for 1/z.

    The two triangles at an edge get exactly opposite coefficients for it, whatever is rounded: no pixel falls
    between.
    """
    (x0, x1, x2), (y0, y1, y2) = x, y
    a = torch.stack([y1 - y2, y2 - y0, y0 - y1])
    b = torch.stack([x2 - x1, x0 - x2, x1 - x0])
    c = torch.stack([x1 * y2 - x2 * y1, x2 * y0 - x0 * y2, x0 * y1 - x1 * y0])
    area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
    edges = torch.stack([a, b, c])
    inverse_depth = (edges / z).sum(1, keepdim=True) / area
    return torch.cat([edges * area.sign(), inverse_depth], dim=1)


def _spans(planes: Tensor, row: Tensor, size: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """First and last column whose centres lie in the triangle, of N triangles in one row each (none where last <
    first); 1/z in column 0, and its increase from column to column.
    """
    a, b, c = planes
    at_zero = b * (row + 0.5) + c  # values at x = 0
    # The column of each edge comes from exact numbers by one division, rounded alike for both its triangles; an edge
    # through a pixel centre gives an integer. Level edges say no more than the choice of rows has said.
    column = at_zero[:3] / -a[:3] - 0.5
    first = torch.where(a[:3] > 0, column, 0).amax(0).ceil().clamp_min(0)
    last = torch.where(a[:3] < 0, column, size - 1).amin(0).floor().clamp_max(size - 1)
    return first.long(), last.long(), at_zero[3] + 0.5 * a[3], a[3]


def default_rasterizer(device: torch.device | str) -> Rasterizer:
    """The rasteriser to use on a device: the pure torch one, which runs on all of them."""
    return TorchRasterizer()
