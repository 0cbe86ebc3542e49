"""Invented people -> scans, videos and their true parameters, in the layout of MICC Florence."""

from __future__ import annotations

import functools
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float32
from prefect import task
from prefect.cache_policies import NO_CACHE

from data import assets
from data.assets.hashing import write_json
from data.files import replace_bytes
from data.morphable.ict_facekit import PARTS, load_ict_facekit
from data.synthetic_micc import frames as film
from data.synthetic_micc import layout, script
from data.synthetic_micc.head_model import HeadModel, head_of_ict, head_of_open
from data.synthetic_micc.paint import Paint, collar_of, paint_of
from data.synthetic_micc.refine import Refinement, refine
from data.synthetic_micc.scanner import SCANNER_RESOLUTION, Scan, scanned, scanner_cameras
from data.synthetic_micc.settings import SETTINGS, Setting
from ganfit_core.camera import project
from ganfit_core.mesh import Mesh
from ganfit_core.morphable import MorphableModel
from ganfit_core.texture.model import TextureModel, load_texture_model
from ganfit_core.vertex_colours import render_patch, seen_faces
from tasks.code import code_version

SOURCES = {"ict": 1, "open": 2}
"""Models of heads, and how often their triangles are cut in four: to 55,000 and 52,000 vertices."""
_SCANNED = [PARTS.index(name) for name in ("face", "back", "eyes")]


class OtherDatasetError(ValueError):
    """The folder holds another dataset than the one asked for."""


@dataclass(frozen=True, eq=False)
class Studio:
    """What all people of a dataset have in common."""

    head: HeadModel
    refinement: Refinement
    paint: Paint
    texture: TextureModel
    sha256: dict[str, str]


@task(name="open synthetic micc", tags=["io"], cache_policy=NO_CACHE, persist_result=False)
def open_dataset(out: Path, n_subjects: int, n_frames: int, seed: int, source: str, ict: Path | None) -> None:
    """Write `out`/truth.json: what the dataset is made of.

    Raises OtherDatasetError where the folder holds another one. More people may be added to one.
    """
    made_of = {"seed": seed, "source": source, "frames": n_frames, "sha256": studio_of(source, ict).sha256}
    path = out / f"{layout.TRUTH}.json"
    if path.is_file():
        found = json.loads(path.read_text(encoding="utf-8"))
        other = [name for name, value in made_of.items() if found.get(name) != value]
        if other:
            raise OtherDatasetError(f"{out} holds a dataset of another {', '.join(other)}; take another folder")
        n_subjects = max(n_subjects, int(found["subjects"]))
    write_json(path, {**made_of, "subjects": n_subjects, "units": "mm", "code_version": code_version()})


@task(name="make synthetic subject", tags=["cpu"], cache_policy=NO_CACHE, persist_result=False)
def make_subject(out: Path, number: int, n_frames: int, seed: int, source: str, ict: Path | None) -> None:
    """Write one person's scans, videos and, last, true parameters. A person whose truth is there is left as is."""
    if layout.truth_path(out, number).is_file():
        return
    studio = studio_of(source, ict)
    person = script.draw_person(seed, number, studio.head, studio.texture.latent_dim)
    colours = studio.paint(uv_map_of(studio.texture, person.texture), person.colouring)
    neutral = studio.head(person.identity, np.zeros(len(studio.head.expression)))
    truth: dict[str, Any] = {
        "identity": person.identity,
        "texture": person.texture,
        "vertices": neutral.astype(np.float32),
        "faces": studio.head.faces,
        "landmarks": neutral[studio.head.landmarks],
    }
    for name in layout.SCANS:
        scan, expression = make_scan(studio, person, colours, name, seed)
        layout.write_scan(layout.scan_path(out, number, name), scan)
        truth |= {f"{name}_expression": expression, f"{name}_rotation": scan.rotation}
        truth |= {f"{name}_translation": scan.translation}
    for name, setting in SETTINGS.items():
        shot = script.draw_shot(seed, number, name, setting, studio.head, n_frames)
        generator = script.generator_of(seed, number, f"{name} film")
        pictures, points = film_shot(studio, person, colours, setting, shot, generator)
        stream = b"".join(film.jpeg(picture, setting.quality) for picture in pictures)
        replace_bytes(layout.video_path(out, number, setting.filename), stream)
        for field in ("expression", "yaw", "pitch", "roll", "camera", "light"):
            truth[f"{name}_{field}"] = getattr(shot, field)
        truth[f"{name}_landmarks"] = points
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **truth)
    replace_bytes(layout.truth_path(out, number), buffer.getvalue())


