"""Where a line ends, on made-up points and windows."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from strokes.ink.metrics import X_HEIGHT_PER_SPREAD
from strokes.preprocessing import Preprocessing, Statistics
from strokes.sampling.stopping import BlockStopper, StoppingRules
from strokes.sampling.trace import PAST, Trace

# Ink units are standard deviations, but for a step of 0.05 to the right on average; a usual line has a spread of 1.
MODEL = Preprocessing(Statistics((0.05, 0.0), (1.0, 1.0)), scale="spread", x_height=X_HEIGHT_PER_SPREAD)
RULES = StoppingRules()
# Most lines below are flat: half a usual spread is taken.
NEAR, FAR = 0.3 * RULES.next_word_step, RULES.next_word_step


@dataclass
class Pen:
    """Points of one line, and the place of the whole text where the window was when each was drawn."""

    text: str = "on it"
    points: list[tuple[float, float, float]] = field(default_factory=list)
    places: list[int] = field(default_factory=list)

    def add(self, place: int, dx: float = 0.1, dy: float = 0.0, *, end: bool = False) -> Pen:
        self.points.append((dx, dy, float(end)))
        self.places.append(place)
        return self

    def write(self, upto: int, *, lift: bool = False) -> Pen:
        """Every character two points, every word one stroke; the pen is lifted at the end if `lift`."""
        for place in range(upto):
            if self.text[place] == " ":
                continue
            self.add(place, FAR if place and self.text[place - 1] == " " else 0.1)
            last = self.text[place + 1 : place + 2] in (" ", "") or (lift and place == upto - 1)
            self.add(place, end=last)
        return self


def ends(
    pens: list[Pen], model: Preprocessing = MODEL, rules: StoppingRules = RULES
) -> list[tuple[int, bool] | None]:
    """Where each line ends, all of them in one block; None where none of its points ends it."""
    trace = Trace(len(pens))
    stopper = BlockStopper(trace, len(pens), model, rules)
    for row, pen in enumerate(pens):
        trace.begin(row)
        stopper.begin(row, pen.text)
    width = max(len(pen.text) for pen in pens) + PAST + 1
    found: list[tuple[int, bool] | None] = [None] * len(pens)
    for step in range(max(len(pen.points) for pen in pens)):
        active = np.array([step < len(p.points) and end is None for p, end in zip(pens, found, strict=True)])
        points, phi = np.zeros((len(pens), 3)), np.full((len(pens), width), 0.01, np.float32)
        for row in np.flatnonzero(active):
            points[row] = pens[row].points[step]
            phi[row, pens[row].places[step]] = 1.0
        trace.append(points, phi)
        for row, end in stopper.step(points, phi, active).items():
            assert active[row]
            found[row] = end
    return found


def end(pen: Pen) -> tuple[int, bool] | None:
    return ends([pen])[0]


def test_a_line_ends_before_the_step_to_the_next_word():
    assert end(Pen().write(5)) is None
    assert end(Pen().write(5).add(5, FAR)) == (8, True)


def test_a_far_step_before_the_text_is_over_is_no_end():
    assert end(Pen().write(5).add(4, FAR)) is None


def zigzag(size: float, slope: float) -> Pen:
    """60 steps of 1 to the right whose y has a standard deviation of `size` about a line of this slope."""
    pen = Pen()
    for i in range(60):
        up = 2 * size if i % 2 else -2 * size
        pen.add(min(i // 12, 4), 0.95, up + slope, end=i == 59)
    return pen


@pytest.mark.parametrize("slope", [0.0, 0.3, -0.3])
@pytest.mark.parametrize(
    ("size", "step", "is_end"),
    [
        (1.0, 0.8, False),
        (1.0, 1.2, True),
        (1.6, 1.2, False),
        (1.6, 1.8, True),
        (5.0, 1.8, False),
        (5.0, 2.2, True),
        (0.1, 0.4, False),
        (0.1, 0.6, True),
    ],
)
def test_far_is_measured_in_spreads_of_the_deskewed_line(size, step, is_end, slope):
    """But no line counts as having over twice, or under half, the spread of a usual one."""
    assert end(zigzag(size, slope).add(5, step * RULES.next_word_step, end=True)) == (
        (60, True) if is_end else None
    )


@pytest.mark.parametrize("unit", [0.01, 94.0])
def test_far_does_not_depend_on_the_unit(unit):
    """Offsets are those of the same writing, in a model whose ink units are smaller or larger."""
    model = replace(
        MODEL, statistics=Statistics((0.05 * unit, 0.0), (unit, unit)), x_height=X_HEIGHT_PER_SPREAD * unit
    )
    pens = [
        zigzag(s, 0.1).add(5, f * RULES.next_word_step, end=True) for s, f in ((1, 0.8), (1, 1.2), (5, 2.2))
    ]
    assert ends(pens, model) == ends(pens)


def test_a_late_dot_belongs_to_the_line_and_there_are_only_so_many():
    pen = Pen().write(5)
    for _ in range(RULES.late_strokes):
        pen.add(5, -NEAR, end=True)
    assert end(pen) is None
    assert end(pen.add(5, -NEAR, end=True)) == (8 + RULES.late_strokes, True)


def test_only_one_late_stroke_goes_to_the_right():
    """As a full stop just right of the text."""
    pen = Pen().write(5).add(5, NEAR, end=True)
    assert end(pen) is None
    assert end(pen.add(5, NEAR, end=True)) == (9, True)


@pytest.mark.parametrize(
    ("back", "length", "is_end"),
    [(NEAR, 0.05, True), (NEAR, 2.0, False), (-NEAR, 0.05, False)],
    ids=["a full stop", "a dash", "the dot of an i"],
)
def test_nothing_follows_the_full_stop(back, length, is_end):
    pen = Pen("on it.").write(5, lift=True).add(5, back).add(5, length, end=True)
    assert end(pen) is None
    assert end(pen.add(5, NEAR)) == ((10, True) if is_end else None)


def test_what_follows_the_full_stop_to_the_left_is_late():
    """The dot of the i, with the window past the text."""
    pen = Pen("it.").write(2, lift=True).add(2, NEAR).add(2, 0.05, end=True)
    assert end(pen.add(3, -NEAR, end=True)) is None
    assert end(pen.add(3, NEAR)) == (7, True)


def test_a_mark_at_the_end_is_waited_for_however_far_off():
    pen = Pen("on it?").write(5, lift=True).add(6, FAR, end=True)
    assert end(pen) is None
    assert end(pen.add(6, FAR)) == (9, True)


def test_going_on_to_the_next_word_in_one_stroke_is_cut_off_where_the_window_left_the_text():
    pen = Pen().write(5)
    pen.points[-1] = (*pen.points[-1][:2], 0.0)  # the pen stays down
    pen.add(5).add(5).add(6)
    assert end(pen) is None
    assert end(pen.add(7)) == (9, True)


def test_a_window_that_leaps_past_the_text_ends_the_line_before_that_point():
    pen = Pen("a")
    pen.add(0).add(0).add(3)
    assert end(pen) == (2, True)
    assert end(Pen("a").add(3)) is None  # the very first point cannot end a line


def test_a_line_too_long_is_given_up():
    for points_per_character in (10.0, 21.4):
        limit = int(RULES.longest * points_per_character * 3) + RULES.margin
        pen = Pen("abc")
        for _ in range(limit - 1):
            pen.add(0)
        model = replace(MODEL, points_per_character=points_per_character)
        assert ends([pen], model) == [None]
        assert ends([pen.add(0)], model) == [(limit, False)]


def random_pen(rng: np.random.Generator) -> Pen:
    """A line that wanders on through its text and past it, and lifts its pen now and then."""
    text = "".join(rng.choice(list("abi t."), rng.integers(1, 9)))
    pen, place = Pen(text.strip() or "a"), 0.0
    while place < len(pen.text) + 3:
        dx, dy = rng.normal(0.2, 0.6, 2)
        pen.add(int(place), dx, dy, end=rng.random() < 0.25)
        place = max(0.0, place + rng.normal(0.2, 0.4))
    return pen


def test_rows_of_a_block_end_as_they_do_alone():
    rng = np.random.default_rng(8)
    pens = [random_pen(rng) for _ in range(60)]
    together = ends(pens)
    assert together == [end(pen) for pen in pens]
    assert sum(e is not None for e in together) > 40


def test_a_row_is_used_again_and_rows_are_taken_over():
    """A line after another in its row, and in another row of a smaller block, ends as it does alone."""
    first, second = (
        Pen().write(5).add(5, FAR),
        Pen("it.").write(2, lift=True).add(2, NEAR).add(2, 0.05, end=True),
    )
    second.add(2, NEAR)
    trace = Trace(3)
    stopper = BlockStopper(trace, 3, MODEL)
    row, rows, found = 2, 3, []
    for pen in (first, second):
        trace.begin(row)
        stopper.begin(row, pen.text)
        for step, (point, place) in enumerate(zip(pen.points, pen.places, strict=True)):
            if pen is second and step == 3:
                trace.take([2, 0])
                stopper.take([2, 0])
                row, rows = 0, 2
            points, phi = np.zeros((rows, 3)), np.full((rows, 12), 0.01, np.float32)
            points[row], phi[row, place] = point, 1.0
            trace.append(points, phi)
            found += stopper.step(points, phi, np.arange(rows) == row).values()
    assert found == [end(first), end(second)]


def test_rules_that_cannot_be_are_refused():
    for wrong in ({"next_word": "and"}, {"next_word_step": 0.0}, {"longest": 1.0}, {"late_strokes": -1}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            StoppingRules(**wrong)
