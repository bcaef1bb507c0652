from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import build_corpus

from strokes.cli import main
from strokes.corpus import Corpus
from strokes.files import InputError
from strokes.model import load_model
from strokes.network import NetworkConfig, StrokeNetwork
from strokes.preprocessing import Statistics
from strokes.runs import checkpoints
from strokes.runs.processes import Group
from strokes.training import lines, loop
from strokes.training.batches import epoch_batches, repeats
from strokes.training.config import Augmentation, TrainingConfig
from strokes.training.evaluation import evaluate
from strokes.training.loop import DivergedError, train
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


def latest(run: Path) -> tuple[checkpoints.Checkpoint[PenProgress], list[str]]:
    return checkpoints.latest(run, PenProgress)


ALONE = Group(0, 1, torch.device("cpu"))


def go(corpus, run: Path, config=TINY, **options):
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


@pytest.fixture(scope="module")
def finished(corpus, tmp_path_factory):
    """A whole run and what it returned."""
    run = tmp_path_factory.mktemp("finished")
    config = replace(TINY, epochs=30.0, validate_every=5.0, learning_rate=5e-3)
    return run, go(corpus, run, config), config


def test_loss_falls_clearly_and_the_best_weights_are_packaged(finished, corpus):
    run, result, _ = finished
    assert result.finished and result.progress.skipped == 0
    losses = [row["loss"] for row in rows(run, "train")]
    assert losses[-1] < losses[0] - 1.0
    validations = [row["nats_per_point"] for row in rows(run, "validation")]
    assert len(validations) == 6 and min(validations) == result.progress.best < validations[0] - 0.3
    model = load_model(run)
    assert model.info["validation"]["nats_per_point"] == result.progress.best
    assert model.alphabet == corpus.alphabet and model.statistics == corpus.statistics


def test_log_counts_points_steps_and_epochs(finished, corpus):
    run, result, config = finished
    per_epoch = int((corpus.lengths()[corpus.select("trainset")] - 1).sum())
    last = rows(run)[-1]
    assert last["points"] == result.progress.points == 30 * per_epoch
    assert last["epoch"] == 30 and last["step"] == result.progress.step
    assert [row["step"] for row in rows(run, "train")] == list(range(20, result.progress.step + 1, 20))
    assert rows(run, "train")[-1]["learning_rate"] < 0.1 * config.learning_rate


def test_resuming_a_finished_run_does_nothing(finished, corpus):
    run, result, config = finished

    def touched():
        rewritten = ("metrics.jsonl", "config.json")
        return {p: p.stat().st_mtime_ns for p in run.rglob("*") if p.is_file() and p.name not in rewritten}

    before = touched()
    log = rows(run)
    again = go(corpus, run, config, resume=True)
    assert again.finished and again.progress.step == result.progress.step
    assert touched() == before
    assert rows(run) == log


@pytest.mark.parametrize(
    "config",
    [
        TINY,
        replace(
            TINY,
            dropout=0.2,
            regularise_after=1.0,
            augmentation=Augmentation(0.2, 0.2, 0.2),
            optimizer="rmsprop",
        ),
        replace(TINY, dropout=0.1, regularise_after=0.0, precision="bf16"),
        replace(TINY, weight_noise=0.05, regularise_after=1.0),
        replace(TINY, augmentation=Augmentation(subsample=0.4)),
    ],
    ids=["plain", "dropout-rmsprop", "bf16", "noise", "subsample"],
)
def test_stopped_and_resumed_is_never_stopped_bit_for_bit(corpus, tmp_path, config):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    config = replace(config, epochs=4.0)
    steps = go(corpus, whole, config).progress.step
    assert steps > 30
    for stop in (7, 25):  # not where the log has a row, nor where a batch or an epoch ends
        result = go(corpus, parts, config, resume=stop > 7, stop_after=stop)
        assert not result.finished and stop <= result.progress.step < stop + 5
    assert go(corpus, parts, config, resume=True).finished
    assert_same_end(whole, parts)


def test_other_seeds_are_other_runs(corpus, tmp_path):
    ends = [go(corpus, tmp_path / str(s), replace(TINY, seed=s, epochs=1.0)) for s in (1, 2)]
    assert ends[0].progress.best != ends[1].progress.best


