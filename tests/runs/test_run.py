from __future__ import annotations

import json
import os
import signal

import pytest
import torch

from strokes.runs.checkpoints import latest
from strokes.runs.processes import Group
from strokes.runs.progress import DivergedError, Progress
from strokes.runs.run import Run

TENSORS = {name: {"w": torch.ones(2)} for name in ("network", "mean", "optimizer")}


def run_in(folder, progress=None, **options) -> Run:
    return Run(folder, progress or Progress(), {"batch": 4}, resumed=False, total=9, at=0, **options)


def rows(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def save(folder):
    folder.mkdir()
    (folder / "config.json").write_text("{}")


def test_rows_have_the_step_and_seconds_go_on_from_the_checkpoint(tmp_path):
    with run_in(tmp_path, Progress(seconds=1000.0)) as run:
        run.count_step(True)
        run.log("train", loss=2.5)
        run.checkpoint(TENSORS)
    (row,) = rows(tmp_path)
    assert (row["event"], row["step"], row["loss"]) == ("train", 1, 2.5) and 1000 <= row["seconds"] < 1100
    kept = latest(tmp_path, Progress)[0].progress
    assert kept == run.progress and kept.step == 1 and 1000 <= kept.seconds < 1100
    assert json.loads((tmp_path / "config.json").read_text()) == {"batch": 4}


def test_divergence_is_logged_and_names_the_way_out(tmp_path):
    with run_in(tmp_path) as run:
        for _ in range(19):
            run.count_step(False)
        with pytest.raises(DivergedError, match=r"20 steps .*lower --learning-rate and begin again"):
            run.count_step(False)
        run.checkpoint(TENSORS)
        with pytest.raises(DivergedError, match="go on with --resume"):
            run.count_step(False)
    assert [(r["event"], r["step"], r["skipped"]) for r in rows(tmp_path)] == [
        ("diverged", 20, 20),
        ("diverged", 21, 21),
    ]


def test_ctrl_c_and_stop_after_ask_for_an_end(tmp_path):
    before = signal.getsignal(signal.SIGINT)
    with run_in(tmp_path, stop_after=2) as run:
        run.count_step(True)
        assert not run.stop_requested
        run.count_step(True)
        assert run.stop_requested
    with run_in(tmp_path) as run:
        assert not run.stop_requested
        os.kill(os.getpid(), signal.SIGINT)
        assert run.stop_requested
    assert signal.getsignal(signal.SIGINT) is before


def test_latest_weights_are_kept_until_there_are_best_ones(tmp_path):
    with run_in(tmp_path) as run:
        run.keep_latest(save)
        assert (tmp_path / "latest" / "config.json").is_file()
        run.keep_best(save)
        assert (tmp_path / "best" / "config.json").is_file() and not (tmp_path / "latest").exists()
        run.keep_latest(save)
        assert not (tmp_path / "latest").exists()


def test_a_picture_that_cannot_be_drawn_does_not_end_a_run(tmp_path, capsys):
    def fail(path):
        raise RuntimeError(f"no ink for {path.name}")

    with run_in(tmp_path) as run:
        run.draw(fail, "samples.png")
    assert "could not be drawn (RuntimeError: no ink for samples.png)" in capsys.readouterr().err


def test_other_processes_than_the_first_write_and_say_nothing(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(Group, "barrier", lambda self: None)
    with run_in(tmp_path, group=Group(1, 2, torch.device("cpu"))) as run:
        run.count_step(True)
        run.log("train", loss=1.0)
        run.say("hello")
        run.checkpoint(TENSORS)
        run.keep_latest(save)
        run.keep_best(save)
        run.draw(lambda path: path.touch(), "samples.png")
        run.advance(1)
        run.note("loss")
    assert list(tmp_path.iterdir()) == [] and capsys.readouterr().err == ""
