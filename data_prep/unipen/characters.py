"""Characters written one by one, set together in short groups: `Q7 #4 (K) 38%`.

So rare characters get context. A form has a box for each, so where a character stands is told by what it is.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Sequence

import numpy as np

from .assembly import Piece

__all__ = ["CAPITAL", "group", "placed"]

#: Capitals and digits are about this many x-heights tall.
CAPITAL = 1.75

# Middle of the character above the baseline, in x-heights.
_MIDDLE = {
    "!": 0.85, '"': 1.5, "#": 0.85, "$": 0.85, "%": 0.85, "&": 0.85, "'": 1.5, "(": 0.75, ")": 0.75, "*": 1.1,
    "+": 0.75, ",": -0.1, "-": 0.6, ".": 0.05, "/": 0.8, ":": 0.55, ";": 0.35, "<": 0.7, "=": 0.65, ">": 0.7,
    "?": 0.85, "@": 0.7, "[": 0.75, "\\": 0.8, "]": 0.75, "^": 1.4, "_": -0.15, "`": 1.5, "{": 0.75, "|": 0.75,
    "}": 0.75, "~": 0.65,
}  # fmt: skip
# Letters that hang from the x-height, or (j) reach below the baseline from above it.
_HANGING = {"g": 1.0, "p": 1.0, "q": 1.0, "y": 1.0, "j": 1.5}

# Words of a group: D a digit, C a capital, s a small letter, other characters themselves.
_WORDS = (
    "DD", "DDD", "DDDD", "DDDDD", "CD", "CDD", "CC", "CCC", "Css", "Csss", "sCs", "Ds", "D-D", "D,DDD", "D.DD", "DD.D",
    "$DD", "$D.DD", "DD%", "D%", "#D", "#DD", "(C)", "(DD)", "(ss)", "C&C", "s@ss.s", "Cs@Cs", "D+D", "D+D=DD", "s=D",
    "D*D", "s*s", "D/D", "DD/DD", "C/C", "<s>", "<DD>", "D<D", "D>D", "[D]", "[s]", "[CD]", "{s}", "{D}", "s_s", "C_D",
    "s|s", "D|D", "~D", "~s", "D~D", "s^D", "D^D", "`s`", "`ss`", "s\\s", "C:\\s", "D:DD", "Css:", "ss;", "DD;", "Css!",
    "CC!", "Css?", "ss?", '"Css"', '"C"', "'s'", "C's", "s's", "Css,", "CC,", "Css.", "ss.", "C.", "C.C.", "D)", "s)",
)  # fmt: skip


def placed(text: str, strokes: Sequence[np.ndarray], height: float) -> tuple[np.ndarray, ...]:
    """One character's strokes, y down, in x-heights of `height` units, set where it stands above the baseline y = 0."""
    points = np.concatenate(strokes)
    top, bottom, left = points[:, 1].min(), points[:, 1].max(), points[:, 0].min()
    if text in _MIDDLE:
        zero = 0.5 * (top + bottom) + _MIDDLE[text] * height
    elif text in _HANGING:
        zero = top + _HANGING[text] * height
    else:
        zero = bottom
    return tuple((s - (left, zero)) / height for s in strokes)


def group(pieces: Sequence[Piece], rng: np.random.Generator) -> Iterator[Piece]:
    """Words of these characters, each used once; stops when symbols, digits or capitals make no more of them."""
    of: dict[str, deque[Piece]] = defaultdict(deque)
    for i in rng.permutation(len(pieces)):
        of[_kind(pieces[i].text)].append(pieces[i])
    while True:
        possible = [word for word in _WORDS if all(len(of[k]) >= word.count(k) for k in word)]
        # Words with a symbol first: there are fewer of those than of letters.
        marked = [word for word in possible if not word.isalpha()]
        plain = [word for word in possible if "D" in word or "C" in word]
        choice = marked if marked and (not plain or rng.random() < 0.7) else plain
        if not choice:
            return
        yield _joined([of[k].popleft() for k in choice[int(rng.integers(len(choice)))]], rng)


def _kind(character: str) -> str:
    if character.isdigit():
        return "D"
    if character.isalpha():
        return "C" if character.isupper() else "s"
    return character


def _joined(pieces: Sequence[Piece], rng: np.random.Generator) -> Piece:
    strokes: list[np.ndarray] = []
    at = 0.0
    gap = float(rng.uniform(0.2, 0.5))
    for piece in pieces:
        strokes += [s + np.array([at, 0.0]) for s in piece.strokes]
        at += max(float(s[:, 0].max()) for s in piece.strokes) + gap * float(rng.uniform(0.8, 1.2))
    return Piece(pieces[0].name, "".join(p.text for p in pieces), tuple(strokes))
