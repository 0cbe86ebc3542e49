"""`ganfit compact` and `ganfit verify`: the part files of a folder of results."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.console import BAD_ARGUMENT, out, stop

Folder = Annotated[
    Path, typer.Argument(metavar="OUT", help="Folder of results.", show_default=False, exists=True, file_okay=False)
]


def compact(
    folder: Folder,
    rows_per_part: Annotated[int, typer.Option(help="Rows of a merged part file, about.", min=1)] = 100_000,
) -> None:
    """Merge the many small part files of the tables into few large ones.

    Rows are sorted by photograph and brought to the current version of the table; rows that newer ones replaced go.
    Nothing else may write to the folder meanwhile. Interrupted, it goes on where it was when called again.
    """
    from data.compaction import CompactionError
    from data.compaction import compact as merge
    from data.lock import LockedError, UnwritableError, locked
    from data.migrations import NewerVersionError
    from data.parts import PartError

    try:
        with locked(folder, "ganfit compact"):
            partitions = merge(folder, rows_per_part)
    except UnwritableError as error:
        stop(str(error), BAD_ARGUMENT)
    except (LockedError, CompactionError, NewerVersionError, PartError) as error:
        stop(str(error), 1)
    except OSError as error:
        stop(f"{folder} was not compacted: {error}", 1)
    except KeyboardInterrupt:
        stop(f"interrupted; nothing is lost, `ganfit compact {folder}` goes on", 130)
    for partition in partitions:
        dropped = f", {partition.dropped} replaced rows dropped" if partition.dropped else ""
        parts = f"{partition.parts_before} parts -> {partition.parts_after}"
        out.print(f"{partition.folder}: {parts}, {partition.rows} rows{dropped}")


def verify(
    folder: Folder,
    set_aside: Annotated[
        bool,
        typer.Option("--set-aside", help="Rename damaged and altered part files, so that their rows are made again."),
    ] = False,
) -> None:
    """Read all tables of a folder, and say what is damaged, missing or doubled, and what heals it.

    The exit code is 0 when nothing is, 1 when something is, also where it was set aside, and 2 for a folder without
    tables.
    """
    from data.lock import LockedError, UnwritableError, holder, locked
    from data.migrations import NewerVersionError
    from data.parts import PartError
    from data.parts import set_aside as rename
    from data.verification import HEALED_BY, to_set_aside
    from data.verification import verify as examine

    try:
        if set_aside:
            with locked(folder, "ganfit verify --set-aside"):
                findings = examine(folder)
                rename(folder, to_set_aside(findings))
        else:
            if writer := holder(folder):
                out.print(f"{writer} writes to {folder}: what is found may be passing")
            findings = examine(folder)
    except (FileNotFoundError, UnwritableError) as error:
        stop(str(error), BAD_ARGUMENT)
    except (LockedError, NewerVersionError, PartError) as error:
        stop(str(error), 1)
    except OSError as error:
        stop(f"{folder} was not verified: {error}", 1)
    for finding in findings:
        out.print(f"{finding.kind}: {finding.path}: {finding.detail}")
    for kind in dict.fromkeys(finding.kind for finding in findings):
        out.print(f"what to do ({kind}): {HEALED_BY[kind].replace('OUT', str(folder))}")
    if findings:
        raise typer.Exit(1)
    out.print(f"{folder} is sound")
