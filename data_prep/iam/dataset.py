"""IAM-OnDB as its authors distribute it, read into lines of ink with text, writer and split."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from strokes.files import InputError
from strokes.ink import Line

from ..reports import RejectedError, Remark
from .files import Progress, archive_files, find_source, folder_files, silent
from .parsing import FORM, parse_line, parse_transcription, parse_writer, read_splits

__all__ = ["Dataset", "read"]

_LINE_FILE = re.compile(rf"(?:.*/)?({FORM.pattern})-(\d{{2,3}})\.xml", re.ASCII)
_TEXT_FILE = re.compile(rf"(?:.*/)?({FORM.pattern})\.txt", re.ASCII)
_FORM_FILE = re.compile(r"(?:.*/)?([a-z]\d\d-\d{3})/strokes([a-z]?)\.xml", re.ASCII)

_ARCHIVES = {"ascii": "ascii-all", "lineStrokes": "lineStrokes-all", "original": "original-xml-all"}


@dataclass
class Dataset:
    """What was read, and why the rest was not.

    Attributes:
        lines: as recorded, in the order of their names: ink in raw units, the transcription as it
            stands ("" if there is none), the writer ("" if no form tells), the split ("" if in none).
        rejected: (split, remark) for each line whose ink could not be read.
        remarks: on files that are no lines: forms without a writer, members that were refused, ...
        broken: archives that end too early; what came before the break was read.
    """

    lines: list[Line] = field(default_factory=list)
    rejected: list[tuple[str, Remark]] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    broken: list[Remark] = field(default_factory=list)


def read(root: str | os.PathLike[str], progress: Progress = silent) -> Dataset:
    """Read the data set in folder `root`: archives if they are there, else folders.

    Raises:
        InputError: the folder, the split files, the ink or the transcriptions are not there.
    """
    root = Path(root)
    if not root.is_dir():
        raise InputError(f"{root}: no such folder; give the one that holds the files of IAM-OnDB")
    splits, data = read_splits(root), Dataset()
    sources = {folder: find_source(root, archive, folder) for folder, archive in _ARCHIVES.items()}
    for folder, archive in _ARCHIVES.items():
        if sources[folder] is None and folder != "original":
            raise InputError(f"{root}: neither {archive}.tar.gz nor the folder {folder} is there")
    texts = {
        match[1]: parse_transcription(content)
        for _, match, content in _named(sources["ascii"], _TEXT_FILE, data, progress)
    }
    writers = _read_writers(sources["original"], data, progress)
    for _, match, content in _named(sources["lineStrokes"], _LINE_FILE, data, progress):
        form, number = match[1], int(match[2])
        name, split = f"{form}-{match[2]}", splits.get(form, "")
        try:
            ink = parse_line(content)
        except RejectedError as e:
            data.rejected.append((split, e.remark(name)))
            continue
        lines = texts.get(form, [])
        text = lines[number - 1] if 1 <= number <= len(lines) else ""
        data.lines.append(Line(ink, text, name, writers.get(form, ""), split))
    data.lines.sort(key=lambda line: line.name)
    return data


def _read_writers(source: Path | None, data: Dataset, progress: Progress) -> dict[str, str]:
    """Form -> writer, from the original forms; those that cannot be used are remarked."""
    writers: dict[str, str] = {}
    for path, match, content in _named(source, _FORM_FILE, data, progress):
        form = match[1] + match[2]
        try:
            found = parse_writer(content)
        except RejectedError as e:
            data.remarks.append(e.remark(path))
            continue
        if found is None:
            data.remarks.append(Remark(path, "no writer", "it names no writer"))
        elif found[0] != form:
            why = f"it says that it is form {found[0]}: its writer is not used"
            data.remarks.append(Remark(path, "form id", why))
        else:
            writers[form] = found[1]
    return writers


def _named(
    source: Path | None, pattern: re.Pattern[str], data: Dataset, progress: Progress
) -> Iterator[tuple[str, re.Match[str], bytes]]:
    """The files of a source that are named as they should be, each name once; the others are remarked."""
    if source is None:
        return
    seen = set()
    files = folder_files if source.is_dir() else archive_files
    for path, content in files(source, data.remarks, data.broken, progress):
        if not (match := pattern.fullmatch(path)):
            data.remarks.append(Remark(path, "ignored", "its name is not one of this data set"))
        elif match.groups() in seen:
            data.remarks.append(Remark(path, "ignored", "a second file of this name"))
        else:
            seen.add(match.groups())
            yield path, match, content
