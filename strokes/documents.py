"""Documents at the door: JSON decoded into typed, range-checked structures, and options that check themselves.

Whatever a user or a download hands us becomes a frozen dataclass whose fields are annotated with their ranges, as in
`Annotated[float, Meta(ge=0, le=20)]`, or it is refused with one sentence that names the file and the place in it.
"""

from __future__ import annotations

import functools
import math
import os
import types
import typing
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import msgspec

from .files import InputError

__all__ = [
    "Seed",
    "check_fields",
    "convert",
    "decode_json",
    "encode_json",
    "expected",
    "read_json",
    "type_hints",
]

T = TypeVar("T")

#: A seed of a random generator.
Seed = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]

# The largest of our own documents, a run's checkpoint counters or a model's card, has some 20 kB.
_MOST_BYTES = 64 * 2**20


def decode_json(data: bytes, kind: type[T], where: str) -> T:
    """Decode JSON into `kind`, a dataclass or any other type that msgspec knows.

    Args:
        data: a whole document in UTF-8.
        kind: what it must be.
        where: the file, for the message.

    Raises:
        InputError: it is not JSON, or not of this type and these ranges.
    """
    if len(data) > _MOST_BYTES:
        raise InputError(f"{where}: a document of {len(data) / 2**20:.0f} MiB; it is not one of this program")
    try:
        return msgspec.json.decode(data, type=kind)
    except (ValueError, TypeError, RecursionError, OverflowError) as e:
        raise InputError(f"{where}: damaged or of another version ({_reason(e)})") from None


def read_json(path: str | os.PathLike[str], kind: type[T]) -> T:
    """Read a JSON file into `kind`.

    Raises:
        FileNotFoundError: there is no such file.
        InputError: it cannot be read, is not JSON, or is not of this type and these ranges.
    """
    try:
        size = Path(path).stat().st_size
        data = Path(path).read_bytes() if size <= _MOST_BYTES else b""
    except FileNotFoundError:
        raise
    except OSError as e:
        raise InputError(f"{path}: cannot be read ({e.strerror})") from None
    if size > _MOST_BYTES:
        raise InputError(f"{path}: a document of {size / 2**20:.0f} MiB; it is not one of this program")
    return decode_json(data, kind, str(path))


def encode_json(value: object) -> bytes:
    """A value as indented JSON in UTF-8 with a line break at its end; dataclasses become objects."""
    return msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n"


def convert(value: object, kind: type[T], where: str) -> T:
    """A dict or list, as JSON or YAML gives it, as `kind`.

    Raises:
        InputError: it is not of this type and these ranges.
    """
    try:
        return msgspec.convert(value, kind)
    except (ValueError, TypeError, RecursionError, OverflowError) as e:
        raise InputError(f"{where}: {_reason(e)}") from None


def check_fields(instance: object) -> None:
    """Hold every field of a dataclass instance against its annotation; for `__post_init__`.

    Fields whose types say nothing of values (arrays, mappings) are not looked at.

    Raises:
        ValueError: "bias is 21; it must be a number from 0 to 20".
    """
    kind: Any = type(instance)
    for name, hint in _checked_hints(kind):
        value = getattr(instance, name)
        try:
            msgspec.convert(value, hint)
            if isinstance(value, float) and not math.isfinite(value):
                raise ValueError
        except (ValueError, TypeError, OverflowError):
            shown = repr(value)
            shown = shown if len(shown) <= 60 else shown[:57] + "..."
            raise ValueError(f"{name} is {shown}; it must be {expected(hint)}") from None


def expected(hint: Any) -> str:
    """What a value of an annotated type may be, in words: "a number from 0 to 20"."""
    origin = get_origin(hint)
    if origin is Annotated:
        base, *extras = get_args(hint)
        metas = [m for m in extras if isinstance(m, msgspec.Meta)]
        return expected(base) + "".join(_range(m, base) for m in metas)
    if origin is Literal:
        return "one of " + ", ".join(map(str, get_args(hint)))
    if origin in (Union, types.UnionType):
        return " or ".join(expected(a) for a in get_args(hint))
    if origin in (tuple, list):
        inner = next((a for a in get_args(hint) if a is not Ellipsis), str)
        return f"a list, each {expected(inner)}"
    if hint is type(None):
        return "nothing"
    names = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}
    return names.get(hint, getattr(hint, "__name__", str(hint)))


@functools.cache
def type_hints(kind: Any) -> dict[str, Any]:
    """The annotations of a dataclass's fields, `Annotated` kept."""
    hints = typing.get_type_hints(kind, include_extras=True)
    return {f.name: hints[f.name] for f in fields(kind)} if is_dataclass(kind) else hints


@functools.cache
def _checked_hints(kind: Any) -> tuple[tuple[str, Any], ...]:
    return tuple((name, hint) for name, hint in type_hints(kind).items() if _is_plain(hint))


def _is_plain(hint: Any) -> bool:
    """Whether the type is made of numbers, texts, booleans and choices alone."""
    origin = get_origin(hint)
    if origin is Annotated:
        return _is_plain(get_args(hint)[0])
    if origin is Literal:
        return True
    if origin in (tuple, Union, types.UnionType):
        return all(a is Ellipsis or _is_plain(a) for a in get_args(hint))
    return hint in (int, float, str, bool, type(None))


def _range(meta: msgspec.Meta, base: object) -> str:
    if base is str or get_origin(base) in (tuple, list):
        least, most = meta.min_length, meta.max_length
        return (
            f" of length {least or 0} to {most}" if most else f" of length {least} or more" if least else ""
        )
    low = (
        f"{_shown(meta.ge)}"
        if meta.ge is not None
        else f"above {_shown(meta.gt)}"
        if meta.gt is not None
        else ""
    )
    high = (
        f"{_shown(meta.le)}"
        if meta.le is not None
        else f"below {_shown(meta.lt)}"
        if meta.lt is not None
        else ""
    )
    if meta.ge is not None and meta.le is not None:
        return f" from {low} to {high}"
    if meta.ge is not None:
        return f", at least {low}" + (f" and {high}" if high else "")
    if meta.le is not None:
        return (f" {low} and" if low else "") + f" at most {high}"
    return "".join(f" {part}" for part in (low, "and" if low and high else "", high) if part)


def _shown(bound: float) -> str:
    return str(bound) if isinstance(bound, int) else f"{bound:.12g}"


def _reason(error: BaseException) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return " ".join(str(error).split())[:300]
