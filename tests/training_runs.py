"""Small training runs in this process and on the command line, shared by the tests of training."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from strokes.model import load_model
from strokes.network import NetworkConfig
from strokes.runs import checkpoints
from strokes.runs.processes import Group
from strokes.training.config import TrainingConfig
from strokes.training.loop import train
from strokes.training.progress import PenProgress

TINY = TrainingConfig(
    network=NetworkConfig(hidden=12, window_components=2, mixture_components=3, kappa_bias=-1.5),
    epochs=6.0,
    batch=4,
    chunk=20,
    warmup=5,
    ema=0.9,
    dropout=0.0,
    rare=0,
    precision="fp32",
    validate_every=1.0,
    checkpoint_every=1000,
)
#: The same on the command line.
TINY_FLAGS = [
    "--network.hidden",
    "12",
    "--network.window-components",
    "2",
    "--network.mixture-components",
    "3",
    "--network.kappa-bias",
    "-1.5",
    "--batch",
    "4",
    "--chunk",
    "20",
    "--warmup",
    "5",
    "--ema",
    "0.9",
    "--dropout",
    "0",
    "--rare",
    "0",
    "--precision",
    "fp32",
    "--validate-every",
    "1000",
]


ALONE = Group(0, 1, torch.device("cpu"))


def latest(run: Path) -> tuple[checkpoints.Checkpoint[PenProgress], list[str]]:
    return checkpoints.latest(run, PenProgress)


def go(corpus, run: Path, config=TINY, **options):
    """Train in this process."""
    run.mkdir(exist_ok=True)
    return train(corpus, run, config, group=ALONE, **options)


def rows(run: Path, event: str | None = None) -> list[dict]:
    """Rows of the log without what depends on the clock."""
    found = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [
        {k: v for k, v in row.items() if k not in ("seconds", "points_per_second")}
        for row in found
        if event in (None, row["event"])
    ]


def assert_same_end(a: Path, b: Path) -> None:
    """The last checkpoints of two runs are the same to the bit, and so are their logs and best models."""
    (one, _), (other, _) = latest(a), latest(b)
    for name in ("network", "mean", "optimizer"):
        assert one.tensors[name].keys() == other.tensors[name].keys()
        for key, value in one.tensors[name].items():
            assert torch.equal(value, other.tensors[name][key]), (name, key)
    assert replace(one.progress, seconds=0.0) == replace(other.progress, seconds=0.0)
    assert rows(a) == rows(b)
    best, other_best = load_model(a), load_model(b)
    assert all(np.array_equal(w, other_best.weights[k]) for k, w in best.weights.items())


def command(corpus_file, run, *flags, launcher=("-m", "strokes")):
    return [sys.executable, *launcher, "train", str(corpus_file), "-o", str(run), *TINY_FLAGS, *flags]


def started(argv) -> subprocess.Popen:
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(argv, stderr=subprocess.PIPE, text=True, env=env, start_new_session=True)


def wait_for(process: subprocess.Popen, ready, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not ready():
        if process.poll() is not None or time.monotonic() > end:
            process.kill()
            pytest.fail(f"the run did not get that far: {process.communicate()[1]}")
        time.sleep(0.05)


def log_rows(run: Path) -> int:
    log = run / "metrics.jsonl"
    return log.read_text().count("\n") if log.exists() else 0
