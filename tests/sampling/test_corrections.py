"""A word that went wrong is written again from its beginning, and what came before it stays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from strokes.ink import Ink
from strokes.model import Model, load_model
from strokes.sampling import Sample, Sampler, SamplingOptions
from strokes.sampling.corrections import Checkpoint, Draft
from strokes.sampling.engine import RowState
from strokes.sampling.faults import LineFollower
from strokes.sampling.quality import QualityReport
from strokes.sampling.words import Word, WordReading, Words

LINE = "we met them once"


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model()


class Misreads:
    """Reads every line as it should be, but for one word of one line: its first readings are wrong."""

    def __init__(self, line: str, word: int, wrong: Sequence[str]) -> None:
        self.line, self.word, self.wrong = line, word, list(wrong)
        self.inks: list[Ink] = []

    def read_words(self, inks: Sequence[Ink], texts: Sequence[str]) -> list[list[WordReading]]:
        readings = [[WordReading(word, 0.9) for word in text.split()] for text in texts]
        for ink, text, reading in zip(inks, texts, readings, strict=True):
            if text == self.line:
                self.inks.append(ink)
                if self.wrong:
                    reading[self.word] = WordReading(self.wrong.pop(0), (4 + min(len(self.wrong), 4)) / 10)
        return readings


def same_beginning(a: Sample, b: Sample) -> int:
    """How many points two lines begin with in common."""
    n = min(len(a.offsets), len(b.offsets))
    differs = (a.offsets[:n] != b.offsets[:n]).any(axis=1)
    return int(differs.argmax()) if differs.any() else n


@pytest.mark.parametrize("word", [0, 1, 3])
def test_a_word_that_reads_wrong_is_written_again_and_what_was_before_it_stays(model, word):
    texts, options = ["it is late", LINE], SamplingOptions(seed=5)
    before = Sampler(model, threads=1).sample(texts, options)
    assert before[1].clean and before[1].words[word].tries == 1
    reader = Misreads(LINE, word, ["x"])
    after = Sampler(model, threads=1, reader=reader).sample(texts, options)
    assert np.array_equal(after[0].offsets, before[0].offsets)
    assert after[1].words[word].tries >= 2 and after[1].clean and len(reader.inks) == 2
    same = same_beginning(before[1], after[1])
    first = before[1].words[word].first
    assert abs(same - first) <= 3 if word else same <= 2
    assert same < len(after[1].offsets) - 20
    # Its points, those taken back included, were drawn: from the first ending only up to that word are kept.
    assert after[1].points_drawn >= len(before[1].offsets) - 1 + len(after[1].offsets) - same - 3
    assert [w.text for w in after[1].words] == LINE.split()


def test_what_is_read_and_where_is_said(model):
    reader = Misreads(LINE, 2, ["thorn"] * 99)
    (line,) = Sampler(model, threads=1, reader=reader).sample([LINE], SamplingOptions(seed=4, best_of=3))
    assert line.read == "we met thorn once" and line.sound and not line.clean
    assert [w.text for w in line.doubtful] == ["them"] and line.words[2].tries == 3
    assert line.confidence == line.words[2].reading.confidence == line.doubtful[0].reading.confidence
    ends = [(w.first, w.last) for w in line.words]
    assert ends[0][0] == 0 and ends[-1][1] == line.ink.point_count - 1
    assert all(a <= b < c for (a, b), (c, _) in pairwise(ends))
    x = [np.median(line.ink.points[a : b + 1, 0]) for a, b in ends]
    assert x == sorted(x)


def test_of_endings_that_all_read_wrong_the_surest_is_kept(model):
    """Confidences are 0.6, 0.5 and 0.4: the first is kept."""
    reader = Misreads(LINE, 1, ["mot", "mit", "mat"])
    (line,) = Sampler(model, threads=1, reader=reader).sample([LINE], SamplingOptions(seed=4, best_of=3))
    assert line.ink == reader.inks[0] and line.words[1].reading == WordReading("mot", 0.6)


def test_one_try_is_not_read_nor_mended(model):
    reader = Misreads(LINE, 1, ["mot"])
    (line,) = Sampler(model, threads=1, reader=reader).sample([LINE], SamplingOptions(seed=4, best_of=1))
    assert not reader.inks and line.read is None and line.confidence is None
    assert [w.text for w in line.words] == LINE.split()
    assert {w.tries for w in line.words} == {1} and line.points_drawn >= len(line.offsets) - 1


class Picky:
    """Misreads by what it sees alone: half of all words."""

    def read_words(self, inks: Sequence[Ink], texts: Sequence[str]) -> list[list[WordReading]]:
        return [
            [
                WordReading(word if int(ink.points.sum() * 1000) >> i & 1 else "?", 0.5)
                for i, word in enumerate(text.split())
            ]
            for ink, text in zip(inks, texts, strict=True)
        ]


@pytest.mark.parametrize("threads", [1, 2])
def test_lines_that_are_read_and_mended_do_not_depend_on_the_others(model, threads):
    texts = ["we met", "once", "in the rain", "at six"]
    options = SamplingOptions(seed=9, best_of=3)
    together = Sampler(model, threads=threads, reader=Picky()).sample(texts, options)
    for i in (0, 2, 3):
        others = ["no"] * 4
        others[i] = texts[i]
        alone = Sampler(model, threads=1, reader=Picky()).sample(others, options)[i]
        assert np.array_equal(alone.offsets, together[i].offsets) and alone.words == together[i].words
    assert max(w.tries for s in together for w in s.words) > 1


# -- drafts -------------------------------------------------------------------------------------


def checkpoint(length: int) -> Checkpoint:
    return Checkpoint(length, RowState(()), (length,))


def draft(model: Model, best_of: int) -> Draft:
    follower = LineFollower(Words(LINE), model.preprocessing, 1.0)
    one = Draft(0, LINE, np.zeros(1), best_of, follower, Checkpoint(0, None, ()))
    for word in (1, 2, 3):
        one.may_begin(word, checkpoint(100 * word))
    return one


def test_the_pen_goes_back_to_the_word_and_in_time_further_back(model):
    one = draft(model, 8)
    lengths = []
    while one.can_blame(3):
        found, entropy = one.go_back(3)
        assert entropy == (3, len(lengths) + 1)  # never the same random numbers
        lengths.append(found.length)
        for word in (1, 2, 3):
            one.may_begin(word, checkpoint(100 * word))
    assert len(lengths) == 7 and lengths == sorted(lengths, reverse=True)
    assert lengths[0] == 300 and lengths[-1] < 200
    assert one.begun[3] == 8 and one.begun[0] == 1


def test_where_a_word_began_is_forgotten_when_it_is_taken_back(model):
    one = draft(model, 8)
    one.go_back(2)
    assert one.latest(3) == (2, checkpoint(200))
    assert one.go_back(3)[0] == checkpoint(200)
    one.drawn, one.kept = 500, 450
    assert one.go_back(1)[0] == checkpoint(100) and (one.drawn, one.kept) == (400, 100)


def test_words_that_are_only_misread_are_begun_less_often(model):
    """A reader has words that it never reads."""
    one, words = draft(model, 8), [Word("a"), Word("a"), Word("b", reading=WordReading("c", 0.5)), Word("d")]
    line = Sample(LINE, Ink(), np.zeros((1, 3)), np.zeros((1, 2)), True, QualityReport(), tuple(words))
    begun = 1
    while (word := one.first_to_mend(line)) is not None:
        assert word == 2
        one.go_back(word)
        begun += 1
    assert begun == 3
    faulty = replace(line, words=(*words[:2], replace(words[2], faults=1), words[3]))
    assert one.first_to_mend(faulty) == 2
    assert one.first_to_mend(replace(line, words=tuple(words[:2]))) is None


def ending(problems: int, misread: int, confidence: float, *, finished: bool = True) -> Sample:
    words = tuple(Word("a", reading=WordReading("b" if i < misread else "a", confidence)) for i in range(3))
    quality = QualityReport(lost_characters=problems)
    return Sample("a a a", Ink(), np.zeros((1, 3)), np.zeros((1, 2)), finished, quality, words)


def test_the_best_ending_has_the_fewest_faults_and_among_equals_the_surest_reading(model):
    one = draft(model, 5)
    with pytest.raises(ValueError, match="no ending"):
        _ = one.best
    order = [
        ending(2, 0, 0.9),
        ending(0, 1, 0.9, finished=False),
        ending(0, 1, 0.5),
        ending(0, 1, 0.7),
        ending(1, 0, 0.1),
    ]
    best = []
    for i, sample in enumerate(order):
        assert one.offer(sample) == (i < 4)
        best.append(order.index(one.best))
    assert best == [0, 0, 2, 3, 4]
