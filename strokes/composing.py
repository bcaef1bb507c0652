"""Lines as they were drawn, taken apart into words that can be set on a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from .alphabet import clusters
from .composition import Composed, trace
from .composition.tracing import Stroke
from .page import Request, Word
from .sampling import Sample

__all__ = ["cut_words"]

# A stroke joins two words if it has as many points as this, and this share of its points, in either.
_JOINS_POINTS, _JOINS_SHARE = 4, 0.2
_MOST_LATE = 2  # strokes
_STANDING = frozenset("abcdehiklmnorstuvwxzABCDEGHIKLMNOPRSTUVWXZ0123456789")


def cut_words(request: Request, composed: Composed, sample: Sample, seed: Sequence[int]) -> tuple[Word, ...]:
    """The words of a line, each with the free space up to the next; what the pen joined stays together.

    Args:
        request: the line that was asked for.
        composed: what the model wrote for it.
        sample: as it was drawn.
        seed: of what is composed.

    Returns:
        From left to right; a single one without ink if the line has none.
    """
    if not sample.ink.strokes:
        return (Word(request.text, (), (), ()),)
    strokes = trace(composed, sample.ink, sample.window, seed).strokes
    pens = _pens(request, composed)
    word_at = np.cumsum([c == " " for c in composed.text])
    texts = request.text.split(" ")
    lead = np.arange(len(texts))  # of each word, the first of those that it is joined with
    place = []
    for stroke in strokes:
        words = word_at[stroke.owners]
        counts = np.bincount(words, minlength=len(texts))
        place.append(int(counts.argmax()))
        among = np.flatnonzero((counts >= _JOINS_POINTS) & (counts >= _JOINS_SHARE * len(words)))
        if len(among) > 1:
            lead[among[0] : among[-1] + 1] = lead[among[0]]
    place = _nearest(place, [stroke.points for stroke in strokes], lead)
    found: list[tuple[Word, float]] = []
    for first in np.unique(lead).tolist():
        members = np.flatnonzero(lead == first)
        order = [n for n, word in enumerate(place) if lead[word] == first]
        text = " ".join(texts[word] for word in members)
        if order:
            bottoms = _bottoms([strokes[n] for n in order], composed.text)
            colors = [pens[int(np.bincount(strokes[n].owners).argmax())] for n in order]
            word, left = Word.of(text, [strokes[n].points for n in order], colors, order)
            found.append((replace(word, bottoms=bottoms), left))
    return tuple(
        replace(word, gap=found[n + 1][1] - left - word.width if n + 1 < len(found) else None)
        for n, (word, left) in enumerate(found)
    )


def _bottoms(strokes: Sequence[Stroke], text: str) -> tuple[float, ...]:
    """The y of the lowest points of letters that stand on the baseline."""
    lowest: dict[int, float] = {}
    for stroke in strokes:
        for k in np.unique(stroke.owners).tolist():
            if text[k] in _STANDING:
                y = float(stroke.points[stroke.owners == k, 1].max())
                lowest[k] = max(y, lowest.get(k, y))
    return tuple(lowest.values())


def _nearest(place: list[int], strokes: list[np.ndarray], lead: np.ndarray) -> list[int]:
    """The word of each stroke; a first stroke nearer to the word before is that one's, and so for a last stroke.

    The window is late bars and dots ahead: it turns to the next word while they are drawn.

    Args:
        place: of each stroke, the word that the window was at.
        strokes: each (n, 2).
        lead: of each word, the first of those that it is joined with.
    """
    left = [float(points[:, 0].min()) for points in strokes]
    right = [float(points[:, 0].max()) for points in strokes]
    groups = [
        [n for n, word in enumerate(place) if lead[word] == first] for first in np.unique(lead).tolist()
    ]
    groups = [group for group in groups if group]
    for before, after in pairwise(groups):
        for _ in range(_MOST_LATE):
            first, rest = after[0], after[1:]
            if not rest:
                break
            back = left[first] - max(right[n] for n in before)
            if back >= min(left[n] for n in rest) - right[first]:
                break
            before.append(after.pop(0))
        for _ in range(_MOST_LATE):
            last, rest = before[-1], before[:-1]
            if not rest or last > min(after):
                break
            ahead = min(left[n] for n in after) - right[last]
            if ahead >= left[last] - max(right[n] for n in rest):
                break
            after.insert(0, before.pop())
    result = list(place)
    for group in groups:
        word = place[max(group, key=lambda n: len(strokes[n]))]
        for n in group:
            result[n] = word
    return result


def _pens(request: Request, composed: Composed) -> list[str | None]:
    """The pen of each character that the model wrote."""
    if not any(request.pens):
        return [None] * len(composed.text)
    bases = {part.first: part.recipe.base for part in composed.parts}
    pens: list[str | None] = []
    at = 0
    for cluster in clusters(request.text):
        base = bases.get(len(pens), cluster)
        pens += [request.pens[at]] * len(base)
        at += len(cluster)
    return pens
