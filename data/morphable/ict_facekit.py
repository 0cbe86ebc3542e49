"""ICT-FaceKit's morphable head (Li et al., "Learning Formation of Physically-Based Face Attributes", CVPR 2020).

Published at github.com/ICT-VGL/ICT-FaceKit as a folder of OBJ files of one topology, in centimetres: the neutral mean,
the mean plus one standard deviation of each identity mode (the authors' own example draws their weights from N(0, 1)),
and the mean under each expression with weight 1; beside them `vertex_indices.json`. +x is the subject's left, +y up,
+z out of the face, as in this project.
"""

from __future__ import annotations

import hashlib
import json
import lzma
import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path, PurePosixPath

import numpy as np
from jaxtyping import Float32, Int64, UInt8
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from data.assets.hashing import cache_directory, cached_sha256_of
from data.files import replace_bytes

MEAN_FILE = "generic_neutral_mesh.obj"
INDEX_FILE = "vertex_indices.json"
PARTS = ("face", "back", "gums", "teeth", "eyes")
"""What a vertex belongs to: the face; the rest of head, neck and the sockets of mouth and eyes; and what is in them."""

_PART_OF_MATERIAL = {
    "M_Face": "face",
    "M_BackHead": "back",
    "M_GumsTongue": "gums",
    "M_Teeth": "teeth",
    "M_ScleraLeft": "eyes",
    "M_ScleraRight": "eyes",
}
"""Left out is what asks for glass: tears, blends, shades, lashes, and the inside of the eyeballs behind the cornea."""
_MILLIMETRES = 10.0
_CHIN = 8
# Of the arithmetic below: what another version left in the cache is not read.
_CACHE_VERSION = 1


class IctFaceKitError(ValueError):
    """What is there is not ICT-FaceKit; the message names what is wrong."""


@dataclass(frozen=True, eq=False)
class IctFaceKit:
    """The head with eyes and mouth, in millimetres, the origin in the middle of the skull.

    Attributes:
        mean: (V, 3). identity: (ns, V, 3), mm per standard deviation. expression: (ne, V, 3), mm at weight 1.
        names: of the expressions, ARKit's with sides.
        faces: (F, 3) triangles, counter-clockwise seen from outside.
        parts: (V,) indices into `PARTS`.
        landmarks: (68,) vertices, iBUG order.
        sha256: of the archive, or of the folder's files.
    """

    mean: Float32[np.ndarray, "v 3"]
    identity: Float32[np.ndarray, "ns v 3"]
    expression: Float32[np.ndarray, "ne v 3"]
    names: tuple[str, ...]
    faces: Int64[np.ndarray, "f 3"]
    parts: UInt8[np.ndarray, " v"]
    landmarks: Int64[np.ndarray, "68"]
    sha256: str


def load_ict_facekit(path: Path) -> IctFaceKit:
    """Read the published folder, or a .tar.xz of it, the first time; then what was kept of it in the user's cache.

    Raises IctFaceKitError where a file is missing or does not fit the others, OSError where `path` cannot be read.
    """
    digest = _digest(path)
    cached = cache_directory() / f"ict_facekit-{_CACHE_VERSION}-{digest[:16]}.safetensors"
    try:
        return _from_cache(cached, digest)
    except (OSError, SafetensorError):
        model = _assemble(dict(_files(path)), digest)
    arrays = {name: getattr(model, name) for name in ("mean", "identity", "expression", "faces", "parts", "landmarks")}
    replace_bytes(cached, save(arrays, {"names": json.dumps(model.names)}))
    return model


def _from_cache(path: Path, digest: str) -> IctFaceKit:
    with safe_open(path, framework="np") as handle:
        arrays = {name: handle.get_tensor(name) for name in handle.keys()}  # noqa: SIM118
        names = tuple(json.loads(handle.metadata()["names"]))
    return IctFaceKit(names=names, sha256=digest, **arrays)


def _digest(path: Path) -> str:
    if path.is_file():
        return cached_sha256_of(path)
    digest = hashlib.sha256()
    for file in _wanted_files(path):
        digest.update(f"{file.name} {cached_sha256_of(file)}\n".encode())
    return digest.hexdigest()


def _wanted_files(folder: Path) -> list[Path]:
    """The model's files: in the folder itself or its FaceXModel."""
    found = sorted(folder.rglob(MEAN_FILE))
    if not found:
        raise IctFaceKitError(f"{folder} is not ICT-FaceKit: it holds no {MEAN_FILE}")
    model = found[0].parent
    if not (model / INDEX_FILE).is_file():
        raise IctFaceKitError(f"{folder} is not ICT-FaceKit: it holds no {INDEX_FILE} beside {MEAN_FILE}")
    return sorted([*model.glob("*.obj"), model / INDEX_FILE])


