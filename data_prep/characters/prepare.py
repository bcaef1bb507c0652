"""Data sets in, one set of characters out."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict

import numpy as np

from strokes.characters.data import CLASSES, CharacterSet
from strokes.characters.scaling import conform
from strokes.files import InputError

from .collection import Collection
from .csv_files import read_csv
from .idx_files import read_idx
from .labels import characters_of, has_merged_cases, is_emnist
from .options import PreparationOptions
from .pen_strokes import read_char74k
from .picture_folders import class_folders, read_folder
from .report import Report
from .sources import DataSet, Part, find_data_sets, labels_beside
from .splitting import over_the_cap, repeats, splits_of
from .streams import Block

__all__ = ["Progress", "prepare_characters"]

#: `progress(what, total)` begins a piece of work; what it returns is called with the amount done since.
Progress = Callable[[str, int | None], Callable[[int], object]]

_TRANSPOSED = {"auto": None, "yes": True, "no": False}


def _silent(_what: str, _total: int | None) -> Callable[[int], object]:
    return lambda _done: None


def prepare_characters(
    sources: Sequence[str | os.PathLike[str]],
    options: PreparationOptions | None = None,
    progress: Progress = _silent,
) -> tuple[CharacterSet, Report]:
    """Read data sets and make one set of them, split by class.

    A data set that has an official test split keeps it. Of every other, and of what is there to train
    on, shares of each class are set apart. Pictures that cannot be used are left out and named in the report.

    Args:
        sources: files and folders, as `find_data_sets` takes them.
        options: how; the defaults if None.
        progress: is told of the work.

    Raises:
        InputError: a file cannot be used, a class that was asked for by name has no image, or no image is left.
    """
    options = options or PreparationOptions()
    wanted = _wanted(options.classes)
    data_sets = find_data_sets(sources)
    found = _read(data_sets, wanted, options, progress)
    if not len(found.labels):
        raise InputError(_nothing_found(found, wanted))
    if options.deduplicate:
        for reason, rows in repeats(found).items():
            found.leave_out(rows, reason)
    splits = splits_of(found, len(wanted), options)
    if options.cap:
        found.leave_out(over_the_cap(found, len(wanted), splits, options.cap), "over the cap")
    found.count_kept()
    classes = _classes_left(found, wanted, by_name=options.classes is not None)
    labels = np.array([classes.find(c) for c in wanted])[found.labels]
    rows = np.flatnonzero(found.kept)
    rows = rows[np.lexsort((labels[rows], found.origins[rows], found.digests[rows, 3]))]
    characters = CharacterSet(
        images=found.take(rows),
        labels=labels[rows].astype(np.int64),
        classes=classes,
        splits=splits[rows],
        sources=tuple(d.name for d in data_sets),
        origins=found.origins[rows],
        options=asdict(options) | {"transposed": _TRANSPOSED[options.transposed]},
    )
    merged = tuple(d.name for d in data_sets if has_merged_cases(d.name))
    return characters, Report(
        characters.sources, tuple(found.counts), classes, characters.counts(), merged, tuple(found.unusable)
    )


def _wanted(classes: str | None) -> str:
    """The characters that `classes` stands for.

    Raises:
        InputError: it is no name and no string of different characters.
    """
    wanted = CLASSES.get(classes, classes) if classes is not None else CLASSES["all"]
    if not wanted or len(set(wanted)) != len(wanted) or not wanted.isprintable() or " " in wanted:
        raise InputError(
            f"classes must be {', '.join(CLASSES)} or a string of different characters, not {classes!r}"
        )
    return wanted


def _read(
    data_sets: Sequence[DataSet], wanted: str, options: PreparationOptions, progress: Progress
) -> Collection:
    """All images of the classes that are wanted."""
    index = np.full(0x110000, -1, np.int16)  # code point -> class
    index[[ord(c) for c in wanted]] = np.arange(len(wanted))
    found = Collection(options.seed, [Counter({"read": 0}) for _ in data_sets])
    for origin, data_set in enumerate(data_sets):
        for part in data_set.parts:

            def reject(sentence: str, origin: int = origin) -> None:
                found.reject(sentence, origin)

            for images, codes in _blocks(part, data_set.name, options, progress, reject):
                labels = index[codes]
                keep = labels >= 0
                out = codes[~keep]
                lower = int(((out >= ord("a")) & (out <= ord("z"))).sum())
                found.counts[origin]["read"] += len(keep)
                found.counts[origin] += Counter({"lower case": lower, "other class": len(out) - lower})
                kept = images[keep]
                if options.conform and part.kind in ("idx", "csv"):
                    kept = conform(kept)
                found.add(kept, labels[keep], origin, part.test)
    found.complete()
    return found


def _blocks(
    part: Part,
    name: str,
    options: PreparationOptions,
    progress: Progress,
    reject: Callable[[str], object],
) -> Iterator[Block]:
    """The images of one part and their characters, some hundreds or thousands at a time."""
    if part.kind == "folder":
        total = sum(map(len, class_folders(part.path).values()))
        yield from read_folder(part.path, tick=progress("pictures", total), reject=reject)
        return
    tick = progress(part.path.name, part.path.stat().st_size)
    if part.kind == "json":
        yield from read_char74k(part.path, pen_width=options.pen_width, tick=tick, reject=reject)
        return
    chosen = _TRANSPOSED[options.transposed]
    transposed = is_emnist(name) if chosen is None else chosen
    characters = characters_of(part.path, name, idx=part.kind == "idx")
    if part.kind == "csv":
        yield from read_csv(part.path, characters, transposed=transposed, tick=tick)
    else:
        labels = labels_beside(part.path)
        yield from read_idx(part.path, labels, characters, transposed=transposed, tick=tick)


def _classes_left(found: Collection, wanted: str, *, by_name: bool) -> str:
    """The classes that have an image.

    Raises:
        InputError: none has, or one that was asked for by name has not.
    """
    present = np.bincount(found.labels[found.kept], minlength=len(wanted)) > 0
    if not present.any():
        total: Counter[str] = sum(found.counts, Counter())
        reasons = "; ".join(
            f"{reason}: {n:,}" for reason, n in total.items() if reason not in ("read", "kept")
        )
        raise InputError(
            f"no image is left of {total['read']:,} ({reasons}); give other images, or --no-deduplicate to keep these"
        )
    lacking = "".join(c for c, there in zip(wanted, present.tolist(), strict=True) if not there)
    if lacking and by_name:
        raise InputError(
            f"no image of the classes {lacking} is in the sources; leave them out of the classes"
        )
    return "".join(c for c in wanted if c not in lacking)


def _nothing_found(found: Collection, wanted: str) -> str:
    """Why no image was found."""
    if found.unusable:
        return f"none of {len(found.unusable):,} pictures can be used; the first: {found.unusable[0]}"
    total = sum(count["read"] for count in found.counts)
    return f"no image of the classes {wanted} is in the sources ({total:,} images of others)"
