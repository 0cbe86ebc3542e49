"""`ganfit evaluate` and `ganfit benchmark`: likeness and image quality, told by networks that no energy knows."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated

import typer

from flows.console import (
    BAD_ARGUMENT,
    RESUME,
    MethodName,
    PresetName,
    err,
    guarded,
    out,
    recorded_if_served,
    stop,
)
from ganfit_core.methods import METHODS

app = typer.Typer(no_args_is_help=True, help="How much renderings look like their photographs.")


class CorruptionName(enum.StrEnum):
    """ganfit_core.corruption.CORRUPTIONS, and none."""

    none = "none"
    glasses = "glasses"
    mask = "mask"
    hand = "hand"
    hair = "hair"
    blocks = "blocks"
    noise = "noise"
    blur = "blur"
    low_light = "low light"


class FaceName(enum.StrEnum):
    """tasks.run.FaceChoice."""

    largest = "largest"
    central = "central"


Out = Annotated[Path, typer.Option("--out", help="Folder for the results.", show_default=False)]
Networks = Annotated[
    list[str] | None,
    typer.Option("--network", help="Once for each, see docs/networks.md; all that are here by default."),
]
Preset = Annotated[PresetName, typer.Option(help="As for `ganfit fit`.")]
Iterations = Annotated[int | None, typer.Option(help="As for `ganfit fit`.", min=1)]
Seed = Annotated[int, typer.Option(help="As for `ganfit fit`.", min=0, max=2**63 - 1)]
Processes = Annotated[int, typer.Option(help="That work side by side.", min=1)]
Root = Annotated[
    Path, typer.Argument(metavar="LFW", help="Folder of pairs.txt and of the photographs' folder.", show_default=False)
]


@app.command("lfw")
def lfw(
    root: Root,
    out_folder: Out,
    method: Annotated[
        list[MethodName] | None, typer.Option(help="Once for each; fast, ganfit and ganfit++ by default.")
    ] = None,
    network: Networks = None,
    all_folds: Annotated[
        bool, typer.Option("--all-folds", help="All 6,000 pairs, people that models were trained on among them.")
    ] = False,
    photographs: Annotated[int | None, typer.Option(help="At most so many, of many people.", min=2)] = None,
    preset: Preset = PresetName.laptop,
    iterations: Iterations = None,
    seed: Seed = 0,
    processes: Processes = 1,
) -> None:
    """Cosines of photographs and renderings, and of pairs of renderings, on LFW (Fig. 9 and 10 of Fast-GANFIT).

    People of the tenth fold, to whom nothing shipped was trained, unless --all-folds. What is there already is not
    computed again.
    """
    from data.lfw import FOLDS, HELD_OUT_FOLD, LfwError
    from flows import evaluate_lfw
    from flows.draw_figures import draw_lfw
    from tasks.micc_recipes import MEAN_FACE

    _check(network)
    methods = [name.value for name in method] if method else [name for name in evaluate_lfw.METHODS if name in METHODS]
    with guarded(out_folder, RESUME, each=False):
        try:
            recorded_if_served(evaluate_lfw.evaluate_lfw)(
                root,
                out_folder,
                methods if all_folds else [MEAN_FACE, *methods],
                network or None,
                list(range(1, FOLDS + 1)) if all_folds else [HELD_OUT_FOLD],
                photographs,
                preset.value,
                iterations,
                seed,
                processes,
            )
        except LfwError as error:
            stop(str(error), BAD_ARGUMENT)
        draw_lfw(out_folder)
    _tell("lfw", out_folder)


@app.command("quality")
def quality(
    inputs: Annotated[
        list[str], typer.Argument(metavar="COLLECTION...", help="As for `ganfit run`.", show_default=False)
    ],
    out_folder: Out,
    method: Annotated[
        list[MethodName] | None, typer.Option(help="Once for each; fast and ganfit++ by default.")
    ] = None,
    corruption: Annotated[
        list[CorruptionName] | None, typer.Option(help="Once for each; all of them, and none, by default.")
    ] = None,
    leave_one_out: Annotated[
        MethodName | None, typer.Option(help="Instead: this method without each term of the energy (nine rows).")
    ] = None,
    photographs: Annotated[int | None, typer.Option(help="So many, drawn at random; all by default.", min=1)] = None,
    face: Annotated[FaceName, typer.Option(help="Which one of a photograph.")] = FaceName.largest,
    network: Networks = None,
    preset: Preset = PresetName.laptop,
    iterations: Iterations = None,
    seed: Seed = 0,
    processes: Processes = 1,
) -> None:
    """PSNR, SSIM, mean absolute error and likeness of renderings fitted to photographs, clean and corrupted.

    What is there already is not computed again.
    """
    from flows import evaluate_quality
    from flows.draw_figures import draw_quality

    _check(network)
    if leave_one_out is not None and (method or corruption):
        stop("--leave-one-out takes the place of --method and --corruption", BAD_ARGUMENT)
    if leave_one_out is not None and not METHODS[leave_one_out.value].refine:
        stop(f"{leave_one_out.value} minimises no energy of which something could be left out", BAD_ARGUMENT)
    with guarded(out_folder, RESUME, each=False):
        recorded_if_served(evaluate_quality.evaluate_quality)(
            inputs,
            out_folder,
            [name.value for name in method] if method else evaluate_quality.METHODS,
            [name.value for name in corruption] if corruption else evaluate_quality.CORRUPTED,
            leave_one_out.value if leave_one_out else None,
            photographs,
            face.value,
            network or None,
            preset.value,
            iterations,
            seed,
            processes,
        )
        draw_quality(out_folder)
    _tell("ablation" if leave_one_out else "quality", out_folder)


def benchmark(
    root: Root,
    out_folder: Out,
    method: Annotated[list[MethodName] | None, typer.Option(help="Once for each; all that can run by default.")] = None,
    photographs: Annotated[int | None, typer.Option(help="Of LFW's tenth fold; all by default.", min=2)] = None,
    corrupted: Annotated[int, typer.Option(help="Photographs that are corrupted, and of the ablation.", min=1)] = 200,
    micc: Annotated[
        Path | None, typer.Option(help="Folder in the layout of MICC Florence, for Table 1.", exists=True)
    ] = None,
    maps: Annotated[
        Path | None, typer.Option(help="Folder of `ganfit textures build`, for Table 2.", exists=True)
    ] = None,
    seed: Seed = 0,
    processes: Processes = 1,
) -> None:
    """All tables and figures for a set of methods.

    Hours; ended in any way, the same command goes on where it was.
    """
    from data.lfw import LfwError
    from flows.benchmark import benchmark as flow
    from flows.write_tables import missing_rows
    from tasks.models import missing_assets

    able = [name for name, recipe in METHODS.items() if not missing_assets(recipe)]
    with guarded(out_folder, RESUME, each=False):
        try:
            written = recorded_if_served(flow)(
                root,
                out_folder,
                [name.value for name in method] if method else able,
                photographs,
                corrupted,
                micc,
                maps,
                seed,
                processes,
            )
        except LfwError as error:
            stop(str(error), BAD_ARGUMENT)
    for path in written:
        out.print(str(path))
    for missing in missing_rows(out_folder):
        err.print(f"missing: {missing}")


def _check(networks: list[str] | None) -> None:
    from ganfit_core.identity.networks import NETWORKS

    if unknown := sorted(set(networks or []) - set(NETWORKS)):
        stop(f"no such network: {', '.join(unknown)}; there are {', '.join(NETWORKS)}", BAD_ARGUMENT)


def _tell(table: str, folder: Path) -> None:
    """The table of ours, without what is missing of it: not all was asked for."""
    from flows.tables import rendering
    from flows.tables.building import build
    from flows.tables.names import TableName

    ours, *_ = build(TableName(table), folder).sheets
    rendering.show(ours)
    out.print(f"`ganfit table {table} {folder}` shows it again, beside the literature's numbers")
