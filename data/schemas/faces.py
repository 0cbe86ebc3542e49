"""Columns of what `ganfit fit`, `run` and `fit-video` write."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from data.schemas.columns import column, vector

LOSS_TERMS = ("identity", "identity_random", "content", "pixel", "landmark", "regularisation", "total")
"""Terms of the energy, Eq. 13 of Fast-GANFIT, and their weighted sum."""
STAGES = ("read", "detect", "align", "fit", "export")
"""What happens to a photograph, in this order; `stage` of a row names the last one entered."""
RESULT_FOLDERS = ("faces", "frames", "plans", "reconstructions", "videos")
"""Folders below an output folder that hold results, and no photographs."""
CAMERA, LIGHT = 10, 9


@dataclass(frozen=True)
class Dimensions:
    """Lengths of the coefficient vectors, which the assets decide."""

    identity: int
    expression: int
    texture: int


def reconstructions(dimensions: Dimensions) -> pa.Schema:
    """Columns of `reconstructions`: one row per photograph or video, or per face where all faces were asked for."""
    terms = pa.struct([pa.field(term, pa.float32()) for term in LOSS_TERMS])
    seconds = pa.struct([pa.field(stage, pa.float32()) for stage in STAGES])
    return pa.schema(
        [
            column("run_id", pa.string(), "the run that wrote the row", nullable=False),
            column("method", pa.string(), "the recipe, as `ganfit methods` names it (folder)", nullable=False),
            column("texture_model", pa.string(), "gan, vae or pca: the method's (folder)", nullable=False),
            column("collection", pa.string(), "name of the collection's root folder", nullable=False),
            column("collection_key", pa.string(), "hash of the paths that were asked for; null before version 2"),
            column("unit_id", pa.string(), "path below that root, forward slashes", nullable=False),
            column("face_index", pa.int32(), "0 for the largest face; null without one"),
            column("source", pa.list_(pa.string()), "paths of the photographs, or of the video", nullable=False),
            column("content_sha256", pa.string(), "of the file's bytes; null where unreadable"),
            column("subject", pa.string(), "who is shown, where the collection says it"),
            column("frames", pa.int32(), "photographs, or frames of a video, fitted together", nullable=False),
            column("status", pa.string(), "ok, no_face, unreadable or failed", nullable=False),
            column("stage", pa.string(), "last stage entered: " + ", ".join(STAGES), nullable=False),
            column("reason", pa.string(), "why the status is not ok; of a video also what of it could not be used"),
            column("detection_score", pa.float32(), "probability of a face, 0 to 1"),
            column("detection_box", vector(4), "left, top, right, bottom in px of the upright photograph"),
            column("landmarks", vector(136), "68 points x0, y0, x1, ... in px of the upright photograph"),
            column("identity", vector(dimensions.identity), "p_s, in standard deviations"),
            column("expression", vector(dimensions.expression), "p_e, in standard deviations"),
            column("texture", vector(dimensions.texture), "p_t, latent of the texture model"),
            column("camera", vector(CAMERA), "p_c: eye and target in mm, up, focal length in half crop sides"),
            column("light", vector(LIGHT), "p_l: position in mm, colour, ambient"),
            column(
                "losses",
                terms,
                "final value of every term, unweighted but for regularisation; total is the weighted sum",
            ),
            column("iterations", pa.int32(), "steps of stage 2 taken; 0 for regression alone"),
            column("converged", pa.bool_(), "the energy had stopped falling; true for regression alone"),
            column("seconds", seconds, "wall time per stage; a batch's time is shared evenly by its faces"),
            column("device", pa.string(), "cpu or the accelerator's name", nullable=False),
            column("assets", pa.map_(pa.string(), pa.string()), "asset id -> sha256", nullable=False),
            column("config_sha256", pa.string(), "of the preset, the method and the options", nullable=False),
            column("code_version", pa.string(), "version of this program", nullable=False),
            column("code_sha256", pa.string(), "of the sources that decide the result; null before version 2"),
            column("without", pa.list_(pa.string()), "terms left out of the energy; null before version 3"),
            column("seed", pa.int64(), "seed of the run", nullable=False),
            column(
                "result_key",
                pa.string(),
                "hash of content_sha256, config_sha256, assets, code_sha256 and seed: equal keys, equal results; "
                "null where the content could not be read, and before version 2",
            ),
            column("shard", pa.string(), "the units that were computed together; null before version 2"),
            column("mesh", pa.string(), "GLB, relative to the output folder"),
            column("overlay", pa.string(), "picture of the fit, relative to the output folder"),
            column("created_at", pa.timestamp("us", tz="UTC"), "when the row was made", nullable=False),
        ],
        metadata={"table": "reconstructions", "version": "3"},
    )


def frames(dimensions: Dimensions) -> pa.Schema:
    """Columns of `frames`: one row per frame of a video."""
    return pa.schema(
        [
            column("run_id", pa.string(), "the run that wrote the row", nullable=False),
            column("method", pa.string(), "as in `reconstructions` (folder)", nullable=False),
            column("texture_model", pa.string(), "as in `reconstructions` (folder)", nullable=False),
            column("collection", pa.string(), "as in `reconstructions`: the folder of the video", nullable=False),
            column("collection_key", pa.string(), "as in `reconstructions`; null before version 2"),
            column("unit_id", pa.string(), "as in `reconstructions`: the video's name", nullable=False),
            column("shard", pa.string(), "as in `reconstructions`; null before version 2"),
            column("frame", pa.int32(), "place among the decodable frames, from 0", nullable=False),
            column("time_s", pa.float64(), "seconds from the first frame", nullable=False),
            column("chosen", pa.bool_(), "identity and texture were fitted to it, with others", nullable=False),
            column("status", pa.string(), "ok or no_face", nullable=False),
            column("detection_score", pa.float32(), "probability of a face, 0 to 1"),
            column("detection_box", vector(4), "left, top, right, bottom in px of the upright frame"),
            column("landmarks", vector(136), "68 detected points x0, y0, x1, ... in px of the upright frame"),
            column("expression", vector(dimensions.expression), "p_e, in standard deviations"),
            column(
                "camera",
                vector(CAMERA),
                "p_c: eye and target in mm, up, focal length in half sides of the square around the frame's middle",
            ),
            column("light", vector(LIGHT), "p_l: position in mm, colour, ambient"),
            column(
                "landmark_error",
                pa.float32(),
                "mean distance of the model's landmarks from the detected, over that of the eyes",
            ),
        ],
        metadata={"table": "frames", "version": "2"},
    )
