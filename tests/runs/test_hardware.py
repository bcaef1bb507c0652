from __future__ import annotations

import os

import pytest
import torch

from strokes.runs import hardware
from strokes.runs.hardware import compute_dtype, cores, share_cores


@pytest.mark.parametrize(
    ("batch", "available", "asked", "shared"),
    [
        (64, 2, (0, 0), (2, 1)),
        (64, 1, (0, 0), (1, 1)),
        (64, 16, (0, 0), (4, 4)),  # 16 lines a process
        (16, 2, (0, 0), (1, 2)),
        (4, 8, (0, 0), (1, 8)),
        (64, 8, (2, 0), (2, 4)),
        (64, 8, (0, 4), (2, 4)),
        (64, 8, (1, 0), (1, 8)),
        (64, 2, (3, 5), (3, 5)),  # as told
        (64, 6, (0, 0), (3, 2)),  # rather than 4 of 1, with two cores idle
        (64, 7, (0, 0), (1, 7)),
        (64, 10, (0, 0), (2, 5)),
    ],
)
def test_cores_are_shared_among_processes_that_have_lines_enough(batch, available, asked, shared):
    assert share_cores(batch, available, *asked) == shared


@pytest.fixture
def system(tmp_path, monkeypatch):
    """A machine of four cores with two hardware threads each, 0 and 4, 1 and 5 ..., all of them usable."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    for n in range(8):
        folder = tmp_path / f"devices/system/cpu/cpu{n}/topology"
        folder.mkdir(parents=True)
        (folder / "thread_siblings_list").write_text(f"{n % 4},{n % 4 + 4}\n")
    (tmp_path / "fs/cgroup").mkdir(parents=True)
    (tmp_path / "fs/cgroup/cpu.max").write_text("max 100000\n")
    return tmp_path


def test_hardware_threads_of_one_core_count_once(system, monkeypatch):
    assert cores(system) == 4
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 2})  # one thread of each of three
    assert cores(system) == 3
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 4})
    assert cores(system) == 1


def test_a_containers_share_of_the_processor_is_kept_to(system):
    (system / "fs/cgroup/cpu.max").write_text("250000 100000\n")
    assert cores(system) == 2
    (system / "fs/cgroup/cpu.max").write_text("50000 100000\n")
    assert cores(system) == 1
    (system / "devices/system/cpu/cpu3/topology/thread_siblings_list").unlink()
    (system / "fs/cgroup/cpu.max").write_text("600000 100000\n")
    assert cores(system) == 6  # no word of siblings: each counts


def test_cores_of_this_machine():
    assert 1 <= cores() <= os.cpu_count()


def test_precision_is_as_told_or_what_the_processor_multiplies_faster(monkeypatch):
    cpu = torch.device("cpu")
    assert compute_dtype("fp32", cpu) == torch.float32
    assert compute_dtype("bf16", cpu) == torch.bfloat16
    for has, dtype in ((True, torch.bfloat16), (False, torch.float32)):
        monkeypatch.setattr(hardware, "_cpu_has_bf16", lambda has=has: has)
        assert compute_dtype("auto", cpu) == dtype
