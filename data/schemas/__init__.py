"""The tables' columns, defined once: Arrow types and descriptions, and the documentation made from them.

``python -m data.schemas docs/tables.md`` writes the documentation.
"""

from data.schemas.evaluation import frechet, micc, published, texture_maps
from data.schemas.faces import CAMERA, LIGHT, LOSS_TERMS, RESULT_FOLDERS, STAGES, Dimensions, frames, reconstructions
from data.schemas.likeness import image_quality, lfw_pairs, lfw_photos, lfw_summary
from data.schemas.partitions import PARTITIONS

__all__ = [
    "CAMERA",
    "LIGHT",
    "LOSS_TERMS",
    "PARTITIONS",
    "RESULT_FOLDERS",
    "STAGES",
    "Dimensions",
    "frames",
    "frechet",
    "image_quality",
    "lfw_pairs",
    "lfw_photos",
    "lfw_summary",
    "micc",
    "published",
    "reconstructions",
    "texture_maps",
]
