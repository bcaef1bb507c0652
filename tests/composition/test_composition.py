"""Composition: every character of Latin-1 and Latin Extended-A comes out as ink, its mark where it belongs."""

from __future__ import annotations

import itertools
import string
import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strokes import SamplingOptions, Writer
from strokes.alphabet import Alphabet
from strokes.composition import Composed, Composer, apply
from strokes.composition.marks import ABOVE, BELOW, MARKS
from strokes.composition.recipes import recipe
from strokes.composition.symbols import SYMBOLS
from strokes.composition.tracing import Tracing
from strokes.ink import Ink

PLAIN = Alphabet(" !\"'()+,-./:;?" + string.digits + string.ascii_letters)
ALL = Alphabet(string.printable[:95])
# White space and the soft hyphen aside, which are no ink.
LATIN = [chr(i) for i in range(0xA1, 0x180) if i != 0xAD]
PITCH = 1.4


def drawn(text: str, points: int = 12) -> tuple[Ink, np.ndarray]:
    """A line of boxes, one a character, and the window that knows them; an i has a dot."""
    strokes, owners = [], []
    t = np.linspace(0, 1, points)
    for k, c in enumerate(text):
        if c == " ":
            continue
        top, bottom = (-1.8 if c.isupper() or c.isdigit() or c in "bdfhklt" else -1.0), 0.0
        if c == "-":
            top, bottom = -0.52, -0.48
        x = k * PITCH
        corners = np.array([[0, top], [0, bottom], [0.9, bottom], [0.9, top]])
        box = np.stack([np.interp(t * 3, range(4), corners[:, i]) for i in (0, 1)], axis=1)
        box[:, 0] += x
        strokes.append(box)
        owners += [k] * points
        if c in "ij":
            strokes.append(np.array([[x + 0.3, -1.5], [x + 0.32, -1.4]]))
            owners += [k] * 2
    window = np.zeros((len(owners), len(text) + 1), np.float32)
    window[range(len(owners)), owners] = 1
    return Ink(tuple(strokes)), window


def compose(line: str, seed: int = 0, alphabet: Alphabet = PLAIN) -> tuple[Composed, Ink, Ink]:
    """What the model wrote, and that with what was added."""
    composed = Composer(alphabet).compose(line)
    ink, window = drawn(composed.text)
    return composed, ink, apply(composed, ink, window, (seed,))


def added(before: Ink, after: Ink) -> list[np.ndarray]:
    old = {s.tobytes() for s in before.strokes}
    return [s for s in after.strokes if s.tobytes() not in old]


@pytest.mark.parametrize("alphabet", [PLAIN, ALL], ids=["plain", "ascii"])
def test_every_character_of_latin_1_and_latin_extended_a_is_written(alphabet):
    composer = Composer(alphabet)
    for c in LATIN + [chr(i) for i in range(33, 127)]:
        done = composer.transliterate(f"a{c}b")
        assert done.replaced == () and done.text == f"a{unicodedata.normalize('NFC', c)}b", c
        composed = composer.compose(done.text)
        assert set(composed.text) <= set(alphabet.characters), c
        assert composed.text[0] == "a" and composed.text[-1] == "b" and len(composed.text) >= 3


@pytest.mark.parametrize("c", LATIN)
def test_ink_of_a_character_stands_between_its_neighbours_and_in_order(c):
    for seed in (0, 1):
        composed, before, after = compose(f"n{c}n o", seed)
        assert composed.text.endswith("n o")
        box = after.bounds
        assert box[1] > -3.5 and box[3] < 1.6 and box[0] > -0.4
        assert all(np.isfinite(s).all() for s in after.strokes)
        # The first letter is the first stroke and stays; the next word is the last.
        assert np.array_equal(after.strokes[0], before.strokes[0])
        o, last = before.strokes[-1], after.strokes[-1]
        np.testing.assert_allclose(np.diff(o, axis=0), np.diff(last, axis=0), atol=1e-5)
        assert min(s[:, 0].min() for s in after.strokes[:-1]) > -0.4
        assert max(s[:, 0].max() for s in after.strokes[:-1]) < last[:, 0].min()
        if recipe(c).base not in ("ij", "IJ", "'n", "'", ",", '"', "-", "..."):
            assert len(added(before, after)) > 0 or len(after) < len(before)


