"""A network in one file: safetensors with a description of what it is and what it was made of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from ganfit_core.export import replace_bytes


class WeightsError(ValueError):
    """The file does not hold what was asked for."""


def write_weights(path: Path, tensors: Mapping[str, Tensor], key: str, description: Mapping[str, Any]) -> None:
    """Write tensors and a JSON description; equal networks make equal files."""
    stored = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    # One key for everything: safetensors writes several in an order that changes from run to run, and with it the hash.
    replace_bytes(path, save(stored, metadata={key: json.dumps(description, sort_keys=True)}))


def read_weights(path: Path, key: str, format_name: str) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The description under `key`, whose "format" is `format_name`, and the tensors.

    Raises WeightsError for a file without them, FileNotFoundError for none.
    """
    try:
        with safe_open(str(path), framework="pt") as file:
            description = json.loads((file.metadata() or {}).get(key, "{}"))
            if not isinstance(description, dict) or description.get("format") != format_name:
                raise WeightsError(f"{path} is no file of {format_name}")
            return description, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, json.JSONDecodeError) as error:
        raise WeightsError(f"{path} is no file of {format_name}, or a damaged one") from error
