"""Hardware: cores, memory, bfloat16, denormal numbers."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import nn

from ..files import InputError

__all__ = [
    "check_memory",
    "compute_dtype",
    "cores",
    "flush_denormals",
    "free_memory",
    "keep_freed_memory",
    "share_cores",
]

# Lines a process at which matmuls still run at nearly full speed.
_FEWEST_LINES = 16
# Of each weight in training, in float32: itself, its gradient, its average and Adam's two moments.
_BYTES_A_WEIGHT = 20


def compute_dtype(precision: str, device: torch.device) -> torch.dtype:
    """bfloat16 where `precision` is "bf16"; where it is "auto", if the hardware multiplies it faster."""
    if precision != "auto":
        return torch.bfloat16 if precision == "bf16" else torch.float32
    if device.type != "cuda":
        fast = _cpu_has_bf16()
    elif torch.version.hip:
        fast = torch.cuda.is_bf16_supported()
    else:  # older ones only imitate it
        fast = torch.cuda.get_device_capability(device) >= (8, 0)
    return torch.bfloat16 if fast else torch.float32


def cores(system: Path = Path("/sys")) -> int:
    """Processor cores that this process may use; hardware threads of one core count once."""
    if not hasattr(os, "sched_getaffinity"):
        return os.cpu_count() or 1
    usable = os.sched_getaffinity(0)
    try:
        siblings = "devices/system/cpu/cpu{}/topology/thread_siblings_list"
        found = len({(system / siblings.format(n)).read_text() for n in usable})
    except OSError:
        found = len(usable)
    try:
        quota, period = (system / "fs/cgroup/cpu.max").read_text().split()
        if quota != "max":
            found = min(found, max(1, int(quota) // int(period)))
    except (OSError, ValueError):
        pass  # no cgroups, or older ones
    return found


def share_cores(batch: int, available: int, processes: int = 0, threads: int = 0) -> tuple[int, int]:
    """How many processes of how many threads train fastest on a CPU; 0 leaves a number open.

    Two processes of one thread are a fifth faster than one of two threads: no step of the loop waits
    for the other core. But a process needs lines enough to fill its matmuls.
    """
    if not processes:
        most = max(1, min(available // max(1, threads), batch // _FEWEST_LINES))
        # As few cores idle as can be, then as many processes.
        processes = max(range(1, most + 1), key=lambda p: (p * (threads or available // p), p))
    return processes, threads or max(1, available // processes)


def keep_freed_memory() -> None:
    """Have the C library keep large blocks that are freed, for the next step to take again.

    By default it hands each back to the system and takes it anew, page by page, at every step: a
    tenth of the time of training on a CPU.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:  # not the GNU library
        return
    m_trim_threshold, m_mmap_threshold = -1, -3
    # Older versions allow no more than 32 MiB. Setting the other alone would make matters worse.
    if mallopt(m_mmap_threshold, 1 << 30) or mallopt(m_mmap_threshold, 32 << 20):
        mallopt(m_trim_threshold, (1 << 31) - 1)


def free_memory(device: torch.device, system: Path = Path("/")) -> int | None:
    """Bytes that a training may take: of the GPU, or of the system within its control group; None if unknown."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    try:
        lines = (system / "proc/meminfo").read_text().splitlines()
        free = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError, IndexError):
        return None
    try:
        group = system / "sys/fs/cgroup"
        most, used = ((group / f"memory.{name}").read_text().strip() for name in ("max", "current"))
        return free if most == "max" else max(0, min(free, int(most) - int(used)))
    except (OSError, ValueError):
        return free  # no control groups


def check_memory(build: Callable[[], nn.Module], device: torch.device, processes: int = 1) -> None:
    """Refuse a network whose training cannot fit in memory, before anything is allocated.

    Args:
        build: makes the network; it is called where tensors have shapes and no content.
        device: that it is to be trained on.
        processes: that train it on this device.

    Raises:
        InputError: weights, gradients, averages and moments need more than is free.
    """
    with torch.device("meta"):
        weights = sum(p.numel() for p in build().parameters())
    needed, free = weights * _BYTES_A_WEIGHT * processes, free_memory(device)
    if free is not None and needed > free:
        raise InputError(
            f"a network of {weights:,} weights needs {needed / 2**30:,.1f} GiB to be trained"
            f"{f' in {processes} processes' if processes > 1 else ''}, and {free / 2**30:,.1f} GiB are free; "
            "choose smaller sizes"
        )


@contextmanager
def flush_denormals() -> Iterator[None]:
    """Numbers too small for full precision count as 0 while this is entered: processors are slow with them."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


def _cpu_has_bf16() -> bool:
    """Whether this processor has instructions for bfloat16 matmuls."""
    capability = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    amx = getattr(torch.cpu, "_is_amx_tile_supported", None)
    return bool((capability and capability()) or (amx and amx()))
