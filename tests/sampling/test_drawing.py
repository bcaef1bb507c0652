"""Drawing from the mixture density: as often, as far and as correlated as the equations say."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from strokes.network import Mixture
from strokes.sampling.drawing import draw_offsets

FLOOR = 0.02


def outputs(seed: int, rows: int = 1, components: int = 4) -> np.ndarray:
    """Raw outputs (rows, 1 + 6M) with strong correlations and a scale under the floor."""
    rng = np.random.default_rng(seed)
    y = rng.normal(0, 0.7, (rows, 1 + 6 * components)).astype(np.float32)
    y[:, 1 + 5 * components :] = rng.normal(0, 2, (rows, components))
    y[:, 1 + 3 * components] = -9.0
    return y


def draw(y: np.ndarray, bias: float, seed: int, n: int) -> np.ndarray:
    """n offsets from one row of outputs."""
    rng = np.random.default_rng(seed)
    return draw_offsets(np.tile(y, (n, 1)), bias, FLOOR, rng.random((n, 2)), rng.standard_normal((n, 2)))


def mixture(y: np.ndarray, bias: float) -> Mixture:
    return Mixture.from_outputs(torch.from_numpy(y).double(), bias=bias, scale_floor=FLOOR)


@settings(deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 20), st.sampled_from([0.0, 0.5, 1.0, 5.0]))
def test_each_row_is_what_the_mixture_gives_for_its_uniforms(seed, components, bias):
    rows = 7
    rng = np.random.default_rng(seed)
    y, uniforms, normals = (
        outputs(seed, rows, components),
        rng.random((rows, 2)),
        rng.standard_normal((rows, 2)),
    )
    drawn = draw_offsets(y, bias, FLOOR, uniforms, normals)
    density = mixture(y, bias)
    for i in range(rows):
        weights = density.log_weights[i].exp().numpy()
        component = int(np.searchsorted(np.cumsum(weights), uniforms[i, 0]).clip(max=components - 1))
        rho, (a, b) = float(density.correlation[i, component]), normals[i]
        correlated = np.array([a, rho * a + math.sqrt(1 - rho**2) * b])
        scale = density.log_scales[i, component].exp().numpy()
        np.testing.assert_allclose(
            drawn[i, :2], density.means[i, component].numpy() + scale * correlated, rtol=1e-9, atol=1e-9
        )
        assert drawn[i, 2] == (uniforms[i, 1] < density.end_logit[i].sigmoid())
    for i in range(rows):  # whatever the other rows are
        alone = draw_offsets(y[i : i + 1], bias, FLOOR, uniforms[i : i + 1], normals[i : i + 1])
        np.testing.assert_array_equal(alone[0], drawn[i])


@pytest.mark.parametrize("bias", [0.0, 1.0])
def test_moments_are_those_of_the_density(bias):
    n, y = 30_000, outputs(1)
    drawn, density = draw(y, bias, 5, n), mixture(y[0], bias)
    pi, mu, s, r = (
        t.numpy()
        for t in (density.log_weights.exp(), density.means, density.log_scales.exp(), density.correlation)
    )
    mean = pi @ mu
    crossed = np.array([[0, 1], [1, 0]])
    second = sum(
        p * (np.diag(b**2) + crossed * c * b.prod() + np.outer(m - mean, m - mean))
        for p, m, b, c in zip(pi, mu, s, r, strict=True)
    )
    assert (np.abs(drawn[:, :2].mean(0) - mean) < 5 * np.sqrt(np.diag(second) / n)).all()
    centred = drawn[:, :2] - mean
    crossings = centred[:, :, None] * centred[:, None, :]
    assert (np.abs(crossings.mean(0) - second) < 5 * crossings.std(0) / math.sqrt(n)).all()
    end = 1 / (1 + math.exp(-y[0, 0]))
    assert abs(drawn[:, 2].mean() - end) < 5 * math.sqrt(end * (1 - end) / n)


def test_offsets_are_as_likely_as_the_densitys_own_samples():
    n, y = 30_000, outputs(2)
    many = Mixture(*(t.expand(n, *t.shape) for t in vars(mixture(y[0], 0.5)).values()))
    theirs = many.sample(torch.Generator().manual_seed(2)).double()
    a, b = (many.log_prob(d) for d in (torch.from_numpy(draw(y, 0.5, 6, n)), theirs))
    assert abs(a.mean() - b.mean()) < 5 * math.sqrt((a.var() + b.var()) / n)


@pytest.mark.parametrize("bias", [0.0, 2.0])
def test_components_are_drawn_as_often_as_they_weigh(bias):
    """Eq. 62: a bias sharpens the weights."""
    y = np.zeros((1, 25), np.float32)
    weights = np.array([0.1, 0.4, 0.2, 0.3])
    y[0, 1:5], y[0, 5:9] = np.log(weights) + 50, [0, 100, 200, 300]
    n = 20_000
    drawn = np.rint(draw(y, bias, 3, n)[:, 0] / 100).astype(int)
    sharp = weights ** (1 + bias) / (weights ** (1 + bias)).sum()
    assert (np.abs(np.bincount(drawn, minlength=4) / n - sharp) < 4 * np.sqrt(sharp * (1 - sharp) / n)).all()


def test_a_bias_narrows_every_component():
    """Eq. 61: standard deviations are divided by exp(bias), those at the floor as well."""
    y, rng = outputs(3, 50), np.random.default_rng(7)
    uniforms, normals = rng.random((50, 2)), rng.standard_normal((50, 2))
    uniforms[:, 0] = 0.0  # the first component, whatever the weights
    mean = draw_offsets(y, 0.0, FLOOR, uniforms, 0 * normals)[:, :2]
    wide, narrow = (draw_offsets(y, b, FLOOR, uniforms, normals)[:, :2] - mean for b in (0.0, 1.5))
    np.testing.assert_allclose(narrow, wide * math.exp(-1.5), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(wide[:, 0], FLOOR * normals[:, 0], rtol=1e-6)  # exp(-9) is under it


def test_extreme_numbers_choose_a_component_and_stay_finite():
    y = outputs(4, 4)
    y[:, 1:5] = [[-1e4, 0, -1e4, -1e4], [3e4, -3e4, 0, 0], [0, 0, 0, 0], [-1e30, -1e30, -1e30, 1e30]]
    y[:, 0] = [700, -700, 30, -30]
    for u in (0.0, 1 - 2**-53):
        drawn = draw_offsets(y, 20.0, FLOOR, np.full((4, 2), u), np.zeros((4, 2)))
        assert np.isfinite(drawn).all()
        component = [1, 0, 0 if u == 0 else 3, 3]
        assert drawn[:, 2].tolist() == ([1, 1, 1, 1] if u == 0 else [1, 0, 0, 0])
        np.testing.assert_allclose(drawn[:, 0], y[np.arange(4), 5 + np.array(component)], rtol=1e-6)
