"""Baselines, x-heights, rows, gaps, labels, composed lines: against ink that is drawn to be known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unipen_files import X, strokes_of

from data_prep.unipen import geometry
from data_prep.unipen.assembly import Piece, compose, word_space
from data_prep.unipen.characters import group, placed
from data_prep.unipen.labels import ambiguous, joined, printable, spelled
from data_prep.unipen.measuring import measure, writer_heights
from data_prep.unipen.segments import Item


def down(text: str, **where: float) -> tuple[np.ndarray, ...]:
    """Strokes with y down, as items have them."""
    return tuple(np.array(s) * [1, -1] for s in strokes_of(text, **where))


def item(text: str, writer: str = "aaa/ann", **where: float) -> Item:
    return Item(text, writer[:3], writer, text, down(text, **where), frozenset())


@pytest.mark.parametrize("text", ["no lion", "going on", "til noon", "Aooon nig", "oo77nn on"])
@pytest.mark.parametrize("y", [0.0, 300.0])
def test_baseline_and_x_height_whatever_letters_there_are(text, y):
    m = measure(item(text, y=y), text)
    assert m is not None and m.height is not None
    assert m.base == pytest.approx(-y, abs=0.12 * X)
    assert m.height == pytest.approx(X, rel=0.15)


def test_a_sloping_line_is_turned():
    tan = np.tan(0.15)
    sloped = tuple(s @ np.array([[1, tan], [0, 1]]) for s in down("no lion on iron"))
    text = "no lion on iron"
    m = measure(Item("", "aaa", "aaa/a", text, sloped, frozenset()), text)
    assert m is not None and m.height == pytest.approx(X, rel=0.2)
    bottoms = geometry.turns(m.strokes, 0.3 * X)[1]
    assert np.ptp(bottoms) < 0.5 * X


def test_capitals_alone_tell_the_size_of_a_writer():
    heights = writer_heights([m for m in [measure(item("AAA7A"), "AAA7A")] if m], [item("A", "bbb/b")])
    assert heights["aaa/ann"] == pytest.approx(X, rel=0.2)
    assert heights["bbb/b"] == pytest.approx(X, rel=0.05)
    others = writer_heights([m for m in [measure(item("on on"), "on on")] if m], [item(".", "aaa/c")])
    assert others["aaa/c"] == others["aaa/ann"]  # nothing of one's own: as others of the source


def test_small_letters_outweigh_capitals():
    items = [measure(item(t), t) for t in ("no lion", "on on", "noon", "AAA A7A", "7777 AAA")]
    assert writer_heights([m for m in items if m], [])["aaa/ann"] == pytest.approx(X, rel=0.1)


def test_rows_are_seen_and_late_dots_are_not():
    first = strokes_of("no lion on", y=0)
    second = strokes_of("going", y=-3 * X)
    as_down = lambda strokes: [np.array(s) * [1, -1] for s in strokes]  # noqa: E731
    assert geometry.has_several_rows(as_down(first + second))
    assert not geometry.has_several_rows(as_down(first))
    dots = [[(0.3 * X, 1.6 * X)], [(4 * X, 1.6 * X)]]
    bar = [[(0.0, 1.1 * X), (0.6 * X, 1.1 * X)]]
    assert not geometry.has_several_rows(as_down(first + dots + bar))
    assert geometry.has_several_rows(as_down([s for y in (0, -3, -6) for s in strokes_of("noon", y=y * X)]))


def test_spikes_leaps_and_strays_go_and_honest_long_steps_stay():
    line = np.column_stack([np.linspace(0, 3, 31), np.zeros(31)])
    spiked = np.insert(line, 10, [1.0, 9.0], axis=0)
    np.testing.assert_array_equal(geometry.without_spikes(spiked, 1.5), line)
    lifted = np.concatenate([line, line + np.array([8, 0])])
    assert [len(s) for s in geometry.cut_leaps(lifted, 1.5)] == [31, 31]
    seldom = np.array([[0.0, 0.0], [2.0, 0.0], [4.0, 0.5], [6.0, 0.0]])
    assert len(geometry.cut_leaps(seldom, 1.5)) == 1
    far = line + np.array([0, 20])
    assert len(geometry.without_strays([line, far, line - [0, 20]], 5, 4)) == 1


def test_the_widest_gaps_are_words_and_narrowed_as_such():
    marks = [np.array([[x, 0.0], [x + 1, 1.0]]) for x in (0, 1.5, 12.0, 15.0)]
    out = geometry.narrowed(marks, 1, 2.0, 1.0)
    assert [float(s[0, 0]) for s in out] == pytest.approx([0, 1.5, 4.5, 6.5])
    untouched = geometry.narrowed(marks, 1, 0, 0)
    assert all(np.array_equal(a, b) for a, b in zip(marks, untouched, strict=True))
    over = [np.array([[0.0, 0.0], [14.0, 1.0]]), *marks]  # a bar above spans the gaps
    assert all(
        np.array_equal(a, b) for a, b in zip(over[:4], geometry.narrowed(over, 1, 2.0, 1.0), strict=False)
    )


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 50), st.floats(0, 3)), min_size=1, max_size=12), st.integers(0, 4))
def test_narrowing_moves_whole_strokes_to_the_left_and_leaves_no_wide_gap(spans, spaces):
    strokes = [np.array([[x, 0.0], [x + w, 1.0]]) for x, w in spans]
    out = geometry.narrowed(strokes, spaces, 2.0, 1.0)
    for before, after in zip(strokes, out, strict=True):
        moved = before - after
        assert moved[:, 1].any() == 0 and moved[0, 0] == pytest.approx(moved[1, 0]) and moved[0, 0] >= -1e-9
    widths = sorted(right - left for left, right in geometry.gaps(out, 1.0 + 1e-6))
    assert len(widths) <= spaces and max(widths, default=0) <= 2.0 + 1e-6


@pytest.mark.parametrize(
    ("label", "ink"),
    [
        ("wasn ' t", "wasn't"),
        ("almost failed physics .", "almost failed physics."),
        ("the ' crackpot session ' of", "the 'crackpot session' of"),
        ('" What a trick ! "', '"What a trick!"'),
        ("O N R , A E C and N S F", "ONR, AEC and NSF"),
        ("( 2 1 2 ) 7 5 3 - 8 6 7 5", "(212) 753-8675"),
        ("3 / 2 3 / 9 2 .", "3/23/92."),
        ("1 2 : 0 5", "12:05"),
        ("costs $ 5 , or 7 % more by Tue 2 4 th", "costs $5, or 7% more by Tue 24th"),
        ("I and a cat", "I and a cat"),
        ("A I am", "A I am"),
    ],
)
def test_tokens_are_joined_as_the_ink_has_them(label, ink):
    assert joined(label) == ink


def test_what_cannot_be_joined_is_told():
    assert ambiguous("Bill at 2 : 0 0 2 3 / 3 / 9 2") and not ambiguous("at 2 : 0 0")
    assert spelled("A B C D") and not spelled("A B cat") and not spelled("A B")
    assert printable("a~") and not printable(" ") and not printable("é") and not printable("a\tb")


def test_words_stand_on_one_baseline_apart_by_the_space_and_in_order():
    rng = np.random.default_rng(3)
    words = ["no", "noon", "gong", "on"] * 6
    pieces = [Piece(str(i), w, tuple(s / X for s in down(w))) for i, w in enumerate(words)]
    lines = list(compose(pieces, 1.2, 10, 14, rng))
    assert " ".join(text for _, text, _ in lines) == " ".join(words)
    for name, text, strokes in lines:
        assert len(text) >= 10 or text is lines[-1][1]
        assert len(strokes) == sum(len(strokes_of(w)) for w in text.split())
        wide = [right - left for left, right in geometry.gaps(strokes, 0.7)]
        assert len(wide) == text.count(" ") and all(0.3 < w < 1.2 * 1.25 + 0.4 for w in wide)
        assert name.partition("+")[2] in ("", str(text.count(" ")))
        bottoms = geometry.turns(strokes, 0.3)[1]
        assert abs(np.median(bottoms)) < 0.1


def test_a_tall_word_keeps_away_from_a_bar_that_reaches_over():
    bar = Piece("t", "t", (np.array([[0.0, -2.0], [6.0, -2.0]]), np.array([[0.5, -1.0], [0.5, 0.0]])))
    tall = Piece("l", "l", (np.array([[0.0, -2.5], [0.0, 0.0]]),))
    ((_, _, strokes),) = compose([bar, tall], 1.0, 3, 3, np.random.default_rng(0))
    assert strokes[2][0, 0] >= strokes[0][:, 0].max() + 0.35 - 1e-9


def test_the_space_between_words_stands_out_among_letters():
    assert word_space([1.5] * 9, [0.2]) == 1.5
    assert word_space([0.5] * 9, [0.6] * 5) > 1.4  # written in boxes: as wide as letters are apart
    assert word_space([], [0.5]) == pytest.approx(1.85) and word_space([], []) == pytest.approx(1.225)
    assert word_space([9.0] * 9, []) == 2.2


def test_characters_stand_where_people_write_them():
    def middle(c: str, high: float) -> float:
        strokes = placed(c, [np.array([[5.0, 100.0], [9.0, 100.0 + 4 * high]])], 4.0)
        points = np.concatenate(strokes)
        assert points[:, 0].min() == 0 and np.ptp(points[:, 1]) == pytest.approx(high)
        return -float(points[:, 1].min() + points[:, 1].max()) / 2

    assert middle("'", 0.3) > middle("-", 0.1) > middle(".", 0.1) > middle("_", 0.1)
    assert middle("A", 1.7) == pytest.approx(0.85) and middle("n", 1) == pytest.approx(0.5)
    assert middle("g", 2) == pytest.approx(0)  # hangs from the x-height


def test_groups_use_each_character_once_and_symbols_first():
    rng = np.random.default_rng(1)
    text = "A" * 20 + "7" * 30 + "n" * 20 + "#" * 6 + "," * 4
    pieces = [Piece(str(i), c, (np.array([[0.0, 0.0], [0.5, -1.0]]),)) for i, c in enumerate(text)]
    made = list(group(pieces, rng))
    used = "".join(p.text for p in made)
    assert all(used.count(c) <= text.count(c) for c in set(used))
    assert used.count("#") == 6 and len(used) > 50
    for p in made:
        lefts = [s[:, 0].min() for s in p.strokes]
        assert lefts == sorted(lefts) and len(p.strokes) == len(p.text) > 1
    assert list(group([], rng)) == []
