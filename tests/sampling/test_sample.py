from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from strokes.alphabet import Alphabet
from strokes.corpus import Statistics
from strokes.model import Model
from strokes.network import NetworkConfig, StrokeNetwork
from strokes.sampling import Sampler, SamplingOptions
from strokes.sampling.quality import lost_characters

SIZES = {"hidden": 16, "window_components": 2, "mixture_components": 3, "scale_floor": 0.01, "kappa_bias": 0}


def made(pace: float) -> Model:
    """A pen that goes `pace` characters a point, whatever it draws, and looks at one at a time."""
    torch.manual_seed(0)
    alphabet = Alphabet(" abc")
    network = StrokeNetwork(len(alphabet), NetworkConfig(**SIZES))
    weights = {k: v.numpy() for k, v in network.state_dict().items()}
    weights["window_projection"] = np.zeros_like(weights["window_projection"])
    weights["window_bias"] = np.log(np.array([0.5, 0.5, 4, 4, pace, pace], np.float32))
    weights["output_weight"] = weights["output_weight"] * 10
    return Model(weights, SIZES, alphabet, Statistics((0.5, 0.0), (1.0, 2.0)))


@pytest.fixture(scope="module")
def sampler():
    return Sampler(made(0.2))


def once(**options) -> SamplingOptions:
    return SamplingOptions(tries=1, **options)


def same(a, b) -> bool:
    return a.ink == b.ink and np.array_equal(a.window, b.window)


def test_same_seed_same_ink_another_seed_another(sampler):
    a, b, c = (sampler.sample(["ab c"], once(seed=s))[0] for s in (3, 3, 4))
    assert same(a, b) and a.ink != c.ink


def test_equal_lines_of_a_text_are_written_differently(sampler):
    a, b = sampler.sample(["ab c", "ab c"], once())
    assert a.ink != b.ink


def test_a_line_does_not_depend_on_the_others_bit_for_bit(sampler):
    """Lines 0 to 19 fill more than two blocks; the others end sooner or later than before."""
    texts = [("ab c" * 5)[: 3 + i % 7] for i in range(20)]
    first = sampler.sample(texts, once(seed=1))
    for keep in (0, 5, 9, 19):
        others = ["cc b a" if i % 2 else "b" for i in range(20)]
        others[keep] = texts[keep]
        assert same(sampler.sample(others, once(seed=1))[keep], first[keep])
    assert same(sampler.sample(texts[:1], once(seed=1))[0], first[0])


def test_a_very_long_neighbour_changes_nothing(sampler):
    alone = sampler.sample(["ab cab c"], once())[0]
    assert same(sampler.sample(["ab cab c", "abc " * 40 + "a"], once())[0], alone)


def test_a_line_has_a_row_of_window_a_point_and_ends_past_its_text(sampler):
    for text in ("a", "ab", "abc cba abc"):
        (line,) = sampler.sample([text], once())
        assert line.text == text and line.finished and lost_characters(text, line.window) == 0
        assert line.window.shape == (line.ink.point_count, len(text) + 1)
        assert line.ink.points[0].tolist() == [0, 0]
        place = line.window.argmax(1)
        assert place[0] == 0 and place[-1] == len(text)
        # five points a character, and a few more until the stroke ends
        assert 5 * len(text) <= line.ink.point_count <= 5 * len(text) + 15


def test_text_that_never_ends_is_cut_and_said_to_be_unfinished():
    (line,) = Sampler(made(1e-5)).sample(["abc"], once())
    assert not line.finished
    assert 30 < line.ink.point_count < 1000
    assert line.window.shape == (line.ink.point_count, 4)


def test_bias_makes_the_spread_smaller(sampler):
    def spread(bias):
        lines = sampler.sample(["abc"] * 24, once(bias=bias))
        return np.concatenate([np.diff(x.ink.points, axis=0) for x in lines]).std(0)

    wide, narrow = spread(0.0), spread(3.0)
    assert (narrow < 0.5 * wide).all()


def test_ink_is_in_the_units_of_the_corpus(sampler):
    recorded = replace(sampler.model, info={"preset": {"scale": False, "every": 1}})
    plain = Sampler(recorded).sample(["ab c"], once())[0].ink
    statistics = Statistics((5.0, 0.0), (10.0, 20.0))
    large = Sampler(replace(recorded, statistics=statistics)).sample(["ab c"], once())[0].ink
    np.testing.assert_allclose(large.points, 10 * plain.points, rtol=1e-5, atol=1e-4)


def test_other_text_other_ink_from_the_same_seed(sampler):
    """What is written depends on the characters, not on their number alone."""
    a, b = (sampler.sample([t], once())[0].ink.points for t in ("aaaa", "cccc"))
    n = min(len(a), len(b))
    assert np.abs(a[:n] - b[:n]).max() > 1e-3


def test_progress_counts_every_line_once(sampler):
    for tries in (1, 3):
        done = []
        sampler.sample(["ab"] * 11, SamplingOptions(tries=tries), progress=done.append)
        assert sum(done) == 11
        done = []
        Sampler(made(1e-5)).sample(["ab"] * 3, SamplingOptions(tries=tries), progress=done.append)
        assert sum(done) == 3


@pytest.mark.parametrize("text", ["", " ", "\t\n"])
def test_nothing_to_write_is_refused(sampler, text):
    with pytest.raises(ValueError, match="nothing to write"):
        sampler.sample(["ab", text])


@pytest.mark.parametrize(
    "options", [{"bias": -0.1}, {"bias": 21}, {"bias": float("nan")}, {"seed": -1}, {"tries": 0}]
)
def test_options_that_cannot_work_are_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        SamplingOptions(**options)


def test_the_first_sound_try_is_kept_or_the_best_of_all(sampler, monkeypatch):
    """Whether tries are drawn one after the other (many lines) or at once (one line)."""
    monkeypatch.setattr("strokes.sampling.sample.flaws", lambda text, ink, window, every: ink.point_count % 4)
    texts = ["ab c", "cab", "b a", "aa", "cc b", "a", "b", "abc"]

    def single(i: int, attempt: int):
        out = []
        sampler._draw([texts[i]], [(7, i, attempt)], 1.0, lambda j, line: out.append(line) or set())
        return out[0]

    several = sampler.sample(texts, SamplingOptions(seed=7, tries=3))
    for i in range(len(texts)):
        tries = [single(i, k) for k in range(3)]
        best = min(tries, key=lambda line: line.flaws)
        assert several[i].ink == best.ink
    alone = sampler.sample(texts[:1], SamplingOptions(seed=7, tries=3))[0]
    assert alone.ink == several[0].ink
    assert len({line.flaws for line in several}) > 1
