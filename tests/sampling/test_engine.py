from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from strokes.alphabet import Alphabet
from strokes.corpus import Statistics
from strokes.model import Model
from strokes.network import Mixture, NetworkConfig, StrokeNetwork
from strokes.sampling.engine import BLOCK, Engine

SIZES = {"hidden": 24, "window_components": 3, "mixture_components": 4, "scale_floor": 0.02, "kappa_bias": -1}


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    network = StrokeNetwork(6, NetworkConfig(**SIZES))
    with torch.no_grad():
        network.output_weight.mul_(10)  # as after training: outputs that differ
    return network.eval()


@pytest.fixture(scope="module")
def engine(network):
    weights = {k: v.numpy() for k, v in network.state_dict().items()}
    return Engine(Model(weights, SIZES, Alphabet("abcde"), Statistics((0, 0), (1, 1))))


def test_engine_is_the_torch_network_step_by_step(network, engine):
    rng = np.random.default_rng(0)
    texts = [rng.integers(0, 6, n) for n in (7, 3, 1, 5, 7, 2)]
    text = engine.encode(texts)
    lengths = torch.tensor([len(t) for t in texts])
    padded = torch.nn.utils.rnn.pad_sequence([torch.from_numpy(t) for t in texts], batch_first=True)
    torch_text = network.encode(padded, lengths)
    np.testing.assert_array_equal(text[: len(texts)], torch_text.numpy())
    assert not text[len(texts) :].any()
    state, torch_state = engine.initial_state(), None
    for _ in range(40):
        x = rng.normal(size=(BLOCK, 3))
        x[:, 2] = x[:, 2] > 1
        outputs, phi = engine.step(x, text, state)
        with torch.no_grad():
            out = network(torch.from_numpy(x[:6, None]).float(), torch_text, torch_state, plain=True)
        torch_state = out.state
        np.testing.assert_allclose(outputs[:6], out.outputs[:, 0].numpy(), atol=2e-5)
        for mine, its in zip(vars(state).values(), torch_state, strict=True):
            np.testing.assert_allclose(mine[:6], its.numpy(), atol=2e-5)
        alpha, beta, kappa = (p[:, 0].numpy() for p in out.window)
        u = np.arange(1, 9)
        expected = (alpha[..., None] * np.exp(-beta[..., None] * (kappa[..., None] - u) ** 2)).sum(1)
        np.testing.assert_allclose(phi[:6], expected, atol=2e-5)


@pytest.mark.parametrize("bias", [0.0, 1.0])
def test_drawing_has_the_distribution_of_the_mixture(engine, bias):
    rng = np.random.default_rng(1)
    y = rng.normal(0, 0.7, 25).astype(np.float32)
    y[21:] = [2.0, -2.0, 1.0, 0.5]
    y[13] = -9.0  # under the scale floor
    n = 30_000
    mine = np.array([engine.draw(y, bias, rng) for _ in range(n)])
    mixture = Mixture.from_outputs(torch.from_numpy(y).double(), bias=bias, scale_floor=0.02)
    pi, mu, s, r = (
        t.numpy()
        for t in (mixture.log_weights.exp(), mixture.means, mixture.log_scales.exp(), mixture.correlation)
    )
    mean = pi @ mu
    crossed = np.array([[0, 1], [1, 0]])
    second = sum(
        p * (np.diag(b**2) + crossed * c * b.prod() + np.outer(m - mean, m - mean))
        for p, m, b, c in zip(pi, mu, s, r)
    )
    assert (np.abs(mine[:, :2].mean(0) - mean) < 5 * np.sqrt(np.diag(second) / n)).all()
    centred = mine[:, :2] - mean
    products = centred[:, :, None] * centred[:, None, :]
    assert (np.abs(products.mean(0) - second) < 5 * products.std(0) / math.sqrt(n)).all()
    end = 1 / (1 + math.exp(-y[0]))
    assert abs(mine[:, 2].mean() - end) < 5 * math.sqrt(end * (1 - end) / n)
    # and likely where the mixture says so: the mean log density is its entropy, as torch's own samples show
    many = Mixture(*(t.expand(n, *t.shape) for t in vars(mixture).values()))
    theirs = many.sample(torch.Generator().manual_seed(2))
    a, b = (many.log_prob(d.double()) for d in (torch.from_numpy(mine), theirs))
    assert abs(a.mean() - b.mean()) < 5 * math.sqrt((a.var() + b.var()) / n)


def test_components_are_drawn_as_often_as_they_weigh(engine):
    y = np.zeros(25)
    weights = np.array([0.1, 0.4, 0.2, 0.3])
    y[1:5], y[5:9] = np.log(weights) + 50, [0, 100, 200, 300]
    rng = np.random.default_rng(3)
    n = 20_000
    drawn = np.rint(np.array([engine.draw(y, 0.0, rng)[0] for _ in range(n)]) / 100).astype(int)
    assert (np.abs(np.bincount(drawn) / n - weights) < 4 * np.sqrt(weights * (1 - weights) / n)).all()


@pytest.mark.parametrize("hidden", [24, 400])
def test_a_row_does_not_depend_on_the_others_or_on_its_place(hidden):
    """Bit for bit: the same line in row 0 with zeros below, and in rows 5 and 7 among others."""
    sizes = SIZES | {"hidden": hidden}
    torch.manual_seed(0)
    weights = {k: v.numpy() for k, v in StrokeNetwork(6, NetworkConfig(**sizes)).state_dict().items()}
    engine = Engine(Model(weights, sizes, Alphabet("abcde"), Statistics((0, 0), (1, 1))))
    rng = np.random.default_rng(4)
    ids, points = rng.integers(0, 6, 9), rng.normal(size=(30, 3))
    other_ids = [rng.integers(0, 6, 9) for _ in range(BLOCK)]
    seen = []
    for row, crowded in ((0, False), (5, True), (7, True)):
        texts = [t if crowded else t[:0] for t in other_ids]
        texts[row] = ids
        text, state = engine.encode(texts), engine.initial_state()
        outputs = []
        for point in points:
            x = rng.normal(size=(BLOCK, 3)) * crowded
            x[row] = point
            y, phi = engine.step(x, text, state)
            outputs.append(np.concatenate([y[row], phi[row]]))
        seen.append(np.array(outputs))
    np.testing.assert_array_equal(seen[0], seen[1])
    np.testing.assert_array_equal(seen[0], seen[2])
