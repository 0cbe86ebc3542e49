"""From image files to aligned faces: reading, detection, 68 landmarks, crops."""

from ganfit_core.perception.align import (
    CROP_SIZE,
    TEMPLATE_5,
    TEMPLATE_68,
    AlignedFace,
    align_face,
    five_points,
    similarity,
)
from ganfit_core.perception.detect import CenterFace, Detection
from ganfit_core.perception.faces import Detector, Face, LandmarkPredictor, find_faces
from ganfit_core.perception.landmarks import DlibLandmarks
from ganfit_core.perception.photo import PhotoError, read_photo

__all__ = [
    "CROP_SIZE",
    "TEMPLATE_5",
    "TEMPLATE_68",
    "AlignedFace",
    "CenterFace",
    "Detection",
    "Detector",
    "DlibLandmarks",
    "Face",
    "LandmarkPredictor",
    "PhotoError",
    "align_face",
    "find_faces",
    "five_points",
    "read_photo",
    "similarity",
]