@pytest.mark.parametrize("letter", ["e", "A", "n", "i", "j", "l", "g", "Z"])
@pytest.mark.parametrize("name", sorted((*ABOVE, *BELOW)))
def test_marks_lie_over_or_under_their_letter(letter, name):
    codes = {
        v: k for k, v in vars(__import__("strokes.composition.recipes", fromlist=[""]))["_COMBINING"].items()
    }
    for seed in range(4):
        line = unicodedata.normalize("NFC", f"mm{letter}{codes[name]}mm")
        composed, before, after = compose(line, seed)
        assert composed.text == f"mm{letter}mm"
        mark = np.concatenate(added(before, after))
        body = before.strokes[2]
        x = (mark[:, 0].min() + mark[:, 0].max()) / 2
        if "apostrophe" in composed.parts[0].recipe.marks:
            assert x > body[:, 0].mean() and mark[:, 1].max() < -0.9
            continue
        assert body[:, 0].min() - 0.2 < x < body[:, 0].max() + 0.5
        if composed.parts[0].recipe.marks[0] in ABOVE:
            assert mark[:, 1].max() < body[:, 1].min() + 0.02
        else:
            assert mark[:, 1].mean() > body[:, 1].max() and mark[:, 1].min() > -0.15
        # Marks come after their word.
        assert all(
            s.tobytes() == t.tobytes() for s, t in zip(before.strokes[:2], after.strokes[:2], strict=True)
        )
        assert np.array_equal(after.strokes[-1], added(before, after)[-1])


def test_a_mark_takes_the_place_of_the_dot_of_an_i():
    for line, dots in (("íi", 1), ("ïj", 1), ("ì", 0), ("įi", 2), ("ı", 0)):
        _, before, after = compose(line)
        kept = [
            s for s in after.strokes if len(s) == 2 and s.tobytes() in {t.tobytes() for t in before.strokes}
        ]
        assert len(kept) == dots, line


def test_a_dot_that_is_drawn_late_stays_when_a_symbol_follows():
    composed = Composer(PLAIN).compose("ni@")
    ink, window = drawn(composed.text)
    window[12 + 12 : 12 + 14] = [0, 0, 1, 0]  # the dot, drawn while the window stands on the hyphen
    dot = ink.strokes[2]
    assert any(s.tobytes() == dot.tobytes() for s in apply(composed, ink, window).strokes)


def test_a_stroke_drawn_late_is_of_the_word_that_it_stands_in():
    ink, window = drawn("k O")
    arms = np.array([[0.3, -1.0], [0.1, -0.5], [0.9, 0.0]])
    strokes = (ink.strokes[0], arms, ink.strokes[1])
    on_space = np.tile([0, 1, 0, 0], (3, 1))
    tracing = Tracing("k O", Ink(strokes), np.concatenate([window[:12], on_space, window[12:]]))
    assert [set(s.owners) for s in tracing.strokes] == [{0}, {0}, {2}]
    assert tracing.letter(2).left == pytest.approx(2 * PITCH)


def test_the_end_of_a_letter_is_its_own_though_the_window_has_gone_on():
    ink, window = drawn("Br")
    window[8:12] = [0, 1, 0]
    tracing = Tracing("Br", ink, window)
    assert tracing.letter(0).right == pytest.approx(0.9) and tracing.letter(1).left == pytest.approx(PITCH)


def test_guillemets_stand_in_for_parentheses_whichever_way_they_open():
    composer = Composer(PLAIN)
    assert composer.compose("«a» »b« [c]").text == "(a) (b) (c)"
    assert Composer(Alphabet("abc -")).compose("«a» [c]").text == "-a- -c-"


def test_what_follows_a_symbol_moves_by_its_width_and_keeps_its_gap():
    _, narrow, _ = compose("a-b")
    _, _, wide = compose("a@b")
    symbol = next(s for s in wide.strokes if len(s) > 12)
    b = wide.strokes[-1]
    assert b[:, 0].min() > symbol[:, 0].max() and b[0, 0] > narrow.strokes[-1][0, 0]
    before = narrow.strokes[-1][:, 0].min() - narrow.strokes[1][:, 0].max()
    assert b[:, 0].min() - symbol[:, 0].max() == pytest.approx(before, abs=0.15)


def test_no_stand_in_is_left():
    for c in SYMBOLS:
        if len(c) == 1 and c not in PLAIN:
            _, before, after = compose(f"a{c}b")
            assert not any(s.tobytes() == before.strokes[1].tobytes() for s in after.strokes), c
            assert len(after) >= 3


def test_ink_without_composed_characters_stays_as_it_is():
    composed, before, after = compose("plain text, it is")
    assert composed.parts == () and after is before


def test_the_same_seed_gives_the_same_marks_and_another_others():
    first, again, other = (compose("éöß", seed)[2] for seed in (1, 1, 2))
    assert first == again and first != other
    # Two marks of a line differ, too.
    _, before, after = compose("éé")
    one, two = added(before, after)
    assert one.shape != two.shape or np.abs((one - one[0]) - (two - two[0])).max() > 1e-3


