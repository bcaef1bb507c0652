"""Data sets of handwritten characters -> 28x28 images with classes and splits, in one set.

What can be read, and how it is told apart:

    *images-idx3-ubyte, *labels-idx1-ubyte   MNIST and EMNIST, gzipped or not, by their magic numbers
    *.csv                                    label, then 784 pixels: the Kaggle set "A-Z Handwritten Alphabets"
    *.json                                   Chars74K: character -> drawings -> strokes of [x, y], y down
    A/, B/, 7/, ...                          folders of pictures, named by their class

Every image comes out white on black, upright, scaled and centred as MNIST's are. Which image goes to
which split, which are left out over a cap, and the order of them all hang on the images and the seed
alone, not on where in a file an image stands.
"""

from __future__ import annotations

import hashlib
import os
import re
import string
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from strokes.characters.data import CLASSES, SPLITS, TEST, TRAIN, VALIDATION, CharacterSet
from strokes.characters.scaling import conform as conform_images
from strokes.files import InputError

from .character_files import Block, class_folders, opened, read_char74k, read_csv, read_folder, read_idx

__all__ = [
    "ALL",
    "CLASSES",
    "DataSet",
    "Part",
    "Progress",
    "Report",
    "find_data_sets",
    "prepare_characters",
]

DIGITS, LETTERS = string.digits, string.ascii_uppercase
ALL = DIGITS + LETTERS
#: The sets of classes that have a name.

#: `progress(what, total)` begins a piece of work; what it returns is called with the amount done since.
Progress = Callable[[str, int | None], Callable[[int], object]]

_PIXELS = 28 * 28

# The labels of EMNIST's parts; those of Cohen et al. 2017, which merge letters whose cases look alike,
# name the merged ones by the upper case.
_BALANCED = DIGITS + LETTERS + "abdefghnqrt"
_EMNIST = {
    "letters": dict(enumerate(LETTERS, 1)),
    "balanced": dict(enumerate(_BALANCED)),
    "bymerge": dict(enumerate(_BALANCED)),
    "byclass": dict(enumerate(ALL + string.ascii_lowercase)),
    "digits": dict(enumerate(DIGITS)),
    "mnist": dict(enumerate(DIGITS)),
}


def _silent(_what: str, _total: int | None) -> Callable[[int], object]:
    return lambda _done: None


# -- which files make which data set --------------------------------------------------------------


@dataclass(frozen=True)
class Part:
    """One file, pair of files or folder of a data set.

    Attributes:
        path: the file or folder; of an idx pair, the images.
        kind: "idx", "csv", "folder" or "json".
        test: whether its authors made it to test on.
    """

    path: Path
    kind: str
    test: bool = False


@dataclass(frozen=True)
class DataSet:
    """Files that belong together: their name in the report and their parts."""

    name: str
    parts: tuple[Part, ...]


_SPLIT_WORD = re.compile(r"(?:^|(?<=[-_. ]))(train|t10k|test)(?:[-_. ]+|$)")
_IDX_NAME = re.compile(r"(.*)(images|labels)[-._ ]idx[13](?:[-._ ]ubyte)?$")


def _stem(path: Path) -> str:
    """The name in lower case without .gz."""
    return path.name.lower().removesuffix(".gz")


def _kind(path: Path) -> str:
    """ "idx", "csv", "json" or "": by the name, else by how it begins."""
    stem = _stem(path)
    if _IDX_NAME.match(stem):
        return "idx"
    if stem.endswith((".csv", ".json")):
        return stem.rpartition(".")[2]
    with opened(path) as stream:
        head = stream.read(8)
    return "idx" if head[:3] == b"\0\0\x08" else ""


def _partner(path: Path, what: str) -> Path | None:
    """The file of `what` ("images" or "labels") that goes with an idx file of either; names may differ
    in case, in - or . before idx, and in .gz.
    """
    match = _IDX_NAME.match(_stem(path))
    if match is None:
        return None
    for other in [path, *sorted(path.parent.iterdir())]:
        found = _IDX_NAME.match(_stem(other))
        if found and found[1] == match[1] and found[2] == what and other.is_file():
            return other
    return None


