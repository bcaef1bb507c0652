"""A made-up script of two letters, and a corpus of it."""

from __future__ import annotations

import numpy as np

from strokes.corpus import Corpus
from strokes.ink import Ink, Line

#: How the made-up hand draws its two letters, in ink units: a bowl, and a stem with a dot.
LETTERS = {
    "o": [[(0, 0), (-6, 4), (-8, 10), (-3, 15), (4, 13), (6, 6), (1, 1)]],
    "i": [[(0, -2), (1, 4), (1, 9), (4, 14)], [(1, -9)]],
}


def draw(text: str, rng: np.random.Generator) -> Ink:
    """`text` of the letters o and i and spaces, a little different each time."""
    strokes, x = [], 0.0
    for c in text:
        for stroke in LETTERS.get(c, ()):
            place = np.array([x, 0.0])
            strokes.append(np.array(stroke) + place + rng.normal(0, 0.4, (len(stroke), 2)))
        x += 14 if c == " " else 18
    return Ink(tuple(strokes))


def build_corpus(lines: int = 24, letters: int = 6, seed: int = 0) -> Corpus:
    """Lines of 2 to `letters` letters, three of four to train on."""
    rng = np.random.default_rng(seed)
    made = []
    for n in range(lines):
        text = "".join(rng.choice(list("oi"), int(rng.integers(2, letters + 1))))
        if len(text) > 3:
            text = text[:2] + " " + text[2:]
        split = "testset_v" if n % 4 == 3 else "trainset"
        made.append(Line(draw(text, rng), text, f"line-{n}", f"writer-{n % 3}", split))
    return Corpus.build(made, unit=0.25)
