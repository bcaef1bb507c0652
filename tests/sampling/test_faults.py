"""Signs that a word went wrong, on made-up strokes and windows."""

from __future__ import annotations

import numpy as np
import pytest

from strokes.ink.metrics import X_HEIGHT_PER_SPREAD
from strokes.preprocessing import Preprocessing, Statistics
from strokes.sampling.faults import LineFollower, faulty_words
from strokes.sampling.quality import QualityReport, check_quality
from strokes.sampling.sample import Sample
from strokes.sampling.trace import PAST, Trace
from strokes.sampling.words import Words

# Ink units are standard deviations, and a usual line has a spread of 1.
MODEL = Preprocessing(
    Statistics((0.0, 0.0), (1.0, 1.0)), x_height=X_HEIGHT_PER_SPREAD, points_per_character=4.0
)
TEXT = "one two six"
LETTER = [(0.3, 1.4), (0.3, -1.4), (0.3, 1.4), (0.3, -1.4)]
DOT = [(0.2, 0.0)]


class Pen:
    """Draws strokes into a trace, and keeps what the follower said of each."""

    def __init__(self, text: str = TEXT, can_blame=lambda word: True) -> None:
        self.text, self.can_blame = text, can_blame
        self.trace = Trace(1)
        self.trace.begin(0)
        self.follower = LineFollower(Words(text), MODEL, 1.0)
        self.blamed: list[int | None] = []
        self.doubts = lambda word: False

    def stroke(self, places: list[int], moves: list[tuple[float, float]] = LETTER, share: float = 0.9) -> Pen:
        """A stroke whose window stands at each place for one round of its moves; `share` of the attention."""
        width = len(self.text) + PAST + 1
        for place in places:
            for dx, dy in moves:
                phi = np.full((1, width), (1 - share) / (width - 1), np.float32)
                phi[0, place] = share
                self.trace.append(np.array([[dx, dy, 0.0]]), phi)
        self.trace._points[0, self.trace.length(0) - 1, 2] = 1.0
        self.blamed.append(self.follower.stroke_ended(self.trace, 0, self.can_blame, self.doubts))
        return self

    def write(self, upto: int = len(TEXT), skip: tuple[int, ...] = ()) -> Pen:
        """Every character but spaces as a stroke."""
        for place in range(upto):
            if self.text[place] != " " and place not in skip:
                self.stroke([place])
        return self

    @property
    def sample(self) -> Sample:
        offsets, window = self.trace.offsets(0), self.trace.window(0, len(self.text))
        ink = MODEL.canonical(MODEL.to_ink(offsets), self.text)
        quality = check_quality(self.text, ink, window, MODEL.points_per_character)
        return Sample(self.text, ink, offsets, window, True, quality)


def test_a_line_that_is_as_it_should_be_has_no_faulty_word():
    pen = Pen().write()
    assert set(pen.blamed) == {None} and pen.sample.sound and faulty_words(pen.sample, 4.0) == []


@pytest.mark.parametrize(("skipped", "word"), [(1, 0), (5, 1), (8, 2)])
def test_a_character_that_was_passed_over_is_its_words_fault_once_the_window_is_two_further(skipped, word):
    pen = Pen().write(skip=(skipped,))
    known = [blamed for blamed in pen.blamed if blamed is not None]
    assert set(known) == {word}
    characters = [i for i, c in enumerate(TEXT) if c != " " and i != skipped]
    assert characters[pen.blamed.index(word)] == min(i for i in characters if i > skipped + 1)
    assert faulty_words(pen.sample, 4.0) == [word]


def test_a_smeared_character_is_lost():
    pen = Pen().stroke([0]).stroke([1], share=0.3).stroke([2]).stroke([4])
    assert pen.blamed == [None, None, None, 0]


def test_going_back_is_the_fault_of_the_word_gone_back_to():
    pen = Pen().write(7).stroke([4])
    assert pen.blamed[-1] == 1 and set(pen.blamed[:-1]) == {None}
    assert 1 in faulty_words(pen.write().sample, 4.0)


def test_the_second_stray_dot_is_a_fault_and_dots_that_are_due_are_none():
    pen = Pen().write(3).stroke([2], DOT).stroke([4]).stroke([5]).stroke([6])
    assert set(pen.blamed) == {None}  # one is forgiven
    assert pen.stroke([6], DOT).blamed[-1] == 1
    strict = Pen()
    strict.write(6)
    strict.doubts = lambda word: word == 1
    assert strict.stroke([6]).stroke([6], DOT).blamed[-1] == 1  # the first, where it may be mended
    due = Pen("hi, is it").write(9).stroke([8], DOT).stroke([8], DOT)
    assert set(due.blamed) == {None}
    # A dot near the start of a word may be the one before's: "is" still lacks its own.
    due = Pen("hi, is it").write(8).stroke([7], DOT).stroke([7], DOT)
    assert set(due.blamed) == {None}


def test_a_line_does_not_begin_with_a_dot():
    assert Pen().stroke([0], DOT).blamed == [0]
    assert Pen(".one").stroke([0], DOT).blamed == [None]


def test_marks_alone_are_not_judged_by_their_dots():
    assert set(Pen("...").stroke([0], DOT).stroke([1], DOT).stroke([2], DOT).stroke([2], DOT).blamed) == {
        None
    }


def test_drift_is_the_fault_of_the_word_that_strays():
    text = " ".join(["summa"] * 8)
    wide = [(1.2, dy) for _, dy in LETTER * 2]
    up, down = [(1.0, -6.0), *wide], [(1.0, 6.0), *wide]
    pen = Pen(text)
    for place in (i for i, c in enumerate(text) if c != " "):
        pen.stroke([place], {12: up, 18: down}.get(place, wide))
    assert pen.sample.quality == QualityReport(drift=True) and faulty_words(pen.sample, 4.0) == [2]
    # A segment may begin in the word before, and going down again is as far as going up.
    assert 2 in pen.blamed and set(pen.blamed) <= {None, 1, 2, 3}


def test_words_that_cannot_be_blamed_are_not():
    pen = Pen(can_blame=lambda word: word != 0).write(skip=(1, 5))
    assert set(pen.blamed) == {None, 1}


def test_what_was_taken_back_is_forgotten():
    pen = Pen().write(3)
    length = pen.trace.length(0)
    assert pen.follower.next_word == 1
    pen.stroke([6]).stroke([8])
    assert pen.blamed[-1] == 1 and pen.follower.next_word is None
    pen.trace.rewind(0, length)
    pen.follower.rewind(length)
    assert pen.follower.next_word == 1
    for place in (4, 5, 6, 8, 9, 10):
        assert pen.stroke([place]).blamed[-1] is None


def test_words_may_have_so_many_points():
    follower = Pen().follower
    assert follower.longest(0, 1) > follower.longest(0, 0) > 3 * 4
    assert follower.longest(1, 1) == follower.longest(0, 0)
