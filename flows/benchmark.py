"""Every table and figure for a set of methods, from the photographs and scans at hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from prefect import flow

from data.lfw import FOLDS, HELD_OUT_FOLD
from flows.draw_figures import draw_lfw, draw_quality
from flows.evaluate_lfw import evaluate_lfw
from flows.evaluate_micc import evaluate_micc
from flows.evaluate_quality import evaluate_quality
from flows.evaluate_textures import evaluate_textures
from flows.scores import shipped_models
from flows.write_tables import write_tables
from ganfit_core.methods import DEFAULT
from tasks.evaluate_lfw import list_held_out, open_benchmark
from tasks.evaluate_micc import open_micc
from tasks.micc_recipes import MEAN_FACE
from tasks.steps import call

ON_ALL_FOLDS = "fast"
"""The method that all of LFW's pairs are reconstructed by; what fits takes hours for them."""


@flow(name="benchmark", validate_parameters=True)
def benchmark(
    root: Path,
    out: Path,
    methods: Sequence[str],
    photographs: int | None = None,
    corrupted: int = 200,
    micc: Path | None = None,
    maps: Path | None = None,
    seed: int = 0,
    processes: int = 1,
) -> list[Path]:
    """Fill all result tables below ``out``, and return the files of tables and figures that were made of them.

    Args:
        root: LFW, as of flows.evaluate_lfw.
        methods: of ganfit_core.methods.METHODS.
        photographs: of LFW's held-out fold at most; all unless given.
        corrupted: so many of those are corrupted, and are what terms of the energy are left out on.
        micc: dataset for Table 1, as of flows.evaluate_micc.
        maps: texture folder for Table 2, as of flows.evaluate_textures.

    What was made before is read: ended in any way, the same call goes on.
    """
    likeness, quality = out / "lfw", out / "quality"
    if micc is not None:
        call(open_micc, micc, None)  # what is wrong with it is told now, not after hours
    evaluate_lfw.fn(root, likeness, [MEAN_FACE, *methods], photographs=photographs, seed=seed, processes=processes)
    if ON_ALL_FOLDS in methods:
        evaluate_lfw.fn(root, likeness, [ON_ALL_FOLDS], folds=range(1, FOLDS + 1), seed=seed, processes=processes)
    held_out = call(open_benchmark, root, [HELD_OUT_FOLD], corrupted)
    listing = str(call(list_held_out, held_out, quality))
    evaluate_quality.fn([listing], quality, methods, face="central", seed=seed, processes=processes)
    if DEFAULT in methods:
        evaluate_quality.fn([listing], quality, leave_one_out=DEFAULT, face="central", seed=seed, processes=processes)
    if micc is not None:
        evaluate_micc.fn(micc, out / "micc", methods, seed=seed, processes=processes)
    if maps is not None:
        evaluate_textures.fn(maps, shipped_models(), out / "textures", seed=seed)
    return [*draw_lfw(likeness), *draw_quality(quality), *write_tables(out)]
