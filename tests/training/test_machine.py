from __future__ import annotations

import os

import pytest
import torch

from strokes.training import machine
from strokes.training.machine import compute_dtype, cores, share_cores


@pytest.mark.parametrize(("batch", "available", "asked", "shared"), [
    (64, 2, (0, 0), (2, 1)),
    (64, 1, (0, 0), (1, 1)),
    (64, 16, (0, 0), (4, 4)),  # 16 lines a process
    (16, 2, (0, 0), (1, 2)),
    (4, 8, (0, 0), (1, 8)),
    (64, 8, (2, 0), (2, 4)),
    (64, 8, (0, 4), (2, 4)),
    (64, 8, (1, 0), (1, 8)),
    (64, 2, (3, 5), (3, 5)),  # as told
])  # fmt: skip
def test_cores_are_shared_among_processes_that_have_lines_enough(batch, available, asked, shared):
    assert share_cores(batch, available, *asked) == shared


def test_cores_are_at_most_those_that_this_process_may_use():
    assert 1 <= cores() <= os.cpu_count()
    if hasattr(os, "sched_setaffinity"):
        before = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {min(before)})
        try:
            assert cores() == 1
        finally:
            os.sched_setaffinity(0, before)


def test_precision_is_as_told_or_what_the_processor_multiplies_faster(monkeypatch):
    cpu = torch.device("cpu")
    assert compute_dtype("fp32", cpu) == torch.float32
    assert compute_dtype("bf16", cpu) == torch.bfloat16
    for has, dtype in ((True, torch.bfloat16), (False, torch.float32)):
        monkeypatch.setattr(machine, "_cpu_has_bf16", lambda has=has: has)
        assert compute_dtype("auto", cpu) == dtype
