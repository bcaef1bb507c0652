"""What each character is composed of: letters that a model draws, marks on them, symbols in their place."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

__all__ = ["STAND_IN", "Change", "Recipe", "recipe"]

#: What a symbol is drawn in the place of: the pen is lifted before and after a hyphen, wherever it stands.
STAND_IN = "-"


@dataclass(frozen=True)
class Change:
    """What is done to the ink of one character that the model drew.

    Attributes:
        scale: factors of width and height, about the left end of the ink on the baseline.
        rise: x-heights by which the ink is lifted after that.
        turned: whether it is turned by half a turn about its middle first.
        tighten: x-heights that are left between the character before and this one; None leaves the gap as it is.
        symbol: a name of `symbols.SYMBOLS`, drawn in its place first; "" for none.
    """

    scale: tuple[float, float] = (1.0, 1.0)
    rise: float = 0.0
    turned: bool = False
    tighten: float | None = None
    symbol: str = ""


@dataclass(frozen=True)
class Recipe:
    """How a character is composed.

    Attributes:
        base: what the model writes.
        marks: names of `marks.MARKS`, added to the last character of `base`, in order.
        symbol: a name of `symbols.SYMBOLS`, drawn in the place of `base`; "" for none.
        changes: what is done to the ink of each character of `base`; empty for nothing.
        dotless: whether the dots of i and j are taken away.
        blank: whether the ink of `base` is taken away, so that marks stand alone.
    """

    base: str
    marks: tuple[str, ...] = ()
    symbol: str = ""
    changes: tuple[Change, ...] = ()
    dotless: bool = False
    blank: bool = False


# Combining characters that are drawn as marks. Names are those of `marks.MARKS`.
_COMBINING = {
    "\u0300": "grave",
    "\u0301": "acute",
    "\u0302": "circumflex",
    "\u0303": "tilde",
    "\u0304": "macron",
    "\u0305": "macron",
    "\u0306": "breve",
    "\u0307": "dot above",
    "\u0308": "diaeresis",
    "\u0309": "hook above",
    "\u030a": "ring",
    "\u030b": "double acute",
    "\u030c": "caron",
    "\u030f": "double grave",
    "\u0311": "inverted breve",
    "\u0312": "comma above",
    "\u0313": "comma above",
    "\u0323": "dot below",
    "\u0324": "diaeresis below",
    "\u0325": "ring below",
    "\u0326": "comma below",
    "\u0327": "cedilla",
    "\u0328": "ogonek",
    "\u0331": "macron below",
    "\u0332": "macron below",
    "\u0335": "bar",
    "\u0338": "slash",
}
# Letters on which a mark is drawn as another one: carons of tall letters are apostrophes, Baltic cedillas are commas.
_INSTEAD = {
    "caron": dict.fromkeys("dltL", "apostrophe"),
    "cedilla": dict.fromkeys("KkLlNnRrGDd", "comma below") | {"g": "comma above"},
}
_DOTTED = "ij"
_ABOVE_DOTTED = {
    name for code, name in _COMBINING.items() if unicodedata.combining(code) == 230
}  # the class of marks above

_RAISED, _LOWERED = Change((0.6, 0.6), 0.85), Change((0.6, 0.6), -0.2)
_CLOSE = Change(tighten=-0.04)

_LETTERS = {
    "ø": Recipe("o", ("slash",)),
    "Ø": Recipe("O", ("slash",)),
    "ł": Recipe("l", ("stem slash",)),
    "Ł": Recipe("L", ("stem slash",)),
    "đ": Recipe("d", ("ascender bar",)),
    "Đ": Recipe("D", ("stem bar",)),
    "Ð": Recipe("D", ("stem bar",)),
    "ð": Recipe("o", ("eth",)),
    "ħ": Recipe("h", ("ascender bar",)),
    "Ħ": Recipe("H", ("wide bar",)),
    "ŧ": Recipe("t", ("bar",)),
    "Ŧ": Recipe("T", ("bar",)),
    "þ": Recipe("p", ("ascender",)),
    "Þ": Recipe(STAND_IN, symbol="thorn"),
    "ß": Recipe(STAND_IN, changes=(Change(tighten=0.15, symbol="sharp s"),)),
    "ẞ": Recipe(STAND_IN, changes=(Change(tighten=0.15, symbol="sharp s"),)),
    "ſ": Recipe(STAND_IN, changes=(Change(tighten=0.15, symbol="long s"),)),
    "æ": Recipe("ae", changes=(Change(), _CLOSE)),
    "Æ": Recipe("AE", changes=(Change(), _CLOSE)),
    "œ": Recipe("oe", changes=(Change(), _CLOSE)),
    "Œ": Recipe("OE", changes=(Change(), _CLOSE)),
    "ĳ": Recipe("ij"),
    "Ĳ": Recipe("IJ"),
    "ı": Recipe("i", dotless=True),
    "ȷ": Recipe("j", dotless=True),
    "ĸ": Recipe("k", changes=(Change((0.9, 0.6)),)),
    "ŀ": Recipe("l.", changes=(Change(), Change(rise=0.5))),
    "Ŀ": Recipe("L.", changes=(Change(), Change(rise=0.6))),
    "ŉ": Recipe("'n"),
    "ŋ": Recipe("n", ("tail",)),
    "Ŋ": Recipe("N", ("tail",)),
    "µ": Recipe("u", ("descender",)),
    "μ": Recipe("u", ("descender",)),
}
_PUNCTUATION = {
    "’": Recipe("'"),
    "ʼ": Recipe("'"),
    "′": Recipe("'"),
    "‘": Recipe("'", changes=(Change(turned=True),)),
    "‛": Recipe("'", changes=(Change(turned=True),)),
    "‚": Recipe(","),
    "”": Recipe('"'),
    "″": Recipe('"'),
    "“": Recipe('"', changes=(Change(turned=True),)),
    "‟": Recipe('"', changes=(Change(turned=True),)),
    "„": Recipe('"', changes=(Change(rise=-1.6),)),
    "‐": Recipe("-"),
    "‑": Recipe("-"),
    "−": Recipe("-", changes=(Change((1.25, 1.0)),)),
    "‒": Recipe("-", changes=(Change((1.6, 1.0)),)),
    "–": Recipe("-", changes=(Change((1.9, 1.0)),)),
    "—": Recipe("-", changes=(Change((3.0, 1.0)),)),
    "―": Recipe("-", changes=(Change((3.0, 1.0)),)),
    "…": Recipe("..."),
    "·": Recipe(".", changes=(Change(rise=0.5),)),
    "$": Recipe("S", ("upright",)),
    "€": Recipe("C", ("euro bars",)),
    "¥": Recipe("Y", ("yen bars",)),
    "¢": Recipe("c", ("upright",)),
    "÷": Recipe("-", ("dot above", "dot below")),
    "ª": Recipe("a", ("underline",), changes=(_RAISED,)),
    "º": Recipe("o", ("underline",), changes=(_RAISED,)),
    "™": Recipe("TM", changes=(Change((0.5, 0.5), 0.9),) * 2),
    "₤": Recipe(STAND_IN, symbol="£"),
    "∙": Recipe(STAND_IN, symbol="•"),
    "‣": Recipe(STAND_IN, symbol="•"),
    "√": Recipe(STAND_IN, symbol="✓"),
}
# Symbols by their own character; see `symbols.SYMBOLS`.
_SYMBOLS = "#%&*+/<=>@[\\]^_`{|}~¡¿¤¦§©®°±¬¶×£«»‹›•‰→←≤≥≠≈✓"
# Stand-ins that are written close to the word that they open or close.
_OPENING, _CLOSING = "[{«‹¿¡", "]}»›"
# Marks that stand alone.
_ALONE = dict(
    zip(
        "¯´¨¸ˆˇ˘˙˚˛˜˝",
        "\u0304\u0301\u0308\u0327\u0302\u030c\u0306\u0307\u030a\u0328\u0303\u030b",
        strict=True,
    )
)


def recipe(character: str) -> Recipe | None:
    """How a character is composed, or None if it is not known how.

    Args:
        character: one character with the combining ones that follow it, NFC.
    """
    if character in _LETTERS:
        return _LETTERS[character]
    if character in _PUNCTUATION:
        return _PUNCTUATION[character]
    if len(character) == 1 and character in _SYMBOLS:
        base = "(" if character in _OPENING else ")" if character in _CLOSING else STAND_IN
        return Recipe(base, symbol=character)
    alone = _COMBINING.get(_ALONE.get(character, character))
    if alone is not None:
        return Recipe(STAND_IN, (alone,), blank=True)
    parts = unicodedata.normalize("NFD", character)
    if len(parts) > 1:
        return _marked(parts[0], parts[1:])
    return _compatible(character)


def _marked(letter: str, combining: str) -> Recipe | None:
    """A letter with marks."""
    below = recipe(letter) if not letter.isascii() else Recipe(letter)
    names = [_COMBINING.get(c, "") for c in combining]
    if below is None or not all(names) or not letter.isalnum():
        return None
    names = [_INSTEAD.get(name, {}).get(letter, name) for name in names]
    dotless = letter in _DOTTED and not _ABOVE_DOTTED.isdisjoint(names)
    return Recipe(below.base, (*below.marks, *names), below.symbol, below.changes, below.dotless or dotless)


def _compatible(character: str) -> Recipe | None:
    """Fractions, and digits and letters that stand high or low."""
    kind, _, codes = unicodedata.decomposition(character).partition(" ")
    if kind not in ("<fraction>", "<super>", "<sub>"):
        return None
    text = "".join(chr(int(code, 16)) for code in codes.split()).replace("\u2044", "/")
    if not text.isascii() or not all(c.isalnum() or c in "+-=()/" for c in text):
        return None
    if kind != "<fraction>":
        return Recipe(text, changes=((_RAISED if kind == "<super>" else _LOWERED),) * len(text))
    upper, _, lower = text.partition("/")
    digits = (Change((0.62, 0.62), 0.75), *[Change((0.62, 0.62), 0.75, tighten=0.1)] * (len(upper) - 1))
    under = [Change((0.62, 0.62), tighten=0.1)] * (len(lower) - 1)
    # The slash is drawn in the place of a hyphen: models separate digits well there.
    return Recipe(
        upper + STAND_IN + lower,
        changes=(*digits, Change(tighten=-0.1, symbol="/"), Change((0.62, 0.62), tighten=-0.12), *under),
    )
