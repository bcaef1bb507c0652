from __future__ import annotations

import os

import pytest
import torch

from strokes.files import InputError
from strokes.runs import hardware
from strokes.runs.hardware import (
    check_memory,
    compute_dtype,
    cores,
    flush_denormals,
    free_memory,
    share_cores,
)


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


def test_free_memory_is_the_systems_or_what_a_container_leaves(tmp_path):
    (tmp_path / "proc").mkdir()
    (tmp_path / "sys/fs/cgroup").mkdir(parents=True)
    cpu = torch.device("cpu")
    assert free_memory(cpu, tmp_path) is None
    (tmp_path / "proc/meminfo").write_text("MemTotal: 9000 kB\nMemAvailable:    5000 kB\n")
    assert free_memory(cpu, tmp_path) == 5000 * 1024
    (tmp_path / "sys/fs/cgroup/memory.current").write_text("1000\n")
    for most, free in (("max", 5000 * 1024), ("3000", 2000), ("900", 0), (str(2**40), 5000 * 1024)):
        (tmp_path / "sys/fs/cgroup/memory.max").write_text(most + "\n")
        assert free_memory(cpu, tmp_path) == free


def test_a_network_too_large_for_memory_is_refused_before_it_is_made(monkeypatch):
    cpu = torch.device("cpu")
    monkeypatch.setattr(hardware, "free_memory", lambda device: 20 * 1100)
    check_memory(lambda: torch.nn.Linear(100, 10), cpu)  # 1010 weights
    with pytest.raises(InputError, match=r"a network of 1,010 weights needs .* in 2 processes, and"):
        check_memory(lambda: torch.nn.Linear(100, 10), cpu, processes=2)
    with pytest.raises(InputError, match=r"1,000,001,000,000 weights needs 18,626\.5 GiB to be trained, and"):
        check_memory(lambda: torch.nn.Linear(1_000_000, 1_000_001, bias=False), cpu)
    monkeypatch.setattr(hardware, "free_memory", lambda device: None)
    check_memory(lambda: torch.nn.Linear(1_000_000, 1_000_000), cpu)


def test_denormals_are_flushed_while_asked_for():
    tiny = torch.full((8,), 1e-40)
    with flush_denormals():
        assert (tiny * 0.5).count_nonzero() == 0
    assert (tiny * 0.5).count_nonzero() == 8
