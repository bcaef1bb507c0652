"""Options of the command line made from a frozen dataclass, and the dataclass made from options.

The fields' annotations are the types and ranges (`Annotated[float, Meta(ge=0, le=20)]`), the Args section of the
dataclass's docstring is the help, an instance holds the defaults. argparse parses and prints the help, msgspec checks
values: importing jsonargparse, which does the same from type hints, takes 0.085 s, as long as numpy, and writing one
line should not pay for it. msgspec is imported anyway, to read the model.
"""

from __future__ import annotations

import inspect
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, is_dataclass, replace
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import msgspec

from ..documents import expected, type_hints
from ..files import InputError

__all__ = ["Option", "changed", "field_help", "options_of", "shown"]

T = TypeVar("T")

# Bounds of the message that names a value.
_LONGEST_SHOWN = 60


@dataclass(frozen=True)
class Option:
    """One field of a dataclass as an option.

    Args:
        path: the names of the fields that lead to it: ("network", "hidden").
        flag: how it is typed: "--network.hidden".
        hint: the annotated type of the field.
        default: what holds if nothing is given.
        help: what the docstring says of the field.
        group: what the docstring of a nested dataclass says of all its fields; "" at the top.
    """

    path: tuple[str, ...]
    flag: str
    hint: Any
    default: object
    help: str
    group: str = ""

    @property
    def key(self) -> str:
        """Its name in a file of settings: "network.hidden"."""
        return ".".join(self.path)

    @property
    def base(self) -> Any:
        """The type without its range, and without None."""
        return _base(self.hint)

    @property
    def choices(self) -> tuple[Any, ...]:
        """The values of a `Literal`."""
        return get_args(self.base) if get_origin(self.base) is Literal else ()

    @property
    def range(self) -> str:
        """The range in words, as in "from 0 to 20"; "" if there is none."""
        return expected(_without_none(self.hint)).removeprefix(expected(self.base)).strip(" ,")

    def read(self, value: object, where: str = "") -> Any:
        """A text as people type it, or a value of a file of settings, as a value of the field's type.

        Args:
            value: what was given.
            where: the file that it stands in; "" for the command line.

        Raises:
            InputError: it is of another type or out of range.
        """
        try:
            read = _read(value, self.base)
            msgspec.convert(read, self.hint)
            if isinstance(read, float) and not math.isfinite(read):
                raise ValueError
        except (ValueError, TypeError, OverflowError, RecursionError):
            name = f"{where}: {self.key}" if where else self.flag
            raise InputError(f"{name} is {shown(value)}; it must be {expected(self.hint)}") from None
        return read


def options_of(
    defaults: object,
    *,
    flags: Mapping[str, str] | None = None,
    leave_out: Sequence[str] = (),
    path: tuple[str, ...] = (),
) -> Iterator[Option]:
    """The options of a dataclass, those of nested ones with dots in their names.

    Args:
        defaults: an instance of the dataclass.
        flags: fields that are called otherwise on the command line, as {"width": "pen-width"}.
        leave_out: fields that are no options.
        path: the fields that lead to `defaults`.
    """
    kind: Any = type(defaults)
    helps = field_help(kind)
    group = (inspect.getdoc(kind) or "").partition("\n\n")[0].rstrip(".") if path else ""
    metadata = {f.name: f.metadata for f in fields(kind)}
    for name, hint in type_hints(kind).items():
        if name in leave_out:
            continue
        value, here = getattr(defaults, name), (*path, name)
        if is_dataclass(value):
            yield from options_of(value, path=here)
        else:
            flag = (flags or {}).get(name) or ".".join(here).replace("_", "-")
            yield Option(
                here, f"--{flag}", hint, value, helps.get(name) or metadata[name].get("why", ""), group
            )


def changed(defaults: T, values: Mapping[tuple[str, ...], object]) -> T:
    """A copy of a dataclass instance with some values replaced, by the paths of their fields.

    Raises:
        ValueError: the dataclass refuses them.
    """
    changes: dict[str, object] = {}
    for name in {path[0] for path in values}:
        inner = {path[1:]: value for path, value in values.items() if path[0] == name}
        changes[name] = inner[()] if () in inner else changed(getattr(defaults, name), inner)
    return replace(defaults, **changes)  # type: ignore[type-var]  # any dataclass


def field_help(kind: type) -> dict[str, str]:
    """Field -> what the Args section of a dataclass's Google-style docstring, or of its base's, says of it."""
    helps: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        helps |= _args_section(base.__doc__ or "")
    return helps


def _args_section(docstring: str) -> dict[str, str]:
    """Name -> what the Args section of a Google-style docstring says of it, on one line."""
    section = re.search(r"^Args:\n((?:[ ]+.*\n?|\n)*)", inspect.cleandoc(docstring), re.MULTILINE)
    helps: dict[str, str] = {}
    names: list[str] = []
    indent = None
    for line in section[1].splitlines() if section else ():
        depth = len(line) - len(line.lstrip())
        indent = depth if indent is None else indent
        entry = re.match(r"\s*([\w, ]+):\s+(.*)", line) if depth == indent else None
        if entry:
            names = [name.strip() for name in entry[1].split(",")]
            helps |= dict.fromkeys(names, entry[2].strip())
        else:
            helps |= {name: f"{helps[name]} {line.strip()}".strip() for name in names}
    return helps


def shown(value: object) -> str:
    """A value as a message shows it: in quotes where it would not read as one word, and not too long."""
    text = value if isinstance(value, str) else ""
    if not text or not text.isprintable() or " " in text:
        with suppress(ValueError):  # an int of thousands of digits has no text
            text = repr(value)
    text = text or f"a {type(value).__name__}"
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 3]}..."


def _base(hint: Any) -> Any:
    """A type without its annotations, and without None."""
    inner = _without_none(hint)
    return _base(get_args(inner)[0]) if get_origin(inner) is Annotated else inner


def _without_none(hint: Any) -> Any:
    """`int | None` as `int`."""
    if get_origin(hint) in (Union, UnionType):
        parts = [part for part in get_args(hint) if part is not NoneType]
        return parts[0] if len(parts) == 1 else hint
    return hint


def _read(value: object, base: Any) -> object:
    """Texts become numbers, several texts a tuple; what is no text stays as it is.

    Raises:
        ValueError: the text is no such number.
    """
    if get_origin(base) is tuple:
        inner = _base(get_args(base)[0])
        parts = value if isinstance(value, (list, tuple)) else [value]
        return tuple(_read(item, inner) for part in parts for item in _names(part))
    if base is float and isinstance(value, (str, int)) and not isinstance(value, bool):
        return float(value)
    if base is int and isinstance(value, str):
        return int(value)
    return value


def _names(text: object) -> Sequence[object]:
    """One word of a list: a name, several with commas between them, or a list in JSON."""
    if not isinstance(text, str):
        return [text]
    if text.startswith("["):
        items = json.loads(text)
        return items if isinstance(items, list) else [items]
    return text.split(",")
