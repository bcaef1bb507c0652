from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass, field

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import SafetensorError

from strokes.files import InputError
from strokes.runs import checkpoints
from strokes.runs.checkpoints import Checkpoint, latest, resume_from, save
from strokes.runs.progress import Count, Progress


@dataclass(kw_only=True)
class Counters(Progress):
    """What a training might keep."""

    points: Count = 0
    rows: list[tuple[float, Count]] = field(default_factory=list)


def made(value: float, size: int = 4, **counters) -> Checkpoint[Counters]:
    tensors = {name: {"w": torch.full((size,), float(value))} for name in ("network", "mean", "optimizer")}
    return Checkpoint(Counters(step=int(value), best=0.1 + value, **counters), tensors)


def names(run):
    return sorted(p.name for p in run.iterdir())


def holds(run, value):
    found, damaged = latest(run, Counters)
    assert found.progress == Counters(step=value, best=0.1 + value)
    assert all(torch.equal(t["w"], torch.full((len(t["w"]),), float(value))) for t in found.tensors.values())
    return damaged


def test_the_newest_is_read_and_two_are_kept_as_safetensors_and_json_only(tmp_path):
    for step in (1, 2, 3, 10):
        save(tmp_path, made(step))
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
        save(tmp_path, made(step))
    (tmp_path / "checkpoint-00000009" / "progress.json").write_text("")
    save(tmp_path, made(3))
    assert names(tmp_path) == ["checkpoint-00000001", "checkpoint-00000003"]


def test_steps_are_compared_as_numbers(tmp_path):
    for step in (99_999_999, 100_000_000):
        save(tmp_path, made(step))
    assert holds(tmp_path, 100_000_000) == []


def test_the_same_step_can_be_saved_again(tmp_path):
    save(tmp_path, made(5, size=2))
    save(tmp_path, made(5))
    assert len(latest(tmp_path, Counters)[0].tensors["mean"]["w"]) == 4
    holds(tmp_path, 5)


@pytest.mark.parametrize("where", ["save_file", "fsync", "replace", "mkdir"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), SafetensorError("No space left")])
def test_a_save_that_is_broken_off_leaves_the_one_before(tmp_path, monkeypatch, where, error):
    save(tmp_path, made(1))
    calls = []

    def fail(*args, **kwargs):
        calls.append(args)
        if where == "save_file" and len(calls) < 2:  # the second of three files
            return
        raise error

    target = checkpoints if where == "save_file" else checkpoints.Path if where == "mkdir" else os
    monkeypatch.setattr(target, where, fail)
    with pytest.raises(InputError, match=r"step 2 could not be written.*No space left.*--resume"):
        save(tmp_path, made(2))
    monkeypatch.undo()
    assert calls and names(tmp_path) == ["checkpoint-00000001"]
    holds(tmp_path, 1)


def test_an_interrupted_save_leaves_nothing_that_counts_and_is_swept_up_later(tmp_path, monkeypatch):
    """As if the process was killed: nothing of `save` runs after the first file."""
    save(tmp_path, made(1))
    monkeypatch.setattr(checkpoints.shutil, "rmtree", lambda *a, **k: None)
    monkeypatch.setattr(os, "fsync", lambda fd: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        save(tmp_path, made(2))
    monkeypatch.undo()
    assert len(names(tmp_path)) == 2
    assert holds(tmp_path, 1) == []
    save(tmp_path, made(3))
    assert names(tmp_path) == ["checkpoint-00000001", "checkpoint-00000003"]


def test_a_full_disk_is_said_in_a_sentence_and_spoils_nothing(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)]
    mounted = subprocess.run(mount, capture_output=True)
    if mounted.returncode:
        pytest.skip(f"no file system of our own to fill: {mounted.stderr.decode().strip()}")
    try:
        save(disk, made(1))
        with pytest.raises(InputError, match=r"step 2 could not be written.*(?i:no space left)"):
            save(disk, made(2, size=50_000))
        assert names(disk) == ["checkpoint-00000001"]
        holds(disk, 1)
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize("damage", ["cut", "missing", "nonsense", "json", "not an object"])
def test_a_damaged_newest_falls_back_to_the_one_before_and_says_so(tmp_path, damage):
    save(tmp_path, made(1))
    save(tmp_path, made(2))
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
    with pytest.raises(InputError, match=r"no checkpoint yet.*another folder"):
        latest(tmp_path, Counters)
    save(tmp_path, made(1))
    (tmp_path / "checkpoint-00000001" / "progress.json").unlink()
    with pytest.raises(InputError, match=r"checkpoint-00000001 cannot be read"):
        latest(tmp_path, Counters)


