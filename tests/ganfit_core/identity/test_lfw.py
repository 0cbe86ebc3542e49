"""Labeled Faces in the Wild, aligned from 68 landmarks: same people score above different ones."""

import os
from pathlib import Path

import cv2
import dlib
import numpy as np
import pytest
import torch

from ganfit_core.identity import DlibResNet, IdentityNetwork, MobileFaceNet

PAIRS = 20


@pytest.fixture(scope="module")
def faces(predict_landmarks: dlib.shape_predictor) -> tuple[torch.Tensor, torch.Tensor]:
    """The first PAIRS same pairs and the first PAIRS different pairs: (4 * PAIRS) images, with landmarks."""
    if "GANFIT_DATASETS" not in os.environ:
        pytest.skip("GANFIT_DATASETS is not set: no LFW")
    root = Path(os.environ["GANFIT_DATASETS"]) / "lfw"
    rows = [line.split() for line in (root / "pairs.txt").read_text().splitlines()[1:601]]
    same = [(row[0], row[i]) for row in rows[:PAIRS] for i in (1, 2)]
    different = [(row[i], row[i + 1]) for row in rows[300 : 300 + PAIRS] for i in (0, 2)]
    images, landmarks = [], []
    for name, number in same + different:
        path = root / "lfw-deepfunneled" / name / f"{name}_{int(number):04d}.jpg"
        bgr = cv2.imread(str(path))
        assert bgr is not None, path
        rgb = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
        parts = predict_landmarks(rgb, dlib.rectangle(72, 72, 178, 178)).parts()  # funneled faces are centred
        images.append(torch.from_numpy(rgb).permute(2, 0, 1).float() / 255)
        landmarks.append(torch.tensor([(p.x + 0.5, p.y + 0.5) for p in parts]))
    return torch.stack(images), torch.stack(landmarks)


def accuracy(network: IdentityNetwork, faces: tuple[torch.Tensor, torch.Tensor]) -> float:
    """Best accuracy over thresholds."""
    embedding = network(*faces).embedding
    scores = (embedding[0::2] * embedding[1::2]).sum(dim=1).numpy()
    same = np.arange(2 * PAIRS) < PAIRS
    return max(float(((scores >= threshold) == same).mean()) for threshold in scores)


def test_dlib_resnet_tells_people_apart(dlib_resnet: DlibResNet, faces: tuple[torch.Tensor, torch.Tensor]) -> None:
    assert accuracy(dlib_resnet, faces) >= 0.95


def test_mobilefacenet_tells_people_apart(faces: tuple[torch.Tensor, torch.Tensor]) -> None:
    if "GANFIT_ASSETS" not in os.environ:
        pytest.skip("GANFIT_ASSETS is not set: no MobileFaceNet weights")
    network = MobileFaceNet.load(Path(os.environ["GANFIT_ASSETS"]) / "mobilefacenet" / "mobilefacenet.pt")
    assert accuracy(network, faces) >= 0.95
