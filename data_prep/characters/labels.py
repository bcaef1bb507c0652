"""Which character a label stands for."""

from __future__ import annotations

from pathlib import Path

from strokes.characters.data import CLASSES
from strokes.files import InputError

from .streams import opened

__all__ = ["characters_of", "has_merged_cases", "is_emnist"]

_DIGITS, _LETTERS = CLASSES["digits"], CLASSES["letters"]

# The labels of EMNIST's parts; those of Cohen et al. 2017, which merge letters whose cases look alike,
# name the merged ones by the upper case.
_BALANCED = _DIGITS + _LETTERS + "abdefghnqrt"
_EMNIST = {
    "letters": dict(enumerate(_LETTERS, 1)),
    "balanced": dict(enumerate(_BALANCED)),
    "bymerge": dict(enumerate(_BALANCED)),
    "byclass": dict(enumerate(_DIGITS + _LETTERS + _LETTERS.lower())),
    "digits": dict(enumerate(_DIGITS)),
    "mnist": dict(enumerate(_DIGITS)),
}
_MERGED = ("letters", "balanced", "bymerge")


def is_emnist(name: str) -> bool:
    """Whether a data set of this name is a part of EMNIST."""
    return name.startswith("emnist")


def has_merged_cases(name: str) -> bool:
    """Whether classes of a data set of this name hold lower-case letters as well."""
    return is_emnist(name) and any(part in name for part in _MERGED)


def characters_of(path: Path, name: str, *, idx: bool) -> dict[int, str]:
    """The character of each label: as a mapping file beside the data says, or as the data set is known.

    Args:
        path: the file of the data set.
        name: of the data set.
        idx: whether it is an idx file, not a CSV file.

    Raises:
        InputError: the mapping is none, or it is a part of EMNIST that is not known.
    """
    mappings = [f"{name}-mapping.txt"]
    if idx or is_emnist(name):  # the Kaggle letters may lie beside
        mappings.append("mapping.txt")
    for mapping in map(path.with_name, mappings):
        if mapping.is_file():
            return _read_mapping(mapping)
    if is_emnist(name):
        for part, characters in _EMNIST.items():
            if part in name.removeprefix("emnist"):
                return characters
        raise InputError(
            f"{path}: its name does not say which part of EMNIST it is; put mapping.txt beside it"
        )
    return dict(enumerate(_DIGITS if idx or "mnist" in name else _LETTERS))


def _read_mapping(path: Path) -> dict[int, str]:
    """Lines of a label and the code of its character, as EMNIST has them; of further codes (a lower case
    merged with it) the first counts.
    """
    characters = {}
    with opened(path) as stream:
        lines = stream.read(2**16).decode("ascii", "replace").splitlines()
    for row, line in enumerate(lines, 1):
        numbers = line.split()
        if not numbers:
            continue
        if len(numbers) < 2 or not all(n.isdecimal() and len(n) <= 6 for n in numbers):
            raise InputError(f"{path}: row {row} is not a label and the code of a character")
        label, code = int(numbers[0]), int(numbers[1])
        if label > 255 or not chr(code).isprintable() or label in characters:
            raise InputError(
                f"{path}: row {row} has a label over 255 or a second time, or a code of no character"
            )
        characters[label] = chr(code)
    if not characters:
        raise InputError(f"{path}: it is empty")
    return characters
