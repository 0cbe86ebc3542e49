"""Columns of the tables of likeness: cosines on LFW, and image quality."""

from __future__ import annotations

import pyarrow as pa

from data.schemas.columns import column


def lfw_photos() -> pa.Schema:
    """Columns of `lfw_photos`: one row per photograph, network and method."""
    return pa.schema(
        [
            *_lfw_columns(),
            column("unit_id", pa.string(), "NAME/NAME_0001.jpg", nullable=False),
            column("subject", pa.string(), "who is shown", nullable=False),
            column("fold", pa.int32(), "of pairs.txt, 1 to 10, that the person belongs to", nullable=False),
            column("status", pa.string(), "ok, no_face, unreadable or failed", nullable=False),
            column("reason", pa.string(), "why the status is not ok"),
            column("cosine", pa.float64(), "of the photograph and the rendering of its reconstruction"),
            column("result_key", pa.string(), "of the row of `reconstructions` that was rendered"),
        ],
        metadata={"table": "lfw_photos", "version": "1"},
    )


def lfw_pairs() -> pa.Schema:
    """Columns of `lfw_pairs`: one row per pair, network and method."""
    return pa.schema(
        [
            *_lfw_columns(),
            column("fold", pa.int32(), "of pairs.txt, 1 to 10", nullable=False),
            column("same", pa.bool_(), "both show one person", nullable=False),
            column("first", pa.string(), "NAME/NAME_0001.jpg", nullable=False),
            column("second", pa.string(), "the other one", nullable=False),
            column("status", pa.string(), "ok, or that of the photograph that is not", nullable=False),
            column("reason", pa.string(), "why the status is not ok"),
            column("cosine", pa.float64(), "of the two photographs, or of their reconstructions' renderings"),
        ],
        metadata={"table": "lfw_pairs", "version": "1"},
    )


def lfw_summary() -> pa.Schema:
    """Columns of `lfw_summary`: one row per network, method, protocol and choice of folds."""
    return pa.schema(
        [
            *_lfw_columns(),
            column("n", pa.int32(), "photographs or pairs in the figures", nullable=False),
            column("failed", pa.int32(), "others, whose status is not ok", nullable=False),
            column("people", pa.int32(), "who are shown", nullable=False),
            column("mean", pa.float64(), "cosine, of photographs"),
            column("std", pa.float64(), "of the same, population's"),
            column("mean_over_people", pa.float64(), "mean over people of the mean over each one's photographs"),
            column("above_half", pa.float64(), "share of photographs with a cosine above 0.5"),
            column("same", pa.int32(), "pairs of one person"),
            column("same_mean", pa.float64(), "their cosine"),
            column("different_mean", pa.float64(), "cosine of pairs of two people"),
            column("auc", pa.float64(), "area under the ROC curve"),
            column("eer", pa.float64(), "equal error rate"),
            column(
                "accuracy", pa.float64(), "mean over the folds, each at the others' best threshold; null for one fold"
            ),
            column("accuracy_se", pa.float64(), "standard error of that mean"),
            column("tar", pa.float64(), "share of same pairs that are accepted at `far`"),
            column("far", pa.float64(), "share of different pairs that are accepted there at most"),
        ],
        metadata={"table": "lfw_summary", "version": "1"},
    )


