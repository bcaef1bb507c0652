from __future__ import annotations

import io
import json
import re
from contextlib import redirect_stderr
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from training_runs import (
    TINY,
    assert_same_end,
    go,
    latest,
    rows,
)

from strokes.cli import main
from strokes.corpus import Corpus
from strokes.files import InputError
from strokes.model import load_model
from strokes.preprocessing import Statistics
from strokes.training import loop
from strokes.training.config import Augmentation


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


@pytest.fixture(scope="module")
def interrupted(corpus_file, tmp_path_factory):
    """The files of a run that was interrupted, by their names in its folder."""
    run = tmp_path_factory.mktemp("interrupted") / "run"
    go(Corpus.load(corpus_file), run, replace(TINY, epochs=1.0), stop_after=21)
    return {str(p.relative_to(run)): p.read_bytes() for p in run.rglob("*") if p.is_file()}


def written(files: dict[str, bytes], run: Path) -> Path:
    for name, data in files.items():
        (run / name).parent.mkdir(parents=True, exist_ok=True)
        (run / name).write_bytes(data)
    return run


VALUES = st.sampled_from(
    [
        "null",
        "true",
        "-1",
        "0.5",
        "1e400",
        "NaN",
        "9" * 40,
        "[]",
        "{}",
        '""',
        '"\\u0000"',
        "[" * 5000 + "]" * 5000,
    ]
)


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_no_document_of_a_run_can_break_resuming(corpus_file, interrupted, tmp_path_factory, data):
    """A value in one of its documents is another one: the run goes on, or is refused in a sentence."""
    documents = sorted(
        name for name in interrupted if name.endswith((".json", ".jsonl")) and "/best/" not in name
    )
    name = data.draw(st.sampled_from(documents))
    text = interrupted[name].decode()
    values = list(re.finditer(r"(?<=[:,\[ ])(-?\d[\d.e+-]*|\"[^\"]*\"(?!:)|null)", text))
    place = data.draw(st.sampled_from(values))
    text = text[: place.start()] + data.draw(VALUES) + text[place.end() :]
    run = written(interrupted | {name: text.encode()}, tmp_path_factory.mktemp("run"))
    errors = io.StringIO()
    with redirect_stderr(errors):
        status = main(["train", str(corpus_file), "-o", str(run), "--resume", "--epochs", "1"])
    said = errors.getvalue()
    assert "Traceback" not in said and status in (0, 2)
    if status:
        assert said.count("\n") <= 2 and said.splitlines()[-1].startswith("strokes: ")