@functools.cache
def studio_of(source: str, ict: Path | None) -> Studio:
    """Load the models.

    Args:
        source: one of `SOURCES`. ict: the folder or archive of ICT-FaceKit, where it is not among the assets.

    Raises data.assets.AssetError for a missing model, IctFaceKitError for what is not ICT-FaceKit.
    """
    torch.set_flush_denormal(True)
    found = {name: assets.locate(name) for name in ("morphable", "texture-pca")}
    own = MorphableModel.load(found["morphable"].path)
    sha256 = {name: file.sha256 for name, file in found.items()}
    if source == "ict":
        head = head_of_ict(load_ict_facekit(ict or assets.find("ict-facekit")))
        sha256["ict-facekit"] = head.sha256
    else:
        bases = own.identity_basis.numpy(), own.expression_basis.numpy()
        head = head_of_open(
            own.mean.numpy(), *bases, own.faces.numpy(), own.landmark_indices.numpy(), sha256["morphable"]
        )
    refinement = refine(head.faces, len(head.mean), SOURCES[source])
    map_head = Mesh(own.mean.numpy(), own.faces.numpy(), own.uvs.numpy(), own.uv_faces.numpy())
    map_landmarks = own.landmarks(own.mean[None])[0].numpy()
    parts = refinement.codes(head.parts)
    paint = paint_of(refinement(head.mean), parts, head.mean[head.landmarks], map_head, map_landmarks)
    return Studio(head, refinement, paint, load_texture_model(found["texture-pca"].path), sha256)


@torch.no_grad()
def uv_map_of(texture: TextureModel, latent: Float32[np.ndarray, " d"]) -> Float32[np.ndarray, "3 r r"]:
    """The map of some latents made symmetric: light from a side, which photographs left in it, is not skin."""
    uv_map = texture(torch.from_numpy(latent)[None])[0]
    return ((uv_map + uv_map.flip(-1)) / 2).clamp(0, 1).numpy()


def make_scan(
    studio: Studio, person: script.Person, colours: Float32[np.ndarray, "v 3"], name: str, seed: int
) -> tuple[Scan, Float[np.ndarray, " ne"]]:
    """One scan, and the faint expression that it shows."""
    generator = script.generator_of(seed, person.number, name)
    expression = script.draw_expression(studio.head, generator)
    coarse = studio.head(person.identity, expression)
    vertices = studio.refinement(coarse)
    parts = studio.paint.parts[studio.refinement.faces]
    faces = studio.refinement.faces[np.isin(parts, _SCANNED).all(axis=1)]
    views = torch.from_numpy(scanner_cameras())
    seen = seen_faces(torch.from_numpy(vertices).float(), torch.from_numpy(faces), views, SCANNER_RESOLUTION)
    landmarks = coarse[studio.head.landmarks]
    scan = scanned(vertices, faces[seen.numpy()], colours, studio.paint.hair, landmarks, generator)
    return scan, expression


def film_shot(
    studio: Studio,
    person: script.Person,
    colours: Float32[np.ndarray, "v 3"],
    setting: Setting,
    shot: script.Shot,
    generator: np.random.Generator,
) -> tuple[list[np.ndarray], Float32[np.ndarray, "t 68 2"]]:
    """Frames (H, W, 3) uint8 of a video, and the 68 landmarks in each, in pixels of the frame."""
    side = max(setting.width, setting.height)
    corner = np.array([side - setting.width, side - setting.height]) / 2
    wall = film.background(setting, generator)
    neck = np.array([[0.0, collar_of(studio.head.mean), 0.0]])
    faces, paint = torch.from_numpy(studio.refinement.faces), torch.from_numpy(colours)
    pictures, points = [], []
    for expression, camera, light in zip(shot.expression, shot.camera, shot.light, strict=True):
        vertices = studio.head(person.identity, expression)
        marks = np.concatenate([vertices[studio.head.landmarks], neck])
        screen = project(torch.from_numpy(marks).float()[None], torch.from_numpy(camera)[None], side)[0].numpy()
        column, row = screen[-1, :2] - corner
        pixels_per_mm = camera[9] * side / 2 / screen[-1, 2]
        scene = film.with_shoulders(wall, (column, row), pixels_per_mm, person.colouring.clothes)
        posed = torch.from_numpy(studio.refinement(vertices)).float()
        patch = render_patch(posed, faces, paint, torch.from_numpy(camera), torch.from_numpy(light), side)
        image, coverage = (part.permute(1, 2, 0).numpy() for part in (patch.image, patch.coverage))
        scene = film.pasted(scene, image, coverage, patch.left - int(corner[0]), patch.top - int(corner[1]))
        pictures.append(film.filmed(scene, shot.blur, setting.noise, generator))
        points.append(screen[:68, :2] - corner)
    return pictures, np.array(points, dtype=np.float32)
