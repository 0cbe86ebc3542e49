"""`ganfit regressor`: crops, and the training of a regressor on them."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated

import typer

from flows.console import BAD_ARGUMENT, TextureName, out, stop, watched

app = typer.Typer(no_args_is_help=True, help="FastGANFit's regressor: its training crops, and the training.")


class Recipe(enum.StrEnum):
    """The recipes of tasks.train_regressor."""

    laptop = "laptop"
    paper = "paper"


@app.command("build")
def build(
    photos: Annotated[list[Path], typer.Argument(help="Photographs or folders.", show_default=False)],
    out_folder: Annotated[Path, typer.Option("--out", help="Folder for the crops.", show_default=False)],
    pairs: Annotated[
        Path | None,
        typer.Option(
            help="LFW's pairs.txt: keeps its held-out people apart. Without it, every 20th person is held out, where "
            "each folder is of one person; photographs in no folder are of one person each."
        ),
    ] = None,
) -> None:
    """Find and align the largest face of every photograph. Called again, it continues where it stopped.

    Some people are held out, never learnt from: training measures itself on them.
    """
    from data.assets import AssetError
    from flows.build_crops import build_crops

    try:
        with watched(out_folder):
            listing = build_crops.fn(photos, out_folder, pairs)
    except (OSError, ValueError) as error:  # no photographs, no pairs.txt
        stop(str(error), BAD_ARGUMENT)
    except AssetError as error:
        stop(str(error), 1)
    out.print(str(listing))


@app.command("train")
def train(
    crops: Annotated[Path, typer.Argument(help="Folder that `regressor build` wrote.", exists=True, file_okay=False)],
    out_folder: Annotated[Path, typer.Option("--out", help="Folder for checkpoints and weights.", show_default=False)],
    texture: Annotated[TextureName, typer.Option(help="The texture model to regress for.")] = TextureName.gan,
    minutes: Annotated[float, typer.Option(help="Wall-clock time over all continued runs.", min=0.1)] = 60.0,
    recipe: Annotated[
        Recipe,
        typer.Option(
            help="The network and how it is trained, by the energy of the preset of that name. laptop: a small one, "
            "made for two cores; paper: ResNet-50, for a GPU."
        ),
    ] = Recipe.laptop,
    maps: Annotated[
        Path | None, typer.Option(help="Folder that `textures build` wrote: textures are learnt from its maps first.")
    ] = None,
    start: Annotated[Path | None, typer.Option(help="Weights to begin with.", exists=True, dir_okay=False)] = None,
) -> None:
    """Train a regressor on crops. Called again, it continues where it stopped."""
    from data.assets import AssetError
    from flows.train_regressor import train_regressor

    try:
        with watched(out_folder):
            path = train_regressor.fn(crops, out_folder, texture.value, minutes, recipe.value, maps, start)
    except (OSError, ValueError) as error:
        stop(str(error), BAD_ARGUMENT)
    except (AssetError, FloatingPointError) as error:
        stop(str(error), 1)
    out.print(str(path))
