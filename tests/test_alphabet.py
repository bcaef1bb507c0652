"""Alphabet: ids, and the nearest text that can be written."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strokes.alphabet import Alphabet

LATIN = Alphabet(" !\"'()+,-./:;?" + string.digits + string.ascii_letters)


def test_ids_follow_the_characters_and_zero_is_the_rest():
    alphabet = Alphabet("abc")
    assert alphabet.encode("cab!a").tolist() == [3, 1, 2, 0, 1]
    assert len(alphabet) == 4 and "a" in alphabet and "!" not in alphabet
    assert alphabet.encode("").shape == (0,)


def test_of_counts_over_all_texts_in_code_point_order():
    assert Alphabet.of(["banana", "bib"], min_count=3).characters == "ab"
    assert Alphabet.of(["ba", "cab"]).characters == "abc"
    assert Alphabet.of([]).characters == ""


def test_a_character_twice_is_refused():
    with pytest.raises(ValueError, match="differ"):
        Alphabet("aba")


@given(st.text(string.ascii_letters + string.digits + " .,'", max_size=40))
def test_writable_text_stays(text):
    done = LATIN.transliterate(text)
    assert done.text == text and done.replaced == () and str(done) == ""


@given(st.text(max_size=30), st.sets(st.sampled_from(string.printable), max_size=40))
def test_whatever_comes_out_is_writable(text, characters):
    alphabet = Alphabet("".join(sorted(characters | {" "})))
    done = alphabet.transliterate(text)
    assert all(c in alphabet for c in done.text)
    changed = [a for a, _ in done.replaced]
    assert len(set(changed)) == len(changed)
    assert all(a not in alphabet and not a.isspace() for a in changed)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("café", "cafe"),
        ("Zoë", "Zoe"),
        ("straße", "strasse"),
        ("“quoted” – ‘so’…", "\"quoted\" - 'so'..."),
        ("tea & cake", "tea and cake"),
        ("5 €", "5 EUR"),
        ("a\tb\nc", "a b c"),
        ("me@home", "me(at)home"),
    ],
)
def test_the_nearest_text(text, written):
    assert LATIN.transliterate(text).text == written


def test_case_changes_before_a_character_is_lost():
    done = Alphabet("abc").transliterate("Abc")
    assert done.text == "abc" and done.replaced == (("A", "a"),)


def test_what_was_changed_is_told_once_and_in_order():
    done = Alphabet("abcdef").transliterate("éb#é")
    assert done.replaced[0] == ("é", "e") and [a for a, _ in done.replaced] == ["é", "#"]
    assert str(done) == "'é' as 'e', '#' left out"


def test_emoji_are_left_out_and_not_spelled():
    changed = Alphabet(" abcdefghijklmnopqrstuvwxyz:").transliterate("hi 😀")
    assert changed.text == "hi " and changed.replaced == (("😀", ""),)


def test_decomposed_accents_count_as_composed_ones():
    alphabet = Alphabet("aeiné")
    assert alphabet.transliterate("ne\u0301e\u0301").text == "néé"
    assert alphabet.transliterate("nai\u0308e").replaced == (("ï", "i"),)


def test_a_long_list_of_changes_is_cut_short():
    changed = Alphabet("abcdefghijklmnopqrstuvwxyz ").transliterate("".join(map(chr, range(0x410, 0x430))))
    assert str(changed).count(" as ") == 12 and str(changed).endswith(
        f"and {len(changed.replaced) - 12} more"
    )
