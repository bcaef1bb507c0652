"""Text on paper: whatever is written stands between the margins, on its ruling, and touches no other line."""

from __future__ import annotations

import importlib
import itertools
from unittest import mock

import numpy as np
import pytest
from handwriting import set_text
from hypothesis import given, settings
from hypothesis import strategies as st

from strokes.files import InputError
from strokes.ink.curves import flatten
from strokes.page import Page, PageOptions, paper_names
from strokes.page.hyphenation import hyphenator

composing = importlib.import_module("strokes.page.compose")
STILL = {"edge_wander": 0.0, "baseline_wander": 0.0}
LETTER = (
    "Dear Grandmother,\n\nthank you for the parcel that came on Tuesday. The jam arrived whole, which is more than "
    "one can say for the box, and half of it has gone on bread already.\n\n- a history of lighthouses\n- two novels, "
    "one of them very long, about a family that keeps bees and never speaks of anything else\n\nwith love\n"
)


def ink(page: Page) -> np.ndarray:
    return np.concatenate([flatten(stroke, 0.01) for stroke in page.strokes])


def lines_of(page: Page) -> list[list[np.ndarray]]:
    """Strokes line by line: those whose middles are near in y; the made-up hand has no line without letters."""
    found: list[list[np.ndarray]] = []
    for stroke in page.strokes:
        if found and stroke[:, 0].min() > found[-1][-1][:, 0].min() - 5:
            found[-1].append(stroke)
        else:
            found.append([stroke])
    return found


def layer(page: Page, name: str) -> tuple[np.ndarray, ...]:
    return next(found.strokes for found in page.layers if found.name == name)


def rows_of(text: str, options: PageOptions, spread: float = 0.0) -> list[str]:
    """What each line of a text says, page after page."""
    with mock.patch.object(composing, "set_rows", wraps=composing.set_rows) as called:
        set_text(text, options, spread)
    return [row.text for row in called.call_args.args[0]]


# -- any text ------------------------------------------------------------------------------------

TEXTS = st.one_of(
    st.text(max_size=60),
    st.lists(st.text("abcdefghijklmnopqrstuvwxyz.,-", min_size=1, max_size=14), max_size=60).map(" ".join),
    st.lists(
        st.sampled_from(
            ["gap", "[[red]]", "[[/]]", "\t", "\n", "- b", "\U0001f600", "مرحبا", "Ill", "\x1b[2J", "<&>"]
        ),
        max_size=30,
    ).map(" ".join),
)
OPTIONS = st.fixed_dictionaries(
    {
        "page": st.sampled_from([*paper_names(), "fit", "40x60mm", "300x30"]),
        "landscape": st.booleans(),
        "margin": st.none() | st.floats(0, 40),
        "x_height": st.none() | st.floats(0.3, 12),
        "line_height": st.none() | st.floats(1, 40),
        "align": st.sampled_from(["left", "center", "right", "justify"]),
        "vertical": st.sampled_from(["top", "center", "bottom"]),
        "indent": st.floats(0, 30),
        "word_space": st.none() | st.floats(0.1, 4),
        "edge_wander": st.floats(0, 3),
        "baseline_wander": st.floats(0, 2),
        "hyphenate": st.sampled_from([None, "en_GB", "de"]),
        "ruled": st.booleans(),
        "guides": st.booleans(),
    }
)


@settings(max_examples=120, deadline=None)
@given(TEXTS, OPTIONS, st.integers(0, 5))
def test_any_text_on_any_paper_lies_between_the_margins_or_is_refused(text, chosen, seed):
    try:
        options = PageOptions(**chosen)
        pages = set_text(text, options, spread=0.3, seed=seed)
    except InputError as e:
        said = str(e)
        assert said and said.isprintable()  # it need not be refused
        return
    for page in pages:
        if page.strokes:
            points = ink(page)
            margin = options.margin_mm - 0.02
            assert points.min() >= margin
            assert (points.max(axis=0) <= np.array([page.width, page.height]) - margin).all()
    if options.page != "fit":
        sizes = {(options.paper.width, options.paper.height)}
        assert {(page.width, page.height) for page in pages} == sizes


def test_ten_thousand_words_fill_many_pages_in_order():
    text = " ".join(f"{n % 97}" for n in range(10_000))
    pages = set_text(text, PageOptions(page="a4", x_height=1.5))
    assert len(pages) > 5
    assert " ".join(" ".join(page.text.split()) for page in pages) == text


def test_a_word_that_is_too_wide_is_named():
    for word, options in (("a" * 200, PageOptions(page="a4")), ("m" * 45, PageOptions(page="a6"))):
        with pytest.raises(InputError, match=f"the word '{word[:20]}.*too wide for lines of"):
            set_text(f"see {word} there", options)


# -- where lines stand -----------------------------------------------------------------------------


