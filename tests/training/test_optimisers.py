from __future__ import annotations

from contextlib import suppress

import numpy as np
import torch

from strokes.training.config import TrainingConfig
from strokes.training.optimisers import GravesRMSProp, make_optimizer, noisy


def test_rmsprop_is_eqs_38_to_41():
    rng = np.random.default_rng(0)
    w = rng.normal(size=(3, 2))
    p = torch.nn.Parameter(torch.from_numpy(w.copy()))
    optimizer = make_optimizer(TrainingConfig(optimizer="rmsprop", learning_rate=1e-2), [p])
    n = g = delta = np.zeros_like(w)
    for step in range(30):
        rate = 1e-2 / (1 + step)  # the schedule changes it between steps
        optimizer.param_groups[0]["lr"] = rate
        gradient = rng.normal(size=w.shape) * 10.0 ** rng.integers(-4, 2)
        p.grad = torch.from_numpy(gradient)
        optimizer.step()
        n = 0.95 * n + 0.05 * gradient**2
        g = 0.95 * g + 0.05 * gradient
        delta = 0.9 * delta - rate * gradient / np.sqrt(n - g**2 + 1e-4)
        w = w + delta
        np.testing.assert_allclose(p.detach().numpy(), w, rtol=1e-10)


def test_rmsprop_survives_a_steady_gradient_whose_variance_rounds_below_zero():
    p = torch.nn.Parameter(torch.zeros(1000))
    optimizer = GravesRMSProp([p], lr=1e-4)
    gradient = torch.linspace(100, 1000, 1000)
    for _ in range(300):
        p.grad = gradient
        optimizer.step()
    assert p.isfinite().all()


def test_adam_has_the_settings_of_the_config():
    p = torch.nn.Parameter(torch.zeros(1))
    group = make_optimizer(TrainingConfig(beta2=0.9, learning_rate=0.5), [p]).param_groups[0]
    assert group["betas"] == (0.9, 0.9) and group["lr"] == 0.5 and group["weight_decay"] == 0


def test_noise_is_there_while_asked_for_and_gone_after():
    g = torch.Generator().manual_seed(1)
    weights = [
        torch.randn(200, 100, generator=g).requires_grad_(),
        torch.randn(300, generator=g).requires_grad_(),
    ]
    before = [w.detach().clone() for w in weights]
    drawn = []
    for seed in ((1, 5), (1, 5), (1, 6)):
        with suppress(KeyError), noisy(weights, 0.1, seed):
            (weights[0].sum() + weights[1].square().sum()).backward()
            drawn.append([w.detach() - b for w, b in zip(weights, before)])
            raise KeyError
        assert all(torch.equal(w, b) for w, b in zip(weights, before))
    assert torch.equal(drawn[0][0], drawn[1][0]) and not torch.equal(drawn[0][0], drawn[2][0])
    assert 0.098 < float(drawn[0][0].std()) < 0.102 and abs(float(drawn[0][0].mean())) < 0.003
    # The gradient is the one at the noisy weights.
    total = sum(2 * (before[1] + d[1]) for d in drawn)
    torch.testing.assert_close(weights[1].grad, total)
