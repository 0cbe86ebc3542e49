"""How much renderings look like their photographs, and like the person, to networks that no energy knows (Fast-GANFIT,
Sec. 5.3.2)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prefect import flow

from data.lfw import HELD_OUT_FOLD
from data.lock import locked
from flows.fits import reconstruct_for_evaluation
from ganfit_core.methods import DEFAULT
from tasks.evaluate_lfw import (
    FACE,
    collect_sides,
    compare_pairs,
    compare_renderings,
    embed,
    list_photographs,
    open_benchmark,
)
from tasks.judges import check_methods, choose_networks
from tasks.likeness_names import PHOTOGRAPHS
from tasks.likeness_settings import Settings
from tasks.micc_recipes import MEAN_FACE
from tasks.run import new_run_id
from tasks.steps import call
from tasks.write_lfw import write_lfw_rows

METHODS = (MEAN_FACE, "fast", "ganfit", DEFAULT)


@flow(name="evaluate-lfw", validate_parameters=True)
def evaluate_lfw(
    root: Path,
    out: Path,
    methods: Sequence[str] = METHODS,
    networks: Sequence[str] | None = None,
    folds: Sequence[int] = (HELD_OUT_FOLD,),
    photographs: int | None = None,
    preset: str = "laptop",
    iterations: int | None = None,
    seed: int = 0,
    processes: int = 1,
) -> list[dict[str, Any]]:
    """Fill the tables `lfw_photos`, `lfw_pairs` and `lfw_summary` below ``out``, and return the rows of the last.

    Args:
        root: folder with pairs.txt and the folder of photographs.
        methods: of ganfit_core.methods.METHODS, or the mean face; beside them stand the photographs themselves.
        networks: that compare, of tasks.networks; all that are there unless given.
        folds: of pairs.txt, 1 to 10. Only fold 10 shows nobody that models were trained on.
        photographs: at most so many, of as many people as can be, and the pairs among them; all unless given.
        processes: that work side by side.

    What was reconstructed and embedded before by the same models and code is read. Raises data.lfw.LfwError,
    data.assets.AssetError for models and networks that are not there or must not judge, data.lock.LockedError, and what
    `reconstruct` does.
    """
    # Where faces are, reconstructions tell: those of `fast` are the cheapest.
    fitted = [method for method in methods if method != MEAN_FACE] or ["fast"]
    judges = call(choose_networks, networks)
    settings = Settings(preset, iterations, seed, FACE)
    call(check_methods, fitted, judges, settings)
    benchmark = call(open_benchmark, root, folds, photographs)
    with locked(out / "photographs", "evaluate-lfw"):
        for method in fitted:
            listing = call(list_photographs, benchmark, out, method)
            reconstruct_for_evaluation(listing, out, method, settings, processes)
        sides = call(collect_sides, benchmark, methods, fitted, preset, out)
        real = call(embed, sides[0], "photograph", judges, preset, out, processes)
        run_id = new_run_id()
        summaries: list[dict[str, Any]] = []
        for side in sides:
            alone = side.method == PHOTOGRAPHS
            shown = {} if alone else call(embed, side, "rendering", judges, preset, out, processes)
            paired = real if alone else call(embed, side, "reference view", judges, preset, out, processes)
            photo_rows = compare_renderings(benchmark, side, real, shown)
            pair_rows = compare_pairs(benchmark, side, paired)
            written = call(write_lfw_rows, benchmark, side, photo_rows, pair_rows, settings, out, run_id)
            summaries.extend(written)
    return summaries
