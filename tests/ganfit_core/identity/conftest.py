import importlib.metadata
from pathlib import Path
from typing import NamedTuple

import cv2
import dlib
import numpy as np
import pytest
import skimage.data
import torch
from torch import Tensor

from ganfit_core.identity import DlibResNet


class Photo(NamedTuple):
    rgb: np.ndarray
    detection: dlib.full_object_detection

    @property
    def image(self) -> Tensor:
        return torch.from_numpy(self.rgb.copy()).permute(2, 0, 1)[None].float() / 255

    @property
    def landmarks(self) -> Tensor:
        """dlib counts pixel centres from 0, this project from 0.5."""
        return torch.tensor([[(p.x + 0.5, p.y + 0.5) for p in self.detection.parts()]])


def dlib_file(name: str) -> str:
    files = importlib.metadata.files("face-recognition-models") or []
    return str(next(file.locate() for file in files if file.name == name))


@pytest.fixture(scope="session")
def resnet_path() -> Path:
    return Path(dlib_file("dlib_face_recognition_resnet_model_v1.dat"))


@pytest.fixture(scope="session")
def dlib_resnet(resnet_path: Path) -> DlibResNet:
    return DlibResNet.load(resnet_path)


@pytest.fixture(scope="session")
def predict_landmarks() -> dlib.shape_predictor:
    return dlib.shape_predictor(dlib_file("shape_predictor_68_face_landmarks.dat"))


@pytest.fixture(scope="session")
def photos(predict_landmarks: dlib.shape_predictor) -> dict[str, Photo]:
    """One face upright, rotated by 25 degrees, and enlarged until its chip shrinks it two to four times."""
    astronaut = skimage.data.astronaut()
    turn = cv2.getRotationMatrix2D((225, 115), 25, 1.3)
    versions = {
        "upright": (astronaut, dlib.rectangle(172, 67, 275, 170)),
        "rotated": (cv2.warpAffine(astronaut, turn, (512, 512)), dlib.rectangle(158, 48, 292, 182)),
        "enlarged": (
            cv2.resize(astronaut, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC),
            dlib.rectangle(688, 268, 1100, 680),
        ),
    }
    return {name: Photo(rgb, predict_landmarks(rgb, box)) for name, (rgb, box) in versions.items()}
