"""What this machine is good at."""

from __future__ import annotations

import ctypes
import sys

import torch

__all__ = ["compute_dtype", "keep_freed_memory"]


def compute_dtype(precision: str, device: torch.device) -> torch.dtype:
    """bfloat16 where `precision` is "bf16"; where it is "auto", if the hardware multiplies it faster."""
    if precision != "auto":
        return torch.bfloat16 if precision == "bf16" else torch.float32
    fast = torch.cuda.is_bf16_supported() if device.type == "cuda" else _cpu_has_bf16()
    return torch.bfloat16 if fast else torch.float32


def keep_freed_memory() -> None:
    """Have the C library keep large blocks that are freed, for the next step to take again.

    By default it hands each back to the system and takes it anew, page by page, at every step: a
    tenth of the time of training on a CPU.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:  # of the GNU library
        m_trim_threshold, m_mmap_threshold = -1, -3
        mallopt(m_mmap_threshold, 1 << 30)
        mallopt(m_trim_threshold, (1 << 31) - 1)


def _cpu_has_bf16() -> bool:
    """Whether this processor has instructions for bfloat16 products."""
    capability = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    amx = getattr(torch.cpu, "_is_amx_tile_supported", None)
    return bool((capability and capability()) or (amx and amx()))
