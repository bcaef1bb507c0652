from __future__ import annotations

import json
import sys

import pytest
import torch

from strokes.files import InputError
from strokes.runs import processes
from strokes.runs.processes import Group, Place, can_launch, launch, start, wants_cuda

needs_launch = pytest.mark.skipif(not can_launch(), reason="several processes cannot be started here")


def work(place: Place, folder: str) -> int:
    """In each of several processes: what they know of each other."""
    group = start(place)
    a, b = torch.nn.Parameter(torch.zeros(2, 3)), torch.nn.Parameter(torch.zeros(4))
    a.grad, b.grad = torch.full((2, 3), 1.0 + group.rank), torch.arange(4.0) * (1 + group.rank)
    extra = torch.tensor([0.5 * group.rank])
    group.sum_gradients([a, b], extra)
    found = {
        "size": group.size,
        "threads": torch.get_num_threads(),
        "a": a.grad.tolist(),
        "b": b.grad.tolist(),
        "extra": extra.tolist(),
        "any": [group.any(group.rank == 1), group.any(False)],
    }
    with open(f"{folder}/{group.rank}.json", "w") as f:
        json.dump(found, f)
    group.barrier()
    group.close()
    return 0


def fail(place: Place, how: str) -> int:
    if place.rank == 1:
        if how == "input":
            raise InputError("a file is missing")
        if how == "status":
            return 3
        raise KeyError("a mistake of ours")
    return 0


@needs_launch
def test_processes_add_up_gradients_and_agree_on_flags(tmp_path):
    assert launch(work, 2, 1, str(tmp_path)) == 0
    for rank in range(2):
        found = json.loads((tmp_path / f"{rank}.json").read_text())
        assert found == {
            "size": 2,
            "threads": 1,
            "a": [[3.0] * 3] * 2,
            "b": [0.0, 3.0, 6.0, 9.0],
            "extra": [0.5],
            "any": [True, False],
        }


@needs_launch
@pytest.mark.parametrize(
    ("how", "status", "says"),
    [("input", 2, "strokes: a file is missing"), ("status", 3, ""), ("bug", 1, "a mistake of ours")],
)
def test_a_process_that_fails_ends_all_with_its_status(how, status, says, capfd, monkeypatch):
    assert launch(fail, 2, 1, how) == status
    err = capfd.readouterr().err
    assert says in err and ("Traceback" in err) == (how == "bug")


def test_alone_there_is_nobody_to_wait_for():
    group = Group(0, 1, torch.device("cpu"))
    p = torch.nn.Parameter(torch.zeros(2))
    p.grad, extra = torch.ones(2), torch.ones(1)
    group.sum_gradients([p], extra)
    group.barrier()
    group.close()
    assert group.first and group.any(True) and not group.any(False)
    assert p.grad.tolist() == [1, 1] and extra.tolist() == [1] and group.sum(extra).tolist() == [1]


def test_memory_is_shared_by_the_processes_of_a_computer(monkeypatch):
    monkeypatch.delenv("LOCAL_WORLD_SIZE", raising=False)
    assert Group(0, 6, torch.device("cpu")).on_device == 6
    assert Group(0, 6, torch.device("cuda", 0)).on_device == 1
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "3")
    assert Group(0, 6, torch.device("cpu")).on_device == 3


def test_torchruns_environment_says_who_we_are(monkeypatch):
    joined = []
    monkeypatch.setattr(processes.dist, "init_process_group", lambda *a, **k: joined.append(a))
    for name, value in {"WORLD_SIZE": "4", "RANK": "3", "LOCAL_RANK": "1"}.items():
        monkeypatch.setenv(name, value)
    group = start(device="cpu")
    assert (group.rank, group.size, group.device.type) == (3, 4, "cpu") and joined == [("gloo",)]


def test_a_gpu_that_is_not_there_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert not wants_cuda("auto") and not wants_cuda("cpu")
    with pytest.raises(InputError, match="no CUDA device"):
        wants_cuda("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setenv("LOCAL_RANK", "2")
    assert wants_cuda("auto") and not wants_cuda("cpu")
    with pytest.raises(InputError, match=r"process 2 has no GPU: there are 2"):
        start(device="cuda")


def test_windows_has_no_launch(monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    assert not can_launch()
