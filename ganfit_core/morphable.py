"""The linear shape model S(p_s, p_e) = m + U_s p_s + U_e p_e (Fast-GANFIT, Eq. 2)."""

from __future__ import annotations

import hashlib
from pathlib import Path

from jaxtyping import Bool, Float
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

_TENSORS = ("mean", "identity_basis", "expression_basis", "faces", "uvs", "uv_faces", "landmark_indices", "mirror")
_REGION = "region."


class ModelFileError(ValueError):
    """The file is not a morphable model of this project."""


class MorphableModel(nn.Module):
    """A 3D morphable model; its bases are pre-scaled, so coefficients are in standard deviations.

    Attributes:
        mean: (V, 3) mm. identity_basis: (ns, V, 3), expression_basis: (ne, V, 3), mm per standard deviation.
        faces, uv_faces: (F, 3) int64. uvs: (T, 2).
        landmark_indices: (68,) vertices of the iBUG landmarks.
        mirror: (V,) index of each vertex's mirror image in x = 0.
        regions: name -> (V,) bool.
    """

    mean: Tensor
    identity_basis: Tensor
    expression_basis: Tensor
    faces: Tensor
    uvs: Tensor
    uv_faces: Tensor
    landmark_indices: Tensor
    mirror: Tensor

    def __init__(self, tensors: dict[str, Tensor]) -> None:
        """Build from the tensors `data.morphable.build` writes; raises ModelFileError when one is missing."""
        super().__init__()
        missing = [name for name in _TENSORS if name not in tensors]
        if missing:
            raise ModelFileError(f"not a morphable model: no {', '.join(missing)}")
        for name in _TENSORS:
            tensor = tensors[name]
            self.register_buffer(name, tensor.float() if tensor.is_floating_point() else tensor.long())
        for name, tensor in tensors.items():
            if name.startswith(_REGION):
                self.register_buffer("region_" + name.removeprefix(_REGION), tensor.bool())
        self._region_names = tuple(n.removeprefix(_REGION) for n in tensors if n.startswith(_REGION))

    @classmethod
    def load(cls, path: Path) -> MorphableModel:
        """Read a safetensors file; raises ModelFileError when it is none, or no morphable model."""
        try:
            with safe_open(path, framework="pt") as handle:
                return cls({name: handle.get_tensor(name) for name in handle.keys()})  # noqa: SIM118
        except (SafetensorError, OSError) as error:
            raise ModelFileError(f"{path}: {error}") from error

    @property
    def n_identity(self) -> int:
        """Number of identity coefficients."""
        return self.identity_basis.shape[0]

    @property
    def n_expression(self) -> int:
        """Number of expression coefficients."""
        return self.expression_basis.shape[0]

    @property
    def uv_sha256(self) -> str:
        """Identifies the UV layout: hash of the bytes of uvs (float32), uv_faces and faces (int64)."""
        digest = hashlib.sha256()
        for tensor in (self.uvs, self.uv_faces, self.faces):
            digest.update(tensor.cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()

    @property
    def regions(self) -> dict[str, Bool[Tensor, " v"]]:
        """Vertex masks by name."""
        return {name: getattr(self, "region_" + name) for name in self._region_names}

    def forward(self, identity: Float[Tensor, "b ns"], expression: Float[Tensor, "b ne"]) -> Float[Tensor, "b v 3"]:
        """Vertices in mm of identity and expression coefficients, both in standard deviations."""
        shape = identity @ self.identity_basis.flatten(1) + expression @ self.expression_basis.flatten(1)
        return self.mean + shape.unflatten(1, (-1, 3))

    def landmarks(self, vertices: Float[Tensor, "b v 3"]) -> Float[Tensor, "b 68 3"]:
        """The 68 landmarks of posed vertices."""
        return vertices[:, self.landmark_indices]
