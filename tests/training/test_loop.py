from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from training_runs import (
    TINY,
    go,
    latest,
    rows,
)

from strokes.files import InputError
from strokes.model import load_model
from strokes.network import NetworkConfig, StrokeNetwork
from strokes.runs import hardware
from strokes.runs.folder import hold_folder
from strokes.training import lines, loop
from strokes.training.batches import epoch_batches, repeats
from strokes.training.config import Augmentation
from strokes.training.evaluation import evaluate
from strokes.training.loop import DivergedError


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


def test_a_corpus_without_a_validation_split_is_refused(corpus, tmp_path):
    with pytest.raises(InputError, match="no line in its validation split"):
        go(corpus, tmp_path, replace(TINY, validation_split="nowhere"))
    with pytest.raises(InputError, match="no line in its training split"):
        go(corpus, tmp_path, replace(TINY, training_splits=("nowhere",)))


def test_a_run_interrupted_before_its_first_validation_leaves_its_latest_weights(corpus, tmp_path):
    config = replace(TINY, epochs=2.0, validate_every=1.5)
    go(corpus, tmp_path, config, stop_after=3)
    model = load_model(tmp_path)
    assert model.info["validation"] is None and model.info["steps"] >= 3
    mean = latest(tmp_path)[0].tensors["mean"]
    for name, weights in model.weights.items():
        np.testing.assert_allclose(weights, mean[f"module.{name}"].numpy(), rtol=1e-3, atol=1e-3)  # float16
    go(corpus, tmp_path, config, resume=True)
    assert load_model(tmp_path).info["validation"] is not None and not (tmp_path / "latest").exists()


def test_a_folder_where_another_training_writes_is_refused(corpus, tmp_path):
    with hold_folder(tmp_path / "run", resume=False), pytest.raises(InputError, match="another training"):
        go(corpus, tmp_path / "run")
    assert go(corpus, tmp_path / "run", stop_after=1).progress.step >= 1


def test_a_network_that_does_not_fit_in_memory_is_refused_before_it_is_made(corpus, tmp_path, monkeypatch):
    monkeypatch.setattr(hardware, "free_memory", lambda device: 2**20)
    config = replace(TINY, network=NetworkConfig(hidden=8192))
    with pytest.raises(InputError, match=r"needs .* GiB to be trained"):
        go(corpus, tmp_path, config)