def _group(path: Path, kind: str) -> tuple[str, bool]:
    """The data set's name, by the file's without train, test and what says the format; whether it is a test."""
    stem = _IDX_NAME.match(_stem(path))[1] if kind == "idx" else _stem(path).removesuffix(".csv")
    word = _SPLIT_WORD.search(stem)
    name = _SPLIT_WORD.sub("", stem).strip("-_. ")
    return name or "mnist", bool(word) and word[1] != "train"


def find_data_sets(sources: Sequence[str | os.PathLike[str]]) -> list[DataSet]:
    """The data sets in files and folders, in the order given, those of one folder by name.

    Training and test files of one data set in one folder make one, whether named one by one or by the
    folder.

    Raises:
        InputError: a source is not there, holds nothing that can be read, or lacks half of a pair.
    """
    parts: dict[tuple[Path, str], dict[str, Part]] = {}

    def add_file(path: Path, kind: str) -> None:
        if kind == "idx":
            images, labels = _partner(path, "images"), _partner(path, "labels")
            if images is None or labels is None:
                raise InputError(
                    f"{path}: the file of {'images' if images is None else 'labels'} is not beside it"
                )
            path = images
        if kind == "json":
            name, test = _stem(path).removesuffix(".json"), False
        else:
            name, test = _group(path, kind)
        path = Path(os.path.abspath(path))
        # By the name without .gz: a file that is there packed and unpacked is read once.
        parts.setdefault((path.parent, name), {}).setdefault(_stem(path), Part(path, kind, test))

    for source in map(Path, sources):
        if source.is_dir():
            files = sorted(p for p in source.iterdir() if p.is_file() and not p.name.startswith("."))
            kinds = {
                p: (_IDX_NAME.match(_stem(p)) and "idx") or (_stem(p).endswith(".csv") and "csv")
                for p in files
            }
            named = [p for p in files if kinds[p]]
            pictures = class_folders(source)
            if named and pictures:
                raise InputError(
                    f"{source}: both data files and folders of pictures are there; name those to read"
                )
            for path in named:
                add_file(path, kinds[path])
            if pictures:
                path = Path(os.path.abspath(source))
                parts.setdefault((path, path.name), {})[""] = Part(path, "folder")
            elif not named:
                raise InputError(
                    f"{source}: no idx file, no CSV file and no folder of pictures named by a class is in it"
                )
        elif not source.exists():
            raise InputError(f"{source}: no such file or folder")
        elif kind := _kind(source):
            if kind == "idx" and not _IDX_NAME.match(_stem(source)):
                raise InputError(
                    f"{source}: an idx file must be named as MNIST's (...images-idx3-ubyte, ...labels-idx1-ubyte)"
                )
            add_file(source, kind)
        else:
            raise InputError(
                f"{source}: neither an idx, CSV or JSON file nor a folder; unpack archives first"
            )
    if not parts:
        raise InputError("there is no source to read; name files or folders")
    return [DataSet(name, tuple(found.values())) for (_, name), found in parts.items()]


def _characters(part: Part, name: str) -> dict[int, str]:
    """The character of each label: as a mapping file beside the data says, or as the data set is known."""
    mappings = [f"{name}-mapping.txt"]
    if part.kind == "idx" or name.startswith("emnist"):  # the Kaggle letters may lie beside
        mappings.append("mapping.txt")
    for mapping in map(part.path.with_name, mappings):
        if mapping.is_file():
            return _read_mapping(mapping)
    if name.startswith("emnist"):
        for which, characters in _EMNIST.items():
            if which in name.removeprefix("emnist"):
                return characters
        raise InputError(
            f"{part.path}: its name does not say which part of EMNIST it is; put mapping.txt beside it"
        )
    if part.kind == "csv" and "mnist" not in name:
        return dict(enumerate(LETTERS))
    return dict(enumerate(DIGITS))


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