def test_one_epoch_sums_to_the_points_that_it_has_when_lines_repeat(corpus, tmp_path):
    config = replace(TINY, epochs=1.0, rare=100, rare_repeats=3)
    result = go(corpus, tmp_path, config)
    training = corpus.select("trainset")
    times = repeats(corpus, training, 100, 3)
    assert times.max() == 3 and result.progress.points == int(
        (times * (corpus.lengths()[training] - 1)).sum()
    )


def test_an_epoch_is_as_many_points_as_subsample_lines_leave(corpus, tmp_path):
    """All of them subsample, an epoch is one reading of every line, within what phases differ by."""
    go(corpus, tmp_path, replace(TINY, epochs=1.0, augmentation=Augmentation(subsample=1.0)))
    training = corpus.select("trainset")
    row = rows(tmp_path, "validation")[-1]
    assert 0.97 < row["epoch"] < 1.2
    assert 0.4 < row["points"] / (corpus.lengths()[training] - 1).sum() < 0.75


@pytest.mark.parametrize("by", [{"dropout": 0.5}, {"weight_noise": 0.1}])
def test_dropout_and_noise_set_in_when_told(corpus, tmp_path, by):
    found = {}
    for after in (0.0, 2.0, 9.0):
        config = replace(TINY, epochs=3.0, batch=18, regularise_after=after, **by)
        go(corpus, tmp_path / str(after), config)
        found[after] = latest(tmp_path / str(after))[0].tensors["network"]
    plain = replace(TINY, epochs=3.0, batch=18)
    go(corpus, tmp_path / "plain", plain)
    never = latest(tmp_path / "plain")[0].tensors["network"]

    def same(a, b):
        return all(torch.equal(v, b[k]) for k, v in a.items())

    assert same(found[9.0], never)
    assert not same(found[2.0], never) and not same(found[0.0], found[2.0])


def test_patience_ends_a_run_that_does_not_get_better(corpus, tmp_path, monkeypatch):
    values = iter([1.0, 0.5, float("nan"), 0.6, 0.55, 0.1])
    real = loop.evaluate
    monkeypatch.setattr(loop, "evaluate", lambda *a, **k: replace(real(*a, **k), nats_per_point=next(values)))
    config = replace(TINY, epochs=20.0, patience=3)
    result = go(corpus, tmp_path, config)
    assert result.finished and result.progress.validations == 5 and result.progress.best == 0.5
    assert load_model(tmp_path).info["validation"]["nats_per_point"] == 0.5
    # nothing is left to do when it is resumed
    assert go(corpus, tmp_path, config, resume=True).progress.step == result.progress.step


def test_a_first_validation_that_is_not_a_number_is_not_the_best(corpus, tmp_path, monkeypatch):
    values = iter([float("nan"), 3.0])
    real = loop.evaluate
    monkeypatch.setattr(loop, "evaluate", lambda *a, **k: replace(real(*a, **k), nats_per_point=next(values)))
    assert go(corpus, tmp_path, replace(TINY, epochs=2.0)).progress.best == 3.0


def test_the_state_is_carried_from_chunk_to_chunk(corpus, tmp_path):
    """With weights that stand still, the losses of a batch's chunks add up to its lines read whole."""
    config = replace(TINY, chunk=7, learning_rate=1e-12, augmentation=Augmentation(0, 0, 0))
    result = go(corpus, tmp_path, config, stop_after=1)
    assert 4 < result.progress.step == len(result.progress.recent)
    training = corpus.select("trainset")
    times = np.ones(len(training), int)
    first = epoch_batches(corpus.lengths()[training], times, config.batch, config.seed, 0)[0]
    network = StrokeNetwork(len(corpus.alphabet), config.network)
    network.load_state_dict(latest(tmp_path)[0].tensors["network"])
    whole = evaluate(network, corpus, training[first])
    total = sum(loss * points for loss, _, points in result.progress.recent)
    assert total == pytest.approx(whole.nats_per_point * whole.points, rel=1e-5)


