"""What all corruptions have in common: they say what they hide, repeat themselves and follow the face."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest

from ganfit_core.corruption import CORRUPTIONS, OCCLUDERS, corrupt, seed_for
from ganfit_core.morphable import MorphableModel
from ganfit_core.perception.align import transform
from tests.ganfit_core.corrupted_faces import POSES, SIZE, face_mask, landmarks, photograph, turn

DEGRADATIONS = sorted(set(CORRUPTIONS) - set(OCCLUDERS))
DRAWN = ("glasses", "mask", "hand", "hair")
"""Occluders that are drawn in the face's frame; blocks are upright in the photograph."""


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_seed_gives_the_same_bytes_again_and_another_seed_others(model: MorphableModel, name: str) -> None:
    photo, points = photograph(), landmarks(model, *POSES[1])
    first, again, other = (corrupt(photo, points, name, seed) for seed in (3, 3, 4))
    assert first.image.tobytes() == again.image.tobytes()
    assert first.covered.tobytes() == again.covered.tobytes()
    assert first.parameters == again.parameters
    assert first.parameters != other.parameters
    assert (first.image != other.image).any()
    assert (photo == photograph()).all()  # what it was given is left alone
    assert all(type(value) is float and math.isfinite(value) for value in first.parameters.values())


@pytest.mark.parametrize("name", DRAWN)
def test_covered_is_where_the_photograph_does_not_shine_through(model: MorphableModel, name: str) -> None:
    points = landmarks(model, *POSES[2])
    dark, bright = np.zeros((SIZE, SIZE, 3), np.uint8), np.full((SIZE, SIZE, 3), 255, np.uint8)
    on_dark, on_bright = corrupt(dark, points, name, 1), corrupt(bright, points, name, 1)
    assert (on_dark.covered == on_bright.covered).all()
    opacity = 1 - (on_bright.image[..., 0].astype(float) - on_dark.image[..., 0]) / 255
    assert (opacity[~on_dark.covered] == 0).all()
    assert (opacity[on_dark.covered] > 0).mean() > 0.99  # the faintest rim is lost in rounding
    # Edges are antialiased; partly covered pixels are found there, and between fingers and strands of hair.
    partly = (opacity > 0.02) & (opacity < 0.98)
    core = cv2.erode(on_dark.covered.astype(np.uint8), np.ones((5, 5))) > 0
    assert partly.sum() > 30
    assert partly[core].mean() < (0.1 if name == "hair" else 0.03)


@pytest.mark.parametrize("name", OCCLUDERS)
def test_the_photograph_is_untouched_outside_what_is_covered_and_changed_within(
    model: MorphableModel, name: str
) -> None:
    photo = photograph()
    for seed, pose in enumerate(POSES):
        spoilt = corrupt(photo, landmarks(model, *pose), name, seed)
        changed = (spoilt.image != photo).any(axis=2)
        assert not (changed & ~spoilt.covered).any()
        assert changed[spoilt.covered].mean() > 0.9


@pytest.mark.parametrize("name", DEGRADATIONS)
def test_a_degradation_hides_nothing_and_changes_the_picture_everywhere(model: MorphableModel, name: str) -> None:
    photo = photograph()
    spoilt = corrupt(photo, landmarks(model, *POSES[0]), name, 0)
    assert not spoilt.covered.any()
    assert (spoilt.image != photo).any(axis=2).mean() > 0.8


@pytest.mark.parametrize(
    ("name", "least", "most", "mean"),
    [
        ("glasses", 0.12, 0.40, (0.2, 0.3)),
        ("mask", 0.45, 0.75, (0.5, 0.7)),
        ("hand", 0.15, 0.70, (0.3, 0.5)),
        ("hair", 0.08, 0.55, (0.2, 0.4)),
        ("blocks", 0.02, 0.65, (0.1, 0.35)),
    ],
)
def test_a_sensible_share_of_the_face_is_hidden_in_every_pose(
    model: MorphableModel, name: str, least: float, most: float, mean: tuple[float, float]
) -> None:
    photo, faces = photograph(), [landmarks(model, *pose) for pose in POSES]
    masks = [face_mask(points) for points in faces]
    shares = np.array(
        [corrupt(photo, faces[seed % 4], name, seed).covered[masks[seed % 4]].mean() for seed in range(50)]
    )
    assert least < shares.min() <= shares.max() < most
    assert mean[0] < shares.mean() < mean[1]


