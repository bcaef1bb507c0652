"""Text as a reader sees it -> the line that a model writes, and what is to be done to its ink."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace

from ..alphabet import Alphabet, Transliteration, clusters
from .recipes import STAND_IN, Recipe, recipe

__all__ = ["Composed", "Composer", "Part"]

# They open in some languages what they close in others.
_EITHER = "«»‹›"


@dataclass(frozen=True)
class Part:
    """One character that is composed.

    Attributes:
        character: as a reader sees it.
        first: index of its first character in the text that the model writes.
        recipe: how it is composed; its `base` stands in that text from `first` on.
    """

    character: str
    first: int
    recipe: Recipe


@dataclass(frozen=True)
class Composed:
    """A line that a model can write, and what is to be added to its ink.

    Attributes:
        text: what the model writes.
        parts: the characters that are composed, from left to right.
    """

    text: str
    parts: tuple[Part, ...] = ()


class Composer:
    """Knows which characters a model writes, and which can be composed of what it writes.

    Args:
        alphabet: the model's.
    """

    def __init__(self, alphabet: Alphabet) -> None:
        self.alphabet = alphabet
        self._recipe = functools.lru_cache(maxsize=4096)(self._find)

    def recipe(self, character: str) -> Recipe | None:
        """How a character is composed; None if the model writes it itself, or nobody knows how.

        Args:
            character: one character with the combining ones that follow it, NFC.
        """
        return self._recipe(character)

    def transliterate(self, text: str) -> Transliteration:
        """Text of characters that can be written or composed, NFC; the others are replaced, and named."""
        return self.alphabet.transliterate(text, lambda c: self.recipe(c) is not None)

    def compose(self, line: str) -> Composed:
        """A line for the model, and what is to be done to its ink.

        Args:
            line: what `transliterate` gave, or part of it.
        """
        text, parts = "", []
        characters = list(clusters(line))
        for i, character in enumerate(characters):
            found = self.recipe(character)
            if found is not None and character in _EITHER and found.base in "()":
                opens = i == 0 or characters[i - 1].isspace()
                found = replace(found, base="(" if opens else ")")
            if found is not None:
                parts.append(Part(character, len(text), found))
            text += character if found is None else found.base
        return Composed(text, tuple(parts))

    def _find(self, character: str) -> Recipe | None:
        if character in self.alphabet:
            return None
        found = recipe(character)
        if found is not None and found.symbol and found.base not in self.alphabet:
            found = replace(found, base=STAND_IN)
        if found is None or not all(c in self.alphabet for c in found.base):
            return None
        return found
