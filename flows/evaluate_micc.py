"""Reconstructions from videos are measured against scans of the same people (Fast-GANFIT, Table 1)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prefect import flow

from data.faces_dataset import SETTINGS
from ganfit_core.methods import DEFAULT
from tasks.evaluate_micc import calibrate_scales, measure_errors, open_micc, predict_shapes, write_micc_rows
from tasks.micc_recipes import ablation, table_one
from tasks.predict_subject import Plan
from tasks.run import new_run_id
from tasks.steps import call

METHODS = ("fast", "ganfit", DEFAULT)
PROTOCOLS = ("micc/ganfit-paper",)
FRAMES = 5
""""we sample only 5 frames from each video" (Sec. 5.3.1)"""


@flow(name="evaluate-micc", validate_parameters=True)
def evaluate_micc(
    root: Path,
    out: Path,
    methods: Sequence[str] = METHODS,
    protocols: Sequence[str] = PROTOCOLS,
    settings: Sequence[str] = SETTINGS,
    frames: int = FRAMES,
    leave_one_out: str | None = None,
    landmarks: Path | None = None,
    seed: int = 0,
    processes: int = 1,
    preset: str = "laptop",
    iterations: int | None = None,
) -> list[dict[str, Any]]:
    """Fill the table `micc` below ``out``, with pictures of everybody's errors, and return its rows.

    Args:
        root: dataset in the layout of MICC Florence.
        methods: rows of Table 1, each on one frame and on all.
        protocols: ids of evaluation.protocols.PROTOCOLS.
        settings: cooperative, indoor, outdoor.
        frames: taken of each video.
        leave_one_out: a method whose ablation (nine rows, Sec. 5.4) takes the place of Table 1.
        landmarks: folder of the scans' landmarks, where they do not lie beside them.
        processes: people that are worked on side by side.

    What was reconstructed before from the same videos, by the same models and code, is not reconstructed again.
    """
    dataset = call(open_micc, root, landmarks)
    protocols, settings = list(dict.fromkeys(protocols)), tuple(dict.fromkeys(settings))  # each once
    recipes = ablation(leave_one_out) if leave_one_out else table_one(methods)
    plan = Plan(recipes, settings, frames, preset, iterations, seed)
    predictions = call(predict_shapes, dataset, plan, out, processes)
    scales = call(calibrate_scales, dataset, predictions, protocols)
    rows = call(measure_errors, dataset, predictions, protocols, scales, out, processes)
    return call(write_micc_rows, rows, dataset, plan, out, new_run_id())
