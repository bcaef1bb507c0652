"""The reference engine: the network of `strokes.network` in float32, and rows that do not know of each other."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from strokes.alphabet import Alphabet
from strokes.model import Model
from strokes.network import NetworkConfig, StrokeNetwork
from strokes.preprocessing import Preprocessing
from strokes.sampling.engine import NumpyEngine

SIZES = {"window_components": 3, "mixture_components": 4, "scale_floor": 0.02, "kappa_bias": -1}


def small_model(hidden: int = 24, seed: int = 0) -> Model:
    torch.manual_seed(seed)
    config = NetworkConfig(hidden=hidden, **SIZES)
    weights = {k: v.numpy() for k, v in StrokeNetwork(6, config).state_dict().items()}
    weights["output_weight"] = weights["output_weight"] * 10  # as after training: outputs that differ
    return Model(weights, config, Alphabet("abcde"), Preprocessing())


@pytest.fixture(scope="module")
def model() -> Model:
    return small_model()


def pen(rng: np.random.Generator, *shape: int) -> np.ndarray:
    x = rng.normal(size=(*shape, 3))
    x[..., 2] = x[..., 2] > 1
    return x


def follow(engine: NumpyEngine, row: int, points: np.ndarray, others: np.random.Generator) -> np.ndarray:
    """What a row computes for points (T, 3), (T, 1 + 6M + U + 1); random points in the other rows."""
    out = []
    for point in points:
        x = pen(others, engine.rows)
        x[row] = point
        mixtures = engine.step(x)
        out.append(np.concatenate([mixtures.outputs[row], mixtures.phi[row]]))
    width = min(map(len, out))
    return np.array([o[:width] for o in out])


def test_it_is_the_network_of_torch(model):
    """Step by step beside float64: float32 sums of some 70 terms, over 40 steps that build on each other."""
    rng = np.random.default_rng(0)
    texts = [rng.integers(0, 6, n) for n in (7, 3, 1, 5, 7, 2)]
    points = pen(rng, 40, len(texts))
    engine = NumpyEngine(model, len(texts))
    for row, ids in enumerate(texts):
        engine.load(row, ids)
    steps = [engine.step(x) for x in points]
    network = StrokeNetwork.from_model(model).double()
    padded = torch.nn.utils.rnn.pad_sequence([torch.from_numpy(t) for t in texts], batch_first=True)
    text = network.encode(padded, torch.tensor([len(t) for t in texts]))
    with torch.no_grad():
        out = network(torch.from_numpy(points).transpose(0, 1), text, plain=True)
    outputs = np.stack([s.outputs for s in steps], axis=1)
    np.testing.assert_allclose(outputs, out.outputs.numpy(), atol=2e-5)
    alpha, beta, kappa = (p.numpy()[..., None] for p in out.window)  # (B, T, K, 1)
    u = np.arange(1, 9)
    expected = (alpha * np.exp(-beta * (kappa - u) ** 2)).sum(axis=2)
    np.testing.assert_allclose(np.stack([s.phi for s in steps], axis=1), expected, atol=2e-5)


@pytest.mark.parametrize("hidden", [24, 400])
def test_a_row_does_not_depend_on_the_others_or_on_its_place(hidden):
    """Bit for bit: alone, among others with shorter and longer texts, and in blocks of other sizes."""
    model = small_model(hidden)
    rng = np.random.default_rng(4)
    ids, points = rng.integers(0, 6, 9), pen(rng, 30)
    alone = NumpyEngine(model, 1)
    alone.load(0, ids)
    expected = follow(alone, 0, points, rng)
    for rows, row, length in ((8, 0, 0), (8, 5, 9), (8, 7, 3), (3, 1, 40), (16, 12, 25)):
        engine = NumpyEngine(model, rows)
        for other in range(rows):
            engine.load(other, rng.integers(0, 6, length))
        engine.load(row, ids)
        got = follow(engine, row, points, rng)
        width = min(got.shape[1], expected.shape[1])
        np.testing.assert_array_equal(got[:, :width], expected[:, :width])


def test_a_line_goes_on_from_a_snapshot_bit_for_bit(model):
    rng = np.random.default_rng(1)
    ids, points = rng.integers(0, 6, 9), pen(rng, 30)
    engine = NumpyEngine(model, 4)
    engine.load(1, ids)
    follow(engine, 1, points[:10], rng)
    state = engine.snapshot(1)
    expected = follow(engine, 1, points[10:], rng)  # the snapshot is a copy
    other = NumpyEngine(model, 2)
    other.load(0, ids, state=state)
    np.testing.assert_array_equal(follow(other, 0, points[10:], rng), expected)
    engine.restore(1, state)  # its text is still there
    np.testing.assert_array_equal(follow(engine, 1, points[10:], rng), expected)


def test_loading_begins_anew_and_leaves_the_other_rows(model):
    rng = np.random.default_rng(2)
    ids, points = rng.integers(0, 6, 5), pen(rng, 20)
    engine = NumpyEngine(model, 2)
    engine.load(0, ids)
    first = follow(engine, 0, points, rng)
    engine.load(1, ids)
    before = engine.snapshot(1)
    engine.load(0, ids)
    after = engine.snapshot(1)
    assert all(np.array_equal(a, b) for a, b in zip(before.arrays, after.arrays, strict=True))
    np.testing.assert_array_equal(follow(engine, 0, points, rng), first)


def test_the_window_has_a_position_past_the_longest_text(model):
    engine = NumpyEngine(model, 3)
    assert engine.rows == 3
    for row, length in enumerate((4, 9, 2)):
        engine.load(row, np.zeros(length, np.int64))
    mixtures = engine.step(np.zeros((3, 3)))
    assert mixtures.phi.shape == (3, 10) and mixtures.outputs.shape == (3, 25)


def test_styles_are_refused_by_a_model_that_has_none(model):
    with pytest.raises(ValueError, match="no styles"):
        NumpyEngine(model, 1).load(0, np.zeros(3, np.int64), style=np.zeros(32))