def test_a_run_starts_from_a_model_and_resumes_as_it(finished, corpus, tmp_path):
    """The model's alphabet and statistics hold, whatever the corpus has of its own."""
    run, result, _ = finished
    start = load_model(run)
    other = replace(
        corpus,
        alphabet=type(corpus.alphabet)(corpus.alphabet.characters[::-1]),
        preprocessing=replace(corpus.preprocessing, statistics=Statistics((0.5, 0.0), (2.0, 3.0))),
    )
    config = replace(TINY, epochs=2.0, learning_rate=1e-4, warmup=0, validate_every=0.5)
    go(other, tmp_path / "parts", config, start=start, stop_after=7)
    go(other, tmp_path / "parts", config, resume=True)
    go(other, tmp_path / "whole", config, start=start)
    assert_same_end(tmp_path / "parts", tmp_path / "whole")
    assert rows(tmp_path / "whole", "validation")[0]["nats_per_point"] < result.progress.best + 0.1
    model = load_model(tmp_path / "whole")
    assert (model.alphabet, model.statistics) == (start.alphabet, start.statistics)
    # what the first training was is not forgotten
    for folder in ("whole", "parts"):
        kept = load_model(tmp_path / folder).info["start"]
        assert kept == {k: start.info[k] for k in ("preset", "epochs", "points", "steps", "hours")}


def test_only_training_lines_are_learned_from(corpus, tmp_path):
    """Other validation lines: another validation, the same weights."""
    splits = np.array(corpus.splits)
    validation = np.flatnonzero(splits == "testset_v")
    splits[validation[::2]] = "unused"
    ends = []
    for name, c in (("a", corpus), ("b", replace(corpus, splits=tuple(splits.tolist())))):
        result = go(c, tmp_path / name, replace(TINY, epochs=1.0))
        ends.append((result, latest(tmp_path / name)[0].tensors["network"]))
    assert ends[0][0].progress.best != ends[1][0].progress.best
    assert all(torch.equal(v, ends[1][1][k]) for k, v in ends[0][1].items())


def poisoned(monkeypatch, bad) -> None:
    """Makes the offsets of batch n (counted over the run) not numbers where `bad(n)`."""
    real, calls = lines.make_batch, []

    def make(*args):
        batch = real(*args)
        calls.append(1)
        return replace(batch, offsets=batch.offsets * float("nan")) if bad(len(calls) - 1) else batch

    monkeypatch.setattr(lines, "make_batch", make)


def test_a_batch_that_is_not_finite_is_skipped_and_counted(corpus, tmp_path, monkeypatch):
    poisoned(monkeypatch, lambda n: n in (2, 9))
    result = go(corpus, tmp_path, replace(TINY, epochs=3.0))
    assert result.progress.skipped == 2 and result.finished
    found, _ = latest(tmp_path)
    assert all(t.isfinite().all() for tensors in found.tensors.values() for t in tensors.values())
    assert rows(tmp_path, "train")[-1]["skipped"] == 2
    assert all(np.isfinite(row["loss"]) for row in rows(tmp_path, "train"))


def test_batch_after_batch_that_is_not_finite_ends_the_run(corpus, tmp_path, monkeypatch):
    poisoned(monkeypatch, lambda n: n >= 3)
    with pytest.raises(DivergedError, match=r"20 steps in a row.*--learning-rate and begin again"):
        go(corpus, tmp_path, replace(TINY, epochs=50.0))
    last = json.loads(
        (tmp_path / "metrics.jsonl").read_text().splitlines()[-1],
        parse_constant=lambda c: pytest.fail(f"{c} is not JSON"),
    )
    assert last["event"] == "diverged" and last["skipped"] == 20


def test_log_rows_later_than_the_checkpoint_are_removed_on_resuming(corpus, tmp_path):
    result = go(corpus, tmp_path, stop_after=25)
    log = tmp_path / "metrics.jsonl"
    kept = log.read_text()
    assert kept.count("\n") >= 1
    step = result.progress.step
    late = {"event": "train", "step": step + 1, "loss": 0.0}
    log.write_text(kept + json.dumps(late) + '\n{"event": "train", "st')
    go(corpus, tmp_path, resume=True, stop_after=step + 1)
    assert log.read_text().startswith(kept)
    assert late not in rows(tmp_path)


