"""Reading state dicts as the authors of a network published them."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn


def load_published(layers: nn.Module, path: Path, network: str, classifier: str | None = None) -> None:
    """Fill the layers with the tensors of a file that `torch.save` wrote, each under its published name.

    A state dict inside a checkpoint ("state_dict") is found, and the "module." before the names of one trained with
    DataParallel is cut. What the classifier, which a network no longer needs, has in the file is left out.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file does not hold the weights of this network.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"{path} does not hold the weights of {network}: no readable state dict: {reason}") from error
    state = _state_dict(content)
    fill(layers, {name: tensor for name, tensor in state.items() if name.split(".")[0] != classifier}, path, network)


def fill(layers: nn.Module, state: Mapping[str, Tensor], path: Path, network: str) -> None:
    """Fill the layers with a file's tensors; ValueError unless names and shapes are the layers' own."""
    wanted = {name: tensor.shape for name, tensor in layers.state_dict().items()}
    given = {name: tensor.shape for name, tensor in state.items()}
    # How many batches a normalisation saw in training; torch did not always write it.
    names = {name for name in wanted | given if not name.endswith("num_batches_tracked")}
    wrong = sorted(name for name in names if wanted.get(name) != given.get(name))
    if wrong:
        raise ValueError(
            f"{path} does not hold the weights of {network}: {len(wrong)} tensors are missing, unknown or of another "
            f"shape, among them {wrong[0]}"
        )
    layers.load_state_dict(state, strict=False)


def _state_dict(content: Any) -> dict[str, Tensor]:
    """Names without "module."; nothing where the file holds no state dict."""
    state = content.get("state_dict", content) if isinstance(content, dict) else {}
    tensors = state.items() if isinstance(state, dict) else ()
    return {str(name).removeprefix("module."): tensor for name, tensor in tensors if isinstance(tensor, Tensor)}