def test_baselines_stand_on_the_ruling():
    """Measured on letters without descenders, the wandering of baselines included."""
    text = "on time we make no error in error we are even\n" * 12
    page = set_text(text, PageOptions(page="a4", ruled=True), spread=0.1)[0]
    ruling = np.array([line[0, 1] for line in layer(page, "ruling")])
    assert np.ptp(np.diff(ruling)) < 1e-6
    bottoms = np.array([max(stroke[:, 1].max() for stroke in line) for line in lines_of(page)])
    assert len(bottoms) == 12
    assert np.abs(bottoms[:, None] - ruling).min(axis=1).max() < 0.3
    still = set_text(text, PageOptions(page="a4", ruled=True, **STILL), spread=0.1)[0]
    bottoms = np.array([max(stroke[:, 1].max() for stroke in line) for line in lines_of(still)])
    np.testing.assert_allclose(
        bottoms, np.array([line[0, 1] for line in layer(still, "ruling")])[:12], atol=1e-6
    )


def test_no_two_lines_touch_at_the_default_line_height():
    text = "gypsy jumping " * 40 + "tall hills " * 40
    page = set_text(text, PageOptions(page="a5"), spread=0.2)[0]
    lines = [np.concatenate([flatten(s, 0.01) for s in line]) for line in lines_of(page)]
    assert len(lines) > 5
    for upper, lower in itertools.pairwise(lines):
        for x in np.arange(upper[:, 0].min(), upper[:, 0].max(), 0.5):
            above, below = (
                y[np.abs(p[:, 0] - x) < 0.5] for p, y in ((upper, upper[:, 1]), (lower, lower[:, 1]))
            )
            assert not len(above) or not len(below) or above.max() < below.min()


def test_line_height_and_x_height_are_millimetres():
    options = PageOptions(page="a4", line_height=11, x_height=2.5, ruled=True, **STILL)
    page = set_text("one on\nnone on\non", options)[0]
    ruling = [line[0, 1] for line in layer(page, "ruling")]
    np.testing.assert_allclose(np.diff(ruling), 11)
    line = np.concatenate(lines_of(page)[0])
    assert np.ptp(line[:, 1]) == pytest.approx(2.5, abs=1e-6)


@pytest.mark.parametrize("align", ["left", "right", "center", "justify"])
def test_lines_are_aligned(align):
    options = PageOptions(page="a5", margin=20, align=align, **STILL)
    lines = [np.concatenate(line) for line in lines_of(set_text("some none on moon noun " * 12, options)[0])]
    left, right = (np.array([edge(line[:, 0]) for line in lines]) for edge in (np.min, np.max))
    width = 148 - 20
    assert len(lines) > 3
    if align in ("left", "justify"):
        np.testing.assert_allclose(left, 20, atol=0.1)
    if align in ("right", "justify"):
        np.testing.assert_allclose(right[:-1], width, atol=0.1)
    if align == "justify":
        assert right[-1] < width - 1  # the last line of a paragraph stays as it is
    if align == "center":
        np.testing.assert_allclose((left + right) / 2, 74, atol=0.1)


def test_as_many_words_as_fit_stand_on_a_line():
    options = PageOptions(page="a5", margin=20, word_space=1.0, **STILL)

    def width(line: str) -> float:
        words = line.split()
        return 2.0 * (sum((len(word) - 1) * 1.3 + 0.8 for word in words) + len(words) - 1)

    for line, following in itertools.pairwise(rows_of("some none on moon noun " * 12, options)):
        assert width(line) <= 108.1 and width(f"{line} {following.split()[0]}") > 107.9


def test_the_ink_of_a_word_does_not_depend_on_the_line_it_ends_up_on():
    narrow, wide = (
        set_text("none moon\nnoon on", PageOptions(page=page, **STILL))[0].strokes for page in ("a6", "a3")
    )
    for a, b in zip(narrow, wide, strict=True):
        np.testing.assert_allclose(a - a[0], b - b[0], atol=1e-9)


def test_spaces_between_words_can_be_even():
    page = set_text("on on on on on on", PageOptions(page="a4", word_space=1.5, **STILL), spread=0.0)[0]
    words = [page.strokes[i : i + 2] for i in range(0, 12, 2)]
    gaps = [b[0][:, 0].min() - a[1][:, 0].max() for a, b in itertools.pairwise(words)]
    np.testing.assert_allclose(gaps, 1.5 * 2.0, atol=0.05)


def test_what_wanders_does_so_by_the_amount_asked_for_and_by_the_seed():
    options = PageOptions(page="a4", edge_wander=1.0, baseline_wander=0.5, line_height=10)
    text = "on moon\n" * 20
    page, again, other = (set_text(text, options, seed=seed)[0] for seed in (1, 1, 2))
    left = np.array([min(s[:, 0].min() for s in line) for line in lines_of(page)])
    base = np.array([max(s[:, 1].max() for s in line) for line in lines_of(page)])
    assert 0.5 < left.std() < 1.5 and left.min() >= 20 - 1e-6
    assert 0.2 < (base - 10 * np.arange(20)).std() < 0.8
    assert np.array_equal(ink(page), ink(again)) and not np.array_equal(ink(page), ink(other))


