"""The output density: a mixture of bivariate Gaussians and a Bernoulli end of stroke.

Graves 2013, eqs. 15-26, and 61-62 for the bias.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["Mixture", "output_size"]

# tanh reaches 1 in float32, where the density of eq. 24 has a pole.
_MAX_CORRELATION = 1 - 2e-4


def output_size(components: int) -> int:
    """Numbers a point that the network must give: end of stroke and six a component."""
    return 1 + 6 * components


@dataclass(frozen=True)
class Mixture:
    """p(next offset). Tensors share leading dimensions (...), M components.

    Attributes:
        log_weights: (..., M), log pi.
        means: (..., M, 2).
        log_scales: (..., M, 2), log sigma.
        correlation: (..., M), rho.
        end_logit: (...), log-odds of the end of a stroke. The paper's e = 1 / (1 + exp(e_hat)) has
            the opposite sign of e_hat.
    """

    log_weights: Tensor
    means: Tensor
    log_scales: Tensor
    correlation: Tensor
    end_logit: Tensor

    @classmethod
    def from_outputs(cls, y: Tensor, *, bias: float = 0.0, scale_floor: float = 0.0) -> Mixture:
        """Eqs. 18-22 from raw outputs (..., 1 + 6M); with a bias, eqs. 61 and 62.

        `scale_floor` is the least sigma before the bias acts: data are recorded on a grid, and a
        density narrower than the grid earns likelihood for nothing.
        """
        m = (y.shape[-1] - 1) // 6
        end, weights, means, scales, correlation = y.split([1, m, 2 * m, 2 * m, m], dim=-1)
        log_scales = scales.unflatten(-1, (2, m)).transpose(-1, -2)
        if scale_floor > 0:
            log_scales = log_scales.clamp_min(math.log(scale_floor))
        return cls(
            log_weights=F.log_softmax(weights * (1 + bias), dim=-1),
            means=means.unflatten(-1, (2, m)).transpose(-1, -2),
            log_scales=log_scales - bias,
            correlation=correlation.tanh() * _MAX_CORRELATION,
            end_logit=end.squeeze(-1),
        )

    def log_prob(self, offsets: Tensor) -> Tensor:
        """Log density in nats, (...), of offsets (..., 3), end of stroke included: eqs. 23-26."""
        z = (offsets[..., None, :2] - self.means) * (-self.log_scales).exp()
        zx, zy = z.unbind(-1)
        one_minus_rho2 = 1 - self.correlation**2
        quadratic = (zx**2 + zy**2 - 2 * self.correlation * zx * zy) / one_minus_rho2
        log_normaliser = math.log(2 * math.pi) + self.log_scales.sum(-1) + 0.5 * one_minus_rho2.log()
        log_density = torch.logsumexp(self.log_weights - 0.5 * quadratic - log_normaliser, dim=-1)
        return log_density - F.binary_cross_entropy_with_logits(
            self.end_logit, offsets[..., 2], reduction="none"
        )

    def squared_error(self, offsets: Tensor) -> Tensor:
        """Squared distance (...) from the mixture's mean to the offset (the paper's SSE per point)."""
        mean = (self.log_weights.exp().unsqueeze(-1) * self.means).sum(-2)
        return ((offsets[..., :2] - mean) ** 2).sum(-1)

    def sample(self, generator: torch.Generator | None = None) -> Tensor:
        """Offsets (..., 3) drawn from the density."""
        shape = self.end_logit.shape
        device = self.end_logit.device
        uniform = torch.rand(shape, generator=generator, device=device)
        component = (self.log_weights.exp().cumsum(-1) < uniform.unsqueeze(-1)).sum(-1)
        component = component.clamp_max(self.log_weights.shape[-1] - 1).unsqueeze(-1)
        pick = component.unsqueeze(-1).expand(*shape, 1, 2)
        mean, scale = (t.gather(-2, pick).squeeze(-2) for t in (self.means, self.log_scales.exp()))
        rho = self.correlation.gather(-1, component).squeeze(-1)
        a, b = torch.randn((2, *shape), generator=generator, device=device)
        correlated = torch.stack([a, rho * a + (1 - rho**2).sqrt() * b], dim=-1)
        end = torch.rand(shape, generator=generator, device=device) < self.end_logit.sigmoid()
        return torch.cat([mean + scale * correlated, end.unsqueeze(-1).to(mean.dtype)], dim=-1)
