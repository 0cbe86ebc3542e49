"""Crops as they were written, across shards."""

import json
import shutil

import numpy as np
import pytest
import torch

from ganfit_core.regressor.crops import LISTING, Crops
from ganfit_core.training.splits import HELD_OUT, TRAIN
from tests.ganfit_core.regressor.conftest import PEOPLE, SIDE


def test_a_batch_holds_the_crops_asked_for_in_that_order(crop_folder):
    crops = Crops(crop_folder, TRAIN)
    assert (len(crops), crops.side, len(Crops(crop_folder, HELD_OUT))) == (PEOPLE, SIDE, 2)
    batch = crops.batch(np.array([5, 0]))
    first, last = np.load(crop_folder / "train-b.npy")[0], np.load(crop_folder / "train-a.npy")[-1]
    assert torch.equal((batch.photo[0] * 255).round().byte().permute(1, 2, 0), torch.from_numpy(last))
    assert torch.equal((batch.photo[1] * 255).round().byte().permute(1, 2, 0), torch.from_numpy(first))
    assert [crops.unit_ids[i] for i in (5, 0)] == ["5.jpg", "0.jpg"]
    assert batch.inside[1, 0, :, :10].sum() == 0
    assert batch.inside.sum() == 2 * SIDE**2 - 10 * SIDE


def test_the_hash_follows_shards_and_landmarks(crop_folder, tmp_path):
    before = Crops(crop_folder, TRAIN).sha256()
    copy = tmp_path / "copy"
    shutil.copytree(crop_folder, copy)
    assert Crops(copy, TRAIN).sha256() == before
    listing = json.loads((copy / LISTING).read_text())
    (copy / LISTING).write_text(json.dumps(listing | {"shards": listing["shards"][1:]}))
    assert Crops(copy, TRAIN).sha256() != before


def test_unfinished_and_empty_folders_are_refused(crop_folder, tmp_path):
    with pytest.raises(ValueError, match="regressor build"):
        Crops(tmp_path, TRAIN)
    shutil.copy(crop_folder / LISTING, tmp_path / LISTING)
    with pytest.raises(ValueError, match="no crops of the split other"):
        Crops(tmp_path, "other")
