"""The optimiser of the paper and noise on the weights."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from .config import TrainingConfig

__all__ = ["GravesRMSProp", "learning_rate", "make_optimizer", "noisy"]


class GravesRMSProp(torch.optim.Optimizer):
    """RMSProp with momentum and the variance of the gradient: Graves 2013, eqs. 38-41.

    The constant 1e-4 stands inside the root, unlike in torch's RMSprop.
    """

    def __init__(
        self, params: Iterable[Tensor], lr: float = 1e-4, decay: float = 0.95, momentum: float = 0.9
    ) -> None:
        super().__init__(params, {"lr": lr, "decay": decay, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        for group in self.param_groups:
            decay = group["decay"]
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state.update({k: torch.zeros_like(p) for k in ("square", "mean", "delta")})
                n, g, delta = state["square"], state["mean"], state["delta"]
                n.mul_(decay).addcmul_(p.grad, p.grad, value=1 - decay)
                g.mul_(decay).add_(p.grad, alpha=1 - decay)
                root = (n - g * g).clamp_min_(0).add_(1e-4).sqrt_()  # a variance, but for rounding
                delta.mul_(group["momentum"]).addcdiv_(p.grad, root, value=-group["lr"])
                p.add_(delta)


def make_optimizer(config: TrainingConfig, params: Iterable[Tensor]) -> torch.optim.Optimizer:
    if config.optimizer == "rmsprop":
        return GravesRMSProp(params, lr=config.learning_rate)
    return torch.optim.Adam(params, lr=config.learning_rate, betas=(0.9, config.beta2), fused=True)


def learning_rate(config: TrainingConfig, step: int, progress: float) -> float:
    """Linear warm-up over steps, times half a cosine over the run: 1 at progress 0, `final_rate` at 1."""
    warm = min(1.0, (step + 1) / config.warmup) if config.warmup else 1.0
    cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
    return config.learning_rate * warm * (config.final_rate + (1 - config.final_rate) * cosine)


@contextmanager
def noisy(parameters: Sequence[Tensor], deviation: float, seed: tuple[int, ...]) -> Iterator[None]:
    """Add Gaussian noise to the weights for as long as this is entered; afterwards they are as before.

    The noise depends on `seed` alone, so that all processes of a run draw the same.
    """
    if deviation == 0:
        yield
        return
    device = parameters[0].device
    generator = torch.Generator(device)
    generator.manual_seed(int(np.random.SeedSequence(seed).generate_state(1)[0]))
    kept = [p.detach().clone() for p in parameters]
    with torch.no_grad():
        for p in parameters:
            p.add_(torch.randn(p.shape, generator=generator, device=device, dtype=p.dtype), alpha=deviation)
    try:
        yield
    finally:
        with torch.no_grad():
            for p, k in zip(parameters, kept, strict=True):
                p.copy_(k)
