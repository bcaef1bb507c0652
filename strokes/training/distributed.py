"""torchrun's processes, and helpers that do nothing where there is only one."""

from __future__ import annotations

import os

import torch
from torch import Tensor
from torch import distributed as dist

__all__ = ["Group", "start"]


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


def start() -> Group:
    """Join the processes that torchrun started, or be the only one."""
    cuda = torch.cuda.is_available()
    size = int(os.environ.get("WORLD_SIZE", "1"))
    rank = int(os.environ.get("RANK", "0"))
    device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0"))) if cuda else torch.device("cpu")
    if cuda:
        torch.cuda.set_device(device)
    if size > 1:
        dist.init_process_group("nccl" if cuda else "gloo")
    return Group(rank, size, device)
