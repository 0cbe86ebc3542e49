"""Files as MICC has them, read back by what reads MICC."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from data.micc import parse_micc
from data.scans import read_ljson, read_scan
from data.synthetic_micc import layout
from data.synthetic_micc.scanner import Scan
from data.synthetic_micc.settings import SETTINGS
from ganfit_core.mesh import Surface


def test_scans_come_back_as_they_were(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    landmarks = generator.uniform(-80, 80, (68, 3))
    landmarks[[3, 40]] = np.nan
    surface = Surface(generator.uniform(-100, 100, (50, 3)), generator.permutation(50)[:48].reshape(-1, 3))
    scan = Scan(surface, generator.random((50, 3)).astype(np.float32), landmarks, np.eye(3), np.zeros(3))
    path = layout.scan_path(tmp_path, 7, "frontal2")
    layout.write_scan(path, scan)
    found = read_scan(path)
    used = np.unique(surface.faces)
    np.testing.assert_allclose(found.surface.vertices[found.surface.faces], surface.vertices[surface.faces], atol=1e-4)
    np.testing.assert_allclose(found.surface.vertices, surface.vertices[used], atol=1e-4)
    np.testing.assert_allclose(found.colours, scan.colours[used] * 255, atol=0.6)
    np.testing.assert_allclose(read_ljson(path.with_suffix(".ljson")), landmarks, atol=1e-4)


def test_the_layout_is_the_one_of_micc(tmp_path: Path) -> None:
    for number in (1, 2):
        for scan in layout.SCANS:
            path = layout.scan_path(tmp_path, number, scan)
            path.parent.mkdir(parents=True)
            path.touch()
            path.with_suffix(".ljson").touch()
        for setting in SETTINGS.values():
            video = layout.video_path(tmp_path, number, setting.filename)
            video.parent.mkdir(exist_ok=True)
            video.touch()
        truth = layout.truth_path(tmp_path, number)
        truth.parent.mkdir(exist_ok=True)
        truth.touch()
    dataset = parse_micc(tmp_path)
    assert [subject.id for subject in dataset.subjects] == ["subject_01", "subject_02"]
    assert not dataset.missing
    assert [scan.name for scan in dataset.subjects[1].scans] == list(layout.SCANS)
    assert set(dataset.subjects[1].videos) == set(SETTINGS)
