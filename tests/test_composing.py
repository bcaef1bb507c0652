"""Lines taken apart into words: nothing is lost, nothing moves, and late strokes stay with their word."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from handwriting import ADVANCE, letter

from strokes import PageOptions, SamplingOptions, Writer
from strokes.alphabet import Alphabet
from strokes.composing import cut_words
from strokes.composition import Composer
from strokes.ink import Ink
from strokes.ink.curves import flatten
from strokes.page import Request, Word
from strokes.sampling import QualityReport, Sample

COMPOSER = Composer(Alphabet("abcdefghijklmnopqrstuvwxyz "))


def sample(text: str, late: tuple[int, ...] = (), joined: tuple[int, int] | None = None) -> Sample:
    """A line of made-up letters, the window on each while it is drawn.

    Args:
        text: of the line.
        late: strokes that are drawn while the window is on the letter after theirs.
        joined: two strokes that the pen is not lifted between.
    """
    strokes, places = [], []
    for place, character in enumerate(text):
        for stroke in letter(character) if character != " " else ():
            at = place + (2 if len(strokes) in late else 0)
            strokes.append(stroke + np.array([place * ADVANCE, 0.0]))
            places.append([at] * len(stroke))
    if joined:
        a, b = joined
        strokes[a : b + 1] = [np.concatenate(strokes[a : b + 1])]
        places[a : b + 1] = [[place for part in places[a : b + 1] for place in part]]
    flat = [place for part in places for place in part]
    window = np.zeros((len(flat), len(text) + 1), np.float32)
    window[np.arange(len(flat)), flat] = 1
    return Sample(text, Ink(tuple(strokes)), np.zeros((0, 3)), window, True, QualityReport())


def cut(text: str, **options) -> tuple[Word, ...]:
    pens = options.pop("pens", (None,) * len(text))
    return cut_words(Request(text, pens, (0,)), COMPOSER.compose(text), sample(text, **options), (0,))


def test_words_put_back_together_are_the_line():
    text = "on time again"
    line = sample(text)
    words = cut(text)
    assert [word.text for word in words] == text.split() and words[-1].gap is None
    x, strokes = min(float(flatten(s, 0.02)[:, 0].min()) for s in line.ink.strokes), {}
    for word in words:
        strokes |= dict(zip(word.order, [np.add(s, (x, 0)) for s in word.strokes], strict=True))
        x += word.width + (word.gap or 0)
    for n, stroke in enumerate(line.ink.strokes):
        np.testing.assert_allclose(strokes[n], stroke, atol=1e-5)


def test_a_late_stroke_stays_with_the_word_that_it_stands_in():
    """The dot of the i is drawn while the window is on the next word already."""
    words = cut("hi no", late=(2,))
    assert [len(word.strokes) for word in words] == [3, 2]


def test_words_that_the_pen_joined_stay_together():
    words = cut("of no on", joined=(1, 2))
    assert [word.text for word in words] == ["of no", "on"]
    assert sum(len(word.strokes) for word in words) == 5


def test_strokes_have_the_pen_of_their_character():
    words = cut("ab cd", pens=("red", "red", None, None, "blue"))
    assert [word.pens for word in words] == [("red", "red"), (None, "blue")]


def test_a_line_without_ink_is_a_word_without_ink():
    line = replace(sample("a"), ink=Ink(), window=np.zeros((0, 2), np.float32))
    (word,) = cut_words(Request("a", (None,), (0,)), COMPOSER.compose("a"), line, (0,))
    assert word.text == "a" and not word.strokes and word.width == 0


@pytest.mark.parametrize("page", ["a5", "c6"])
def test_the_packaged_model_keeps_to_the_margins_and_the_ruling(page):
    """Letters without descenders stand on the ruling to 0.3 mm; lines without an error in them do."""
    options = PageOptions(page=page, ruled=True, hyphenate="en_GB")
    text = (
        "we see a warm room once more\nno one comes in now"
        if page == "c6"
        else "we see a warm room once more " * 6
    )
    written = Writer().write(text, SamplingOptions(seed=2), options)
    page_ = written.page
    points = np.concatenate([flatten(s, 0.01) for s in page_.strokes])
    margin = options.margin_mm - 0.02
    assert points.min() >= margin
    assert (points <= np.array([page_.width, page_.height]) - margin).all()
    ruling = np.array(
        [line[0, 1] for layer in page_.layers if layer.name == "ruling" for line in layer.strokes]
    )
    nearest = ruling[np.abs(points[:, 1, None] - ruling).argmin(axis=1)]
    for y in np.unique(nearest):
        stroke_bottoms = [
            s[:, 1].max() for s in page_.strokes if abs(s[:, 1].max() - y) < 2 and np.ptp(s[:, 1]) > 1
        ]
        if len(stroke_bottoms) > 5:
            assert abs(np.median(stroke_bottoms) - y) < 0.3
