from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import special, stats

from strokes.network.mixture import Mixture, output_size

M = 3


def raw_outputs(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Raw network outputs in float64 of moderate size: (*shape, 1 + 6 M)."""
    return rng.normal(0, 0.7, (*shape, output_size(M)))


def by_hand(y: np.ndarray, bias: float = 0.0) -> tuple[float, np.ndarray, np.ndarray, np.ndarray]:
    """End probability, weights (M,), means (M, 2), covariances (M, 2, 2): eqs. 18-22, 61-62.

    The order of the raw outputs: end, weights, means of x then of y, scales of x then of y, correlations.
    """
    end = 1 / (1 + math.exp(-y[0]))
    pi_hat, rest = y[1 : 1 + M], y[1 + M :].reshape(5, M)
    pi = np.exp(pi_hat * (1 + bias))
    pi /= pi.sum()
    sx, sy = np.exp(rest[2] - bias), np.exp(rest[3] - bias)
    rho = np.tanh(rest[4]) * (1 - 2e-4)
    covariance = np.array([[[a * a, r * a * b], [r * a * b, b * b]] for a, b, r in zip(sx, sy, rho)])
    return end, pi, np.stack([rest[0], rest[1]], axis=1), covariance


@pytest.mark.parametrize("bias", [0.0, 0.75, 2.0])
def test_log_prob_is_scipys_density_times_bernoulli_with_and_without_bias(bias):
    rng = np.random.default_rng(1)
    y, offsets = raw_outputs(rng, 4, 5), rng.normal(0, 1.5, (4, 5, 3))
    offsets[..., 2] = rng.integers(0, 2, (4, 5))
    got = Mixture.from_outputs(torch.from_numpy(y), bias=bias).log_prob(torch.from_numpy(offsets)).numpy()
    for i in np.ndindex(4, 5):
        end, pi, means, covariances = by_hand(y[i], bias)
        log_densities = [
            math.log(p) + stats.multivariate_normal(m, c).logpdf(offsets[i][:2])
            for p, m, c in zip(pi, means, covariances)
        ]
        expected = special.logsumexp(log_densities) + math.log(end if offsets[i][2] else 1 - end)
        assert got[i] == pytest.approx(expected, rel=1e-10)


def test_density_integrates_to_one():
    y = torch.from_numpy(raw_outputs(np.random.default_rng(2)))
    grid = torch.linspace(-25, 25, 501, dtype=torch.float64)
    x, z = torch.meshgrid(grid, grid, indexing="ij")
    mixture = Mixture.from_outputs(y.expand(501 * 501, -1))
    total = 0.0
    for end in (0.0, 1.0):
        points = torch.stack([x, z, torch.full_like(x, end)], -1).reshape(-1, 3)
        total += float(mixture.log_prob(points).exp().sum()) * 0.1**2
    assert total == pytest.approx(1, abs=1e-6)


def test_squared_error_is_to_the_mean_of_the_whole_mixture():
    rng = np.random.default_rng(3)
    y, offsets = raw_outputs(rng, 6), rng.normal(0, 1, (6, 3))
    got = Mixture.from_outputs(torch.from_numpy(y)).squared_error(torch.from_numpy(offsets)).numpy()
    for i in range(6):
        _, pi, means, _ = by_hand(y[i])
        assert got[i] == pytest.approx(((offsets[i, :2] - pi @ means) ** 2).sum(), rel=1e-12)


def test_samples_have_the_moments_of_the_density():
    rng = np.random.default_rng(4)
    y = raw_outputs(rng)
    y[1 + 5 * M :] = [1.5, -1.0, 0.5]  # correlations that a mistake in them would show
    n = 200_000
    end, pi, means, covariances = by_hand(y)
    mixture = Mixture.from_outputs(torch.from_numpy(y).expand(n, -1))
    drawn = mixture.sample(torch.Generator().manual_seed(5)).numpy()
    assert set(np.unique(drawn[:, 2])) == {0.0, 1.0}
    assert abs(drawn[:, 2].mean() - end) < 4 * math.sqrt(end * (1 - end) / n)
    mean = pi @ means
    covariance = sum(p * (c + np.outer(m - mean, m - mean)) for p, m, c in zip(pi, means, covariances))
    # five standard errors of each
    assert (np.abs(drawn[:, :2].mean(0) - mean) < 5 * np.sqrt(np.diag(covariance) / n)).all()
    centred = drawn[:, :2] - mean
    products = centred[:, :, None] * centred[:, None, :]
    assert (np.abs(products.mean(0) - covariance) < 5 * products.std(0) / math.sqrt(n)).all()


def test_samples_take_components_as_often_as_they_weigh_and_with_their_own_correlation():
    y = np.zeros(output_size(M))
    y[1 : 1 + M] = np.log([0.2, 0.5, 0.3])
    y[1 + M : 1 + 2 * M] = [-1000, 0, 1000]  # means in x so far apart that a sample tells its component
    y[1 + 5 * M :] = np.arctanh(np.array([0.9, 0.0, -0.7]) / (1 - 2e-4))
    n = 100_000
    mixture = Mixture.from_outputs(torch.from_numpy(y).expand(n, -1))
    drawn = mixture.sample(torch.Generator().manual_seed(6)).numpy()
    component = np.rint(drawn[:, 0] / 1000).astype(int) + 1
    for j, (weight, rho) in enumerate([(0.2, 0.9), (0.5, 0.0), (0.3, -0.7)]):
        mine = drawn[component == j, :2]
        assert abs(len(mine) / n - weight) < 4 * math.sqrt(weight * (1 - weight) / n)
        error = (1 - rho**2) / math.sqrt(len(mine))
        assert np.corrcoef(mine.T)[0, 1] == pytest.approx(rho, abs=5 * error)


def test_same_generator_same_samples():
    mixture = Mixture.from_outputs(torch.from_numpy(raw_outputs(np.random.default_rng(7), 50)))
    a, b, c = (mixture.sample(torch.Generator().manual_seed(s)) for s in (1, 1, 2))
    assert torch.equal(a, b) and not torch.equal(a, c)


def test_scale_floor_holds_before_the_bias_narrows():
    y = torch.full((output_size(M),), -9.0, dtype=torch.float64)
    narrow = Mixture.from_outputs(y, scale_floor=0.01).log_scales.exp()
    assert narrow.tolist() == [[pytest.approx(0.01)] * 2] * M
    biased = Mixture.from_outputs(y, bias=1.0, scale_floor=0.01).log_scales.exp()
    assert biased.tolist() == [[pytest.approx(0.01 / math.e)] * 2] * M
    wide = Mixture.from_outputs(-y, scale_floor=0.01).log_scales
    assert wide.tolist() == [[9.0, 9.0]] * M


@pytest.mark.parametrize("size", [50.0, 1e3])
def test_extreme_outputs_stay_finite_in_value_and_gradient(size):
    generator = torch.Generator().manual_seed(8)
    signs = torch.randint(-1, 2, (400, output_size(20)), generator=generator).float()
    y = (signs * size).requires_grad_()
    offsets = torch.randn((400, 3), generator=generator) * 20
    offsets[:, 2] = (offsets[:, 2] > 0).float()
    log_prob = Mixture.from_outputs(y, scale_floor=0.01).log_prob(offsets)
    log_prob.sum().backward()
    assert log_prob.isfinite().all()
    assert y.grad.isfinite().all()
