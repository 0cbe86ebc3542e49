"""`ganfit doctor`: what this installation can do."""

from __future__ import annotations

import contextlib
import importlib.metadata
import platform
from collections.abc import Iterator

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from data.assets import ASSETS, Asset, AssetError, AssetIntegrityError, locate
from ganfit_core.methods import DEFAULT, METHODS
from tasks.code import code_version
from tasks.models import missing_assets

SCANS = "no distances from scans: no ICP, no NICP, no MICC"
OPTIONAL_PACKAGES = {
    "warp-lang": ("gpu", "nothing today: not used yet"),
    "insightface": ("insightface", "nothing today: not used yet"),
    "face-alignment": ("face-alignment", "nothing today: not used yet"),
    "pytorch3d": ("pytorch3d", "nothing today: not used yet"),
    "open3d": ("evaluation", SCANS),
}


def examine(console: Console) -> bool:
    """Print the state of this installation; whether photographs can be fitted."""
    import torch

    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
    console.print(
        f"ganfit {code_version()}, Python {platform.python_version()}, torch {torch.__version__}, "
        f"device {device} ({torch.get_num_threads()} threads)"
    )
    console.print(_roles_table())
    problems = dict(_problems())
    for asset_id, problem in problems.items():
        console.print(escape(problem), style="red" if ASSETS[asset_id].required else "yellow", soft_wrap=True)
    console.print(methods_table())
    console.print(_packages_table())
    if fault := _open3d_fault():
        console.print(escape(fault), style="yellow", soft_wrap=True)
    ready = not any(ASSETS[asset_id].required for asset_id in problems)
    console.print("[green]photographs can be fitted[/]" if ready else "[red]photographs cannot be fitted[/]")
    return ready


def assets_table() -> Table:
    """Every known asset with its version, licence and place."""
    table = _table("assets", "asset", "version", "licence", "source", "found in")
    for asset in ASSETS.values():
        table.add_row(asset.id, asset.version, asset.licence, asset.source, _place(asset))
    return table


def methods_table() -> Table:
    """Every method with what it does, and whether it can run here."""
    table = _table("methods", "method", "texture", "what it does", "here")
    for method in METHODS.values():
        missing = missing_assets(method)
        here = f"[yellow]lacks {', '.join(missing)}[/]" if missing else "[green]ready[/]"
        default = " (default)" if method.name == DEFAULT else ""
        table.add_row(method.name, method.texture, method.description + default, here)
    return table


def _roles_table() -> Table:
    table = _table("assets", "asset", "role", "commercial use", "found in")
    for asset in ASSETS.values():
        table.add_row(asset.id, asset.role, asset.commercial_use, _place(asset))
    return table


def _table(title: str, first: str, *headings: str) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column(first, no_wrap=True)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def _place(asset: Asset) -> str:
    try:
        return f"[green]{locate(asset.id).place}[/]"
    except AssetIntegrityError:
        return "[red]wrong file[/]"
    except AssetError:
        return "[red]missing[/]" if asset.required else "[yellow]missing[/]"


def _problems() -> Iterator[tuple[str, str]]:
    for asset_id in ASSETS:
        try:
            locate(asset_id)
        except AssetError as error:
            yield asset_id, str(error)


def _packages_table() -> Table:
    table = _table("optional packages", "package", "installed", "without it", "how to get it")
    for package, (extra, cost) in OPTIONAL_PACKAGES.items():
        version = _version(package)
        how = "" if version else escape(f"pip install -e '.[{extra}]'")
        table.add_row(package, version or "[yellow]no[/]", cost, how)
    return table


def _version(package: str) -> str | None:
    for name in (package, f"{package}-cpu"):  # open3d has two names
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            return importlib.metadata.version(name)
    return None


def _open3d_fault() -> str | None:
    """Why an installed Open3D cannot be used: it loads a library of the system."""
    try:
        import open3d  # noqa: F401
    except ModuleNotFoundError:
        return None
    except (ImportError, OSError) as error:
        return f"open3d does not load: {error} (Debian has it in libusb-1.0-0); until then {SCANS}"
    return None
