"""Several processes of one run, started by torchrun or by `launch`."""

from __future__ import annotations

import logging
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch import distributed as dist
from torch.multiprocessing.spawn import ProcessExitedException, ProcessRaisedException, start_processes

from ..files import InputError

__all__ = ["Group", "Place", "can_launch", "launch", "start", "wants_cuda"]


class Group:
    """This process among those of a run; alone, it waits for nobody and sums nothing.

    Attributes:
        rank: its number, from 0.
        size: how many there are.
        device: that it works on.
    """

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

    def sum_gradients(self, parameters: Sequence[Tensor], extra: Tensor) -> None:
        """Add up gradients, and the vector `extra`, over all processes in one message.

        DistributedDataParallel takes means where the loss of a batch calls for sums, and needs a second message for
        `extra`, which has the loss. What it gives, messages under way during the backward pass, is little here: the
        gradients of all weights are formed at its end.
        """
        if self.size == 1:
            return
        gradients = [p.grad for p in parameters if p.grad is not None]
        flat = torch.cat([*(g.flatten() for g in gradients), extra])
        dist.all_reduce(flat)
        *parts, total = torch.split(flat, [*(g.numel() for g in gradients), len(extra)])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view_as(gradient))
        extra.copy_(total)

    def any(self, flag: bool) -> bool:
        """Whether the flag is true in any process."""
        return flag if self.size == 1 else bool(self.sum(torch.tensor([float(flag)], device=self.device)) > 0)

    @property
    def on_device(self) -> int:
        """Processes that share this one's device and its memory."""
        if self.device.type == "cuda":
            return 1
        return int(os.environ.get("LOCAL_WORLD_SIZE", self.size))  # torchrun's, of this computer

    def barrier(self) -> None:
        if self.size > 1:
            dist.barrier()

    def close(self) -> None:
        if self.size > 1:
            dist.destroy_process_group()


@dataclass(frozen=True)
class Place:
    """A process that `launch` began.

    Attributes:
        rank: its number, from 0.
        size: how many there are.
        threads: of each.
        meeting: the file by which they find each other.
    """

    rank: int
    size: int
    threads: int
    meeting: str


def start(place: Place | None = None, device: str = "auto") -> Group:
    """Join the processes that torchrun or `launch` started, or be the only one.

    torchrun's processes meet by its own rendezvous, which init_process_group reads from the environment.

    Args:
        place: as `launch` gives it.
        device: "cpu", "cuda", or "auto" for a GPU if there is one.

    Raises:
        InputError: there is no such device.
    """
    if place is not None:
        torch.set_num_threads(place.threads)
        # The loopback interface, not the network that the computer happens to be in.
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo0" if sys.platform == "darwin" else "lo")
        store = dist.FileStore(place.meeting, place.size)  # type: ignore[attr-defined]  # documented, not exported
        dist.init_process_group("gloo", store=store, rank=place.rank, world_size=place.size)
        return Group(place.rank, place.size, torch.device("cpu"))
    cuda = wants_cuda(device)
    size, rank, local = (
        int(os.environ.get(k, d)) for k, d in (("WORLD_SIZE", "1"), ("RANK", "0"), ("LOCAL_RANK", "0"))
    )
    if cuda and local >= torch.cuda.device_count():
        raise InputError(
            f"process {local} has no GPU: there are {torch.cuda.device_count()}; give torchrun --nproc-per-node as many"
        )
    where = torch.device("cuda", local) if cuda else torch.device("cpu")
    if cuda:
        torch.cuda.set_device(where)
    if size > 1:
        dist.init_process_group("nccl" if cuda else "gloo")
    return Group(rank, size, where)


def wants_cuda(device: str) -> bool:
    """Whether "cpu", "cuda" or "auto" means a GPU here.

    Raises:
        InputError: there is none to mean.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("there is no CUDA device here; leave --device out to train on the CPU")
    return device != "cpu" and torch.cuda.is_available()


def can_launch() -> bool:
    """Whether `launch` works here. On Windows a Ctrl-C could not be passed on without harm."""
    return sys.platform != "win32" and dist.is_available() and dist.is_gloo_available()


def launch(work: Callable[..., int], processes: int, threads: int, *args: object) -> int:
    """Run `work(place, *args)` in several processes on this computer's CPU; returns the exit status.

    torchrun answers Ctrl-C after half a minute with a kill, and an error with a page. Here a signal reaches every
    process once, and if one of them fails, the others are stopped.
    """
    logging.getLogger("torch.multiprocessing.spawn").setLevel(logging.ERROR)  # on stopping the others
    with tempfile.TemporaryDirectory(prefix="strokes-") as folder:
        where = (work, processes, threads, str(Path(folder) / "meeting"), args)
        context = start_processes(_work, where, processes, join=False, start_method="spawn")

        def forward(number: int, frame: object) -> None:
            for pid in context.pids():
                with suppress(OSError):
                    os.kill(pid, number)

        old = {s: signal.signal(s, forward) for s in (signal.SIGINT, signal.SIGTERM)}
        try:
            while not context.join():
                pass
        except (ProcessRaisedException, ProcessExitedException) as e:
            return _outcome(e, [p.exitcode for p in context.processes])
        finally:
            for s, handler in old.items():
                signal.signal(s, handler)
    return 0


def _outcome(error: Exception, codes: list[int | None]) -> int:
    """The exit status; what no process could report itself is reported here."""
    if isinstance(error, ProcessRaisedException):
        print(error, file=sys.stderr)
        return 1
    # The others were sent SIGTERM when the first one failed.
    killed = [(n, -c) for n, c in enumerate(codes) if c is not None and c < 0 and -c != signal.SIGTERM]
    for n, number in killed:
        print(
            f"strokes: process {n} was killed (signal {number}); go on from the last checkpoint with --resume",
            file=sys.stderr,
        )
    return max([c for c in codes if c is not None and c > 0], default=1) if not killed else 1


def _work(
    rank: int, work: Callable[..., int], size: int, threads: int, meeting: str, args: tuple[object, ...]
) -> None:
    try:
        status = work(Place(rank, size, threads, meeting), *args)
    except (InputError, OSError) as e:
        if rank > 0:  # all processes find the same fault; this one speaks if the first does not
            time.sleep(5)
        what = e if isinstance(e, InputError) else f"{e.filename}: {e.strerror}" if e.filename else e
        print(f"strokes: {what}", file=sys.stderr)
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