@pytest.mark.parametrize("name", DRAWN)
@pytest.mark.parametrize(("degrees", "scale"), [(90.0, 1.0), (-40.0, 1.0), (0.0, 0.6)])
def test_what_is_drawn_turns_and_grows_with_the_face(
    model: MorphableModel, name: str, degrees: float, scale: float
) -> None:
    photo, points, matrix = photograph(), landmarks(model, *POSES[1]), turn(degrees, scale)
    still, moved = (corrupt(photo, at, name, 5) for at in (points, transform(points, matrix)))
    # OpenCV's pixel centres are at integers.
    matrix[:, 2] += 0.5 * matrix[:, :2].sum(axis=1) - 0.5
    expected = cv2.warpAffine(still.covered.astype(np.float32), matrix, (SIZE, SIZE)) > 0.5
    # The forearm ends at the photograph's border, wherever that is.
    near = cv2.dilate(face_mask(transform(points, turn(degrees, scale))).astype(np.uint8), np.ones((9, 9))) > 0
    both, either = (near & expected & moved.covered).sum(), (near & (expected | moved.covered)).sum()
    assert both / either > 0.88
    assert still.parameters == moved.parameters


def test_blocks_grow_with_the_face(model: MorphableModel) -> None:
    photo, points = photograph(), landmarks(model, *POSES[0])
    large, small = (corrupt(photo, transform(points, turn(0, scale)), "blocks", 2).covered for scale in (1, 0.5))
    assert small.sum() / large.sum() == pytest.approx(0.25, abs=0.03)


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_face_at_the_border_is_spoilt_where_it_is_seen(model: MorphableModel, name: str) -> None:
    photo, points = photograph(), landmarks(model, *POSES[0])
    for shift in ((SIZE / 2 + 10, 0), (-SIZE / 2, SIZE / 2), (0, -SIZE / 2 - 10)):
        spoilt = corrupt(photo, points + shift, name, 0)
        assert not (spoilt.image != photo)[~spoilt.covered].any() or name in DEGRADATIONS
        assert spoilt.image.shape == photo.shape


def test_bad_arguments_are_refused_in_one_line(model: MorphableModel) -> None:
    photo, points = photograph(), landmarks(model, *POSES[0])
    with pytest.raises(
        ValueError, match="no corruption 'fog'; there are glasses, mask, hand, hair, blocks, noise, blur"
    ):
        corrupt(photo, points, "fog", 0)
    for bad in (photo / 255, photo[..., 0], photo[:0], np.dstack([photo, photo[..., :1]])):
        with pytest.raises(ValueError, match="photograph of bytes"):
            corrupt(bad, points, "mask", 0)
    holed = points.copy()
    holed[5, 0] = np.nan
    for bad in (points[:67], holed, points.ravel()):
        with pytest.raises(ValueError, match="finite landmarks"):
            corrupt(photo, bad, "mask", 0)
    with pytest.raises(ValueError, match="outside the photograph"):
        corrupt(photo, points + SIZE, "mask", 0)
    with pytest.raises(ValueError, match="landmarks of no face"):
        corrupt(photo, np.full((68, 2), 50.0), "mask", 0)


def test_each_photograph_corruption_and_run_has_a_seed_of_its_own_that_a_table_can_hold() -> None:
    seeds = {
        seed_for(seed, unit, name) for seed in range(3) for unit in ("a.jpg", "b.jpg", "1") for name in CORRUPTIONS
    }
    assert len(seeds) == 9 * len(CORRUPTIONS)
    assert all(0 <= seed < 2**63 for seed in seeds)
    # Rows record it: it must not change with the version of this program.
    assert seed_for(0, "Aaron_Eckhart/Aaron_Eckhart_0001.jpg", "mask") == 5810990188324655148
