from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strokes.documents import decode_json, encode_json
from strokes.files import InputError
from strokes.model import Model
from strokes.network import NetworkConfig
from strokes.preprocessing import Statistics
from strokes.training.config import TrainingConfig
from strokes.training.progress import Identity, Means, PenProgress, Plan, Start


@pytest.fixture
def identity(corpus):
    return Identity.of(corpus, TrainingConfig())


def plan(**settings) -> Plan:
    return Plan(TrainingConfig(**settings), points_per_epoch=1000)


def test_what_is_due_when(identity):
    p = plan(epochs=3.0, validate_every=0.5, checkpoint_every=10, patience=2, regularise_after=1.5)
    progress = PenProgress(identity=identity)
    assert p.total_points == 3000
    due = {}
    for points in (0, 499, 500, 999, 1000, 1499, 1500, 2999, 3000):
        progress.points = points
        due[points] = p.validation_due(progress)
        if due[points]:
            progress.validated = points
        assert p.epochs(progress) == points / 1000
        assert p.regularised(progress) == (points >= 1500)
        assert p.ended(progress) == (points >= 3000)
    assert [n for n, yes in due.items() if yes] == [500, 1000, 1500, 2999, 3000]
    progress.points = 5
    for bad, ended in ((1, False), (2, True), (3, True)):
        progress.bad_validations = bad
        assert p.ended(progress) == ended
    for before, step, yes in ((9, 10, True), (10, 11, False), (8, 21, True), (20, 29, False)):
        progress.step = step
        assert p.checkpoint_due(progress, before) == yes


def test_the_learning_rate_follows_steps_at_first_and_then_points(identity):
    p = plan(epochs=2.0, learning_rate=1e-2, warmup=10, final_rate=0.1)
    rates = [
        p.learning_rate(PenProgress(identity=identity, step=step, points=points))
        for step, points in ((0, 0), (4, 0), (9, 0), (50, 1000), (99, 2000))
    ]
    np.testing.assert_allclose(rates, [1e-3, 5e-3, 1e-2, 5.5e-3, 1e-3], rtol=1e-12)


def test_means_weigh_losses_by_points_and_begin_anew():
    recent: list = []
    means = Means(recent)
    means.add(1.0, 3.0, 10)
    means.add(4.0, 5.0, 20)
    assert means.take(100.0) == {"loss": 3.0, "gradient_norm": 4.0, "points_per_second": None}
    assert recent == []
    means.add(2.0, 1.0, 50)
    assert means.take(110.0) == {"loss": 2.0, "gradient_norm": 1.0, "points_per_second": 5.0}
    assert means.take(111.0) == {"loss": None, "gradient_norm": None, "points_per_second": 0.0}


def test_a_model_to_start_from_comes_back_from_json(corpus, identity):
    info = {"epochs": 3.5, "machine": "x", "start": {"points": 7}}
    model = Model({}, NetworkConfig(), corpus.alphabet, corpus.preprocessing, info)
    progress = PenProgress(identity=identity, start=Start.of(model), recent=[(0.1, 2.0, 3)])
    again = decode_json(encode_json(progress), PenProgress, "progress.json")
    assert again == progress and dict(again.start.trained) == {"epochs": 3.5, "start": {"points": 7}}
    read = again.start.as_read_by_it(corpus)
    assert (read.alphabet, read.statistics) == (corpus.alphabet, corpus.statistics)


ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(data=st.data())
@settings(max_examples=300, deadline=None)
def test_odd_progress_is_refused_in_a_sentence_or_keeps_its_ranges(corpus, data):
    """One field of a sound document is replaced by anything that JSON can say."""
    sound = json.loads(
        encode_json(
            PenProgress(
                identity=Identity.of(corpus, TrainingConfig()), start=Start("ab", Statistics(), {"a": 1})
            )
        )
    )
    place = data.draw(st.sampled_from([sound, sound["identity"], sound["start"]]))
    place[data.draw(st.sampled_from(sorted(place)))] = data.draw(ODD)
    refused = ""
    try:
        progress = decode_json(json.dumps(sound).encode(), PenProgress, "progress.json")
    except InputError as e:
        refused = str(e)
    if refused:
        assert "\n" not in refused and refused.startswith("progress.json: ")
        return
    counts = (progress.step, progress.epoch, progress.batch, progress.points, progress.validated)
    assert all(type(n) is int and 0 <= n <= 2**53 for n in counts)
    assert 0 <= progress.seconds < float("inf")
    if progress.start is not None:
        assert min(progress.start.statistics.std) > 0
