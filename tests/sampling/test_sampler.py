"""Lines from seeds: whatever else is drawn beside them, in however many rows and threads."""

from __future__ import annotations

import threading
from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest
import torch

from strokes.alphabet import Alphabet
from strokes.model import Model
from strokes.network import NetworkConfig, StrokeNetwork
from strokes.preprocessing import Preprocessing, Statistics
from strokes.sampling import Sample, Sampler, SamplingOptions
from strokes.sampling.engine import NumpyEngine
from strokes.sampling.engines import make_engines
from strokes.sampling.quality import lost_characters
from strokes.sampling.stopping import StoppingRules

GEOMETRY = Preprocessing(Statistics((0.5, 0.0), (1.0, 2.0)), x_height=4.0)
ENGINES = ("numpy", "int8")


def made(pace: float, *, lifts: bool = True) -> Model:
    """A pen that goes `pace` characters a point, whatever it draws, and looks at one at a time."""
    torch.manual_seed(0)
    config = NetworkConfig(hidden=16, window_components=2, mixture_components=3, kappa_bias=0)
    alphabet = Alphabet(" abc")
    weights = {k: v.numpy() for k, v in StrokeNetwork(len(alphabet), config).state_dict().items()}
    weights["window_projection"] = np.zeros_like(weights["window_projection"])
    weights["window_bias"] = np.log(np.array([0.5, 0.5, 4, 4, pace, pace], np.float32))
    weights["output_weight"] = weights["output_weight"] * 10
    if not lifts:
        weights["output_weight"][0], weights["output_bias"][0] = 0.0, -30.0
    return Model(weights, config, alphabet, GEOMETRY)


def sampler_of(model: Model, engine: str = "numpy", threads: int = 1) -> Sampler:
    make = make_engines(model) if engine == "int8" else lambda rows: NumpyEngine(model, rows)
    return Sampler(model, make, threads=threads)


@pytest.fixture(scope="module")
def model() -> Model:
    return made(0.2)


@pytest.fixture(scope="module")
def sampler(model) -> Sampler:
    return sampler_of(model)


def once(**options) -> SamplingOptions:
    return SamplingOptions(best_of=1, **options)


def same(a: Sample, b: Sample) -> bool:
    return (
        np.array_equal(a.offsets, b.offsets)
        and np.array_equal(a.window, b.window)
        and a.ink == b.ink
        and (a.text, a.finished, a.quality) == (b.text, b.finished, b.quality)
    )


# -- seeds --------------------------------------------------------------------------------------


def test_same_seed_same_ink_another_seed_another(sampler):
    a, b, c = (sampler.sample(["ab c"], once(seed=s))[0] for s in (3, 3, 4))
    assert same(a, b) and a.ink != c.ink


def test_equal_lines_of_a_text_are_written_differently(sampler):
    a, b = sampler.sample(["ab c", "ab c"], once())
    assert a.ink != b.ink


def test_other_text_other_ink_from_the_same_seed(sampler):
    """What is written depends on the characters, not on their number alone."""
    a, b = (sampler.sample([t], once())[0].offsets for t in ("aaaa", "cccc"))
    n = min(len(a), len(b))
    assert np.abs(a[:n] - b[:n]).max() > 1e-3


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("best_of", [1, 3])
def test_a_line_does_not_depend_on_the_others_bit_for_bit(model, engine, best_of):
    """More lines than a block has rows; the others end sooner or later than before; one thread and several."""
    options = SamplingOptions(seed=1, best_of=best_of)
    texts = [("ab c" * 5)[: 3 + i % 7] for i in range(40)]
    first = sampler_of(model, engine).sample(texts, options)
    assert [s.text for s in first] == texts
    for keep, threads in ((0, 1), (5, 3), (39, 2)):
        others = ["cc b a" if i % 2 else "b" for i in range(40)]
        others[keep] = texts[keep]
        again = sampler_of(model, engine, threads).sample(others, options)
        assert same(again[keep], first[keep])
        assert len(again) == 40
    assert same(sampler_of(model, engine, threads=4).sample(texts[:1], options)[0], first[0])


@pytest.mark.parametrize("engine", ENGINES)
def test_a_very_long_neighbour_changes_nothing(model, engine):
    sampler = sampler_of(model, engine)
    alone = sampler.sample(["ab cab c"], once())[0]
    assert same(sampler.sample(["ab cab c", "abc " * 40 + "a"], once())[0], alone)


