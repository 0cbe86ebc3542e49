"""FastGANFit: a network that regresses the parameters of a fit from a photograph (Fast-GANFIT, Sec. 4)."""

from ganfit_core.regressor.config import EncoderConfig, RegressorTrainingConfig
from ganfit_core.regressor.model import Regressor, load_regressor

__all__ = ["EncoderConfig", "Regressor", "RegressorTrainingConfig", "load_regressor"]