def _lfw_columns() -> list[pa.Field]:
    """What decides a number on LFW."""
    return [
        column("run_id", pa.string(), "the run that wrote the row", nullable=False),
        column("dataset", pa.string(), "name of the folder of photographs", nullable=False),
        column("network", pa.string(), "face recognition network that compares (folder)", nullable=False),
        column("network_sha256", pa.string(), "of its weights", nullable=False),
        column(
            "method", pa.string(), "as `ganfit methods` names it, mean face, or photographs (folder)", nullable=False
        ),
        column("folds", pa.list_(pa.int32()), "of pairs.txt, that the run was asked for", nullable=False),
        column("photographs", pa.int32(), "of these folds, that the run was asked for", nullable=False),
        column("protocol", pa.string(), "what was compared: docs/protocols.md", nullable=False),
        column("protocol_version", pa.string(), "version of that protocol", nullable=False),
        column("preset", pa.string(), "of the reconstructions", nullable=False),
        column("iterations", pa.int32(), "most steps of stage 2 that were asked for; null for the preset's"),
        column("face", pa.string(), "which one of a photograph: largest or central", nullable=False),
        column(
            "assets", pa.map_(pa.string(), pa.string()), "asset id -> sha256, of the reconstructions", nullable=False
        ),
        column("config_sha256", pa.string(), "of all settings, as in `reconstructions`", nullable=False),
        column("seed", pa.int64(), "of the reconstructions", nullable=False),
        column("units", pa.string(), "of the numbers", nullable=False),
        column("code_version", pa.string(), "version of this program that compared", nullable=False),
        column("created_at", pa.timestamp("us", tz="UTC"), "when the row was made", nullable=False),
    ]


def image_quality() -> pa.Schema:
    """Columns of `image_quality`: one row per photograph, corruption and recipe."""
    by_network = pa.map_(pa.string(), pa.float64())
    return pa.schema(
        [
            column("run_id", pa.string(), "the run that wrote the row", nullable=False),
            column("dataset", pa.string(), "name of the collection", nullable=False),
            column("photographs", pa.int32(), "of the collection, that the run was asked for", nullable=False),
            column("unit_id", pa.string(), "the photograph, as in `reconstructions`", nullable=False),
            column("subject", pa.string(), "who is shown, where the collection says it"),
            column("method", pa.string(), "as `ganfit methods` names it, or mean face (folder)", nullable=False),
            column("without", pa.list_(pa.string()), "terms of the energy left out", nullable=False),
            column("corruption", pa.string(), "what was done to the photograph before; none (folder)", nullable=False),
            column("corruption_parameters", by_network, "what was drawn for it", nullable=False),
            column("corruption_seed", pa.int64(), "what it was drawn with; null for none"),
            column("covered", pa.float64(), "share of the face mask that the corruption hides; null for none"),
            column("protocol", pa.string(), "how it was measured: docs/protocols.md", nullable=False),
            column("protocol_version", pa.string(), "version of that protocol", nullable=False),
            column("status", pa.string(), "ok, no_face, unreadable or failed", nullable=False),
            column(
                "stage",
                pa.string(),
                "last stage entered, as in `reconstructions`, or corrupt or measure",
                nullable=False,
            ),
            column("reason", pa.string(), "why the status is not ok"),
            column("psnr_db", pa.float64(), "rendering against the clean photograph within the face mask"),
            column("ssim", pa.float64(), "the same two"),
            column("mae", pa.float64(), "mean absolute difference of the same two, colours in [0, 1]"),
            column("mask_pixels", pa.int32(), "pixels in the face mask"),
            column(
                "landmark_error_pct",
                pa.float64(),
                "mean distance of the model's 68 points from those of the clean photograph, % of that between the eyes",
            ),
            column(
                "cosines", by_network, "network -> cosine of the clean photograph and the rendering", nullable=False
            ),
            column("networks", pa.map_(pa.string(), pa.string()), "network -> sha256 of its weights", nullable=False),
            column("result_key", pa.string(), "of the row of `reconstructions` that was rendered"),
            column("assets", pa.map_(pa.string(), pa.string()), "asset id -> sha256", nullable=False),
            column("preset", pa.string(), "of the reconstructions", nullable=False),
            column("iterations", pa.int32(), "most steps of stage 2 that were asked for; null for the preset's"),
            column("face", pa.string(), "which one of a photograph: largest or central", nullable=False),
            column("config_sha256", pa.string(), "of all settings, as in `reconstructions`", nullable=False),
            column("seed", pa.int64(), "of the reconstructions and the corruptions", nullable=False),
            column("units", pa.string(), "of the numbers", nullable=False),
            column("code_version", pa.string(), "version of this program that measured", nullable=False),
            column("created_at", pa.timestamp("us", tz="UTC"), "when the row was made", nullable=False),
        ],
        metadata={"table": "image_quality", "version": "1"},
    )
