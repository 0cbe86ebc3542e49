"""Columns of the tables of scores, and of the literature's."""

from __future__ import annotations

import pyarrow as pa

from data.schemas.columns import column


def micc() -> pa.Schema:
    """Columns of `micc`: one row per subject, setting, recipe and protocol."""
    return pa.schema(
        [
            column("run_id", pa.string(), "the run that wrote the row", nullable=False),
            column("dataset", pa.string(), "name of the dataset's folder", nullable=False),
            column("subject", pa.string(), "whose face", nullable=False),
            column("setting", pa.string(), "cooperative, indoor or outdoor: which video", nullable=False),
            column("method", pa.string(), "as `ganfit methods` names it, or mean face (folder)", nullable=False),
            column("fusion", pa.string(), "what became of the frames: tasks/micc_recipes.py", nullable=False),
            column("without", pa.list_(pa.string()), "terms of the energy left out", nullable=False),
            column("protocol", pa.string(), "how the error was measured: docs/protocols.md (folder)", nullable=False),
            column("protocol_version", pa.string(), "version of that protocol", nullable=False),
            column("status", pa.string(), "ok, no_face, unreadable or failed", nullable=False),
            column("stage", pa.string(), "last stage entered: read, detect, fit, scan or measure", nullable=False),
            column("reason", pa.string(), "why the status is not ok"),
            column("error_mm", pa.float64(), "by the protocol"),
            column("rigid_error_mm", pa.float64(), "the same after rotation and translation alone, no scaling"),
            column("scale", pa.float64(), "by which the protocol enlarged the prediction; 1 where it may not"),
            column("rmse_mm", pa.float64(), "root mean square of the distances"),
            column("median_mm", pa.float64(), "median of the distances"),
            column("scan", pa.string(), "the scan whose error this is; null where several are averaged"),
            column("scans", pa.int32(), "scans that were measured"),
            column("iterations", pa.int32(), "of the alignment"),
            column("converged", pa.bool_(), "the alignment came to rest"),
            column("crop_radius_mm", pa.float64(), "of the Euclidean ball that the protocol cropped"),
            column("crop_vertices", pa.int32(), "vertices of the scan within the protocol's crop"),
            column("notes", pa.list_(pa.string()), "repairs of the scans, sources of their landmarks", nullable=False),
            column("frames", pa.list_(pa.int32()), "frames used, by their place among the decodable", nullable=False),
            column("skipped", pa.list_(pa.int32()), "frames without a face", nullable=False),
            column("identity", pa.list_(pa.float32()), "p_s, in standard deviations"),
            column("cosine", pa.float64(), "of the frames and their renderings, by the judge; mean over the frames"),
            column("judge_sha256", pa.string(), "of the judge's weights, a network that no energy knows"),
            column("seconds", pa.float64(), "wall time of the reconstruction, without decoding and detection"),
            column("predicted_by", pa.string(), "version of this program that made the prediction", nullable=False),
            column("source", pa.string(), "path of the video"),
            column("check", pa.string(), "picture of the errors, relative to the output folder"),
            column("assets", pa.map_(pa.string(), pa.string()), "asset id -> sha256", nullable=False),
            column("config_sha256", pa.string(), "of preset, settings, frames and recipe", nullable=False),
            column("seed", pa.int64(), "seed of the reconstructions", nullable=False),
            column("units", pa.string(), "of the errors", nullable=False),
            column("code_version", pa.string(), "version of this program that measured", nullable=False),
            column("created_at", pa.timestamp("us", tz="UTC"), "when the row was made", nullable=False),
        ],
        metadata={"table": "micc", "version": "1"},
    )


