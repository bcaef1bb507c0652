"""Writer: any text in, pages of ink out, or one sentence that says why not."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from strokes import InputError, PageOptions, SamplingOptions, Writer, load_model
from strokes.model import Model
from strokes.page import fit_page
from strokes.sampling import QualityReport
from strokes.writer import LONGEST_LINE, Written

ONCE = SamplingOptions(best_of=1)


@pytest.fixture(scope="module")
def model(scribbler) -> Model:
    return load_model(scribbler)


@pytest.fixture(scope="module")
def writer(model) -> Writer:
    return Writer(model)


def rows(writer: Writer, text: str) -> list[str]:
    return writer.lines(text)[0]


# -- lines --------------------------------------------------------------------------------------


def test_line_breaks_are_kept_and_blank_lines_between_them(writer):
    assert rows(writer, "one\ntwo") == ["one", "two"]
    assert rows(writer, "one\r\n\r\ntwo\rthree") == ["one", "", "two", "three"]
    assert rows(writer, "\n \n\none\n\n\ntwo\n\t\n") == ["one", "", "", "two"]


def test_white_space_of_any_kind_is_one_space(writer):
    assert rows(writer, "  a \t b\u00a0c  ") == ["a b c"]


def test_long_lines_are_wrapped_at_spaces_and_long_words_are_cut(writer):
    text = "the quick brown fox jumps over the lazy dog, " * 5
    wrapped = rows(writer, text)
    assert " ".join(wrapped) == text.strip() and len(wrapped) > 3
    assert all(len(line) <= LONGEST_LINE for line in wrapped)
    for line, following in pairwise(wrapped):  # no word more would have fitted
        assert len(line) + 1 + len(following.split(" ")[0]) > LONGEST_LINE
    assert rows(writer, "a" * 130) == ["a" * 60, "a" * 60, "a" * 10]
    exact = "ab " * 19 + "abc"
    assert len(exact) == LONGEST_LINE and rows(writer, exact) == [exact]


def test_what_the_pen_has_not_learned_is_transliterated_and_told(writer):
    lines, changes = writer.lines("na\u00efve\nMore \u2013 \u00e9t\u00e9 \U0001f600.")
    assert lines == ["na\u00efve", "more \u2013 \u00e9t\u00e9 ."]
    assert changes.text == "na\u00efve\nmore \u2013 \u00e9t\u00e9 ."
    expected = {"M": "m", "\U0001f600": ""}
    assert dict(changes.replaced) == expected


def test_lines_grow_by_transliteration_before_they_are_wrapped(writer):
    """A euro sign is written with three letters where there is no C to draw it from."""
    assert "C" not in writer.model.alphabet
    lines, _ = writer.lines("\u20ac" * 50)
    assert "".join(lines).lower() == "eur" * 50 and len(lines) == 3


@pytest.mark.parametrize("text", ["", " ", "\n\t\n", "\u200b"])
def test_nothing_to_write_is_refused(writer, text):
    with pytest.raises(InputError, match="nothing to write"):
        writer.lines(text)


def test_a_text_without_a_writable_character_is_shown(writer):
    with pytest.raises(InputError, match=r"no character of '\U0001f600\U0001f600' can be written"):
        writer.write("\U0001f600\U0001f600\n")


# -- pages --------------------------------------------------------------------------------------


def test_samples_are_the_lines_and_the_page_has_their_ink(writer):
    text = "some text\n\nand more"
    page_options = PageOptions(line_height=14, margin=2)
    written = writer.write(text, ONCE, page_options)
    assert [s.text for s in written.samples] == ["some text", "and more"]
    first, second = (s.ink for s in written.samples)
    expected = fit_page([first, None, second], page_options, text=text)
    assert (written.page.width, written.page.height) == (expected.width, expected.height)
    assert written.page.text == text and len(written.page.strokes) == len(first) + len(second)
    for a, b in zip(written.page.strokes, expected.strokes, strict=True):
        np.testing.assert_array_equal(a, b)


def test_same_seed_same_page_another_seed_another(writer):
    pages = [writer.write("same text", SamplingOptions(seed=s, best_of=1)).page for s in (1, 1, 2)]
    first, again, other = (np.concatenate(p.strokes) for p in pages)
    np.testing.assert_array_equal(first, again)
    assert first.shape != other.shape or not np.array_equal(first, other)


def test_a_sample_is_the_line_that_a_page_has(writer):
    sample = writer.sample("some text", ONCE)
    assert sample.ink == writer.write("some text", ONCE).samples[0].ink
    assert sample.window.shape == (len(sample.offsets), len("some text") + 1)


def test_progress_is_told_each_line(writer):
    done: list[int] = []
    writer.write("a\nb\n\nc", ONCE, progress=done.append)
    assert sum(done) == 3


def test_doubtful_lines_are_those_that_failed_their_checks(writer):
    written = writer.write("a\nb\nc", ONCE)
    sound, lost, endless = written.samples
    samples = (
        replace(sound, finished=True, quality=QualityReport()),
        replace(lost, finished=True, quality=QualityReport(lost_characters=1)),
        replace(endless, finished=False, quality=QualityReport()),
    )
    assert Written(written.pages, samples, written.transliteration).doubtful == samples[1:]


def test_what_is_written_can_be_saved_compared_and_kept(writer, tmp_path):
    written, other = writer.write("a", ONCE), writer.write("a", ONCE)
    assert written == written and written != other and written != "a" and len({written, other}) == 2
    written.save(tmp_path / "a.svg", pen_width_mm=0.7)
    assert "0.7" in (tmp_path / "a.svg").read_text(encoding="utf-8")
    with pytest.raises(InputError, match="no option 'ink'"):
        written.save(tmp_path / "a.svg", ink="blue")


def test_a_model_by_name_by_folder_or_loaded(scribbler, model):
    assert Writer().model.info == load_model("default").info
    assert Writer(scribbler).model.alphabet == model.alphabet
    assert Writer(str(scribbler)).write("a", ONCE).samples[0].ink == Writer(model).sample("a", ONCE).ink
    with pytest.raises(InputError, match="no model there"):
        Writer("nobody")


@pytest.mark.parametrize("text", [123, None, b"bytes", ["a", "b"]])
def test_what_is_no_text_is_told_as_such(writer, text):
    with pytest.raises(TypeError, match=f"not {type(text).__name__}; give a str"):
        writer.write(text)


def test_options_of_another_type_are_told_as_such(writer):
    for wrong in ({"bias": 0.5}, 0.5, PageOptions()):
        with pytest.raises(TypeError, match=r"give SamplingOptions\(\.\.\.\), not"):
            writer.write("a", wrong)
        with pytest.raises(TypeError, match=r"give SamplingOptions\(\.\.\.\), not"):
            writer.sample("a", wrong)
    with pytest.raises(TypeError, match=r"give PageOptions\(\.\.\.\), not dict"):
        writer.write("a", None, {"margin": 3})


def test_characters_that_the_model_draws_badly_are_named() -> None:
    writer = Writer()
    options = SamplingOptions(best_of=1)
    assert writer.write("9 o'clock", options).weak == "9"
    assert writer.write("noon", options).weak == ""
