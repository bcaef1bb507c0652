"""The optimiser of the paper and noise on the weights."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from ..runs.seeds import derived_seed
from .config import TrainingConfig

__all__ = ["GravesRMSProp", "make_optimizer", "noisy"]


class GravesRMSProp(torch.optim.Optimizer):
    """RMSProp with momentum and the variance of the gradient: Graves 2013, eqs. 38-41.

    The constant 1e-4 stands inside the root, unlike in torch's RMSprop.
    """

    def __init__(
        self, params: Iterable[Tensor], lr: float = 1e-4, decay: float = 0.95, momentum: float = 0.9
    ) -> None:
        super().__init__(params, {"lr": lr, "decay": decay, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # no step of a run has a closure
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


@contextmanager
def noisy(parameters: Sequence[Tensor], standard_deviation: float, seed: tuple[int, ...]) -> Iterator[None]:
    """Add Gaussian noise to the weights for as long as this is entered; afterwards they are as before.

    The noise depends on `seed` alone, so that all processes of a run draw the same.
    """
    if standard_deviation == 0:
        yield
        return
    device = parameters[0].device
    generator = torch.Generator(device)
    generator.manual_seed(derived_seed(*seed))
    kept = [p.detach().clone() for p in parameters]
    with torch.no_grad():
        for p in parameters:
            noise = torch.randn(p.shape, generator=generator, device=device, dtype=p.dtype)
            p.add_(noise, alpha=standard_deviation)
    try:
        yield
    finally:
        with torch.no_grad():
            for p, k in zip(parameters, kept, strict=True):
                p.copy_(k)