# -- one set --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Report:
    """What became of the images.

    Attributes:
        sources: the data sets' names.
        counts: of each: images "read", "kept" and left out, by reason.
        classes: one character a class.
        splits: images of each class in each split, (classes, 3).
        merged: data sets whose classes hold lower-case letters as well.
    """

    sources: tuple[str, ...]
    counts: tuple[Counter[str], ...]
    classes: str
    splits: np.ndarray
    merged: tuple[str, ...] = ()

    def table(self) -> str:
        """Images read, kept and left out for which reason, per source; images and images a class, per split."""
        total = sum(self.counts, Counter())
        reasons = sorted(set(total) - {"read", "kept"}, key=lambda r: (-total[r], r))
        rows = [["images", *self.sources, "all"]]
        for key in ("read", "kept", *reasons):
            label = key if key in ("read", "kept") else f"left out: {key}"
            rows.append([label, *(f"{c[key]:,}" for c in self.counts), f"{total[key]:,}"])
        if len(self.sources) == 1:
            rows = [row[:-1] for row in rows]
        rows_of_splits = [["split", "images", "fewest", "most a class"]]
        for name, column in zip(SPLITS, self.splits.T, strict=True):
            ends = [f"{column[i]:,} ({self.classes[i]})" for i in (column.argmin(), column.argmax())]
            rows_of_splits.append([name, f"{column.sum():,}", *ends])
        lines = [
            *_aligned(rows),
            "",
            *_aligned(rows_of_splits),
            f"{len(self.classes)} classes  {self.classes}",
        ]
        lines += [f"{name}: some of its classes hold upper and lower case together" for name in self.merged]
        return "\n".join(lines)


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    out = []
    for row in rows:
        cells = [cell.rjust(w) for cell, w in zip(row, widths, strict=True)]
        out.append("  ".join([row[0].ljust(widths[0]), *cells[1:]]))
    return out


def _wanted(classes: str | None) -> str:
    wanted = CLASSES.get(classes, classes) if classes is not None else ALL
    if not wanted or len(set(wanted)) != len(wanted) or not wanted.isprintable() or " " in wanted:
        raise InputError(
            f"classes must be {', '.join(CLASSES)} or a string of different characters, not {classes!r}"
        )
    return wanted


def _digests(images: np.ndarray, seed: int) -> np.ndarray:
    """(n, 4) uint64: two words that tell images apart, and two to sort them by, all as `seed` says."""
    key = seed.to_bytes(8, "little")
    rows = np.ascontiguousarray(images).reshape(-1, _PIXELS)
    digests = [hashlib.blake2b(row, digest_size=32, key=key).digest() for row in rows]
    return np.frombuffer(b"".join(digests), "<u8").astype(np.uint64).reshape(-1, 4)


def _repeats(
    ids: np.ndarray, labels: np.ndarray, origins: np.ndarray, test: np.ndarray
) -> dict[str, np.ndarray]:
    """Which images to leave out so that none is there twice, by reason, each (n,) bool.

    Official test images all stay, whatever else is the same; of others the first source's. An image that
    stands for two classes is left out.
    """
    count = len(ids)
    order = np.lexsort((labels, origins, ~test, ids[:, 1], ids[:, 0]))
    ids, labels, test_sorted = ids[order], labels[order], test[order]
    first = np.ones(count, bool)
    first[1:] = (ids[1:] != ids[:-1]).any(axis=1)
    group = np.cumsum(first) - 1
    starts = np.flatnonzero(first)
    tested = test_sorted[starts][group]
    low, high = (f.reduceat(labels, starts) if count else labels for f in (np.minimum, np.maximum))
    mixed = (low != high)[group] & ~tested
    out = {
        "also a test image": tested & ~test_sorted,
        "repeated": ~first & ~tested & ~mixed,
        "one image, two classes": mixed,
    }
    back = np.empty(count, np.int64)
    back[order] = np.arange(count)
    return {reason: rows[back] for reason, rows in out.items()}


