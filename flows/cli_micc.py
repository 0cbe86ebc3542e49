"""`ganfit micc`: datasets of scanned and filmed people, and how near reconstructions come to them."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated

import typer

from flows.console import BAD_ARGUMENT, MethodName, out, stop, watched
from ganfit_core.methods import METHODS

app = typer.Typer(no_args_is_help=True, help="Errors against scans, in the layout of MICC Florence.")

Root = Annotated[Path, typer.Argument(help="Folder of subject_01, subject_02, ...", show_default=False)]
Landmarks = Annotated[
    Path | None,
    typer.Option(help="Folder of the same layout with the scans' .ljson, where they do not lie beside the scans."),
]


class Source(enum.StrEnum):
    """Whose heads are filmed and scanned: tasks.make_synthetic_micc.SOURCES."""

    ict = "ict"
    open = "open"


class Setting(enum.StrEnum):
    """data.faces_dataset.SETTINGS."""

    cooperative = "cooperative"
    indoor = "indoor"
    outdoor = "outdoor"


@app.command("check")
def check(root: Root, landmarks: Landmarks = None) -> None:
    """Say what a dataset holds, what is missing, and what is wrong with its scans.

    The exit code is 0 whatever is missing, and 2 where there is no dataset.
    """
    from data.faces_dataset import DatasetError
    from data.micc import parse_micc
    from tasks.check_micc import remarks_on_scans, report

    try:
        dataset = parse_micc(root, landmarks)
    except DatasetError as error:
        stop(str(error), BAD_ARGUMENT)
    out.print(report(dataset, remarks_on_scans(dataset)))


@app.command("make")
def make(
    out_folder: Annotated[Path, typer.Option("--out", help="Folder for the dataset.", show_default=False)],
    subjects: Annotated[int, typer.Option(help="How many people.", min=1)] = 20,
    source: Annotated[
        Source, typer.Option(help="ict: heads of ICT-FaceKit; open: of the shipped model, with bumps outside its span.")
    ] = Source.ict,
    frames: Annotated[int, typer.Option(help="Of each video.", min=1)] = 25,
    seed: Annotated[int, typer.Option(help="Same seed, same machine: same people.", min=0)] = 0,
    ict: Annotated[Path | None, typer.Option(help="ICT-FaceKit's folder or archive, if not among the assets.")] = None,
) -> None:
    """Invent people: two scans and three videos of each, and their true shapes aside.

    Called again, it continues where it stopped.
    """
    from data.assets import AssetError
    from flows.make_synthetic_micc import make_synthetic_micc

    try:
        with watched(out_folder):
            path = make_synthetic_micc.fn(out_folder, subjects, seed, source.value, frames, ict)
    except (OSError, ValueError) as error:
        stop(str(error), BAD_ARGUMENT)
    except AssetError as error:
        stop(str(error), 1)
    out.print(str(path))


@app.command("evaluate")
def evaluate(
    root: Root,
    out_folder: Annotated[Path, typer.Option("--out", help="Folder for the results.", show_default=False)],
    method: Annotated[
        list[MethodName] | None, typer.Option(help="Once for each; fast, ganfit and ganfit++ by default.")
    ] = None,
    protocol: Annotated[
        list[str] | None, typer.Option(help="Once for each, see docs/protocols.md; micc/ganfit-paper by default.")
    ] = None,
    setting: Annotated[list[Setting] | None, typer.Option(help="Once for each; all three by default.")] = None,
    frames: Annotated[int, typer.Option(help="Taken of each video.", min=1)] = 5,
    leave_one_out: Annotated[
        MethodName | None, typer.Option(help="Instead: this method without each term of the energy (nine rows).")
    ] = None,
    landmarks: Landmarks = None,
    processes: Annotated[int, typer.Option(help="People worked on side by side.", min=1)] = 1,
    seed: Annotated[int, typer.Option(help="Of the reconstructions.", min=0, max=2**63 - 1)] = 0,
    iterations: Annotated[int | None, typer.Option(help="As for `ganfit fit`.", min=1)] = None,
) -> None:
    """Reconstruct people from their videos and measure them against their scans: Table 1 of Fast-GANFIT.

    What was reconstructed before by the same models and code is not reconstructed again.
    """
    from data.assets import AssetError
    from data.faces_dataset import SETTINGS, DatasetError
    from evaluation.protocols import PROTOCOLS
    from flows import evaluate_micc
    from flows.tables import micc
    from flows.tables.rendering import show

    protocols = protocol or list(evaluate_micc.PROTOCOLS)
    if unknown := sorted(set(protocols) - set(PROTOCOLS)):
        stop(f"no such protocol: {', '.join(unknown)}; there are {', '.join(PROTOCOLS)}", BAD_ARGUMENT)
    if leave_one_out is not None and not METHODS[leave_one_out.value].refine:
        stop(f"{leave_one_out.value} minimises no energy of which something could be left out", BAD_ARGUMENT)
    try:
        with watched(out_folder):
            rows = evaluate_micc.evaluate_micc.fn(
                root,
                out_folder,
                [name.value for name in method] if method else evaluate_micc.METHODS,
                protocols,
                [name.value for name in setting] if setting else SETTINGS,
                frames,
                leave_one_out.value if leave_one_out else None,
                landmarks,
                seed,
                processes,
                iterations=iterations,
            )
    except DatasetError as error:
        stop(str(error), BAD_ARGUMENT)
    except (AssetError, OSError) as error:
        stop(str(error), 1)
    for sheet in micc.report(rows).sheets:
        show(sheet)
    out.print(f"table: {out_folder / 'micc'}\npictures: {out_folder / 'checks'}")
