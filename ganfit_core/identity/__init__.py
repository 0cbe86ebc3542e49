"""Face recognition networks whose embedding and activations drive the identity and content losses."""

from ganfit_core.identity.base import IdentityFeatures, IdentityNetwork
from ganfit_core.identity.dlib_resnet import DlibResNet
from ganfit_core.identity.iresnet import IResNet50
from ganfit_core.identity.mobilefacenet import MobileFaceNet

__all__ = ["DlibResNet", "IResNet50", "IdentityFeatures", "IdentityNetwork", "MobileFaceNet"]