def prepare_characters(
    sources: Sequence[str | os.PathLike[str]],
    *,
    classes: str | None = None,
    cap: int = 0,
    validation: float = 0.1,
    test: float = 0.1,
    seed: int = 1,
    transposed: bool | None = None,
    deduplicate: bool = True,
    conform: bool = True,
    pen_width: float = 2.5,
    progress: Progress = _silent,
) -> tuple[CharacterSet, Report]:
    """Read data sets and make one set of them, split by class.

    A data set that has an official test split keeps it. Of every other, and of what is there to train
    on, shares of each class are set apart.

    Args:
        sources: files and folders, as `find_data_sets` takes them.
        classes: "digits", "letters", "all", or the characters themselves; None for those of 0-9 A-Z that
            the sources have.
        cap: training images a class, at most; 0 for no limit.
        validation, test: the shares of each class to validate and to test on.
        seed: which images these are, and the order of all.
        transposed: whether idx and CSV images are stored column by column; None for those named emnist.
        deduplicate: leave out images that are there twice, so that none to train on is tested on.
        conform: scale and centre each image as MNIST's are; pictures and strokes always are.
        pen_width: of strokes, in pixels of the 28.

    Raises:
        InputError: a file cannot be used, an option is out of range, or a class that was asked for by
            name has no image.
    """
    wanted = _wanted(classes)
    if not (validation >= 0 and test >= 0 and validation + test <= 1):
        raise InputError("the shares to validate and to test on must be 0 or more, and at most 1 together")
    if cap < 0:
        raise InputError("the cap must be 0 (none) or more images a class")
    if not 0 <= seed < 2**64:
        raise InputError("the seed must be 0 or more and less than 2 to the 64th")
    if not 0 < pen_width <= 10:
        raise InputError("the pen's width must be over 0 and at most 10 pixels")

    data_sets = find_data_sets(sources)
    index = np.full(0x110000, -1, np.int16)  # code point -> class
    index[[ord(c) for c in wanted]] = np.arange(len(wanted))
    counts = [Counter({"read": 0}) for _ in data_sets]
    blocks: list[np.ndarray | None] = []
    columns: list[tuple[np.ndarray, ...]] = []  # labels, origins, official test, digests of each block
    merged = []
    for origin, data_set in enumerate(data_sets):
        for part in data_set.parts:
            for images, codes in _read(part, data_set.name, transposed, pen_width, progress):
                labels = index[codes]
                keep = labels >= 0
                counts[origin]["read"] += len(keep)
                if not keep.all():
                    out = codes[~keep]
                    lower = int(((out >= ord("a")) & (out <= ord("z"))).sum())
                    counts[origin] += Counter({"lower case": lower, "other class": len(out) - lower})
                images, labels = images[keep], labels[keep]
                if conform and part.kind in ("idx", "csv"):
                    images = conform_images(images)
                blocks.append(np.ascontiguousarray(images))
                same = np.full(len(images), origin, np.uint16), np.full(len(images), part.test)
                columns.append((labels.astype(np.int64), *same, _digests(images, seed)))
        if data_set.name.startswith("emnist") and any(
            w in data_set.name for w in ("letters", "balanced", "bymerge")
        ):
            merged.append(data_set.name)
    if not any(len(labels) for labels, *_ in columns):
        total = sum(c["read"] for c in counts)
        raise InputError(f"no image of the classes {wanted} is in the sources ({total:,} images of others)")
    labels, origins, official, digests = (np.concatenate(c) for c in zip(*columns, strict=True))
    kept = np.ones(len(labels), bool)

    def leave_out(rows: np.ndarray, reason: str) -> None:
        for origin, count in zip(*np.unique(origins[rows], return_counts=True), strict=True):
            counts[origin][reason] += int(count)
        kept[rows] = False

    if deduplicate:
        for reason, rows in _repeats(digests[:, :2], labels, origins, official).items():
            leave_out(rows, reason)
    splits = np.where(official, TEST, TRAIN).astype(np.uint8)
    for origin in range(len(data_sets)):
        own = origins == origin
        share = 0.0 if official[own].any() else test
        for label in range(len(wanted)):
            rows = np.flatnonzero(own & kept & ~official & (labels == label))
            rows = rows[np.argsort(digests[rows, 2], kind="stable")]
            tested = int(len(rows) * share + 0.5)
            splits[rows[:tested]] = TEST
            splits[rows[tested : tested + int(len(rows) * validation + 0.5)]] = VALIDATION
    if cap:
        for label in range(len(wanted)):
            rows = np.flatnonzero(kept & (splits == TRAIN) & (labels == label))
            over = np.zeros(len(labels), bool)
            over[rows[np.argsort(digests[rows, 3], kind="stable")[cap:]]] = True
            leave_out(over, "over the cap")

    present = np.bincount(labels[kept], minlength=len(wanted)) > 0
    if classes is None:
        used = "".join(c for c, there in zip(wanted, present.tolist(), strict=True) if there)
        labels = (np.cumsum(present) - 1)[labels]
    else:
        used = wanted
        if not present.all():
            lacking = "".join(c for c, there in zip(wanted, present.tolist(), strict=True) if not there)
            raise InputError(
                f"no image of the classes {lacking} is in the sources; leave them out of the classes"
            )
    for origin, count in enumerate(np.bincount(origins[kept], minlength=len(counts)).tolist()):
        counts[origin]["kept"] = count

    rows = np.flatnonzero(kept)
    rows = rows[np.lexsort((labels[rows], origins[rows], digests[rows, 3]))]
    characters = CharacterSet(
        images=_gathered(blocks, rows),
        labels=labels[rows].astype(np.int64),
        classes=used,
        splits=splits[rows],
        sources=tuple(d.name for d in data_sets),
        origins=origins[rows],
        options={
            "classes": classes,
            "cap": cap,
            "validation": validation,
            "test": test,
            "seed": seed,
            "transposed": transposed,
            "deduplicate": deduplicate,
            "conform": conform,
            "pen_width": pen_width,
        },
    )
    return characters, Report(characters.sources, tuple(counts), used, characters.counts(), tuple(merged))


