"""Weights as integers: what they stand for, and that no kernel's sums of them can overflow."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from strokes.sampling.fixed_point import (
    HIDDEN_UNIT,
    OFFSET_UNIT,
    RADIX,
    WINDOW_UNIT,
    offset_copies,
    quantise_gates,
    quantise_readout,
)
from strokes.sampling.graph_arithmetic import Graph


def layers(seed: int, channels: int = 6, symbols: int = 5, hidden: int = 8, offset_scale: float = 1.0):
    rng = np.random.default_rng(seed)
    offsets, window = rng.normal(size=(3, channels)) * offset_scale, rng.normal(size=(symbols, channels))
    return offsets, window, rng.standard_t(3, size=(hidden, channels))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0.0, 1e-6, 0.1, 1.0, 4.0, 1e3]))
def test_integer_weights_stand_for_the_weights(seed, offset_scale):
    offsets, window, hidden = layers(seed, offset_scale=offset_scale)
    copies = offset_copies([(offsets, window, hidden)])
    q = quantise_gates(offsets, window, hidden, copies)
    scale = q.scale.astype(np.float64)
    fine, coarse = q.fine.astype(np.float64), q.coarse.astype(np.float64)
    n = len(hidden)
    # One digit: a half of scale * 127, and of the units in which the largest pair is 127.
    np.testing.assert_allclose(fine[:n] * RADIX * scale, hidden, atol=0.5001 * RADIX * scale.max())
    first = coarse[: 3 * copies].reshape(copies, 3, -1).sum(axis=0)
    unit = scale / (RADIX * OFFSET_UNIT)
    assert (np.abs((RADIX * first + fine[n : n + 3]) * unit - offsets) <= 0.5001 * unit).all()
    # the digits of a copy's weight meet the second digit of the offset in the fine sum
    np.testing.assert_array_equal(q.fine[n + 3 : n + 3 + 3 * copies], q.coarse[: 3 * copies])
    second, first = np.split(fine[n + 3 + 3 * copies :][: 2 * len(window)], 2)
    unit = scale / (RADIX * WINDOW_UNIT)
    assert (np.abs((RADIX * first + second) * unit - window) <= 0.5001 * unit).all()
    np.testing.assert_array_equal(first, q.coarse[3 * copies :])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0.0, 1.0, 100.0]))
def test_neighbours_add_up_to_128_at_most(seed, offset_scale):
    offsets, window, hidden = layers(seed, offset_scale=offset_scale)
    q = quantise_gates(offsets, window, hidden, offset_copies([(offsets, window, hidden)]))
    readout = quantise_readout(hidden)
    for weights in (q.fine, q.coarse, readout.fine, readout.coarse):
        w = weights.astype(int)
        w = np.pad(w, ((0, len(w) % 2), (0, 0)))
        assert np.abs(w).max() <= 128
        assert np.abs(w[::2] + w[1::2]).max() <= 128


def test_a_channel_uses_its_range():
    offsets, window, hidden = layers(0, channels=200, hidden=64, offset_scale=0.1)
    w = quantise_gates(offsets, window * 0.1, hidden, 1).fine[:64].astype(int)
    assert (np.abs(np.concatenate([w, w[::2] + w[1::2]])).max(axis=0) >= 126).all()


def test_large_weights_of_offsets_cost_hidden_states_no_precision():
    offsets, window, hidden = layers(1, offset_scale=4.0)
    copies = offset_copies([(offsets, window, hidden)])
    assert 1 < copies <= 8
    with_copies, alone = (quantise_gates(o, window, hidden, copies) for o in (offsets, offsets * 0))
    np.testing.assert_array_equal(with_copies.scale, alone.scale)


def test_an_odd_number_of_hidden_states_is_refused():
    with pytest.raises(ValueError, match="odd"):
        quantise_gates(*layers(0, hidden=7), copies=1)


def test_readout_has_two_digits():
    weight = np.random.default_rng(2).normal(size=(12, 5))
    weight[:, 3] = 0.0
    q = quantise_readout(weight)
    second, first = np.split(q.fine.astype(np.float64), 2)
    np.testing.assert_array_equal(first, q.coarse)
    step = q.scale / (RADIX * HIDDEN_UNIT)
    assert (np.abs((RADIX * first + second) * step - weight) <= 0.5001 * step).all()
    assert np.delete(step, 3).max() < np.abs(weight).max() / 8000


@pytest.mark.parametrize("rows", [1, 2, 7, 32])
@pytest.mark.parametrize("kind", ["largest", "opposite", "random"])
def test_sums_are_exact(rows, kind):
    """Against int64, where a kernel that adds in int16 comes nearest to saturation."""
    rng = np.random.default_rng(3)
    n, channels = 402, 37
    if kind == "largest":
        weight = np.full((n, channels), 64)
    elif kind == "opposite":
        weight = np.where(np.arange(n) % 2, -127, 127)[:, None] * np.ones((1, channels), int)
        weight[:, ::2] *= -1
    else:
        weight = rng.integers(-64, 65, (n, channels))
    x = rng.choice([0, 1, 128, 254, 255], (rows, n)).astype(np.uint8)
    x[0] = 255
    x[-1] = 0 if rows > 1 else x[-1]
    expected = (x.astype(np.int64) - 128) @ weight
    graph = Graph()
    sums = graph.integer_matmul("x", weight.astype(np.int8), np.ones(channels, np.float32))
    inputs = [helper.make_tensor_value_info("x", TensorProto.UINT8, ["B", n])]
    outputs = [helper.make_tensor_value_info(sums, TensorProto.FLOAT, ["B", channels])]
    body = helper.make_graph(graph.nodes, "sums", inputs, outputs, list(graph.constants.values()))
    model = helper.make_model(body, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    assert np.abs(expected).max() < 2**24  # float32 holds them
    np.testing.assert_array_equal(session.run(None, {"x": x})[0], expected)