# -- paragraphs --------------------------------------------------------------------------------------


def test_blank_lines_lists_and_indents_are_kept():
    options = PageOptions(page="a5", indent=9, line_height=10, word_space=1.0, **STILL)
    page = set_text(LETTER, options)[0]
    rows = rows_of(LETTER, options)
    assert rows[0] == "Dear Grandmother," and rows[1] == ""
    starts = {
        row.split()[0]: min(s[:, 0].min() for s in line)
        for row, line in zip(filter(None, rows), lines_of(page))
    }
    margin = options.margin_mm
    assert starts["Dear"] == pytest.approx(margin, abs=0.2)  # a single line
    assert starts["thank"] == pytest.approx(margin + 9, abs=0.3)
    item = next(i for i, row in enumerate(rows) if row.startswith("- two"))
    hanging = rows[item + 1].split()[0]
    assert starts[hanging] > margin + 2  # below the text of the item, not below its dash


def test_what_stands_behind_tabs_is_aligned():
    page = set_text("a\tone\nmoo\tone\n\tthree", PageOptions(page="a4", **STILL))[0]
    first, second, third = lines_of(page)
    assert first[-1][0, 0] == pytest.approx(second[-1][0, 0])
    assert min(s[:, 0].min() for s in third) > 30


def test_pens_have_layers_of_their_own():
    text = "ab [[red]]cd\ne[[/]]f [[#00ff00]]gh[[]] \\[[i"
    page = set_text(text, PageOptions(page="a6"))[0]
    counts = {found.name: (found.color, len(found.strokes)) for found in page.layers}
    assert counts == {"ink": (None, 2 + 1 + 2 + 2), "red": ("red", 3), "#00ff00": ("#00ff00", 2)}
    with pytest.raises(InputError, match=r"\[\[blurple\]\] names no colour"):
        set_text("[[blurple]]a", PageOptions())


def test_words_are_hyphenated_where_the_language_allows():
    text = "neighbourhood information " * 8
    options = PageOptions(page="80x120mm", margin=8, x_height=2, hyphenate="en_GB", **STILL)
    rows = rows_of(text, options, spread=0.2)
    broken = [row for row in rows if row.endswith("-")]
    assert broken and "".join(r.removesuffix("-") if r.endswith("-") else f"{r} " for r in rows) == text
    for row, following in itertools.pairwise(rows):
        if row.endswith("-"):
            part = row.split()[-1].removesuffix("-")
            assert len(part) in hyphenator("en_GB")(part + following.split()[0])
    with pytest.raises(InputError, match="no rules to break words of 'xx'"):
        set_text(text, PageOptions(page="a6", hyphenate="xx"))


# -- pages -------------------------------------------------------------------------------------------


def test_text_goes_on_on_the_next_page_which_begins_with_ink():
    options = PageOptions(page="a6", line_height=10, **STILL)
    pages = set_text("on moon\n\n" * 20, options)
    assert len(pages) > 2
    assert sum(page.text.count("on moon") for page in pages) == 20
    assert all(page.text.startswith("on moon") for page in pages)
    tops = [ink(page)[:, 1].min() for page in pages]
    assert np.ptp(tops) < 1e-6


@pytest.mark.parametrize(("vertical", "share"), [("top", 0.0), ("center", 0.5), ("bottom", 1.0)])
def test_a_short_text_stands_where_it_is_asked_for(vertical, share):
    page = set_text("gap\nlit", PageOptions(page="a6", vertical=vertical, **STILL))[0]
    points, margin = ink(page), 10.5
    free = page.height - 2 * margin - np.ptp(points[:, 1])
    assert points[:, 1].min() == pytest.approx(margin + share * free, abs=2.0)


def test_an_envelope_has_a_sender_and_a_recipient():
    both = set_text("ada\nlondon\n\nzoe\nlane", PageOptions(page="dl"))[0]
    points = [np.concatenate(line) for line in lines_of(both)]
    sender, recipient = np.concatenate(points[:2]), np.concatenate(points[2:])
    assert sender.max(axis=0)[0] < 110 > recipient.min(axis=0)[1] and sender.max(axis=0)[1] < 55
    assert recipient.min(axis=0)[0] > 90 and recipient.min(axis=0)[1] > 45
    alone = set_text("zoe\nlane", PageOptions(page="dl"))[0]
    assert ink(alone)[:, 0].min() > 90
    with pytest.raises(InputError, match="3 blocks"):
        set_text("a\n\nb\n\nc", PageOptions(page="c6"))
    with pytest.raises(InputError, match="recipient does not fit"):
        set_text("a\n" * 30, PageOptions(page="c6"))


def test_a_page_of_one_line_that_is_too_high_is_refused():
    with pytest.raises(InputError, match="one line needs"):
        set_text("hill", PageOptions(page="200x30mm", margin=10, x_height=5))
    with pytest.raises(InputError, match="leave nothing of a page"):
        PageOptions(page="a7", margin=40)