def _read(
    part: Part, name: str, transposed: bool | None, pen_width: float, progress: Progress
) -> Iterator[Block]:
    """The blocks of one part."""
    if part.kind == "folder":
        total = sum(map(len, class_folders(part.path).values()))
        yield from read_folder(part.path, tick=progress("pictures", total))
        return
    tick = progress(part.path.name, part.path.stat().st_size)
    if part.kind == "json":
        yield from read_char74k(part.path, pen_width=pen_width, tick=tick)
        return
    turned = name.startswith("emnist") if transposed is None else transposed
    characters = _characters(part, name)
    if part.kind == "csv":
        yield from read_csv(part.path, characters, transposed=turned, tick=tick)
    else:
        yield from read_idx(
            part.path, _partner(part.path, "labels"), characters, transposed=turned, tick=tick
        )


def _gathered(blocks: list[np.ndarray | None], rows: np.ndarray) -> np.ndarray:
    """Rows, in their order, of all blocks together, (n, 28, 28); each block is given up once it is used."""
    out = np.empty((len(rows), 28, 28), np.uint8)
    order = np.argsort(rows, kind="stable")  # where in `out` the first, second, ... row of all goes
    rows, begin, start = rows[order], 0, 0
    for i, block in enumerate(blocks):
        end = begin + int(np.searchsorted(rows[begin:], start + len(block)))
        out[order[begin:end]] = block[rows[begin:end] - start]
        begin, start = end, start + len(block)
        blocks[i] = None
    return out
