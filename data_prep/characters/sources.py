"""Which files make which data set."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from strokes.files import InputError

from .picture_folders import class_folders
from .streams import opened

__all__ = ["DataSet", "Kind", "Part", "find_data_sets", "labels_beside"]

#: Of a part: a pair of idx files, a CSV file, pen strokes, or a folder of pictures.
Kind = Literal["idx", "csv", "json", "folder"]

_SPLIT_WORD = re.compile(r"(?:^|(?<=[-_. ]))(train|t10k|test)(?:[-_. ]+|$)")
_IDX_NAME = re.compile(r"(.*)(images|labels)[-._ ]idx[13](?:[-._ ]ubyte)?$")


@dataclass(frozen=True)
class Part:
    """One file, pair of files or folder of a data set.

    Attributes:
        path: the file or folder; of an idx pair, the images.
        kind: what it is.
        test: whether its authors made it to test on.
    """

    path: Path
    kind: Kind
    test: bool = False


@dataclass(frozen=True)
class DataSet:
    """Files that belong together: their name in the report and their parts."""

    name: str
    parts: tuple[Part, ...]


def find_data_sets(sources: Sequence[str | os.PathLike[str]]) -> list[DataSet]:
    """The data sets in files and folders, in the order given, those of one folder by name.

    Training and test files of one data set in one folder make one, whether named one by one or by the
    folder.

    Raises:
        InputError: a source is not there, holds nothing that can be read, or lacks half of a pair.
    """
    if not sources:
        raise InputError("there is no source to read; name files or folders")
    parts: dict[tuple[Path, str], dict[str, Part]] = {}
    for source in map(Path, sources):
        for name, key, part in _folder(source) if source.is_dir() else [_file(source)]:
            place = part.path if part.kind == "folder" else part.path.parent
            parts.setdefault((place, name), {}).setdefault(key, part)
    return [DataSet(name, tuple(found.values())) for (_, name), found in parts.items()]


def labels_beside(path: Path) -> Path:
    """The file of labels that goes with an idx file.

    Raises:
        InputError: it is not there.
    """
    return _partner(path, "labels")


# Of a part: the name of its data set, and its own name, by which one that is there twice is read once.
_Named = tuple[str, str, Part]


def _folder(source: Path) -> list[_Named]:
    """The parts in a folder."""
    files = sorted(p for p in source.iterdir() if p.is_file() and not p.name.startswith("."))
    named = [(p, kind) for p in files if (kind := _kind_by_name(p)) in ("idx", "csv")]
    pictures = class_folders(source)
    if named and pictures:
        raise InputError(f"{source}: both data files and folders of pictures are there; name those to read")
    if pictures:
        path = _absolute(source)
        return [(path.name, "", Part(path, "folder"))]
    if not named:
        raise InputError(
            f"{source}: no idx file, no CSV file and no folder of pictures named by a class is in it"
        )
    return [_part(path, kind) for path, kind in named if kind is not None]


def _file(source: Path) -> _Named:
    """The part that a file is, or belongs to."""
    if not source.exists():
        raise InputError(f"{source}: no such file or folder")
    kind = _kind_by_name(source)
    if kind is None:
        with opened(source) as stream:
            is_idx = stream.read(3) == b"\0\0\x08"
        if is_idx:
            raise InputError(
                f"{source}: an idx file must be named as MNIST's (...images-idx3-ubyte, ...labels-idx1-ubyte)"
            )
        raise InputError(f"{source}: neither an idx, CSV or JSON file nor a folder; unpack archives first")
    return _part(source, kind)


def _part(path: Path, kind: Kind) -> _Named:
    test = False
    if kind == "idx":
        path = _partner(path, "images")
        _partner(path, "labels")
    if kind == "json":
        name = _stem(path).removesuffix(".json")
    else:
        name, test = _group(path, kind)
    # By the name without .gz: a file that is there packed and unpacked is read once.
    return name, _stem(path), Part(_absolute(path), kind, test)


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100  # resolve() would follow links, whose own names count


def _stem(path: Path) -> str:
    """The name in lower case without .gz."""
    return path.name.lower().removesuffix(".gz")


def _kind_by_name(path: Path) -> Kind | None:
    stem = _stem(path)
    if _IDX_NAME.match(stem):
        return "idx"
    if stem.endswith(".csv"):
        return "csv"
    return "json" if stem.endswith(".json") else None


def _partner(path: Path, what: str) -> Path:
    """The file of `what` ("images" or "labels") that goes with an idx file of either; names may differ
    in case, in - or . before idx, and in .gz.
    """
    match = _IDX_NAME.match(_stem(path))
    for other in [path, *sorted(path.parent.iterdir())] if match else []:
        found = _IDX_NAME.match(_stem(other))
        if found and match and found[1] == match[1] and found[2] == what and other.is_file():
            return other
    raise InputError(f"{path}: the file of {what} is not beside it")


def _group(path: Path, kind: Kind) -> tuple[str, bool]:
    """The data set's name, by the file's without train, test and what says the format; whether it is a test."""
    match = _IDX_NAME.match(_stem(path)) if kind == "idx" else None
    stem = match[1] if match else _stem(path).removesuffix(".csv")
    word = _SPLIT_WORD.search(stem)
    name = _SPLIT_WORD.sub("", stem).strip("-_. ")
    return name or "mnist", word is not None and word[1] != "train"
