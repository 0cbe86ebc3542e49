"""Pictures of errors: what is where, and in which colour."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import trimesh

from ganfit_core.alignment_check import LIMIT_MM, colours, heat_map, write_alignment
from ganfit_core.mesh import Surface

TILE, CAPTION = 320, 26


def sheet(centre: tuple[float, float, float] = (0, 0, 0), half: float = 80.0, across: int = 41) -> Surface:
    """A square that looks along +z, a vertex every 4 mm."""
    axis = np.linspace(-half, half, across)
    x, y = (grid.ravel() for grid in np.meshgrid(axis, axis))
    corner = (np.arange(across - 1)[:, None] * across + np.arange(across - 1)).ravel()
    lower = np.stack([corner, corner + 1, corner + across + 1], axis=1)
    upper = np.stack([corner, corner + across + 1, corner + across], axis=1)
    return Surface(np.stack([x, y, 0 * x], axis=1) + centre, np.concatenate([lower, upper]))


def tiles(picture: np.ndarray) -> list[np.ndarray]:
    """Prediction, scan, scan in colours."""
    return [picture[CAPTION:, TILE * i : TILE * (i + 1)].astype(int) for i in range(3)]


def at(tile: np.ndarray, x: float, y: float) -> np.ndarray:
    """The pixel of a point of the sheet, of which 80 * 1.15 mm from the middle are at the border."""
    column, row = TILE / 2 * (1 + x / 92), TILE / 2 * (1 - y / 92)
    return tile[round(row), round(column)]


def is_grey(pixel: np.ndarray) -> bool:
    return int(np.ptp(pixel)) <= 2 and pixel.max() < 250


def test_colours_run_from_blue_to_red_and_end_at_the_limit() -> None:
    none, half, limit, beyond, unknown = colours(np.array([0, LIMIT_MM / 2, LIMIT_MM, 100, np.nan])).astype(int)
    assert none[2] == none.max()
    assert none[2] > 1.15 * none[:2].max()
    assert half[1] == half.max()
    assert limit[0] > 2 * limit[1:].max()
    assert (limit == beyond).all()
    assert not unknown.any()
    redness = colours(np.linspace(0, LIMIT_MM, 50))[:, 0].astype(int) - colours(np.linspace(0, LIMIT_MM, 50))[:, 2]
    assert redness[25:].min() > redness[:13].max()
    assert len(np.unique(colours(np.linspace(0, LIMIT_MM, 200)), axis=0)) > 150


def test_errors_are_where_they_are() -> None:
    scan = sheet()
    x, y = scan.vertices[:, 0], scan.vertices[:, 1]
    distances = np.where((x > 20) & (y > 20), LIMIT_MM, 0.0)
    distances[(x < -20) & (y < -20)] = np.nan
    picture = heat_map(sheet(half=60), scan, distances, "a person")
    assert picture.dtype == np.uint8
    assert picture.shape[0] == TILE + CAPTION
    assert picture.shape[1] > 3 * TILE
    prediction, plain, painted = tiles(picture)
    right_top, left_top, left_bottom = at(painted, 50, 50), at(painted, -50, 50), at(painted, -50, -50)
    assert right_top[0] > 2 * right_top[1:].max()
    assert left_top[2] == left_top.max()
    assert left_bottom.max() < 5
    for x, y in ((50, 50), (-50, 50), (-50, -50)):
        assert is_grey(at(plain, x, y))
        assert is_grey(at(prediction, x, y))
    # All three in the scan's frame: the smaller prediction ends sooner.
    for tile, end in ((prediction, 60), (plain, 80), (painted, 80)):
        assert (at(tile, end - 3, 0) < 250).any()
        assert (at(tile, end + 3, 0) == 255).all()
        assert (at(tile, 0, end + 3) == 255).all()


def test_the_place_in_space_does_not_matter() -> None:
    """Light and camera go with the scan."""
    there = (300.0, -200.0, 700.0)
    distances = np.linspace(0, LIMIT_MM, 41**2)
    here, moved = (heat_map(sheet(c), sheet(c), distances, "a") for c in ((0.0, 0.0, 0.0), there))
    assert np.abs(here.astype(int) - moved).mean() < 0.1


@pytest.mark.parametrize(
    "prediction",
    [sheet(half=800), sheet((60, 60, 0)), sheet((500, 0, 0)), sheet((0, -500, 0))],
    ids=["vast", "across the corner", "beside", "below"],
)
def test_a_prediction_beyond_the_picture_is_cut(prediction: Surface) -> None:
    """A failed alignment must be seen, not stop a run."""
    picture = heat_map(prediction, sheet(), np.zeros(41**2), "a")
    assert is_grey(at(tiles(picture)[1], 0, 0))


def test_the_title_is_written() -> None:
    empty, titled = (heat_map(sheet(), sheet(), np.zeros(41**2), title) for title in ("", "a person, 1.00 mm"))
    assert (empty[:CAPTION] == 255).all()
    assert (titled[:CAPTION] < 128).any()
    assert (empty[CAPTION:] == titled[CAPTION:]).all()


def test_both_meshes_are_in_one_file_in_metres(tmp_path: Path) -> None:
    prediction, scan = sheet(half=60), sheet((0, 0, 5))
    distances = np.linspace(0, LIMIT_MM, 41**2)
    distances[0] = np.nan
    path = tmp_path / "new" / "check.glb"
    write_alignment(path, prediction, scan, distances)
    scene = trimesh.load(path)
    assert set(scene.geometry) == {"prediction", "scan"}
    for name, surface in (("prediction", prediction), ("scan", scan)):
        mesh = scene.geometry[name]
        assert mesh.vertices == pytest.approx(surface.vertices / 1000, abs=1e-6)
        assert (mesh.faces == surface.faces).all()
    painted = scene.geometry["scan"].visual.vertex_colors
    assert (painted[:, :3] == colours(distances)).all()
    assert (painted[:, 3] == 255).all()
    assert len(np.unique(scene.geometry["prediction"].visual.vertex_colors, axis=0)) == 1
