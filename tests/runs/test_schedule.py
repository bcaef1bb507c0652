from __future__ import annotations

import math

import pytest
import torch

from strokes.runs.schedule import warmup_cosine


def test_the_rate_rises_then_falls_along_half_a_cosine():
    def rate(step, done):
        return warmup_cosine(step, done, peak=2.0, warmup=100, final_rate=0.1)

    assert rate(0, 0) == pytest.approx(0.02)
    assert rate(49, 0) == pytest.approx(1.0)
    assert rate(99, 0) == rate(5000, 0) == pytest.approx(2.0)
    assert rate(5000, 0.5) == pytest.approx(1.1)
    assert rate(5000, 0.25) == pytest.approx(0.2 + 1.8 * (1 + math.sqrt(0.5)) / 2)
    assert rate(5000, 1) == rate(9000, 1.2) == pytest.approx(0.2)
    assert warmup_cosine(0, 0, peak=2.0) == pytest.approx(2.0)


def test_it_is_torchs_cosine_where_both_count_steps():
    p = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([p], lr=0.5)
    theirs = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=40, eta_min=0.05)
    for step in range(40):
        ours = warmup_cosine(step, step / 40, peak=0.5, final_rate=0.1)
        assert ours == pytest.approx(theirs.get_last_lr()[0])
        optimizer.step()
        theirs.step()