def frechet() -> pa.Schema:
    """Columns of `frechet`: one row per texture model, extractor and reference."""
    return pa.schema(
        [
            column("run_id", pa.string(), "the run that wrote the row", nullable=False),
            column("texture_model", pa.string(), "gan, vae, pca, or training maps (folder)", nullable=False),
            column("asset_sha256", pa.string(), "of the model's file, or of the training maps drawn", nullable=False),
            column("extractor", pa.string(), "network whose features are compared (folder)", nullable=False),
            column("extractor_sha256", pa.string(), "of that network's weights", nullable=False),
            column("metric", pa.string(), "what `frechet` may be called; FID for one network only", nullable=False),
            column("protocol", pa.string(), "id of how maps become the extractor's input", nullable=False),
            column("protocol_version", pa.string(), "version of that protocol", nullable=False),
            column("resolution", pa.int32(), "side of the maps, texels", nullable=False),
            column("mask_sha256", pa.string(), "of the face mask at that resolution", nullable=False),
            column("n_generated", pa.int32(), "maps drawn from the model", nullable=False),
            column("n_reference", pa.int32(), "maps of held-out people, few of each", nullable=False),
            column("reference_sha256", pa.string(), "of the held-out maps and the choice from them", nullable=False),
            column("frechet", pa.float64(), "Frechet distance; depends on both numbers of maps", nullable=False),
            column("kid", pa.float64(), "unbiased MMD^2 under the cubic kernel", nullable=False),
            column("kid_low", pa.float64(), "lower end of its 95 % confidence interval", nullable=False),
            column("kid_high", pa.float64(), "upper end of it", nullable=False),
            column("warning", pa.string(), "why the distance deserves mistrust"),
            column("seed", pa.int64(), "seed of the draws and of the KID's subsets", nullable=False),
            column("units", pa.string(), "of `frechet`", nullable=False),
            column("code_version", pa.string(), "version of this program", nullable=False),
            column("created_at", pa.timestamp("us", tz="UTC"), "when the row was made", nullable=False),
        ],
        metadata={"table": "frechet", "version": "1"},
    )


def texture_maps() -> pa.Schema:
    """Columns of the index of a texture folder: one row per photograph."""
    return pa.schema(
        [
            column("unit_id", pa.string(), "path of the photograph below its collection", nullable=False),
            column("split", pa.string(), "train or held_out", nullable=False),
            column("subject", pa.string(), "who it shows, where LFW's pairs.txt was given"),
            column("landmark_error", pa.float32(), "of the shape's fit, share of the inter-ocular distance"),
            column("yaw", pa.float32(), "degrees"),
            column("pitch", pa.float32(), "degrees"),
            column("seen", pa.float32(), "share of the face that the photograph shows"),
            column("sharpness", pa.float32(), "variance of the Laplacian within the face, grey values 0 to 255"),
            column("contrast", pa.float32(), "of the light divided out: standard deviation of its logarithm"),
            column("oddity", pa.float32(), "RMS departure from what the other maps make likely, colours in [0, 1]"),
            column("reason", pa.string(), "why there is no map; null where there is one"),
            column("file", pa.string(), "of maps/ that holds the map"),
            column("row", pa.int32(), "of the map in that file"),
        ],
        metadata={"table": "texture_maps", "version": "1"},
    )


def published() -> pa.Schema:
    """Columns of `published`: one row per number of the literature."""
    return pa.schema(
        [
            column("method", pa.string(), "as the source names it", nullable=False),
            column("dataset", pa.string(), "what it was measured on", nullable=False),
            column("protocol", pa.string(), "id of how it was measured; never compared across ids", nullable=False),
            column("metric", pa.string(), "what was measured", nullable=False),
            column("unit", pa.string(), "of the value and its standard deviation; 1 for a pure number"),
            column("value", pa.float64(), "the number as printed", nullable=False),
            column("std", pa.float64(), "standard deviation, where the source prints one"),
            column("relation", pa.string(), "=, or > where the source only says that it is more than the value"),
            column("source", pa.string(), "publication and table", nullable=False),
        ],
        metadata={"table": "published", "version": "2"},
    )
