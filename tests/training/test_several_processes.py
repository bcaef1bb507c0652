"""'strokes train' in several processes, started by itself and by torchrun."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from training_runs import (
    TINY,
    command,
    go,
    latest,
    log_rows,
    rows,
    started,
    wait_for,
)

from strokes.corpus import Corpus
from strokes.training.config import Augmentation

needs_gloo = pytest.mark.skipif(
    not (torch.distributed.is_available() and torch.distributed.is_gloo_available()),
    reason="this torch was built without torch.distributed and gloo",
)


needs_proc = pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="there is no /proc to find processes in"
)


def torchrun(corpus_file, run, *flags):
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "strokes")
    return command(corpus_file, run, *flags, launcher=launcher)


def in_two(corpus_file, run, *flags):
    return command(corpus_file, run, "--processes", "2", *flags)


def _of(pid: int, what: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{what}").read_bytes()
    except OSError:
        return b""


@needs_gloo
@pytest.mark.parametrize("by", ["torchrun", "itself"])
def test_two_processes_make_the_weights_of_one(corpus_file, tmp_path, by):
    """18 training lines in batches of 4: the last batch of an epoch has two, one for each process."""
    regularised = {"weight_noise": 0.02, "regularise_after": 1.0, "dropout": 0.2}
    flags = ["--epochs", "3", "--validate-every", "1", "--augmentation.subsample", "0.3"]
    flags += [f"--{name.replace('_', '-')}={value}" for name, value in regularised.items()]
    start = torchrun if by == "torchrun" else in_two
    process = started(start(corpus_file, tmp_path / "two", *flags))
    _, err = process.communicate(timeout=180)
    assert process.returncode == 0, err
    assert "2 processes" in err
    config = replace(TINY, epochs=3.0, augmentation=Augmentation(subsample=0.3), **regularised)
    go(Corpus.load(corpus_file), tmp_path / "one", config)
    (two, _), (one, _) = (latest(tmp_path / n) for n in ("two", "one"))
    assert two.progress.step == one.progress.step > 20
    for name in ("network", "mean"):
        for key, value in one.tensors[name].items():
            torch.testing.assert_close(two.tensors[name][key], value, rtol=1e-3, atol=2e-4, msg=key)
    for a, b in zip(rows(tmp_path / "one"), rows(tmp_path / "two"), strict=True):
        assert a["event"] == b["event"] and a["points"] == b["points"]
        loss = "loss" if a["event"] == "train" else "nats_per_point"
        assert a[loss] == pytest.approx(b[loss], abs=1e-4)
        assert a.get("lines") == b.get("lines")


@needs_gloo
def test_a_run_goes_on_with_another_number_of_processes(corpus_file, tmp_path):
    run, whole = tmp_path / "run", tmp_path / "whole"
    config = replace(TINY, epochs=3.0, validate_every=1000.0)
    corpus = Corpus.load(corpus_file)
    go(corpus, run, config, stop_after=8)
    process = started(in_two(corpus_file, run, "--resume", "--epochs", "3"))
    _, err = process.communicate(timeout=180)
    assert process.returncode == 0 and "2 processes" in err, err
    go(corpus, whole, config)
    (two, _), (one, _) = (latest(p) for p in (run, whole))
    assert two.progress.step == one.progress.step > 20
    for key, value in one.tensors["network"].items():
        torch.testing.assert_close(two.tensors["network"][key], value, rtol=1e-3, atol=2e-4, msg=key)


@needs_gloo
def test_ctrl_c_reaches_every_process_and_keeps_everything(corpus_file, tmp_path):
    run = tmp_path / "run"
    process = started(in_two(corpus_file, run, "--epochs", "5000"))
    wait_for(process, lambda: log_rows(run) >= 2)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: all of them get it
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0 and "Traceback" not in err, err
    assert err.count("stopping after this batch") == 1
    assert latest(run)[0].progress.step >= 40


def workers_of(process: subprocess.Popen) -> list[int]:
    found = [
        pid
        for pid in (int(p.name) for p in Path("/proc").iterdir() if p.name.isdigit())
        if b"spawn_main" in _of(pid, "cmdline") and f" {process.pid} ".encode() in _of(pid, "stat")
    ]
    assert len(found) == 2
    return found


@needs_gloo
@needs_proc
def test_one_of_several_processes_killed_ends_the_run_with_a_word(corpus_file, tmp_path):
    run = tmp_path / "run"
    process = started(in_two(corpus_file, run, "--epochs", "5000", "--checkpoint-every", "10"))
    wait_for(process, lambda: len(list(run.glob("checkpoint-*"))) >= 2)
    os.kill(max(workers_of(process)), signal.SIGKILL)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1 and "was killed (signal 9); go on" in err and "Traceback" not in err, err
    assert latest(run)[1] == []


@needs_gloo
@needs_proc
def test_processes_whose_parent_is_killed_stop_and_keep_everything(corpus_file, tmp_path):
    run = tmp_path / "run"
    process = started(in_two(corpus_file, run, "--epochs", "5000"))
    wait_for(process, lambda: log_rows(run) >= 2)
    workers = workers_of(process)
    process.kill()
    process.wait()
    for _ in range(200):
        if not any(b"spawn_main" in _of(pid, "cmdline") for pid in workers):
            break
        time.sleep(0.1)
    else:
        pytest.fail("the processes train on")
    assert latest(run)[0].progress.step >= 40


@needs_gloo
def test_divergence_in_several_processes_is_said_once(corpus_file, tmp_path):
    process = started(in_two(corpus_file, tmp_path / "run", "--epochs", "50", "--learning-rate", "1e30"))
    _, err = process.communicate(timeout=120)
    assert process.returncode == 2
    assert err.count("without a finite gradient") == 1 and "Traceback" not in err, err


@needs_gloo
def test_a_full_disk_ends_several_processes_with_a_sentence(corpus_file, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(disk)]
    mounted = subprocess.run(mount, capture_output=True)
    if mounted.returncode:
        pytest.skip(f"no file system of our own to fill: {mounted.stderr.decode().strip()}")
    try:
        process = started(
            in_two(corpus_file, disk / "run", "--epochs", "5000", "--checkpoint-every", "100000")
        )
        _, err = process.communicate(timeout=180)
        assert process.returncode == 2
        said = [
            line
            for line in err.splitlines()
            if line.startswith("strokes: ") and "no space left" in line.lower()
        ]
        assert len(said) == 1 and "--resume" in said[0] and "Traceback" not in err, err
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@needs_gloo
def test_a_mistake_that_every_process_finds_is_said_once(corpus_file, tmp_path):
    process = started(in_two(corpus_file, tmp_path / "run", "--validation-split", "nowhere"))
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert err.count("validation split") == 1 and "Traceback" not in err, err


@needs_gloo
def test_ctrl_c_under_torchrun_keeps_everything(corpus_file, tmp_path):
    """A terminal sends Ctrl-C to torchrun, which passes it on to processes in sessions of their own."""
    run = tmp_path / "run"
    process = started(torchrun(corpus_file, run, "--epochs", "5000"))
    wait_for(process, lambda: log_rows(run) >= 2)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert latest(run)[0].progress.step >= 40, err