def test_going_on_from_an_earlier_one_is_said_by_the_first_process(tmp_path, capsys):
    for step in (1, 2):
        save(tmp_path, made(step))
    (tmp_path / "checkpoint-00000002" / "progress.json").write_text("{}")
    assert resume_from(tmp_path, Counters, speak=False).progress.step == 1
    assert capsys.readouterr().err == ""
    assert resume_from(tmp_path, Counters).progress.step == 1
    assert capsys.readouterr().err.count("checkpoint-00000002 is damaged") == 1


def test_progress_keeps_every_bit_of_a_float(tmp_path):
    value = 0.1 + 0.2 + 1e-17
    progress = Counters(step=1, best=value, seconds=1 / 3, rows=[(value, 3), (5e-324, 2**53)])
    save(tmp_path, Checkpoint(progress, made(1).tensors))
    assert latest(tmp_path, Counters)[0].progress == progress


@pytest.mark.parametrize("file", ["network.safetensors", "optimizer.safetensors"])
def test_a_file_of_the_right_size_with_other_bytes_is_damage(tmp_path, file):
    for step in (1, 2):
        save(tmp_path, made(step))
    path = tmp_path / "checkpoint-00000002" / file
    data = bytearray(path.read_bytes())
    data[-4:] = b"\0\0\0\0" if data[-4:] != b"\0\0\0\0" else b"\1\0\0\0"  # a page that was never written
    path.write_bytes(data)
    found, damaged = latest(tmp_path, Counters)
    assert damaged == ["checkpoint-00000002"] and found.progress == made(1).progress


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("step", 2, "step 2"),
        ("step", -1, ">= 0"),
        ("points", -5, ">= 0"),
        ("points", "NaN", "points"),
        ("points", 1.5, "points"),
        ("points", 10**30, "points"),
        ("seconds", -1, "seconds"),
        ("best", "low", "best"),
        ("epoch", None, "epoch"),
        ("rows", [[0.5, 2, 3]], "rows"),
        ("rows", {"a": 1}, "rows"),
    ],
)
def test_progress_of_another_type_or_range_is_damage_with_the_reason(tmp_path, key, value, says):
    save(tmp_path, made(1))
    path = tmp_path / "checkpoint-00000001" / "progress.json"
    document = json.loads(path.read_text())
    document["progress"][key] = value
    path.write_text(json.dumps(document))
    with pytest.raises(InputError, match=f"checkpoint-00000001 cannot be read .*{says}") as e:
        latest(tmp_path, Counters)
    assert "\n" not in str(e.value)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000 + "]" * 100_000,
        '{"progress": {"step": NaN}}',
        '{"progress": {"step": 1e400}}',
        "null",
        '{"format": "strokes-run-2", "crc32": {"../network.safetensors": 0}, "progress": {"step": 1}}',
        '{"format": "strokes-run-1", "crc32": {}, "progress": {"step": 1}}',
    ],
)
def test_hostile_documents_are_one_sentence(tmp_path, text):
    save(tmp_path, made(1))
    (tmp_path / "checkpoint-00000001" / "progress.json").write_text(text)
    with pytest.raises(InputError, match=r"checkpoint-00000001 cannot be read .*remove this one first$") as e:
        latest(tmp_path, Counters)
    assert "\n" not in str(e.value) and len(str(e.value)) < 700


SOUND = json.dumps(
    {
        "format": "strokes-run-2",
        "crc32": {"network.safetensors": 7},
        "progress": {"step": 1, "rows": [[0.5, 3]]},
    }
)


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_mutated_documents_are_refused_or_within_their_ranges(tmp_path_factory, data):
    """Bytes of a sound document are cut out, doubled and replaced."""
    folder = tmp_path_factory.mktemp("run") / "checkpoint-00000001"
    folder.mkdir()
    text = SOUND
    for _ in range(data.draw(st.integers(1, 4))):
        i, j = sorted(data.draw(st.tuples(*[st.integers(0, len(text))] * 2)))
        text = (
            text[:i]
            + data.draw(st.sampled_from(["", text[i:j] * 2, "-", "9" * 30, "null", "[", "NaN", "\0"]))
            + text[j:]
        )
    (folder / "progress.json").write_text(text)
    with pytest.raises(InputError, match=r"^[^\n]*cannot be read[^\n]*$"):  # no file is named as it must be
        latest(folder.parent, Counters)
