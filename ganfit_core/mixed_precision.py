"""Convolutions in bfloat16, where the processor is made for it."""

from __future__ import annotations

import functools

import torch


@functools.cache
def bfloat16_pays(device_type: str) -> bool:
    """Whether this machine multiplies in bfloat16 natively; where it does not, bfloat16 is slower than float32."""
    if device_type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return device_type == "cpu" and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def bfloat16(device: torch.device, wanted: bool = True) -> torch.autocast:
    """Autocast to bfloat16 if `wanted` and worth it, otherwise a context without effect."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=wanted and bfloat16_pays(device.type))
