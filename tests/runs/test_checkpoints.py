from __future__ import annotations

import json
import os
import subprocess

import pytest
import torch
from safetensors import SafetensorError

from strokes.files import InputError
from strokes.runs import checkpoints
from strokes.runs.checkpoints import Checkpoint, latest, save


def made(value: float, size: int = 4) -> Checkpoint:
    tensors = {name: {"w": torch.full((size,), value)} for name in ("network", "mean", "optimizer")}
    return Checkpoint({"step": int(value), "best": 0.1 + value}, tensors)


def names(run):
    return sorted(p.name for p in run.iterdir())


def holds(run, value):
    found, damaged = latest(run)
    assert found.progress == {"step": value, "best": 0.1 + value}
    assert all(torch.equal(t["w"], torch.full((len(t["w"]),), float(value))) for t in found.tensors.values())
    return damaged


def test_the_newest_is_read_and_two_are_kept_as_safetensors_and_json_only(tmp_path):
    for step in (1, 2, 3, 10):
        save(tmp_path, step, made(step))
    assert names(tmp_path) == ["checkpoint-00000003", "checkpoint-00000010"]
    assert names(tmp_path / "checkpoint-00000010") == [
        "mean.safetensors",
        "network.safetensors",
        "optimizer.safetensors",
        "progress.json",
    ]
    assert holds(tmp_path, 10) == []


def test_going_on_from_before_a_damaged_one_keeps_two_that_are_sound(tmp_path):
    for step in (1, 9):
        save(tmp_path, step, made(step))
    (tmp_path / "checkpoint-00000009" / "progress.json").write_text("")
    save(tmp_path, 3, made(3))
    assert names(tmp_path) == ["checkpoint-00000001", "checkpoint-00000003"]


def test_steps_are_compared_as_numbers(tmp_path):
    for step in (99_999_999, 100_000_000):
        save(tmp_path, step, made(step))
    assert holds(tmp_path, 100_000_000) == []


def test_the_same_step_can_be_saved_again(tmp_path):
    save(tmp_path, 5, made(4))
    save(tmp_path, 5, made(5))
    holds(tmp_path, 5)


@pytest.mark.parametrize("where", ["save_file", "fsync", "replace", "mkdir"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), SafetensorError("No space left")])
def test_a_save_that_is_broken_off_leaves_the_one_before(tmp_path, monkeypatch, where, error):
    save(tmp_path, 1, made(1))
    calls = []

    def fail(*args, **kwargs):
        calls.append(args)
        if where == "save_file" and len(calls) < 2:  # the second of three files
            return
        raise error

    target = checkpoints if where == "save_file" else checkpoints.Path if where == "mkdir" else os
    monkeypatch.setattr(target, where, fail)
    with pytest.raises(InputError, match="step 2 could not be written.*No space left.*--resume"):
        save(tmp_path, 2, made(2))
    monkeypatch.undo()
    assert calls and names(tmp_path) == ["checkpoint-00000001"]
    holds(tmp_path, 1)


def test_an_interrupted_save_leaves_nothing_that_counts_and_is_swept_up_later(tmp_path, monkeypatch):
    """As if the process was killed: nothing of `save` runs after the first file."""
    save(tmp_path, 1, made(1))
    monkeypatch.setattr(checkpoints.shutil, "rmtree", lambda *a, **k: None)
    monkeypatch.setattr(os, "fsync", lambda fd: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        save(tmp_path, 2, made(2))
    monkeypatch.undo()
    assert len(names(tmp_path)) == 2
    assert holds(tmp_path, 1) == []
    save(tmp_path, 3, made(3))
    assert names(tmp_path) == ["checkpoint-00000001", "checkpoint-00000003"]


def test_a_full_disk_is_said_in_a_sentence_and_spoils_nothing(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)]
    mounted = subprocess.run(mount, capture_output=True)
    if mounted.returncode:
        pytest.skip(f"no file system of our own to fill: {mounted.stderr.decode().strip()}")
    try:
        save(disk, 1, made(1))
        with pytest.raises(InputError, match="step 2 could not be written.*(?i:no space left)"):
            save(disk, 2, made(2, size=50_000))
        assert names(disk) == ["checkpoint-00000001"]
        holds(disk, 1)
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize("damage", ["cut", "missing", "nonsense", "json", "not an object"])
def test_a_damaged_newest_falls_back_to_the_one_before_and_says_so(tmp_path, damage):
    save(tmp_path, 1, made(1))
    save(tmp_path, 2, made(2))
    newest = tmp_path / "checkpoint-00000002"
    file = newest / "mean.safetensors"
    if damage == "cut":
        file.write_bytes(file.read_bytes()[:-3])
    elif damage == "missing":
        file.unlink()
    elif damage == "nonsense":
        file.write_bytes(b"\x80\x04pickle?")
    elif damage == "json":
        (newest / "progress.json").write_text('{"step": 2')
    else:
        (newest / "progress.json").write_text("[]")
    assert holds(tmp_path, 1) == ["checkpoint-00000002"]


def test_nothing_to_resume_from_is_said(tmp_path):
    (tmp_path / "checkpoint-00000001.tmp").mkdir()
    with pytest.raises(InputError, match="no checkpoint yet.*another folder"):
        latest(tmp_path)
    save(tmp_path, 1, made(1))
    (tmp_path / "checkpoint-00000001" / "progress.json").unlink()
    with pytest.raises(InputError, match="checkpoint-00000001 cannot be read"):
        latest(tmp_path)


def test_progress_keeps_every_bit_of_a_float(tmp_path):
    value = 0.1 + 0.2 + 1e-17
    progress = {"step": 1, "best": value, "rows": [[value, 2, 3]]}
    save(tmp_path, 1, Checkpoint(progress, made(1).tensors))
    assert latest(tmp_path)[0].progress == progress
    json.loads((tmp_path / "checkpoint-00000001" / "progress.json").read_text())


@pytest.mark.parametrize("file", ["network.safetensors", "optimizer.safetensors"])
def test_a_file_of_the_right_size_with_other_bytes_is_damage(tmp_path, file):
    for step in (1, 2):
        save(tmp_path, step, made(step))
    path = tmp_path / "checkpoint-00000002" / file
    data = bytearray(path.read_bytes())
    data[-4:] = b"\0\0\0\0" if data[-4:] != b"\0\0\0\0" else b"\1\0\0\0"  # a page that was never written
    path.write_bytes(data)
    found, damaged = latest(tmp_path)
    assert damaged == ["checkpoint-00000002"] and found.progress == made(1).progress