# -- lines --------------------------------------------------------------------------------------


def test_a_line_has_a_row_of_window_a_point_and_ends_past_its_text(sampler):
    for text in ("a", "ab", "abc cba abc"):
        (line,) = sampler.sample([text], once())
        assert line.text == text and line.finished and lost_characters(text, line.window) == 0
        assert line.window.shape == (len(line.offsets), len(text) + 1)
        assert line.offsets.dtype == line.window.dtype == np.float32
        assert line.offsets[0].tolist() == [0, 0, 0]
        place = line.window.argmax(1)
        assert place[0] == 0 and place[-1] == len(text)
        # five points a character, and a few more until the stroke ends
        assert 5 * len(text) <= len(line.offsets) <= 5 * len(text) + 15


def test_ink_is_the_canonical_form_of_what_was_drawn(sampler):
    (line,) = sampler.sample(["abc cba abc"], once())
    assert line.ink == GEOMETRY.canonical(GEOMETRY.to_ink(line.offsets), line.text)


def test_ink_does_not_depend_on_the_unit_of_the_model(model):
    large = replace(GEOMETRY, statistics=Statistics((5.0, 0.0), (10.0, 20.0)), x_height=40.0)
    a, b = (
        sampler_of(replace(model, preprocessing=p)).sample(["ab c"], once())[0] for p in (GEOMETRY, large)
    )
    np.testing.assert_array_equal(a.offsets, b.offsets)
    np.testing.assert_allclose(a.ink.points, b.ink.points, rtol=1e-4, atol=1e-4)


def test_text_that_never_ends_is_cut_and_said_to_be_unfinished():
    model = made(1e-5)
    for ppc in (10.0, 21.4):
        geometry = replace(GEOMETRY, points_per_character=ppc)
        (line,) = sampler_of(replace(model, preprocessing=geometry)).sample(["abc"], once())
        assert not line.finished and not line.sound
        rules = StoppingRules()
        assert len(line.offsets) == 1 + int(rules.longest * ppc * 3) + rules.margin
        assert line.window.shape == (len(line.offsets), 4)


def test_bias_makes_the_spread_smaller(sampler):
    def spread(bias: float) -> np.ndarray:
        lines = sampler.sample(["abc"] * 24, once(bias=bias))
        return np.concatenate([x.offsets[1:, :2] for x in lines]).std(0)

    assert (spread(3.0) < 0.5 * spread(0.0)).all()


def test_no_lines_are_no_samples(sampler):
    assert sampler.sample([]) == []


@pytest.mark.parametrize("text", ["", " ", "\t\n"])
def test_nothing_to_write_is_refused(sampler, text):
    with pytest.raises(ValueError, match="nothing to write"):
        sampler.sample(["ab", text])


@pytest.mark.parametrize(
    "options",
    [
        {"bias": -0.1},
        {"bias": 21},
        {"bias": float("nan")},
        {"bias": "1"},
        {"seed": -1},
        {"seed": 2**63},
        {"seed": 1.5},
        {"best_of": 0},
        {"best_of": 1001},
    ],
)
def test_options_that_cannot_work_are_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        SamplingOptions(**options)


class Styled(NumpyEngine):
    """An engine that keeps what it was given; its network has no styles."""

    def __init__(self, model: Model, rows: int, given: list[np.ndarray | None]) -> None:
        super().__init__(model, rows)
        self.given = given

    def load(self, row, ids, style=None, state=None) -> None:
        self.given.append(style)
        super().load(row, ids, None, state)


def test_every_line_has_its_style_wherever_it_goes_on_from(model):
    """At its beginning, at the start of a word, and in a smaller block."""
    given: list[np.ndarray | None] = []
    style = np.ones(3)
    sampler = Sampler(model, lambda rows: Styled(model, rows, given), threads=1)
    texts = ["ab c abc", "a", "cab ab", "b", "ccc abc"]
    samples = sampler.sample(texts, SamplingOptions(seed=2, best_of=4), style=style)
    assert any(word.tries > 1 for sample in samples for word in sample.words)
    assert len(given) > len(texts) + 1 and all(vector is style for vector in given)
    with pytest.raises(ValueError, match="no styles"):
        sampler_of(model).sample(["a"], style=style)


# -- progress -----------------------------------------------------------------------------------


