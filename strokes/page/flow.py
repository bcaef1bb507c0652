"""From paragraphs to rows: what is drawn together, and where lines break once their widths are measured.

`flow` draws nothing itself. It is a generator that asks for lines to be drawn and is sent their words, so that whoever
drives several of them can draw the lines of many documents together.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ..files import InputError
from .text import Paragraph, Token
from .words import Request, Row, Word

__all__ = ["LONGEST_LINE", "Drawn", "Measure", "flow", "planned"]

#: Most characters that are drawn in one go. The data have 29 a line and at most 64.
LONGEST_LINE = 60

#: Of each request, its words.
Drawn = list[tuple[Word, ...]]

# Of one character in x-heights: what is usual, and less than any word comes out as.
_ADVANCE, _LEAST_ADVANCE = 1.5, 0.45
# In x-heights: word spaces as written are kept within these; one where two lines meet, if none was written.
_LEAST_GAP, _MOST_GAP, _USUAL_GAP = 0.5, 1.8, 1.2
_COLUMN, _TAB_STOP = 0.9, 7.2
# A hyphenated word has this many letters on either side at least.
_LEAST_PART = 2


@dataclass(frozen=True)
class Measure:
    """The room of a column of text.

    Args:
        room: width in x-heights; None if a row is as wide as it comes out.
        mm: millimetres of one x-height, for messages.
        indent: of the first line of a paragraph, in x-heights.
        word_space: of every word; None for spaces as they were written.
        edge_wander: standard deviation of the left ends of rows.
        seed: of the left ends.
        hyphenate: positions at which a word may be broken; None to break none.
    """

    room: float | None
    mm: float = 1.0
    indent: float = 0.0
    word_space: float | None = None
    edge_wander: float = 0.0
    seed: int = 0
    hyphenate: Callable[[str], Sequence[int]] | None = None


@dataclass
class _Part:
    """A paragraph while it is set: its words, and the requests that they come from."""

    paragraph: Paragraph
    requests: list[Request] = field(default_factory=list)
    tabs: set[int] = field(default_factory=set)  # requests that begin at a tab stop
    words: list[Word] = field(default_factory=list)
    settled: set[int] = field(default_factory=set)  # ids of words that stay as they are
    lengths: list[int] = field(default_factory=list)  # words of each request


@dataclass
class _Trouble:
    """A word that does not fit, and the pieces that may stand for it, best first."""

    index: int
    room: float
    pieces: list[tuple[str, ...]]


def flow(
    paragraphs: Sequence[Paragraph], measure: Measure, first_key: int = 0
) -> Generator[list[Request], Drawn, list[Row]]:
    """Set paragraphs in rows.

    Args:
        paragraphs: of the document; a blank one is a blank row.
        measure: the room that there is.
        first_key: number of the first line that is drawn.

    Yields:
        Lines to draw; their words are to be sent, in the same order.

    Returns:
        The rows, flush left.

    Raises:
        InputError: a word is too wide.
    """
    parts, key = [], first_key
    for paragraph in paragraphs:
        part = _requests(paragraph, measure, key)
        key += len(part.requests)
        parts.append(part)
    requests = [request for part in parts for request in part.requests]
    drawn = iter((yield requests) if requests else [])
    for part in parts:
        for n in range(len(part.requests)):
            words = list(next(drawn))
            part.lengths.append(len(words))
            if n in part.tabs and words:
                words[0] = replace(words[0], tab=True)
            part.words += words
    gap = _usual_gap(parts)
    while True:
        rows: list[Row] = []
        troubles: list[tuple[_Part, _Trouble]] = []
        for number, part in enumerate(parts):
            edges = np.random.default_rng((measure.seed, 5, number))
            found = _rows(part, measure, gap, edges)
            if isinstance(found, _Trouble):
                troubles.append((part, found))
            else:
                rows += found
        if not troubles:
            return rows
        key = yield from _mend(troubles, measure, key)


def planned(paragraphs: Sequence[Paragraph], measure: Measure) -> int:
    """How many lines `flow` asks for at first.

    Raises:
        InputError: a word is far too wide.
    """
    return sum(len(_requests(paragraph, measure, 0).requests) for paragraph in paragraphs)


def _requests(paragraph: Paragraph, measure: Measure, key: int) -> _Part:
    """What of a paragraph is drawn together."""
    part = _Part(paragraph)
    lines: list[list[Token]] = []
    tokens = [piece for token in paragraph.tokens for piece in _sound_token(token, measure)]
    most = LONGEST_LINE
    if measure.room is not None:
        most = max(8, min(most, int(measure.room / _ADVANCE)))
        total = len(paragraph.text)
        most = min(most, -(-total // -(-total // most)) + 6) if total > most else most
    for token in tokens:
        joined = sum(len(t.text) + 1 for t in lines[-1]) if lines else 0
        if not lines or token.tab or joined + len(token.text) > most:
            if token.tab and lines:
                part.tabs.add(len(lines))
            lines.append([])
        lines[-1].append(token)
    for n, line in enumerate(lines):
        pens: list[str | None] = []
        for token in line:
            pens += [*([token.pens[0]] if pens else []), *token.pens]
        part.requests.append(Request(" ".join(t.text for t in line), tuple(pens), (key + n,)))
    return part


def _sound_token(token: Token, measure: Measure) -> list[Token]:
    """A word that may be drawn, or the pieces of a long one.

    Raises:
        InputError: it is far too wide for any line.
    """
    length = len(token.text)
    if measure.room is None:
        starts = range(0, length, LONGEST_LINE)
        return [
            Token(token.text[i : i + LONGEST_LINE], token.pens[i : i + LONGEST_LINE], token.tab and not i)
            for i in starts
        ]
    breakable = measure.hyphenate is not None and len(measure.hyphenate(token.text)) > 0
    if (length * _LEAST_ADVANCE > measure.room and not breakable) or length > LONGEST_LINE:
        raise _too_wide(token.text, measure, None)
    return [token]


def _too_wide(word: str, measure: Measure, width: float | None) -> InputError:
    shown = repr(word if len(word) <= 40 else f"{word[:37]}...")
    size = f"has {len(word)} letters" if width is None else f"comes out {width * measure.mm:.3g} mm wide"
    room = (measure.room or 0.0) * measure.mm
    return InputError(
        f"the word {shown} {size}, too wide for lines of {room:.3g} mm; give a smaller --x-height or --margin, "
        "a wider --page, or break the word"
    )


def _usual_gap(parts: Sequence[_Part]) -> float:
    """The median space between words as they were written."""
    gaps = [word.gap for part in parts for word in part.words if word.gap is not None]
    return min(max(statistics.median(gaps), _LEAST_GAP), _MOST_GAP) if gaps else _USUAL_GAP


def _rows(
    part: _Part, measure: Measure, usual_gap: float, edges: np.random.Generator
) -> list[Row] | _Trouble:
    """The rows of a paragraph, or the word at which it cannot go on."""
    if not part.words:
        return [Row()]
    rows: list[Row] = []
    row: list[tuple[Word, float]] = []
    start = hanging = _COLUMN * part.paragraph.columns
    if (
        measure.room is not None
        and measure.indent
        and not part.paragraph.columns
        and not part.paragraph.hanging
    ):
        long = len(part.paragraph.text) * _ADVANCE > measure.room
        start += measure.indent if long else 0.0
    line_ends = set(np.cumsum(part.lengths).tolist()) if measure.room is None else set()
    edge = _edge(measure, edges)
    for index, word in enumerate(part.words):
        broken = bool(row) and (row[-1][0].breaks or (index in line_ends and not word.tab))
        while True:
            x = _next_x(row, word, measure, usual_gap) if row else start
            if row and len(row) == part.paragraph.hanging and not rows:
                hanging = x
            fits = measure.room is None or x + word.width + edge <= measure.room
            if fits and not broken:
                row.append((word, x))
                break
            if not broken and id(word) not in part.settled:
                assert measure.room is not None
                pieces = _pieces(word, measure, measure.room - edge - x, alone=not row)
                if pieces:
                    return _Trouble(index, measure.room - edge - x, pieces)
            if not row and not broken:
                raise _too_wide(word.text, measure, word.width)
            rows.append(Row(tuple(row), False, any(w.tab for w, _ in row), edge))
            row, broken, start, edge = [], False, hanging, _edge(measure, edges)
    rows.append(Row(tuple(row), True, any(w.tab for w, _ in row), edge))
    return rows


def _edge(measure: Measure, edges: np.random.Generator) -> float:
    """How far the left end of a row strays to the right of the margin, at most three standard deviations."""
    stray = float(np.clip(1.0 + edges.normal(), 0.0, 3.0))
    return measure.edge_wander * stray


def _next_x(row: Sequence[tuple[Word, float]], word: Word, measure: Measure, usual_gap: float) -> float:
    before, x = row[-1]
    if measure.word_space is not None:
        gap = measure.word_space
    elif before.gap is None:
        gap = usual_gap
    else:
        # As it was drawn where rows are, too: even overlaps are part of the writing.
        gap = before.gap if measure.room is None else min(max(before.gap, _LEAST_GAP), _MOST_GAP)
    right = x + before.width
    if word.tab:
        return float((right + _LEAST_GAP) // _TAB_STOP + 1) * _TAB_STOP
    return right + gap


def _pieces(word: Word, measure: Measure, room: float, alone: bool) -> list[tuple[str, ...]]:
    """What may stand for a word that does not fit, best first."""
    if " " in word.text:
        return [tuple(word.text.split(" "))]
    pieces: list[tuple[str, ...]] = []
    if measure.hyphenate is not None:
        for at in sorted(measure.hyphenate(word.text), reverse=True):
            a, b = word.text[:at], word.text[at:]
            guess = word.width * (at + 1) / len(word.text)
            if guess <= room and len(a) >= _LEAST_PART <= len(b):
                pieces.append((a if a.endswith("-") else f"{a}-", b))
    return pieces or ([(word.text,)] if alone else [])


def _mend(
    troubles: list[tuple[_Part, _Trouble]], measure: Measure, key: int
) -> Generator[list[Request], Drawn, int]:
    """Draw the pieces of words that do not fit, and put them in their places; returns the next key."""
    requests: list[Request] = []
    for part, trouble in troubles:
        pens = part.words[trouble.index].pens
        pen = pens[0] if pens else None
        for piece in trouble.pieces[0]:
            requests.append(Request(piece, (pen,) * len(piece), (key,)))
            key += 1
    drawn = iter((yield requests))
    for part, trouble in troubles:
        old = part.words[trouble.index]
        words = [next(drawn)[0] for _ in trouble.pieces[0]]
        hyphenated = len(words) == 2 and " " not in old.text
        if hyphenated and words[0].width > trouble.room:
            # The part is wider than guessed: the word goes to the next row as a whole.
            part.settled.add(id(old))
            continue
        last = len(words) - 1
        new = [
            replace(
                word,
                tab=old.tab and not i,
                breaks=hyphenated and not i,
                gap=old.gap if i == last else None,
            )
            for i, word in enumerate(words)
        ]
        if not hyphenated:
            part.settled |= {id(word) for word in new} if len(words) == 1 else set()
        part.words[trouble.index : trouble.index + 1] = new
    return key
