"""Signs that a line went wrong, on made-up windows and ink."""

from __future__ import annotations

import numpy as np
import pytest

from strokes.ink import Ink
from strokes.sampling.quality import (
    QualityReport,
    baseline_drift,
    check_quality,
    false_start,
    lost_characters,
    stray_dots,
)


def diagonal(places: list[int], characters: int, points: int = 8) -> np.ndarray:
    """A window that stands `points` points on each of `places`, in this order."""
    window = np.full((len(places) * points, characters + 1), 0.01, np.float32)
    for n, place in enumerate(places):
        window[n * points : (n + 1) * points, place] = 1.0
    return window


def test_lost_characters():
    text = "abc cab"
    u = len(text)
    sound = list(range(u + 1))
    assert lost_characters(text, diagonal(sound, u)) == 0
    for skipped in (0, 2, 5):
        assert lost_characters(text, diagonal([p for p in sound if p != skipped], u)) >= 1
    assert lost_characters(text, diagonal([p for p in sound if p != 3], u)) == 0  # a space may be skipped
    assert lost_characters(text, diagonal([0, 1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 6, 7], u)) >= 1  # written twice
    assert lost_characters(text, diagonal([0, 1, 2], u)) >= 3  # cut: three letters were never written


def test_a_line_that_begins_with_a_stray_dot():
    letter = np.array([[0, 0], [0, 3], [1, 0.0]])
    dot, dash = np.array([[0, 0], [0.1, 0.1]]), np.array([[0, 0], [0.6, 0.1]])
    assert false_start("The", Ink((dot, letter))) and false_start("Every", Ink((dash, letter)))
    assert not false_start("The", Ink((letter, dot)))
    assert not false_start('"The', Ink((dot, letter)))  # a mark may be as small as it likes


def test_a_smeared_character_is_lost():
    window = diagonal([0, 1, 2, 3], 3)
    assert lost_characters("abc", window) == 0
    window[:, 1] = 0.45  # at its best moment its neighbours have more
    window[8:16, [0, 2]] = 0.4
    assert lost_characters("abc", window) == 1


BAR = np.array([[0, 0], [0, 3.0]])
DOT = np.array([[0.5, 0.5], [0.6, 0.6]])


def written(text: str, dots: dict[int, int]) -> tuple[Ink, np.ndarray]:
    """Each character as a bar under its own window, `dots[place]` dots after that of `place`."""
    strokes, places = [], []
    for place in range(len(text)):
        if text[place] != " ":
            strokes.append(BAR + np.array([place, 0]))
            places += [place] * 2
        for _ in range(dots.get(place, 0)):
            strokes.append(DOT + np.array([place, 0]))
            places += [place] * 2
    window = np.zeros((len(places), len(text) + 1), np.float32)
    window[np.arange(len(places)), places] = 1.0
    return Ink(tuple(strokes)), window


@pytest.mark.parametrize(
    ("text", "dots", "stray"),
    [
        ("high tea", {1: 1}, 0),  # the dot of the i
        ("high tea", {3: 1}, 0),  # late, at the end of its word
        ("high tea", {4: 1}, 0),  # later still, in the gap
        ("high tea", {6: 1}, 0),  # while the window is at the next word already
        ("high tea", {7: 3}, 3),  # far into a word without dots
        ("over it", {1: 1, 2: 1}, 2),
        ("so.", {2: 1}, 0),
        ("village a", {2: 3}, 2),  # one of them is due
        ("it: a", {1: 1, 2: 2}, 0),
        ("hi tea", {1: 1, 4: 1}, 1),  # the word before has its dot
    ],
)
def test_stray_dots(text, dots, stray):
    assert stray_dots(text, *written(text, dots)) == stray


def test_one_stray_dot_is_forgiven_and_more_are_a_problem():
    for dots, count in (({}, 0), ({7: 1}, 0), ({7: 3}, 2)):
        ink, window = written("high tea", dots)
        assert check_quality("high tea", ink, window) == QualityReport(stray_dots=count)


def test_every_check_is_in_the_report():
    ink, window = written("high tea", {})
    lost = np.delete(window, [2, 3], axis=0)
    lost[lost.argmax(axis=1) == 1] = 0.1  # smeared
    begun = Ink((np.array([[-1.0, 0.5]]), *ink.strokes))
    assert check_quality("high tea", ink, window).problems == 0
    report = check_quality("high tea", ink, lost)
    assert report == QualityReport(lost_characters=1) and report.problems == 1
    report = check_quality("high tea", begun, np.concatenate([window[:1], window]))
    assert report == QualityReport(false_start=True) and report.problems == 1
    assert QualityReport(2, 1, True, True).problems == 5


@pytest.mark.parametrize("unit", [0.01, 90.0])
def test_the_unit_of_the_ink_does_not_matter(unit):
    for dots in ({}, {7: 3}):
        ink, window = written("high tea", dots)
        assert check_quality("high tea", ink.scaled(unit), window) == check_quality("high tea", ink, window)
    assert baseline_drift(bump(6.0).scaled(unit)) == pytest.approx(baseline_drift(bump(6.0)), rel=1e-3)


def bump(height: float, slope: float = 0.0) -> Ink:
    """Writing of 2,000 points and a spread of 0.7 on a slope, raised by `height` in its middle fifth."""
    x = np.linspace(0, 100, 2000)
    y = np.sin(40 * x) + slope * x + np.where(abs(x - 50) < 10, height, 0.0)
    return Ink((np.stack([x, y], axis=1),))


def test_drift_is_the_rise_of_the_middle_of_writing_and_not_its_slope():
    assert baseline_drift(bump(0.0)) < 0.4
    assert baseline_drift(bump(0.0, slope=0.05)) < 0.4
    assert baseline_drift(bump(6.0)) > 1.9 and baseline_drift(bump(6.0, slope=0.05)) > 1.9
    window = np.zeros((2000, 2), np.float32)
    window[:, 0] = 1.0
    assert check_quality("a", bump(6.0), window) == QualityReport(drift=True)


@pytest.mark.parametrize(
    "strokes", [[[[0, 1], [1, 1.0]]], [[[3, 4.0]]], [[[0, 0], [1e6, 1e-3]]], [[[0, 0.0]], [[9, 0.0]]]]
)
def test_ink_that_is_all_but_flat_does_not_drift(strokes):
    assert baseline_drift(Ink(tuple(map(np.array, strokes)))) == 0.0


def test_segments_of_few_points_have_no_median():
    """30 points a segment are few where a character has 21, and many where it has 10."""
    x = np.arange(240) / 5.0
    y = np.repeat([0, 6, 0, 6, 0, 6, 0, 6.0], 30) + np.sin(np.arange(240))
    ink = Ink((np.stack([x * y.std(), y], axis=1),))
    assert baseline_drift(ink) == 0 < baseline_drift(ink, points_per_character=10.7)


@pytest.mark.parametrize(
    ("text", "strokes", "stray"), [(".", 1, 0), (".", 2, 1), ("...", 4, 1), ("?!", 4, 0), ("-", 3, 2)]
)
def test_a_text_of_marks_alone_has_no_stroke_too_many(text, strokes, stray):
    ink = Ink(tuple(np.array([[i, 0.0], [i + 0.05, 0.03], [i, -0.02]]) for i in range(strokes)))
    window = np.repeat(np.eye(len(text) + 1)[: len(text)], -(-3 * strokes // len(text)), axis=0)[
        : 3 * strokes
    ]
    assert check_quality(text, ink, window).stray_dots == stray