def test_stopping_does_not_wait_for_a_validation_which_is_made_up_for(corpus, tmp_path, monkeypatch):
    """A validation is due after every batch; the stopped run leaves it to the one that goes on."""
    config = replace(TINY, epochs=1.0, validate_every=1e-6)
    whole = go(corpus, tmp_path / "whole", config)
    monkeypatch.setattr(loop, "evaluate", lambda *a, **k: pytest.fail("it validated"))
    go(corpus, tmp_path / "parts", config, stop_after=1)
    monkeypatch.undo()
    assert latest(tmp_path / "parts")[0].progress.validations == 0
    go(corpus, tmp_path / "parts", config, resume=True)
    assert_same_end(tmp_path / "whole", tmp_path / "parts")
    last = whole.progress.step - 1  # stopped in the last batch of all: the final validation is still to come
    monkeypatch.setattr(loop, "evaluate", lambda *a, **k: pytest.fail("it validated"))
    go(corpus, tmp_path / "late", replace(config, validate_every=1000.0), stop_after=last)
    monkeypatch.undo()
    assert (
        go(
            corpus, tmp_path / "late", replace(config, validate_every=1000.0), resume=True
        ).progress.validations
        == 1
    )


def test_a_damaged_checkpoint_is_passed_over_with_a_word(corpus, tmp_path, capsys):
    config = replace(TINY, checkpoint_every=10)
    go(corpus, tmp_path / "whole", config)
    go(corpus, tmp_path / "run", config, stop_after=25)
    newest = sorted((tmp_path / "run").glob("checkpoint-*"))[-1]
    (newest / "network.safetensors").write_bytes(b"")
    capsys.readouterr()
    go(corpus, tmp_path / "run", config, resume=True)
    assert f"{newest} is damaged; going on from the one before it" in capsys.readouterr().err
    assert_same_end(tmp_path / "whole", tmp_path / "run")


def test_resuming_with_what_does_not_fit_is_refused(corpus, tmp_path):
    go(corpus, tmp_path, stop_after=1)
    with pytest.raises(InputError, match="other sizes"):
        go(corpus, tmp_path, replace(TINY, network=replace(TINY.network, hidden=5)), resume=True)
    for change in (
        {"optimizer": "rmsprop"},
        {"batch": 5},
        {"seed": 2},
        {"rare": 3},
        {"training_splits": ("trainset", "testset_f")},
    ):
        name = next(iter(change)).replace("_", " ")
        with pytest.raises(InputError, match=f"begun with another {name} .*resume with the one"):
            go(corpus, tmp_path, replace(TINY, **change), resume=True)
    letters = corpus.alphabet.characters
    other = replace(corpus, alphabet=type(corpus.alphabet)(letters[::-1]))
    with pytest.raises(InputError, match="another alphabet"):
        go(other, tmp_path, resume=True)
    moved = replace(corpus, steps=corpus.steps[::-1])
    with pytest.raises(InputError, match=r"another corpus \(24 lines"):
        go(moved, tmp_path, resume=True)


def test_settings_that_were_refused_do_not_replace_the_runs_own(corpus_file, tmp_path, capsys):
    run = tmp_path / "run"
    go(Corpus.load(corpus_file), run, stop_after=1)
    before = (run / "config.json").read_text()
    assert main(["train", str(corpus_file), "-o", str(run), "--resume", "--network.hidden", "5"]) == 2
    assert "other sizes" in capsys.readouterr().err
    assert (run / "config.json").read_text() == before


def test_a_corpus_without_a_validation_split_is_refused(corpus, tmp_path):
    with pytest.raises(InputError, match="no line in its validation split"):
        go(corpus, tmp_path, replace(TINY, validation_split="nowhere"))
    with pytest.raises(InputError, match="no line in its training split"):
        go(corpus, tmp_path, replace(TINY, training_splits=("nowhere",)))


# On the command line.


@pytest.fixture(scope="module")
def corpus_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("corpus") / "corpus.npz"
    build_corpus().save(path)
    return path


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


needs_gloo = pytest.mark.skipif(
    not (torch.distributed.is_available() and torch.distributed.is_gloo_available()),
    reason="this torch was built without torch.distributed and gloo",
)


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


needs_proc = pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="there is no /proc to find processes in"
)


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
