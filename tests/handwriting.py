"""A made-up hand whose measures are known: every letter stands on y = 0 and small ones are one x-height high."""

from __future__ import annotations

import functools
from dataclasses import replace
from itertools import pairwise

import numpy as np

from strokes.export import parse_color
from strokes.ink import Ink
from strokes.page import Page, PageOptions, Request, Word, compose, parse_text

ASCENDER, DESCENDER, ADVANCE = 2.0, 0.8, 1.3


def write(
    text: str, x_height: float = 1.0, slope: float = 0.0, origin: tuple[float, float] = (0.0, 0.0)
) -> Ink:
    """`text` as ink of some 20 points a letter; then turned so that the line falls by `slope`, and moved."""
    strokes = []
    for place, character in enumerate(text):
        if character != " ":
            strokes += [s + np.array([place * ADVANCE, 0.0]) for s in letter(character)]
    angle = np.arctan(slope)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return Ink(tuple(strokes)).transformed(turn * x_height, origin)


def letter(character: str) -> list[np.ndarray]:
    """Strokes of one character, each (n, 2), y down."""
    if character in ".,":
        return [np.array([[0.1, 0.0], [0.15, -0.05]])]
    if character == "-":
        return [_pen([0.1, 0.7], [0.5, 0.52])]
    if character in "bdhk":
        return [_pen([0.2, 0.2, 0.6, 0.9], [ASCENDER, 0.0, 1.0, 0.0])]
    if character in "flt":
        return [_pen([0.4, 0.4], [ASCENDER, 0.0])]
    if character in "gjpqy":
        return [_pen([0.1, 0.3, 0.8, 0.8], [1.0, 0.0, 1.0, -DESCENDER])]
    if character.isupper() or character.isdigit():
        return [_pen([0.1, 0.3, 0.7, 1.0], [0.0, ASCENDER, ASCENDER - 0.1, 0.0])]
    body = [_pen([0.1, 0.3, 0.6, 0.9], [1.0, 0.0, 1.0, 0.0])]
    return [*body, np.array([[0.5, -1.6]])] if character == "i" else body


def _pen(x: list[float], heights: list[float]) -> np.ndarray:
    """Points through corners, slow at each as a pen is; heights are above the baseline."""
    corners = np.stack([x, -np.array(heights)], axis=1)
    share = (1 - np.cos(np.linspace(0, np.pi, 9)[1:, None])) / 2
    parts = [a + (b - a) * share for a, b in pairwise(corners)]
    return np.concatenate([corners[:1], *parts])


def words(request: Request, spread: float = 0.0) -> tuple[Word, ...]:
    """What a made-up hand draws for a request: a word for each, more or less wide by a share of `spread`."""
    rng = np.random.default_rng(request.key)
    drawn, at, stroke_number = [], 0, 0
    for text in request.text.split(" "):
        wide = 1 + spread * float(rng.uniform(-1, 1))
        word = _word(text, request.pens[at : at + len(text)], wide)
        at += len(text) + 1
        word = replace(word, order=tuple(stroke_number + n for n in word.order))
        stroke_number += len(word.order)
        drawn.append(replace(word, gap=1.0 + float(rng.uniform(-0.6, 1.5)) * (spread > 0)))
    drawn[-1] = replace(drawn[-1], gap=None)
    return tuple(drawn)


@functools.lru_cache(1000)
def _word(text: str, pens: tuple[str | None, ...], wide: float) -> Word:
    strokes, owners = [], []
    for place, character in enumerate(text):
        for stroke in letter(character):
            strokes.append((stroke + np.array([place * ADVANCE, 0.0])) * (wide, 1.0))
            owners.append(pens[place])
    return Word.of(text, strokes, owners)[0]


def set_text(text: str, options: PageOptions, spread: float = 0.0, seed: int = 0) -> list[Page]:
    """Pages of a text in the made-up hand."""
    paragraphs = parse_text(text, lambda piece: "".join(c for c in piece if c.isprintable()), parse_color)
    composition = compose(paragraphs, options, text, seed)
    try:
        requests = next(composition)
        while True:
            requests = composition.send([words(request, spread) for request in requests])
    except StopIteration as end:
        pages: list[Page] = end.value
        return pages
