"""Seeing whether a face lies on a scan as a measure says: a picture of the errors, and both meshes in one file."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw, ImageFont

from ganfit_core.export import METRES_PER_MILLIMETRE, replace_bytes
from ganfit_core.mesh import Surface
from ganfit_core.vertex_colours import render_patch

LIMIT_MM = 5.0
"""Distance at which the colours end."""
_TILE, _BAR, _CAPTION = 320, 60, 26
_GREY = (0.72, 0.72, 0.72)
_LIGHT = (150.0, 250.0, 900.0, 0.6, 0.6, 0.6, 0.35, 0.35, 0.35)
_DISTANCE_MM = 900.0
_MARGIN = 1.15


def heat_map(
    prediction: Surface, scan: Surface, distances: Float[np.ndarray, " v"], title: str
) -> UInt8[np.ndarray, "h w 3"]:
    """Prediction, scan, and scan coloured by the distance of each vertex from the prediction (blue 0, red `LIMIT_MM`).

    Args:
        prediction, scan: mm, aligned, in a frame where the face looks along +z.
        distances: mm, one for each vertex of the scan.
        title: one line above.
    """
    low, high = scan.vertices.min(axis=0), scan.vertices.max(axis=0)
    tiles = [
        _view(prediction, np.broadcast_to(_GREY, prediction.vertices.shape), low, high),
        _view(scan, np.broadcast_to(_GREY, scan.vertices.shape), low, high),
        _view(scan, colours(distances) / 255, low, high),
        _bar(),
    ]
    body = np.concatenate(tiles, axis=1)
    caption = Image.new("RGB", (body.shape[1], _CAPTION), (255, 255, 255))
    ImageDraw.Draw(caption).text((6, 4), title, fill=(40, 40, 40), font=ImageFont.load_default(size=14))
    return np.concatenate([np.asarray(caption), body], axis=0)


def write_alignment(path: Path, prediction: Surface, scan: Surface, distances: Float[np.ndarray, " v"]) -> None:
    """One GLB with the aligned prediction in grey and the scan coloured by distance; arguments as for `heat_map`.

    Positions in metres, as the format asks.
    """
    import trimesh

    grey = np.broadcast_to((np.array(_GREY) * 255).astype(np.uint8), prediction.vertices.shape)
    scene = trimesh.Scene()
    for name, surface, paint in (("prediction", prediction, grey), ("scan", scan, colours(distances))):
        mesh = trimesh.Trimesh(
            vertices=surface.vertices * METRES_PER_MILLIMETRE,
            faces=surface.faces,
            vertex_colors=np.column_stack([paint, np.full(len(paint), 255, np.uint8)]),
            process=False,
        )
        scene.add_geometry(mesh, node_name=name, geom_name=name)
    replace_bytes(path, trimesh.exchange.gltf.export_glb(scene, include_normals=True))


def colours(distances: Float[np.ndarray, " v"]) -> UInt8[np.ndarray, "v 3"]:
    """RGB of distances in mm: blue for 0, red for `LIMIT_MM` and more, black where there is none (NaN)."""
    levels = np.clip(np.nan_to_num(distances) / LIMIT_MM * 255, 0, 255).round().astype(np.uint8)
    painted = cv2.applyColorMap(levels[:, None], cv2.COLORMAP_TURBO)[:, 0, ::-1]
    return np.where(np.isnan(distances)[:, None], 0, painted).astype(np.uint8)


def _view(
    surface: Surface,
    paint: Float[np.ndarray, "v 3"],
    low: Float[np.ndarray, "3"],
    high: Float[np.ndarray, "3"],
) -> UInt8[np.ndarray, "t t 3"]:
    """A surface from the front; the box from `low` to `high` fills the tile."""
    centre = (low + high) / 2
    reach = float((high - low)[:2].max()) / 2 * _MARGIN
    eye = centre + np.array([0.0, 0.0, _DISTANCE_MM])
    camera = torch.tensor([*eye, *centre, 0.0, 1.0, 0.0, _DISTANCE_MM / reach], dtype=torch.float32)
    light = torch.tensor(_LIGHT)
    light[:3] += torch.from_numpy(centre).float()
    patch = render_patch(
        torch.from_numpy(np.asarray(surface.vertices, np.float32)),
        torch.from_numpy(surface.faces),
        torch.from_numpy(np.array(paint, np.float32)),
        camera,
        light,
        _TILE,
    )
    canvas = torch.ones(3, _TILE, _TILE)
    side = min(patch.image.shape[-1], _TILE - patch.left, _TILE - patch.top)
    there = canvas[:, patch.top : patch.top + side, patch.left : patch.left + side]
    there *= 1 - patch.coverage[:, :side, :side]
    there += patch.image[:, :side, :side]
    return np.asarray((canvas.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy())


def _bar() -> UInt8[np.ndarray, "t w 3"]:
    """The colours with their millimetres."""
    levels = np.linspace(LIMIT_MM, 0, _TILE - 40)
    bar = np.full((_TILE, _BAR, 3), 255, np.uint8)
    bar[20:-20, 8:24] = colours(levels)[:, None]
    picture = Image.fromarray(bar)
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(size=11)
    for millimetres in range(int(LIMIT_MM) + 1):
        y = 20 + (_TILE - 40) * (1 - millimetres / LIMIT_MM)
        draw.text((28, y - 7), f"{millimetres} mm", fill=(40, 40, 40), font=font)
    return np.asarray(picture)
