"""Several processes, torchrun's or our own, and helpers that do nothing where there is only one."""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import torch
from torch import Tensor, multiprocessing
from torch import distributed as dist

from ..files import InputError

__all__ = ["Group", "Place", "launch", "start"]


class Group:
    """This process among its like: `rank` of `size`, and the device it works on."""

    def __init__(self, rank: int, size: int, device: torch.device) -> None:
        self.rank, self.size, self.device = rank, size, device

    @property
    def first(self) -> bool:
        """Whether this process writes files and speaks."""
        return self.rank == 0

    def sum(self, tensor: Tensor) -> Tensor:
        """The sum over all processes, in place."""
        if self.size > 1:
            dist.all_reduce(tensor)
        return tensor

    def sum_gradients(self, parameters: list[Tensor], extra: Tensor) -> None:
        """Add up gradients, and the vector `extra`, over all processes in one message."""
        if self.size == 1:
            return
        flat = torch.cat([p.grad.flatten() for p in parameters] + [extra])
        dist.all_reduce(flat)
        for p, g in zip(parameters, flat.split([p.numel() for p in parameters] + [len(extra)]), strict=False):
            p.grad.copy_(g.view_as(p))
        extra.copy_(flat[-len(extra) :])

    def barrier(self) -> None:
        if self.size > 1:
            dist.barrier()

    def close(self) -> None:
        if self.size > 1:
            dist.destroy_process_group()


@dataclass(frozen=True)
class Place:
    """Where a process that `launch` began stands: `rank` of `size`, and how to find the others."""

    rank: int
    size: int
    threads: int
    port: int


def start(place: Place | None = None) -> Group:
    """Join the processes that torchrun, or `launch`, started, or be the only one."""
    if place is not None:
        torch.set_num_threads(place.threads)
        store = dist.TCPStore("127.0.0.1", place.port, is_master=False)
        dist.init_process_group("gloo", store=store, rank=place.rank, world_size=place.size)
        return Group(place.rank, place.size, torch.device("cpu"))
    cuda = torch.cuda.is_available()
    size = int(os.environ.get("WORLD_SIZE", "1"))
    rank = int(os.environ.get("RANK", "0"))
    device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0"))) if cuda else torch.device("cpu")
    if cuda:
        torch.cuda.set_device(device)
    if size > 1:
        dist.init_process_group("nccl" if cuda else "gloo")
    return Group(rank, size, device)


def launch(work: Callable[..., int], processes: int, threads: int, *args: object) -> int:
    """Run `work(place, *args)` in several processes on this machine's CPU; returns the exit status.

    A Ctrl-C reaches every process; if one of them fails, the others are stopped.
    """
    logging.getLogger("torch.multiprocessing.spawn").setLevel(logging.ERROR)  # on stopping the others
    store = dist.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    context = multiprocessing.start_processes(
        _work, (work, processes, threads, store.port, args), processes, join=False, start_method="spawn"
    )

    def forward(number: int, frame: object) -> None:
        for pid in context.pids():
            with suppress(OSError):
                os.kill(pid, number)

    old = {s: signal.signal(s, forward) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        while not context.join():
            pass
    except multiprocessing.ProcessRaisedException as e:
        print(e, file=sys.stderr)
        return 1
    except multiprocessing.ProcessExitedException as e:
        if e.exit_code > 0:
            return e.exit_code
        print(
            f"strokes: process {e.error_index} was killed (signal {-e.exit_code}); "
            "go on from the last checkpoint with --resume",
            file=sys.stderr,
        )
        return 1
    finally:
        for s, handler in old.items():
            signal.signal(s, handler)
    return 0


def _work(rank: int, work: Callable[..., int], size: int, threads: int, port: int, args: tuple) -> None:
    try:
        status = work(Place(rank, size, threads, port), *args)
    except InputError as e:
        if rank > 0:  # all processes find the same fault; this one speaks if the first does not
            time.sleep(5)
        print(f"strokes: {e}", file=sys.stderr)
        status = 2
    except KeyboardInterrupt:
        status = 130
    except RuntimeError as e:
        if "onnection" not in str(e):
            raise
        print(f"strokes: process {rank} has lost the others", file=sys.stderr)
        status = 1
    if status:
        sys.exit(status)