@pytest.mark.parametrize("best_of", [1, 3])
@pytest.mark.parametrize("pace", [0.2, 1e-5])
@pytest.mark.parametrize("threads", [1, 3])
def test_progress_counts_every_line_once(best_of, pace, threads):
    done: list[int] = []
    sampler_of(made(pace), threads=threads).sample(
        ["ab"] * 11, SamplingOptions(best_of=best_of), progress=done.append
    )
    assert done == [1] * 11


# -- points as they are drawn -------------------------------------------------------------------


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("pace", [0.2, 0.9, 1e-5])
def test_points_are_streamed_as_the_sample_has_them(pace, threads):
    """Neither the last ones are missing, nor are there any that the line was cut before."""
    check_streams(made(pace), threads, in_one_go=pace == 0.9)


def test_points_of_the_next_word_are_not_streamed():
    """A pen that never lifts writes on: its line is cut where the window left the text, ten points ago."""
    check_streams(made(0.1, lifts=False), threads=1)


class Streams:
    """Lines put together from what is streamed of them."""

    def __init__(self) -> None:
        self.lines: dict[int, np.ndarray] = defaultdict(lambda: np.zeros((0, 3)))
        self.calls: dict[int, int] = defaultdict(int)
        self.taken_back = 0

    def __call__(self, line: int, kept: int, new: np.ndarray) -> None:
        before = self.lines[line]
        assert kept <= len(before)
        self.taken_back += len(before) - kept
        self.lines[line] = np.concatenate([before[:kept], new])
        self.calls[line] += 1


def check_streams(
    model: Model, threads: int, *, in_one_go: bool = False, options: SamplingOptions | None = None
) -> Streams:
    streams = Streams()
    texts = ["ab c abc", "a", "cab ab", "b", "ccc abc"]
    options = options or once(seed=2)
    samples = sampler_of(model, threads=threads).sample(texts, options, on_points=streams)
    assert sorted(streams.lines) == list(range(len(texts)))
    for i, sample in enumerate(samples):
        np.testing.assert_array_equal(streams.lines[i].astype(np.float32), sample.offsets[1:])
    assert in_one_go or max(streams.calls.values()) > 1
    assert options.best_of > 1 or not streams.taken_back
    return streams


@pytest.mark.parametrize("threads", [1, 3])
def test_points_that_are_taken_back_are_said_to_be(threads):
    """This model draws dots at random, so that words are begun again, and the best ending may be an earlier one."""
    taken_back = 0
    for seed in range(4):
        options = SamplingOptions(seed=seed, best_of=3)
        taken_back += check_streams(made(0.2), threads, options=options).taken_back
    assert taken_back


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("best_of", [1, 3])
def test_cancelling_a_line_leaves_the_others_bit_for_bit(model, threads, best_of):
    texts = ["ab c abc ab", "cab ab a", "b abc abc", "ccc abc"]
    options = SamplingOptions(seed=5, best_of=best_of)
    before = sampler_of(model, threads=threads).sample(texts, options)
    streamed: dict[int, list[np.ndarray]] = defaultdict(list)

    def on_points(line: int, kept: int, new: np.ndarray) -> bool | None:
        streamed[line].append(new)
        return False if line == 2 else None

    done: list[int] = []
    after = sampler_of(model, threads=threads).sample(
        texts, options, on_points=on_points, progress=done.append
    )
    for i in (0, 1, 3):
        assert same(after[i], before[i])
    assert len(streamed[2]) == 1  # it is not called for this line again
    assert not after[2].finished and len(after[2].offsets) < len(before[2].offsets)
    if threads == 1:
        np.testing.assert_array_equal(streamed[2][0].astype(np.float32), after[2].offsets[1:])
    assert done == [1] * 4


def test_one_call_at_a_time_from_any_thread(model):
    inside, most = 0, 0

    def on_points(line: int, kept: int, new: np.ndarray) -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        threading.Event().wait(0.001)
        inside -= 1

    sampler_of(model, threads=4).sample(["ab c abc"] * 8, once(), on_points=on_points)
    assert most == 1


@pytest.mark.parametrize("threads", [1, 3])
def test_an_error_while_points_are_streamed_ends_all_threads(model, threads):
    def on_points(line: int, kept: int, new: np.ndarray) -> None:
        raise KeyError("broken")

    before = threading.active_count()
    with pytest.raises(KeyError, match="broken"):
        sampler_of(made(1e-5), threads=threads).sample(["abc"] * 9, once(), on_points=on_points)
    assert threading.active_count() == before
