"""Cleaning: what each step takes out, and what it must leave alone."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep import cleaning
from data_prep.cleaning import PRESETS, CleaningOptions, clean, clean_text
from strokes.ink import Ink
from strokes.ink.metrics import line_slope

_COORDINATE = st.integers(0, 8000)
_STROKE = st.lists(st.tuples(_COORDINATE, _COORDINATE), min_size=1, max_size=9)
INKS = st.lists(_STROKE, min_size=1, max_size=6).map(lambda s: Ink(tuple(map(np.array, s))))


def writing(letters: int = 30, tilt: float = 0.0, seed: int = 0) -> Ink:
    """Zigzag letters with dots, of natural spread, turned by an angle in radians."""
    rng = np.random.default_rng(seed)
    strokes = []
    for n in range(letters):
        y = np.array([0, -80, -10, -75, 0, -40 - 150 * (n % 5 == 0), 0]) + rng.normal(0, 8, 7)
        strokes.append(np.stack([n * 110 + np.arange(7) * 12.0, y], axis=1))
        if n % 4 == 0:
            strokes.append(np.array([[n * 110 + 40.0, -160]]))
    c, s = np.cos(tilt), np.sin(tilt)
    return Ink(tuple(strokes)).transformed(np.array([[c, -s], [s, c]]), (1000, 2000))


# -- outliers ---------------------------------------------------------------------------------


def test_a_point_that_leaps_out_and_back_is_dropped():
    good = [[(0, 0), (10, 5), (20, 0), (30, 5)], [(40, 0)]]
    spiked = [[(0, 0), (10, 5), (900, 5), (20, 0), (30, 5)], [(40, 0)]]
    assert cleaning.drop_spikes(Ink(tuple(map(np.array, spiked))), 400) == Ink(tuple(map(np.array, good)))


def test_the_dot_of_an_i_far_back_is_no_spike():
    ink = Ink((np.array([(0, 0), (900, 0), (905, 5)]), np.array([(0, -90)]), np.array([(910, 0), (915, 5)])))
    assert cleaning.drop_spikes(ink, 950) == ink
    assert cleaning.drop_spikes(ink, 850) == ink  # the leap from the first point lasts: it is none either
    assert cleaning.drop_spikes(Ink((ink.strokes[0][1:], *ink.strokes[1:])), 400).point_count == 5


def test_a_leap_that_lasts_is_no_spike_and_is_cut():
    ink = Ink((np.array([(0, 0), (10, 5), (900, 5), (910, 9)]), np.array([(0, 5000)])))
    assert cleaning.drop_spikes(ink, 400) == ink
    cut = cleaning.cut_leaps(ink, 400)
    assert [s.tolist() for s in cut.strokes] == [[[0, 0], [10, 5]], [[900, 5], [910, 9]], [[0, 5000]]]


@given(INKS)
def test_outlier_rules_leave_ink_without_outliers_alone(ink):
    """No limit touches ink whose steps within strokes are below it, however far strokes lie apart."""
    assert cleaning.drop_spikes(ink, 8000) == ink
    assert cleaning.cut_leaps(ink, 8000) == ink
    assert cleaning.drop_long_steps(ink, 8000) == ink


@given(INKS, st.integers(100, 4000))
def test_after_cutting_no_stroke_leaps_and_no_point_is_lost(ink, limit):
    cut = cleaning.cut_leaps(ink, limit)
    assert np.array_equal(cut.points, ink.points)
    assert all((np.abs(np.diff(s, axis=0)) <= limit).all() for s in cut.strokes)


def test_a_dot_far_off_the_line_is_dropped_and_a_tall_letter_is_not():
    ink = writing()
    stray = Ink((*ink.strokes[:9], np.array([[1500.0, -500.0]]), *ink.strokes[9:]))
    assert cleaning.drop_strays(ink) == ink
    assert cleaning.drop_strays(stray) == ink


@given(INKS, st.integers(100, 4000))
def test_long_steps_are_taken_out_and_ends_stay(ink, limit):
    short = cleaning.drop_long_steps(ink, limit)
    offsets = short.to_offsets()[1:, :2]
    assert (np.abs(offsets) <= limit + 1e-3).all()
    steps = ink.to_offsets()
    long = (np.abs(steps[:, :2]) > limit).any(axis=1)
    long[0] = False
    assert short.point_count == ink.point_count - long.sum()
    assert np.allclose(offsets, steps[~long][1:, :2], atol=1e-2)
    if not long.any():
        assert short == ink


def test_a_long_step_at_the_end_of_a_stroke_hands_the_end_on():
    ink = Ink((np.array([(0, 0), (1, 1), (5000, 1)]), np.array([(5001, 2), (5002, 3)])))
    short = cleaning.drop_long_steps(ink, 1000)
    assert [s.tolist() for s in short.strokes] == [[[0, 0], [1, 1]], [[2, 2], [3, 3]]]
    run = Ink((np.array([(0, 0), (1, 1), (5000, 1), (9000, 1)]), np.array([(9001, 2)])))
    assert [s.tolist() for s in cleaning.drop_long_steps(run, 1000).strokes] == [[[0, 0], [1, 1]], [[2, 2]]]


# -- all of it --------------------------------------------------------------------------------


def test_default_lines_are_deskewed_and_have_their_size_and_points():
    raw = writing(tilt=0.1)
    ink = clean(raw, PRESETS["default"])
    assert abs(line_slope(ink)) < 0.02
    for before, after in zip(raw.strokes, ink.strokes, strict=True):
        a, b = (np.hypot(*np.diff(s.astype(float), axis=0).T) for s in (before, after))
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-3)


def test_half_the_points_are_kept_of_lines_deskewed_and_of_spread_one():
    ink = clean(writing(tilt=0.1), PRESETS["half"])
    assert abs(line_slope(ink)) < 0.02
    whole = clean(writing(tilt=0.1), CleaningOptions(scale=True))
    assert whole.points[:, 1].astype(float).std() == pytest.approx(1, rel=1e-4)
    assert sum(len(s) == 1 for s in ink.strokes) == 8  # the dots
    assert ink.point_count == sum(4 if len(s) == 7 else 1 for s in writing().strokes)


@given(INKS)
def test_graves_changes_nothing_but_long_steps(ink):
    cleaned = clean(ink, PRESETS["graves"])
    if (np.abs(np.diff(ink.points, axis=0)) <= 1000).all():
        assert cleaned == ink
    assert PRESETS["graves"].unit == 1.0


@pytest.mark.parametrize(
    "wrong",
    [
        {"every": 0},
        {"every": 101},
        {"every": 2, "phases": 3},
        {"phases": 0},
        {"spike": -1.0},
        {"spike": float("nan")},
        {"longest_step": float("inf")},
        {"misfit": 0.9},
        {"misfit": float("nan")},
        {"min_count": 0},
    ],
)
def test_options_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong)) if "phases" not in wrong else "phases"):
        CleaningOptions(**wrong)


def test_every_option_has_a_reason_and_none_can_change():
    assert all(f"\n        {f.name}: " in CleaningOptions.__doc__ for f in fields(CleaningOptions))
    with pytest.raises(FrozenInstanceError):
        PRESETS["default"].every = 3
    assert CleaningOptions(**PRESETS["graves"].as_dict()) == PRESETS["graves"]


# -- text -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("  Mr .  Smith ,\twho saw it ,", "Mr. Smith, who saw it,"),
        ("it 's and it ' s and he 'll", "it's and it's and he'll"),
        ("we 've they 're I 'm she 'd don 't do n't", "we've they're I'm she'd don't don't"),
        ("( see below ) ; really ? yes ! so :", "(see below); really? yes! so:"),
        ('he said " no " twice', 'he said " no " twice'),  # which way a quote leans is unknown
        ("1 , 250 , 000 in 1958 , 13", "1,250,000 in 1958, 13"),
        ("said ,,come in", "said ,,come in"),
        ("the boys ' coats and 'tis", "the boys ' coats and 'tis"),
        ("rock 'n roll - 5 , 6", "rock 'n roll - 5, 6"),
        ("", ""),
        (" \r\n ", ""),
    ],
)
def test_text_as_people_type_it(raw, text):
    assert clean_text(raw) == text


@given(st.text("abst .,'\"(n 12", max_size=30))
def test_clean_text_is_settled_and_only_moves_space(raw):
    once = clean_text(raw)
    assert once.replace(" ", "") == raw.replace(" ", "")
    assert "  " not in once and once == once.strip() and clean_text(once) == once


def test_unreadable_marks():
    assert cleaning.unreadable("the # sat") and cleaning.unreadable("bone %%%%% pin")
    assert not cleaning.unreadable("5 % of it")


# -- ink and text -----------------------------------------------------------------------------


def test_amounts_are_points_travel_and_width_a_letter():
    ink = Ink((np.array([(0, 0), (3, 4)]), np.array([(30, 0)])))
    assert cleaning.amounts(ink, "a bc").tolist() == pytest.approx([1.0, 5 / 3, 10.0])  # no travel in the air
    with pytest.raises(ValueError, match="text"):
        cleaning.amounts(ink, "  ")


def test_a_line_out_on_all_three_measures_does_not_fit_its_form():
    rng = np.random.default_rng(1)
    values = np.exp(rng.normal(0, 0.1, (40, 3))) * [25, 500, 90]
    values[20:] *= 3  # another writer, three times as large
    forms = ["small"] * 20 + ["large"] * 20
    assert not cleaning.misfits(values, forms, 1.75).any()
    values[3] *= 2.5
    values[7] /= 2.5
    values[9, :2] *= 2.5  # slow and curly, but no wider: correct
    values[30] /= 3  # fits the small writing, not its own
    assert np.flatnonzero(cleaning.misfits(values, forms, 1.75)).tolist() == [3, 7, 30]


def test_a_form_of_few_lines_is_held_against_all():
    values = np.array([[25.0, 500, 90]] * 10 + [[80.0, 1600, 300]])
    assert cleaning.misfits(values, ["a"] * 10 + ["b"], 1.75).tolist() == [False] * 10 + [True]
    assert cleaning.misfits(np.zeros((0, 3)), [], 1.75).tolist() == []
