"""The report on a dataset."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from data.faces_dataset import FaceDataset, Missing, ScanFile, Subject
from data.micc import parse_micc
from tasks.check_micc import remarks_on_scans, report

ROOT = Path("/data/MICC")


def test_the_report_names_what_is_there_and_what_is_not() -> None:
    obj = ROOT / "subject_01/Model/frontal1/obj/a.obj"
    dataset = FaceDataset(
        name="micc",
        root=ROOT,
        subjects=(
            Subject("subject_01", (ScanFile("frontal1", obj, obj.with_suffix(".ljson")),), {"indoor": ROOT / "v.mjpg"}),
            Subject("subject_02", (ScanFile("frontal2", obj, None),), {"outdoor": ROOT / "frames"}),
        ),
        missing=(Missing("subject_01", "scan frontal2"), Missing("subject_02", "scan frontal1")),
        unused=(ROOT / "subject_01/b.obj", Path("/elsewhere/c.ljson")),
    )
    assert report(dataset, ["subject_01 frontal1: holes"]).splitlines() == [
        "micc in /data/MICC: 2 subjects",
        "",
        "subject     frontal1         frontal2  cooperative  indoor  outdoor",
        "subject_01  scan, landmarks  -         -            mjpg    -",
        "subject_02  -                scan      -            -       frames",
        "",
        "missing:",
        "  subject_01: scan frontal2",
        "  subject_02: scan frontal1",
        "",
        "not used:",
        "  subject_01/b.obj",
        "  /elsewhere/c.ljson",
        "",
        "scans:",
        "  subject_01 frontal1: holes",
    ]


def test_a_dataset_without_gaps() -> None:
    dataset = FaceDataset("micc", ROOT, (Subject("subject_01", (), {}),), (), ())
    assert report(dataset).splitlines()[-2:] == ["missing:", "  nothing"]


def write_scan(folder: Path, millimetres: float = 200.0, landmarks_at: float = 0.0, unset: int = 0) -> None:
    folder.mkdir(parents=True)
    side = np.linspace(-0.5, 0.5, 20) * millimetres
    points = [(x, y, 0.0) for y in side for x in side]
    index = np.arange(400).reshape(20, 20)
    faces = np.stack([index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]], axis=-1).reshape(-1, 4) + 1
    lines = [f"v {x} {y} {z}" for x, y, z in points] + [f"f {a} {b} {c} {d}" for a, b, c, d in faces]
    (folder / "scan.obj").write_text("\n".join(lines))
    rows = [None] * unset + [[0.0, float(i), landmarks_at] for i in range(68 - unset)]
    (folder / "scan.ljson").write_text(json.dumps({"groups": {"LJSON": {"landmarks": {"points": rows}}}}))


def add_to(path: Path, line: str) -> None:
    path.write_text(f"{path.read_text()}\n{line}\n")


def test_scans_are_read_and_judged(tmp_path: Path) -> None:
    def scan(number: int, name: str) -> Path:
        return tmp_path / f"subject_{number:02d}" / "Model" / name / "obj"

    write_scan(scan(1, "frontal1"))
    write_scan(scan(1, "frontal2"), millimetres=0.2)
    write_scan(scan(2, "frontal1"), landmarks_at=500.0)
    write_scan(scan(2, "frontal2"), unset=3)
    write_scan(scan(3, "frontal1"))
    (scan(3, "frontal1") / "scan.ljson").write_text("{")
    add_to(scan(2, "frontal1") / "scan.obj", "v 0 0 nan")
    write_scan(scan(3, "frontal2"), unset=68)
    seen = []
    remarks = remarks_on_scans(parse_micc(tmp_path), lambda done, total: seen.append((done, total)))
    assert seen == [(number, 6) for number in range(1, 7)]
    assert remarks == [
        f"subject_01 frontal2: {scan(1, 'frontal2') / 'scan.obj'}: measures 0.2828 from corner to corner and seems to "
        "be in metres; millimetres are expected, and nothing is scaled here: convert it first",
        "subject_02 frontal1: vertices whose coordinates are not finite: 1 dropped",
        "subject_02 frontal1: the landmarks lie 500 mm off the scan: they belong to another one, or to another unit",
        "subject_02 frontal2: landmarks that were not set: 3",
        f"subject_03 frontal1: {scan(3, 'frontal1') / 'scan.ljson'}: not a JSON file",
        "subject_03 frontal2: landmarks that were not set: 68",
    ]
