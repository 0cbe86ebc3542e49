"""Recognisers of the ArcFace family in ONNX files, for evaluation: onnxruntime gives neither gradients nor layers."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
import onnxruntime
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import normalize

from ganfit_core.identity.arcface import ArcFaceNetwork
from ganfit_core.identity.base import IdentityFeatures


class OnnxArcFace(ArcFaceNetwork):
    """A network of one input, ArcFace's crop in RGB between -1 and 1, and one output; subclasses say of what length.

    It computes on the CPU and answers on the crop's device. Activations: none.
    """

    name: ClassVar[str]
    """As errors call it."""

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        super().__init__()
        self.session = session

    @classmethod
    def load(cls, path: Path) -> OnnxArcFace:
        """Read an ONNX file.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: the file is no ONNX network of this input and output.
        """
        if not path.is_file():
            raise FileNotFoundError(path)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # a file of older tools is full of harmless warnings
        try:
            session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's errors have no class in common
            raise ValueError(f"{path} does not hold {cls.name}: {str(error).splitlines()[0]}") from error
        shapes = [tensor.shape[1:] for tensor in (*session.get_inputs(), *session.get_outputs())]
        expected = [[3, cls.input_size, cls.input_size], [cls.embedding_dim]]
        if shapes != expected:
            raise ValueError(f"{path} does not hold {cls.name}: inputs and outputs are {shapes}, not {expected}")
        return cls(session)

    @torch.no_grad()
    def features(self, aligned: Float[Tensor, "b 3 s s"]) -> IdentityFeatures:
        source = self.session.get_inputs()[0].name
        crops = (2.0 * aligned - 1.0).cpu().numpy()
        # One by one: the batch of some published files is fixed.
        rows = [self.session.run(None, {source: crop[None]})[0] for crop in crops]
        return IdentityFeatures(normalize(torch.from_numpy(np.concatenate(rows)).to(aligned.device)), ())


class BuffaloL(OnnxArcFace):
    """w600k_r50.onnx of insightface's pack buffalo_l: IResNet-50 trained with the ArcFace loss on WebFace600K."""

    name = "buffalo_l's w600k_r50"
    embedding_dim = 512
