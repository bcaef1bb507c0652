"""Where words are, in a text and in ink."""

from __future__ import annotations

import numpy as np
import pytest

from strokes.sampling.words import Word, WordReading, Words, words_of


def test_words_of_a_text_and_the_word_of_each_position():
    words = Words(" to  be,")
    assert [words[i] for i in range(len(words))] == ["to", "be,"]
    assert words.starts == (1, 5) and words.ends == (3, 8)
    assert words.at.tolist() == [0, 0, 0, 0, 0, 1, 1, 1, 1]


@pytest.mark.parametrize(
    ("place", "following"), [(0, None), (1, 1), (2, 1), (3, 2), (4, 2), (5, None), (6, None), (7, None)]
)
def test_the_next_word_may_begin_at_the_last_character_of_one_or_after_it(place, following):
    assert Words("to a be").next_at(place) == following


def test_points_belong_to_words_by_the_window_and_leads_belong_to_the_word_after():
    """A late dot is drawn while the window rests on the space; the next stroke begins there, too, and goes on."""
    places = [0, 1, 1, 2, 2, 2, 3, 4, 5, 5]
    ends = [0, 0, 1, 1, 0, 0, 0, 1, 0, 1]
    window = np.eye(6, dtype=np.float32)[places]
    words = words_of("ab cd", window, np.array(ends, bool))
    assert Words("ab cd").of_points(window, np.array(ends, bool)).tolist() == [0, 0, 0, 0, 1, 1, 1, 1, 1, 1]
    assert words == (Word("ab", 0, 3), Word("cd", 4, 9))


def test_a_word_that_was_passed_over_has_no_points():
    window = np.eye(6, dtype=np.float32)[[3, 4, 5]]
    assert words_of("ab cd", window, np.array([0, 0, 1], bool)) == (Word("ab"), Word("cd", 0, 2))


def test_doubtful_words_read_as_something_else_or_have_faults():
    assert not Word("a", reading=WordReading("a", 0.2)).doubtful
    assert not Word("a").misread
    assert Word("a", reading=WordReading("o", 0.9)).misread
    assert Word("a", reading=WordReading("o", 0.9)).doubtful and Word("a", faults=1).doubtful
