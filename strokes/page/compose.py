"""From a text to pages: the steps between drawing, without knowing who draws.

`compose` is a generator that asks for lines and is sent their words (`strokes.page.flow`).
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace

from ..files import InputError
from .document import Page
from .flow import Drawn, Measure, flow, planned
from .hyphenation import hyphenator
from .layout import Area, fit_rows, line_height_for, page_of, set_rows
from .options import PageOptions
from .paper import Paper
from .text import Paragraph
from .words import Request

__all__ = ["Composition", "compose", "planned_lines"]

#: Asks for lines, is sent their words, returns pages.
Composition = Generator[list[Request], Drawn, list[Page]]

# Of an envelope: how wide the sender's block is, and where the recipient's begins, as shares of the sides.
_SENDER_WIDTH, _SENDER_HEIGHT = 0.42, 0.4
_RECIPIENT = (0.42, 0.46)


def compose(paragraphs: Sequence[Paragraph], options: PageOptions, text: str, seed: int = 0) -> Composition:
    """Pages of a text.

    Args:
        paragraphs: of the text.
        options: how they are set.
        text: as it was given.
        seed: of what wanders.

    Yields:
        Lines to draw; their words are to be sent, in the same order.

    Returns:
        The pages, one at least.

    Raises:
        InputError: something in the text does not fit.
    """
    paper = options.paper
    if not any(paragraph.tokens for paragraph in paragraphs):
        raise InputError("there is nothing to write: the text is empty")
    if paper is None:
        rows = yield from flow(paragraphs, _measure(options, None, seed))
        return [fit_rows(rows, options, text=text)]
    if paper.envelope:
        return (yield from _envelope(paragraphs, options, paper, text, seed))
    margin = options.margin_mm
    area = Area(margin, margin, paper.width - 2 * margin, paper.height - 2 * margin)
    found = yield from flow(paragraphs, _measure(options, area.width, seed))
    rows = [row.levelled() for row in found]
    height = options.line_height or line_height_for(rows, options.x_height_mm, 2 * options.baseline_wander)
    set_pages = set_rows(rows, options, area, height, seed)
    size = paper.width, paper.height
    return [
        page_of(strokes, baselines, [area], size, options, said if len(set_pages) > 1 else text)
        for strokes, baselines, said in set_pages
    ]


def planned_lines(paragraphs: Sequence[Paragraph], options: PageOptions) -> int:
    """How many lines are drawn for a text at first.

    Raises:
        InputError: a word is far too wide.
    """
    paper = options.paper
    if paper is not None and paper.envelope:
        return sum(bool(paragraph.tokens) for paragraph in paragraphs)
    width = None if paper is None else paper.width - 2 * options.margin_mm
    return planned(paragraphs, _measure(options, width, 0))


def _measure(options: PageOptions, width: float | None, seed: int) -> Measure:
    x_height = options.x_height_mm
    ragged = options.align in ("left", "justify") and width is not None
    return Measure(
        room=None if width is None else width / x_height,
        mm=x_height,
        indent=options.indent / x_height,
        word_space=options.word_space,
        edge_wander=options.edge_wander / x_height if ragged else 0.0,
        seed=seed,
        hyphenate=hyphenator(options.hyphenate) if options.hyphenate is not None else None,
    )


def _envelope(
    paragraphs: Sequence[Paragraph], options: PageOptions, paper: Paper, text: str, seed: int
) -> Composition:
    """The sender's block at the top left, if there is one, and the recipient's in the lower right."""
    blocks: list[list[Paragraph]] = [[]]
    for paragraph in paragraphs:
        if paragraph.tokens:
            blocks[-1].append(paragraph)
        elif blocks[-1]:
            blocks.append([])
    if len(blocks) > 2:
        raise InputError(
            f"an envelope has a sender and a recipient with a blank line between them, not {len(blocks)} blocks"
        )
    margin, width, height = options.margin_mm, paper.width, paper.height
    left, top = (share * side for share, side in zip(_RECIPIENT, (width, height), strict=True))
    areas = [Area(left, top, width - margin - left, height - margin - top)]
    if len(blocks) == 2:
        areas.insert(
            0, Area(margin, margin, _SENDER_WIDTH * width - margin, _SENDER_HEIGHT * height - margin)
        )
    if any(area.width <= 0 or area.height <= 0 for area in areas):
        raise InputError(f"a margin of {margin:g} mm leaves no room on an envelope; give a smaller --margin")
    strokes, baselines, rows, key = [], [], [], 0
    for block, area in zip(blocks, areas, strict=True):
        found = yield from flow(block, _measure(options, area.width, seed), key)
        rows.append([row.levelled() for row in found])
        key += 10_000
    pitch = options.line_height or max(
        line_height_for(found, options.x_height_mm, 2 * options.baseline_wander) for found in rows
    )
    for n, (found, area) in enumerate(zip(rows, areas, strict=True)):
        pages = set_rows(found, replace(options, vertical="top"), area, pitch, seed + n)
        if len(pages) > 1:
            who = "recipient" if n == len(areas) - 1 else "sender"
            raise InputError(
                f"the {who} does not fit on this envelope; give a smaller --x-height or --line-height"
            )
        strokes += pages[0][0]
        baselines += pages[0][1]
    return [page_of(strokes, baselines, areas, (width, height), options, text)]
