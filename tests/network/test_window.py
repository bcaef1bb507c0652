from __future__ import annotations

import math

import numpy as np
import torch

from strokes.network.window import one_hot_text, window_parameters, window_weights


def test_window_is_eqs_46_to_51_written_out():
    rng = np.random.default_rng(0)
    batch, k, positions, symbols = 3, 4, 7, 5
    projection = rng.normal(0, 0.8, (batch, 3 * k))
    kappa_before = rng.uniform(0, 5, (batch, k))
    ids = rng.integers(0, symbols, (batch, positions))
    lengths = np.array([7, 4, 1])

    p = window_parameters(torch.from_numpy(projection), torch.from_numpy(kappa_before))
    phi = window_weights(p, positions)
    text = one_hot_text(torch.from_numpy(ids), torch.from_numpy(lengths), symbols, torch.float64)
    window = torch.bmm(phi.unsqueeze(1), text).squeeze(1)

    for b in range(batch):
        expected_window = np.zeros(symbols)
        for u in range(1, positions + 1):
            total = 0.0
            for j in range(k):
                alpha = math.exp(projection[b, j])
                beta = math.exp(projection[b, k + j])
                kappa = kappa_before[b, j] + math.exp(projection[b, 2 * k + j])
                assert math.isclose(float(p.kappa[b, j]), kappa, rel_tol=1e-12)
                total += alpha * math.exp(-beta * (kappa - u) ** 2)
            assert math.isclose(float(phi[b, u - 1]), total, rel_tol=1e-12)
            if u <= lengths[b]:
                expected_window[ids[b, u - 1]] += total
        np.testing.assert_allclose(window[b].numpy(), expected_window, rtol=1e-12)


def test_more_positions_leave_the_first_ones_as_they_are():
    p = window_parameters(torch.randn(2, 9, dtype=torch.float64), torch.rand(2, 3, dtype=torch.float64))
    assert torch.equal(window_weights(p, 12)[:, :5], window_weights(p, 5))


def test_one_hot_rows_past_the_end_of_a_text_are_zero_whatever_the_padding_holds():
    lengths = torch.tensor([3, 1, 0])
    ids = torch.tensor([[1, 0, 2, 0], [2, 1, 1, 1], [1, 1, 1, 1]])
    text = one_hot_text(ids, lengths, 3)
    expected = torch.zeros(3, 4, 3)
    expected[0, 0, 1] = expected[0, 1, 0] = expected[0, 2, 2] = expected[1, 0, 2] = 1
    assert torch.equal(text, expected)
