"""Network, averaged weights and optimisers as tensors by name, for checkpoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.swa_utils import AveragedModel

from ..files import InputError

__all__ = ["restore_state", "state_tensors"]


def state_tensors(
    network: nn.Module, mean: AveragedModel, optimizers: Sequence[Optimizer]
) -> dict[str, dict[str, Tensor]]:
    """All that a run needs to go on bit for bit: "network", "mean" and "optimizer", each by name."""
    states = {
        f"{i}.{j}.{key}": torch.as_tensor(value)
        for i, optimizer in enumerate(optimizers)
        for j, state in optimizer.state_dict()["state"].items()
        for key, value in state.items()
    }
    return {"network": network.state_dict(), "mean": mean.state_dict(), "optimizer": states}


def restore_state(
    run: Path,
    tensors: Mapping[str, Mapping[str, Tensor]],
    network: nn.Module,
    mean: AveragedModel,
    optimizers: Sequence[Optimizer],
) -> None:
    """The inverse of `state_tensors`; `run` is the folder for the message.

    Raises:
        InputError: the tensors are of another network or other optimisers.
    """
    try:
        network.load_state_dict(tensors["network"])
        mean.load_state_dict(tensors["mean"])
        for i, optimizer in enumerate(optimizers):
            _restore_optimizer(optimizer, tensors["optimizer"], f"{i}.")
    except (RuntimeError, KeyError, ValueError, IndexError):
        raise InputError(
            f"{run}: its checkpoint is of a network of other sizes or another alphabet; "
            "resume with the data and sizes that it was started with"
        ) from None


def _restore_optimizer(optimizer: Optimizer, tensors: Mapping[str, Tensor], prefix: str) -> None:
    state: dict[int, dict[str, Tensor]] = {}
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    for name, value in tensors.items():
        if name.startswith(prefix):
            i, key = name.removeprefix(prefix).split(".", 1)
            p = parameters[int(i)]
            if value.ndim and value.shape != p.shape:
                raise ValueError(f"{name} has another shape than its weights")
            # A moment is laid out in memory as its weights are.
            state.setdefault(int(i), {})[key] = torch.empty_like(p).copy_(value) if value.ndim else value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
