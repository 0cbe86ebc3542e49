"""`ganfit run` and `ganfit status`: whole collections, of which only what is missing is computed."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated

import typer

from flows.console import (
    ANEW,
    BAD_ARGUMENT,
    DEFAULT_METHOD,
    RESUME,
    MethodName,
    PresetName,
    guarded,
    out,
    recorded_if_served,
    stop,
)


class FilesName(enum.StrEnum):
    """tasks.run.Files."""

    all = "all"
    overlay = "overlay"
    none = "none"


class RunnerChoice(enum.StrEnum):
    """flows.runners.RunnerName."""

    threads = "threads"
    processes = "processes"
    ray = "ray"
    dask = "dask"


def run(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="COLLECTION...",
            help="Folders, files, globs, manifests (.csv, .parquet with a column `path`), or URLs of these.",
            show_default=False,
        ),
    ],
    out_folder: Annotated[Path, typer.Option("--out", help="Folder for the results.", show_default=False)],
    method: Annotated[MethodName, typer.Option(help="`ganfit methods` says what each does.")] = DEFAULT_METHOD,
    plan_only: Annotated[bool, typer.Option("--plan", help="Only say what would be computed.")] = False,
    files: Annotated[
        FilesName, typer.Option(help="Written of every face beside its row: all of meshes and picture, or the picture.")
    ] = FilesName.none,
    preset: Annotated[PresetName, typer.Option(help="As for `ganfit fit`.")] = PresetName.laptop,
    iterations: Annotated[int | None, typer.Option(help="As for `ganfit fit`.", min=1)] = None,
    all_faces: Annotated[bool, typer.Option("--all-faces", help="Every face, not only the largest.")] = False,
    seed: Annotated[int, typer.Option(help="As for `ganfit fit`.", min=0, max=2**63 - 1)] = 0,
    batch: Annotated[int, typer.Option(help="Faces that are fitted together.", min=1)] = 8,
    again: Annotated[bool, typer.Option("--again", help="Compute everything, whatever is there.")] = False,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Compute failed ones again.")] = False,
    prune: Annotated[bool, typer.Option("--prune", help="Remove the rows of photographs that are gone.")] = False,
    shard_size: Annotated[int, typer.Option(help="Photographs per part file.", min=1)] = 256,
    workers: Annotated[
        int | None, typer.Option(help="Shards at a time; one for a GPU, else one per core.", min=1, show_default=False)
    ] = None,
    runner: Annotated[RunnerChoice, typer.Option(help="Where shards are computed.")] = RunnerChoice.threads,
    address: Annotated[
        str | None, typer.Option(help="Of a Ray or Dask cluster; one on this machine by default.")
    ] = None,
    unit_seconds: Annotated[float, typer.Option(help="A photograph that takes longer is given up.", min=1)] = 120,
    memory_gib: Annotated[
        float | None, typer.Option(help="A photograph that makes a worker take more is given up.", min=1)
    ] = None,
) -> None:
    """Reconstruct what is missing of a collection: new and changed photographs, or all after a change of method.

    Every photograph and video becomes a row of the table `reconstructions`, also one that cannot be read, shows no
    face, hangs, or ends the process that works on it. Ended in any way, the same command goes on where it was. The exit
    code is 0 when all is done, 1 when something could not be, 2 for a bad argument and 130 when interrupted.
    """
    with guarded(out_folder, ANEW if again else RESUME, each=False) as terminal:
        from flows.reconstruct import reconstruct

        flow = reconstruct if runner is not RunnerChoice.threads else recorded_if_served(reconstruct)
        table = flow(
            inputs,
            out_folder,
            preset=preset.value,
            method=method.value,
            iterations=iterations,
            all_faces=all_faces,
            videos=True,
            seed=seed,
            batch=batch,
            again=again,
            retry_failed=retry_failed,
            prune=prune,
            files=files.value,
            shard_size=shard_size,
            workers=workers,
            runner=runner.value,
            address=address,
            unit_seconds=unit_seconds,
            memory_gib=memory_gib,
            plan_only=plan_only,
        )
    if not plan_only:
        terminal.summarise(table)


def status(
    folder: Annotated[
        Path, typer.Argument(metavar="OUT", help="Folder of results.", show_default=False, exists=True, file_okay=False)
    ],
) -> None:
    """Say what a folder of results holds, what is missing by its last plan, and who writes to it."""
    from data.migrations import NewerVersionError
    from data.parts import PartError
    from flows.run_report import status_report

    try:
        report = status_report(folder)
    except FileNotFoundError as error:
        stop(str(error), BAD_ARGUMENT)
    except (NewerVersionError, PartError) as error:
        stop(str(error), 1)
    out.print(report)
