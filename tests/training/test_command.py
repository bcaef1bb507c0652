"""'strokes train' in one process: Ctrl-C, kills, mistakes."""

from __future__ import annotations

import json
import signal
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from small_corpus import build_corpus
from training_runs import (
    TINY,
    TINY_FLAGS,
    command,
    go,
    latest,
    log_rows,
    rows,
    started,
    wait_for,
)

from strokes.cli import main
from strokes.corpus import Corpus
from strokes.model import load_model


def test_settings_that_were_refused_do_not_replace_the_runs_own(corpus_file, tmp_path, capsys):
    run = tmp_path / "run"
    go(Corpus.load(corpus_file), run, stop_after=1)
    before = (run / "config.json").read_text()
    assert main(["train", str(corpus_file), "-o", str(run), "--resume", "--network.hidden", "5"]) == 2
    assert "other sizes" in capsys.readouterr().err
    assert (run / "config.json").read_text() == before


def test_ctrl_c_writes_a_checkpoint_and_resume_goes_on_from_it(corpus_file, tmp_path, capsys):
    run = tmp_path / "run"
    process = started(command(corpus_file, run, "--epochs", "5000"))
    wait_for(process, lambda: log_rows(run) >= 3)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "Traceback" not in err and "stopping after this batch" in err and "--resume" in err
    step = latest(run)[0].progress.step
    assert step >= 60
    # In this process: settings come from the run, but for those that are given again.
    epochs = latest(run)[0].progress.epoch + 2
    assert main(["train", str(corpus_file), "-o", str(run), "--resume", "--epochs", str(epochs)]) == 0
    assert json.loads((run / "config.json").read_text())["network"]["hidden"] == 12
    after = latest(run)[0].progress
    assert step < after.step and after.epoch in (epochs - 1, epochs)
    assert "trained at step" in capsys.readouterr().err


def test_a_killed_run_resumes_from_its_last_checkpoint_to_the_same_end(corpus_file, tmp_path):
    run, whole = tmp_path / "run", tmp_path / "whole"
    process = started(command(corpus_file, run, "--epochs", "5000", "--checkpoint-every", "10"))
    wait_for(process, lambda: len(list(run.glob("checkpoint-*"))) >= 2 and log_rows(run) >= 2)
    process.kill()
    process.communicate()
    found, damaged = latest(run)
    assert damaged == []
    config = replace(TINY, epochs=5000.0, validate_every=1000.0, checkpoint_every=10)
    corpus, until = Corpus.load(corpus_file), found.progress.step + 15
    go(corpus, run, config, resume=True, stop_after=until)
    go(corpus, whole, config, stop_after=until)
    (one, _), (other, _) = latest(run), latest(whole)
    assert all(torch.equal(v, other.tensors["network"][k]) for k, v in one.tensors["network"].items())
    assert rows(run) == rows(whole)


def test_runs_killed_at_any_moment_lose_no_more_than_the_work_since_a_checkpoint(corpus_file, tmp_path):
    """A checkpoint at every batch, so that some of the kills fall into the writing of one."""
    run = tmp_path / "run"
    flags = ["--epochs", "5000", "--checkpoint-every", "1", "--processes", "1"]
    rng, last = np.random.default_rng(0), 0
    for attempt in range(4):
        process = started(command(corpus_file, run, *flags, *["--resume"] * (attempt > 0)))
        wait_for(process, lambda since=last: _newest(run) > since + 2)
        time.sleep(rng.uniform(0, 0.2))
        process.kill()
        process.communicate()
        found, damaged = latest(run)
        assert damaged == []
        assert found.progress.step >= last + 2
        last = found.progress.step
    config = replace(TINY, epochs=5000.0, validate_every=1000.0, checkpoint_every=1)
    corpus, whole = Corpus.load(corpus_file), tmp_path / "whole"
    go(corpus, run, config, resume=True, stop_after=last + 3)
    go(corpus, whole, config, stop_after=last + 3)
    (one, _), (other, _) = latest(run), latest(whole)
    assert all(torch.equal(v, other.tensors["network"][k]) for k, v in one.tensors["network"].items())


def _newest(run: Path) -> int:
    return max((int(p.name[11:]) for p in run.glob("checkpoint-*")), default=0)


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--batch", "0"], "batch is 0; it must be"),
        (["--batch", "four"], "batch"),
        (["--network.hidden", "0"], "hidden"),
        (["--augmentation.scale-x", "-1"], "scale-x is -1"),
        (["--optimizer", "sgd"], "optimizer"),
        (["--no-such-setting", "1"], "--no-such-setting"),
        (["--config", "missing.yaml"], "missing.yaml"),
        (["--resume"], "no run to resume"),
        (["--resume", "--start", "default"], "leave one of them out"),
        (["--start", "nobody"], "no model there"),
        (["--device", "cuda"], "no CUDA device"),
        (["--processes", "-1"], "--processes is -1"),
        (["--processes", "9", "--batch", "8"], "more than the 8 lines"),
        (["--validation-split", "nowhere"], "validation split"),
    ],
)
def test_mistakes_are_one_sentence_and_exit_2(corpus_file, tmp_path, capfd, flags, says):
    assert main(["train", str(corpus_file), "-o", str(tmp_path / "run"), *flags]) == 2
    err = capfd.readouterr().err.strip()
    last = err.splitlines()[-1]
    assert last.startswith("strokes: ") and says in last
    assert len(err.splitlines()) == (2 if says == "validation split" else 1), err


def test_two_corpora_with_weights_make_one_run(corpus_file, tmp_path, capsys):
    second = tmp_path / "second.npz"
    build_corpus(lines=8, seed=3).save(second)
    run = tmp_path / "run"
    flags = [*TINY_FLAGS, "--epochs", "1", "--processes", "1"]
    assert main(["train", str(corpus_file), str(second), "-o", str(run), "--weights", "1,2", *flags]) == 0
    assert "32 lines" in capsys.readouterr().err
    assert load_model(run).info["training"]["weights"] == [1.0, 2.0]
    assert main(["train", str(corpus_file), "-o", str(run), "--resume"]) == 2
    assert "2 weights are given for 1 corpora" in capsys.readouterr().err
    assert main(["train", str(corpus_file), str(second), "-o", str(run), "--resume", "--weights", "1,3"]) == 2
    assert "begun with another weights" in capsys.readouterr().err


def test_a_used_folder_and_a_missing_corpus_exit_2(corpus_file, tmp_path, capsys):
    (tmp_path / "file").touch()
    assert main(["train", str(corpus_file), "-o", str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert main(["train", str(tmp_path / "file"), "-o", str(tmp_path / "run")]) == 2
    assert "not a corpus" in capsys.readouterr().err
    assert main(["train"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_run_whose_settings_are_damaged_says_so(corpus_file, tmp_path, capsys):
    for text in ('{"batch": 4', '{"bacth": 4}', "[1]"):
        (tmp_path / "config.json").write_text(text)
        assert main(["train", str(corpus_file), "-o", str(tmp_path), "--resume"]) == 2
        err = capsys.readouterr().err
        assert err.count("\n") == 1 and "config.json" in err
    (tmp_path / "config.json").write_text('{"drop_out": 0.5}')
    assert main(["train", str(corpus_file), "-o", str(tmp_path), "--resume"]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and "drop_out" in err
