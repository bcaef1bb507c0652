from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch

from strokes.corpus import Corpus
from strokes.ink import Ink, Line
from strokes.network import NetworkConfig, StrokeNetwork
from strokes.runs.processes import Group
from strokes.training.evaluation import evaluate

CONFIG = NetworkConfig(hidden=9, window_components=3, mixture_components=2, kappa_bias=-1.4)


@pytest.fixture
def network(corpus):
    torch.manual_seed(1)
    return StrokeNetwork(len(corpus.alphabet), CONFIG)


def by_hand(network, corpus, i):
    """Nats, squared error and predictions of one line, and whether its window ended past the text: a
    point at a time, without batches, chunks or the fast loop.
    """
    offsets = torch.from_numpy(corpus.normalised(i))
    ids = torch.from_numpy(corpus.alphabet.encode(corpus.texts[i]))
    text = torch.nn.functional.one_hot(ids, len(corpus.alphabet)).float()[None]
    state, nats, error, past = None, 0.0, 0.0, False
    with torch.no_grad():
        for x, target in itertools.pairwise(offsets):
            out = network(x[None, None], text, state, plain=True)
            state = out.state
            mixture = network.mixture(out.outputs[0, 0])
            nats -= float(mixture.log_prob(target))
            error += float(mixture.squared_error(target))
            alpha, beta, kappa = (p[0, 0].double().numpy() for p in out.window)
            phi = [(alpha * np.exp(-beta * (kappa - u) ** 2)).sum() for u in range(1, len(ids) + 2)]
            past = phi[-1] > max(phi[:-1])
    return nats, error, len(offsets) - 1, past


@pytest.mark.parametrize("batch", [1, 4, 64])
def test_figures_are_those_of_each_line_read_on_its_own(network, corpus, batch, monkeypatch):
    from strokes.training import evaluation

    real = evaluation.chunks
    monkeypatch.setattr(evaluation, "chunks", lambda lines, size: real(lines, 13))  # several a line
    indices = corpus.select("testset_v")
    lines = [by_hand(network, corpus, i) for i in indices]
    nats, error, points, past = map(sum, zip(*lines))
    assert 0 < past < len(indices)  # else the share would say little
    done = []
    got = evaluate(network, corpus, indices[::-1], batch=batch, progress=done.append)
    assert sum(done) == len(indices) == got.lines
    assert got.points == points
    assert got.nats_per_line == pytest.approx(nats / len(indices), rel=1e-5)
    assert got.nats_per_point == pytest.approx(nats / points, rel=1e-5)
    sx, sy = corpus.statistics.std
    assert got.raw_nats_per_point == pytest.approx(nats / points + math.log(sx * sy), rel=1e-5)
    assert got.squared_error == pytest.approx(error / points, rel=1e-5)
    assert got.window_at_end == past / len(indices)


def test_raw_nats_do_not_depend_on_the_unit_of_the_standardised_ones(network, corpus):
    """A density changes by the scale of its space: raw log-loss of the same ink measured in tenths is
    higher by log 10 an axis.
    """
    lines = [corpus.line(i) for i in range(len(corpus))]
    larger = [Line(x.ink.scaled(10), x.text, x.name, x.writer, x.split) for x in lines]
    tenths = Corpus.build(larger, unit=2.5)
    a, b = (evaluate(network, c, c.select("testset_v")) for c in (corpus, tenths))
    assert a.nats_per_point == pytest.approx(b.nats_per_point, rel=1e-5)
    assert b.raw_nats_per_point - a.raw_nats_per_point == pytest.approx(2 * math.log(10), abs=1e-4)


def test_processes_share_the_lines_and_add_up(network, corpus, monkeypatch):
    indices = corpus.select("testset_v")
    whole = evaluate(network, corpus, indices, batch=4)
    parts = []
    for rank in range(2):
        group = Group(rank, 2, torch.device("cpu"))
        monkeypatch.setattr(Group, "sum", lambda self, t: parts.append(t.clone()) or torch.ones_like(t))
        evaluate(network, corpus, indices, batch=4, group=group)
    nats, _, points, past = sum(parts).tolist()
    assert points == whole.points and all(p[2] < points for p in parts)
    assert nats / points == pytest.approx(whole.nats_per_point, rel=1e-6)
    assert past / len(indices) == whole.window_at_end


def test_it_leaves_the_network_as_it_found_it_and_takes_no_gradient(network, corpus):
    network.train()
    evaluate(network, corpus, [0])
    assert network.training and all(p.grad is None for p in network.parameters())
    network.eval()
    evaluate(network, corpus, [0])
    assert not network.training


def test_a_line_of_a_single_point_predicts_nothing_and_harms_nothing(network):
    dot = Line(Ink((np.zeros((1, 2)),)), "o", split="testset_v")
    stroke = Line(Ink((np.array([[0, 0], [1, 2], [3, 1]]),)), "o", split="trainset")
    corpus = Corpus.build([stroke, dot])
    torch.manual_seed(1)
    network = StrokeNetwork(len(corpus.alphabet), CONFIG)
    alone = evaluate(network, corpus, [0], batch=1)
    both = evaluate(network, corpus, [0, 1], batch=1)
    assert both.points == alone.points == 2
    assert both.nats_per_point == pytest.approx(alone.nats_per_point)