def test_marks_lean_with_the_line():
    text = "lélélé"
    composed = Composer(PLAIN).compose(text)
    ink, window = drawn(composed.text)
    leaning = ink.transformed(np.array([[1.0, -0.5], [0.0, 1.0]]))
    assert Tracing(composed.text, leaning, window).slant == pytest.approx(0.5, abs=0.02)
    upright, slanted = apply(composed, ink, window), apply(composed, leaning, window)
    for a, b in zip(added(ink, upright), added(leaning, slanted), strict=True):
        back = b @ np.array([[1.0, 0.5], [0.0, 1.0]]).T
        np.testing.assert_allclose(back.mean(axis=0), a.mean(axis=0), atol=0.25)


def test_nfc_and_nfd_are_one():
    text = "Crème brûlée ǖ Őrség ḱ x̄ ệ " + "".join(LATIN)
    texts = [unicodedata.normalize(form, text) for form in ("NFC", "NFD")]
    composers = [Composer(PLAIN).transliterate(t) for t in texts]
    assert composers[0] == composers[1] and composers[0].replaced == ()
    composed = [Composer(PLAIN).compose(c.text) for c in composers]
    assert composed[0] == composed[1]


def test_what_a_model_knows_it_writes_itself():
    composer = Composer(Alphabet(ALL.characters + "é"))
    for c in ALL.characters + "é":
        assert composer.recipe(c) is None
    assert composer.recipe("è") is not None
    assert composer.compose("é@").parts == ()


def test_what_can_be_neither_written_nor_composed_is_replaced_and_named():
    done = Composer(PLAIN).transliterate("é Ж 中 😀")
    assert [a for a, _ in done.replaced] == ["Ж", "中", "😀"] and done.text.startswith("é ")
    # Nor can what is composed of characters that the model lacks.
    done = Composer(Alphabet("abc e")).transliterate("é ñ @")
    assert done.text.startswith("é ") and [a for a, _ in done.replaced] == ["ñ", "@"]


def test_a_mark_alone_is_drawn_alone():
    composed, before, after = compose("a\u0304")
    assert composed.text == "a"
    composed, before, after = compose("\u0304a")
    assert composed.text == "-a" and len(after) == len(before) and "ā" not in composed.text


def test_the_window_must_be_that_of_the_ink():
    composed = Composer(PLAIN).compose("é")
    ink, window = drawn("e")
    with pytest.raises(ValueError, match=r"window has shape \(11, 2\)"):
        apply(composed, ink, window[1:])


def test_characters_without_ink_and_empty_ink_do_no_harm():
    composed = Composer(PLAIN).compose("aéñ@ü½¿")
    ink, _ = drawn("a")
    window = np.zeros((ink.point_count, len(composed.text) + 1), np.float32)
    window[:, 0] = 1
    after = apply(composed, ink, window)
    assert len(after) > len(ink) and np.isfinite(after.points).all()
    assert apply(composed, Ink(), window[:0]) == Ink()


@pytest.mark.parametrize("name", sorted(MARKS))
def test_names_of_marks_are_told_apart(name):
    assert sum(name in table for table in (ABOVE, BELOW)) <= 1


def test_the_packaged_model_writes_them():
    writer = Writer()
    text = "Crème brûlée – 2 × 7,50 €"
    written = writer.write(text, SamplingOptions(seed=1, best_of=1))
    assert written.transliteration.replaced == () and written.transliteration.text == text
    assert written.samples[0].text == "Creme brulee - 2 - 7,50 C"
    # Three accents, one circumflex among them, the second stroke of the cross, two bars.
    assert len(written.page.strokes) >= len(written.samples[0].ink) + 3 + 1 + 2
    heights = [np.ptp(s, axis=0).max() for s in written.page.strokes]
    assert max(heights) < 40  # mm: no stroke strays


def test_every_pair_of_composed_characters_keeps_its_order():
    for a, b in itertools.product("é@ß€«½ð", repeat=2):
        composed, _, after = compose(f"{a} {b}")
        assert len(composed.parts) == 2
        assert len(after) >= 2 and np.isfinite(after.points).all()


ANY = st.text(
    st.sampled_from([*LATIN, *map(chr, range(32, 127)), *"“”„…–—½⅞²→✓‰ệ\u0301\u0327\u0304"]), max_size=12
)


@given(ANY, st.integers(0, 2**32 - 1), st.booleans())
@settings(max_examples=150, deadline=None)
def test_any_line_gives_finite_ink_within_bounds_even_where_the_window_wanders(line, seed, lost):
    composed = Composer(PLAIN).compose(Composer(PLAIN).transliterate(line).text.strip())
    ink, window = drawn(composed.text, 6)
    if lost:
        window = np.random.default_rng(seed).random(window.shape).astype(np.float32)
    after = apply(composed, ink, window, (seed,))
    assert (len(after) > 0) == (len(ink) > 0) and np.isfinite(after.points).all()
    if len(after):
        x0, y0, x1, y1 = after.bounds
        assert y0 > -6 and y1 < 4 and x1 - x0 < 4 * PITCH * (len(composed.text) + 1)