def _files(path: Path) -> Iterator[tuple[str, str]]:
    """Name and text of each file."""
    if path.is_dir():
        for file in _wanted_files(path):
            yield file.name, file.read_text(encoding="utf-8")
        return
    try:
        with tarfile.open(path, "r|*") as archive:
            for member in archive:
                name = PurePosixPath(member.name).name
                content = archive.extractfile(member) if name.endswith(".obj") or name == INDEX_FILE else None
                if content is not None:
                    yield name, content.read().decode()
    except (tarfile.TarError, lzma.LZMAError, EOFError, UnicodeDecodeError) as error:
        raise IctFaceKitError(f"{path} is no archive of ICT-FaceKit: {error}") from error


def _assemble(files: dict[str, str], digest: str) -> IctFaceKit:
    for name in (MEAN_FILE, INDEX_FILE):
        if name not in files:
            raise IctFaceKitError(f"not ICT-FaceKit: it holds no {name}")
    try:
        indices = json.loads(files[INDEX_FILE])
        names = tuple(indices["expressions"])
        landmarks = np.array(indices["idx_to_landmark_verts"], dtype=np.int64)
    except (ValueError, KeyError, TypeError) as error:
        raise IctFaceKitError(f"{INDEX_FILE}: no expressions or no landmarks ({error})") from error
    mean = _vertices(files, MEAN_FILE)
    faces, part_of_face = _triangles(files[MEAN_FILE])
    if len(landmarks) != 68 or faces.max() >= len(mean) or landmarks.max() >= len(mean):
        raise IctFaceKitError(f"{INDEX_FILE} and {MEAN_FILE} do not belong together")
    kept, faces = np.unique(faces, return_inverse=True)
    faces = faces.reshape(-1, 3)
    place = np.full(len(mean), -1)
    place[kept] = np.arange(len(kept))
    if (place[landmarks] < 0).any():
        raise IctFaceKitError(f"{INDEX_FILE}: landmarks that are not on the head")
    parts = np.full(len(kept), len(PARTS), np.uint8)
    # Where parts share vertices, the face, which is first, has them.
    np.minimum.at(parts, faces, part_of_face[:, None])

    def modes(stems: list[str]) -> Float32[np.ndarray, "n v 3"]:
        shapes = [_vertices(files, f"{stem}.obj", len(mean))[kept] - mean[kept] for stem in stems]
        return (np.array(shapes).reshape(len(stems), len(kept), 3) * _MILLIMETRES).astype(np.float32)

    identities = sorted(PurePosixPath(name).stem for name in files if re.fullmatch(r"identity\d+\.obj", name))
    head = mean[kept] * _MILLIMETRES
    return IctFaceKit(
        mean=(head - _middle(head, head[place[landmarks[_CHIN]], 1])).astype(np.float32),
        identity=modes(identities),
        expression=modes(list(names)),
        names=names,
        faces=faces.astype(np.int64),
        parts=parts,
        landmarks=place[landmarks],
        sha256=digest,
    )


def _vertices(files: dict[str, str], name: str, expected: int | None = None) -> np.ndarray:
    """(V, 3) float64, cm."""
    if name not in files:
        raise IctFaceKitError(f"not ICT-FaceKit: it holds no {name}")
    text = files[name]
    try:
        lines = re.findall(r"^v (.*)$", text, re.MULTILINE)
        vertices = np.array(" ".join(lines).split(), dtype=np.float64).reshape(-1, 3)
    except ValueError as error:
        raise IctFaceKitError(f"{name}: {error}") from error
    if len(vertices) == 0 or (expected is not None and len(vertices) != expected):
        raise IctFaceKitError(f"{name} has {len(vertices)} vertices" + (f", not {expected}" if expected else ""))
    return vertices


def _triangles(text: str) -> tuple[Int64[np.ndarray, "f 3"], UInt8[np.ndarray, " f"]]:
    """Vertex indices of the wanted materials' triangles, quads split, and the part of each."""
    triangles: list[tuple[int, int, int]] = []
    parts: list[int] = []
    part: str | None = None
    for line in text.splitlines():
        if line.startswith("usemtl "):
            part = _PART_OF_MATERIAL.get(line.split()[1])
        elif line.startswith("f ") and part is not None:
            corners = [int(corner.split("/")[0]) - 1 for corner in line.split()[1:]]
            fan = [(corners[0], second, third) for second, third in pairwise(corners[1:])]
            triangles += fan
            parts += [PARTS.index(part)] * len(fan)
    if not triangles:
        raise IctFaceKitError(f"{MEAN_FILE} has no faces of the materials of ICT-FaceKit")
    return np.array(triangles, dtype=np.int64), np.array(parts, dtype=np.uint8)


def _middle(head: np.ndarray, chin: float) -> np.ndarray:
    """Of what is above the chin, (3,); x is 0, as the head is symmetric."""
    skull = head[head[:, 1] > chin]
    low, high = skull.min(axis=0), skull.max(axis=0)
    return (low + high) / 2 * [0.0, 1.0, 1.0]
