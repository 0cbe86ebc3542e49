"""How near renderings come to photographs, pixel by pixel and in likeness, when what they were fitted to was spoilt
(Mohaghegh et al., Table 1), and when terms of the energy are left out (Fast-GANFIT, Sec. 5.4.1)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prefect import flow

from data.collections import discover
from data.lock import locked
from flows.fits import reconstruct_for_evaluation
from ganfit_core.methods import DEFAULT
from tasks.corrupt_photographs import corrupt_photographs
from tasks.evaluate_quality import (
    CORRUPTED,
    Condition,
    check_corruptions,
    collect_clean,
    collect_faces,
    leave_one_out_conditions,
    list_collection,
    measure_condition,
    write_quality_rows,
)
from tasks.judges import check_methods, choose_networks
from tasks.likeness_names import NONE
from tasks.likeness_settings import Settings
from tasks.micc_recipes import MEAN_FACE
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
        seed: of the reconstructions and the corruptions.
        processes: that work side by side.

    What was reconstructed and measured before by the same models and code is read. Raises data.assets.AssetError for
    models and networks that are not there or must not judge, ValueError for an unknown corruption or a method without
    an energy to leave something out of, data.collections.CollectionError, data.lock.LockedError, and what `reconstruct`
    does.
    """
    if leave_one_out:
        methods, corruptions = (leave_one_out,), (NONE,)
    judges = call(choose_networks, networks)
    settings = Settings(preset, iterations, seed, face)
    call(check_methods, methods, judges, settings, leave_one_out is not None)
    call(check_corruptions, corruptions)
    with locked(out, "evaluate-quality"):
        collection = discover(inputs, exclude=[out])
        clean_list = call(list_collection, inputs, photographs, out)

        def fit(listing: Path, condition: Condition) -> None:
            to = out / condition.folder
            reconstruct_for_evaluation(listing, to, condition.method, settings, processes, condition.without)

        run_id = new_run_id()
        rows: list[dict[str, Any]] = []
        fit(clean_list, Condition(methods[0]))
        clean = call(collect_clean, clean_list, methods[0], settings, out)
        for corruption in corruptions:
            copies = None if corruption == NONE else call(corrupt_photographs, clean, corruption, seed, out)
            listing = copies.photographs if copies else clean_list
            there = copies is None or bool(copies.done)
            mean = Condition(MEAN_FACE, corruption)
            plain = [*(Condition(method, corruption) for method in methods), mean]
            for condition in leave_one_out_conditions(leave_one_out) if leave_one_out else plain:
                if there and condition.method != MEAN_FACE:
                    fit(listing, condition)
                fitted = call(collect_faces, listing, condition, methods[0], settings, out) if there else []
                measured = call(measure_condition, condition, clean, fitted, copies, judges, preset, out, processes)
                written = call(write_quality_rows, measured, collection, judges, settings, out, run_id)
                rows.extend(written)
    return rows
