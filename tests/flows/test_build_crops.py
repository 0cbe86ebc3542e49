"""`ganfit regressor build` without LFW's pairs.txt."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image
from typer.testing import CliRunner

from flows.cli import app
from ganfit_core.regressor.crops import Crops
from ganfit_core.training.splits import HELD_OUT, TRAIN


def test_crops_without_pairs_are_enough_to_train_on(tmp_path: Path) -> None:
    portrait = skimage.data.astronaut()
    for number, person in enumerate(("Ada", "Bob", "Eve")):
        (tmp_path / "photos" / person).mkdir(parents=True)
        shaded = (portrait * (1 - 0.1 * number)).astype(np.uint8)
        Image.fromarray(shaded).save(tmp_path / "photos" / person / "face.png")
    run = CliRunner().invoke(app, ["regressor", "build", str(tmp_path / "photos"), "--out", str(tmp_path / "crops")])
    assert run.exit_code == 0, run.output
    learnt, held_out = (Crops(tmp_path / "crops", split).unit_ids for split in (TRAIN, HELD_OUT))
    assert len(held_out) == 1
    assert sorted([*learnt, *held_out]) == ["Ada/face.png", "Bob/face.png", "Eve/face.png"]
