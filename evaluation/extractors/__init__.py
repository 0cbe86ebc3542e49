"""Networks whose features are compared, one per file."""

from evaluation.extractors.base import FeatureExtractor
from evaluation.extractors.inception import FIDInception
from evaluation.extractors.vgg16 import VGG16

EXTRACTORS: dict[str, type[FeatureExtractor]] = {extractor.name: extractor for extractor in (VGG16, FIDInception)}
"""Every extractor by name."""

__all__ = ["EXTRACTORS", "VGG16", "FIDInception", "FeatureExtractor"]
