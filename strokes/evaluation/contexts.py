"""Contexts in which every character of an alphabet is tried."""

from __future__ import annotations

import numpy as np

__all__ = ["character_contexts"]

_WORDS = """
apple quick jazz vexed judge oxen quay fizz zebra quilt jumper knock
baker major waxy lynx river stone hand light garden winter paper coffee
bread letter music mirror bottle candle summer ocean forest yellow purple kitchen
window travel journey puzzle exact query index vivid havoc juice enjoy object
quote equal maze lazy crazy oxide mixer taxi wagon vowel
""".split()  # noqa: SIM905
# How symbols stand beside others as people use them: w is a word, 0 a number, {c} the symbol.
_SYMBOLS = {
    **dict.fromkeys(".,;:!?", "w{c}"),
    **dict.fromkeys("+=<>*/", "0 {c} 0"),
    **dict.fromkeys("([{", "{c}w w"),
    **dict.fromkeys(")]}", "w w{c}"),
    **dict.fromkeys("@_", "w{c}w"),
    "-": "w{c}w",
    "'": "w{c}s",
    '"': "{c}w{c}",
    "%": "0{c}",
    "$": "{c}0",
    "#": "{c}0",
    "&": "w {c} w",
    "|": "w {c} w",
    "~": "{c}0",
    "^": "w{c}0",
    "`": "{c}w{c}",
    "\\": "w{c}w",
}


def character_contexts(characters: str, each: int = 20, seed: int = 0, longest: int = 44) -> list[str]:
    """Lines that have every character at least so many times, among letters, digits or words as people use it.

    Args:
        characters: to be tried; the space is left out.
        each: contexts of each.
        seed: decides which words.
        longest: characters of a line, at most, if one context is not longer.
    """
    rng = np.random.default_rng(seed)
    pieces = [_context(c, rng) for c in sorted(set(characters)) if c != " " for _ in range(each)]
    order = rng.permutation(len(pieces))
    lines = [""]
    for i in order:
        longer = f"{lines[-1]} {pieces[i]}".strip()
        if len(longer) > longest and lines[-1]:
            lines.append(pieces[i])
        else:
            lines[-1] = longer
    return [line for line in lines if line]


def _context(character: str, rng: np.random.Generator) -> str:
    def word() -> str:
        return str(rng.choice(_WORDS))

    if character.isdigit():
        digits = list(str(rng.integers(10, 1000)))
        digits.insert(int(rng.integers(len(digits) + 1)), character)
        return "".join(digits)
    if character.isalpha() and character.islower():
        own = [w for w in _WORDS if character in w]
        return str(rng.choice(own)) if own else f"{word()}{character}"
    if character.isalpha():
        return f"{character}{word()[1:]}"
    pattern = _SYMBOLS.get(character, "w{c}")
    out = ""
    for part in pattern.replace("{c}", "\0"):
        out += {"w": word, "0": lambda: str(rng.integers(2, 99)), "\0": lambda: character}.get(
            part, lambda p=part: p
        )()
    return out
