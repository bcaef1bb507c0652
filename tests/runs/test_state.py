from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from strokes.files import InputError
from strokes.runs.averaging import averaged
from strokes.runs.state import restore_state, state_tensors


def made(seed: int, width: int = 3):
    torch.manual_seed(seed)
    network = nn.Sequential(nn.Conv2d(2, width, 3), nn.BatchNorm2d(width), nn.Flatten(), nn.Linear(width, 1))
    network = network.to(memory_format=torch.channels_last)
    halves = list(network[0].parameters()), [p for part in network[1:] for p in part.parameters()]
    optimizers = [torch.optim.Adam(half, 0.01, fused=True) for half in halves]
    return network, averaged(network, 0.9), optimizers


def walk(state, steps: int) -> None:
    network, mean, optimizers = state
    for n in range(steps):
        generator = torch.Generator().manual_seed(n)
        loss = network(torch.randn((4, 2, 3, 3), generator=generator)).square().sum()
        network.zero_grad()
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
        mean.update_parameters(network)


def test_what_was_restored_goes_on_bit_for_bit():
    one, other = made(1), made(2)
    walk(one, 3)
    kept = {k: {n: t.clone() for n, t in v.items()} for k, v in state_tensors(*one).items()}
    restore_state(Path("run"), kept, *other)
    walk(one, 4)
    walk(other, 4)
    for name, tensors in state_tensors(*one).items():
        again = state_tensors(*other)[name]
        assert tensors.keys() == again.keys() and all(torch.equal(t, again[k]) for k, t in tensors.items())
    moment = other[2][0].state[other[0][0].weight]["exp_avg"]
    assert moment.is_contiguous(memory_format=torch.channels_last)


def test_tensors_of_another_network_or_optimizer_are_refused():
    one = made(1)
    walk(one, 1)
    kept = state_tensors(*one)
    with pytest.raises(InputError, match="run: its checkpoint is of a network of other sizes"):
        restore_state(Path("run"), kept, *made(1, width=4))
    for odd in ({"0.9.exp_avg": torch.zeros(1)}, {"0.0.exp_avg": torch.zeros(7)}, {"0.x.y": torch.zeros(1)}):
        with pytest.raises(InputError, match="run: its checkpoint is of"):
            restore_state(Path("run"), kept | {"optimizer": odd}, *made(1))
