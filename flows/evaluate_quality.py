"""How near renderings come to photographs, pixel by pixel and in likeness, when what they were fitted to was spoilt
(Mohaghegh et al., Table 1), and when terms of the energy are left out (Fast-GANFIT, Sec. 5.4.1)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prefect import flow

from data.collections import discover
from flows.fits import reconstruct_for_evaluation
from ganfit_core.methods import DEFAULT
from tasks.corrupt_photographs import corrupt_photographs
from tasks.evaluate_quality import (
    CORRUPTED,
    NONE,
    Condition,
    ablation,
    collect_faces,
    list_collection,
    measure_condition,
    write_quality_rows,
)
from tasks.judges import choose_networks
from tasks.micc_recipes import MEAN_FACE
from tasks.models import load_models
from tasks.run import FaceChoice, new_run_id
from tasks.steps import call

METHODS = ("fast", DEFAULT)


@flow(name="evaluate-quality", validate_parameters=True)
def evaluate_quality(
    inputs: Sequence[str],
    out: Path,
    methods: Sequence[str] = METHODS,
    corruptions: Sequence[str] = CORRUPTED,
    leave_one_out: str | None = None,
    photographs: int | None = None,
    face: FaceChoice = "largest",
    networks: Sequence[str] | None = None,
    preset: str = "laptop",
    iterations: int | None = None,
    seed: int = 0,
    processes: int = 1,
) -> list[dict[str, Any]]:
    """Fill the table `image_quality` below ``out``, and return its rows.

    Args:
        inputs: what data.collections.discover takes.
        methods: of ganfit_core.methods.METHODS; beside them stands the mean face.
        corruptions: of ganfit_core.corruption.CORRUPTIONS, or none.
        leave_one_out: a method whose ablation (the whole energy, and nine others) takes the place of all that.
        photographs: so many of the collection's, drawn at random; all unless given.
        face: which one of a photograph.
        networks: that compare, of tasks.networks; all that are there unless given.
        seed: of the reconstructions, the corruptions and the draw.
        processes: that work side by side.

    What was reconstructed and measured before by the same models and code is read.
    """
    if leave_one_out:
        methods, corruptions = (leave_one_out,), (NONE,)
    for method in methods:
        load_models(preset, method, iterations)  # none shall run in vain because another cannot
    judges = call(choose_networks, networks)
    clean_list = call(list_collection, inputs, photographs, seed, out)

    def fit(listing: Path, condition: Condition) -> None:
        reconstruct_for_evaluation(
            listing,
            out / condition.folder,
            condition.method,
            preset,
            iterations,
            seed,
            processes,
            face,
            condition.without,
        )

    run_id, collection = new_run_id(), discover(inputs, exclude=[out])
    rows: list[dict[str, Any]] = []
    fit(clean_list, Condition(methods[0]))
    clean = call(collect_faces, clean_list, Condition(methods[0]), methods[0], out)
    for corruption in corruptions:
        corrupted = None if corruption == NONE else call(corrupt_photographs, clean, corruption, seed, out)
        listing = corrupted.photographs if corrupted else clean_list
        conditions = (
            ablation(leave_one_out)
            if leave_one_out
            else [*(Condition(method, corruption) for method in methods), Condition(MEAN_FACE, corruption)]
        )
        for condition in conditions:
            if condition.method != MEAN_FACE:
                fit(listing, condition)
            fitted = call(collect_faces, listing, condition, methods[0], out)
            measured = call(measure_condition, condition, clean, fitted, corrupted, judges, preset, out, processes)
            written = call(write_quality_rows, measured, collection, judges, preset, seed, out, run_id)
            rows.extend(written)
    return rows
