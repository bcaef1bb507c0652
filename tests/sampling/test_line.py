"""Where a line ends, on made-up windows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from strokes.alphabet import Alphabet
from strokes.corpus import Statistics
from strokes.model import Model
from strokes.sampling.sample import _LATE_STROKES, _NEXT_WORD, _NEXT_WORD_STEP, _Line

# Ink units are deviations, but for a step of 0.05 to the right on average, and lines are of height one.
MODEL = Model(
    {},
    {},
    Alphabet(" ?.abcdefghijklmnopqrstuvwxyz"),
    Statistics((0.05, 0.0), (1.0, 1.0)),
    {"preset": {"scale": True}},
)
# Most lines below have no height: half a usual one is taken.
NEAR, FAR = 0.3 * _NEXT_WORD_STEP, _NEXT_WORD_STEP


def line(text: str = "on it") -> _Line:
    one = _Line(text, MODEL)
    assert len(one.ids) == len(text) + len(_NEXT_WORD)
    return one


def add(one: _Line, place: int, dx: float = 0.1, end: bool = False) -> bool:
    """A point drawn while the window is at `place` of the whole text."""
    phi = np.full(len(one.ids), 0.01, np.float32)
    phi[place] = 1.0
    return one.add((dx, 0.0, float(end)), phi)


def write(one: _Line, upto: int) -> None:
    """Every character two points, every word one stroke."""
    for place in range(upto):
        begins = place and one.text[place - 1] == " "
        if one.text[place] != " ":
            assert add(one, place, FAR if begins else 0.1)
            assert add(one, place, end=one.text[place + 1 : place + 2] in (" ", ""))


def test_it_ends_without_the_step_to_the_next_word():
    one = line()
    write(one, 5)
    count = len(one.points)
    assert not add(one, 5, FAR) and one.finished
    assert len(one.points) == count == len(one.windows) + 1


def test_a_far_step_before_the_text_is_over_is_no_end():
    one = line()
    write(one, 5)
    assert add(one, 4, FAR) and not one.finished


@pytest.mark.parametrize("slope", [0.0, 0.3, -0.3])
@pytest.mark.parametrize(
    ("height", "step", "ends"),
    [
        (1.0, 0.8, False),
        (1.0, 1.2, True),
        (1.6, 1.2, False),
        (1.6, 1.8, True),
        (5.0, 1.8, False),
        (5.0, 2.2, True),
    ],
)
def test_far_is_measured_in_heights_of_the_line_once_it_is_level(height, step, ends, slope):
    """Zigzags of a deviation of `height`, on a slope; no line counts as over twice as high as a usual one."""
    one = line()
    up = 2 * height
    for i in range(60):
        phi = np.full(len(one.ids), 0.01, np.float32)
        phi[min(i // 12, 4)] = 1.0
        dx, dy = 1.0, up if i % 2 else -up
        assert one.add((dx - 0.05, dy + slope * dx, float(i == 59)), phi)
    assert add(one, 5, step * _NEXT_WORD_STEP, end=True) == (not ends) and one.finished == ends


def test_a_late_dot_belongs_to_the_line_and_there_are_only_so_many():
    one = line()
    write(one, 5)
    for _ in range(_LATE_STROKES):
        assert add(one, 5, -NEAR, end=True)
    count = len(one.points)
    assert not add(one, 5, -NEAR, end=True) and one.finished and len(one.points) == count


def test_only_one_late_stroke_goes_to_the_right():
    one = line()
    write(one, 5)
    assert add(one, 5, NEAR, end=True)
    assert not add(one, 5, NEAR, end=True) and one.finished


def test_nothing_follows_the_full_stop():
    for back, length, ends in ((NEAR, 0.05, True), (NEAR, 2.0, False), (-NEAR, 0.05, False)):
        one = line("on it.")  # a full stop, a dash, the dot of the i
        write(one, 5)
        one.points[-1] = (*one.points[-1][:2], 1.0)  # the pen is lifted before
        assert add(one, 5, back) and add(one, 5, length, end=True)
        assert add(one, 5, NEAR) == (not ends)


def test_a_mark_at_the_end_is_waited_for_however_far_off():
    one = line("on it?")
    write(one, 5)
    one.points[-1] = (*one.points[-1][:2], 1.0)
    assert add(one, 6, FAR, end=True)
    assert not add(one, 6, FAR) and one.finished


def test_a_full_stop_just_right_of_the_text_belongs_to_it():
    one = line()
    write(one, 5)
    assert add(one, 5, NEAR, end=True) and len(one.points) == 10


def test_going_on_to_the_next_word_in_one_stroke_is_cut_off():
    one = line()
    write(one, 5)
    one.points[-1] = (*one.points[-1][:2], 0.0)  # the pen stays down
    count = len(one.points)
    assert add(one, 5) and add(one, 5) and add(one, 6)
    assert not add(one, 7) and one.finished
    assert len(one.points) == count + 1 == len(one.windows) + 1


def test_a_line_too_long_is_given_up():
    for every, longest in ((1, 60 * 3 + 60), (2, 30 * 3 + 60)):
        one = _Line("abc", replace(MODEL, info={"preset": {"every": every}}))
        while add(one, 0):
            assert len(one.points) < 1000
        assert not one.finished and len(one.points) == longest + 1
