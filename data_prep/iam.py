"""IAM-OnDB as its authors distribute it -> lines of ink with text, writer and split -> a corpus.

The data set is four split files (`trainset.txt`, `testset_v.txt`, `testset_t.txt`, `testset_f.txt`)
and three archives, read as streams and never unpacked to disk, or the folders unpacked from them:

    lineStrokes-all.tar.gz    lineStrokes/a01/a01-000/a01-000u-01.xml    the ink of one line
    ascii-all.tar.gz          ascii/a01/a01-000/a01-000u.txt             the text of a form's lines
    original-xml-all.tar.gz   original/a01/a01-000/strokesu.xml          whole forms: who wrote them

Files come from strangers: every one is bounded in size, XML may declare no document type (so no
entities), and nothing is ever written where an archive says.
"""

from __future__ import annotations

import gzip
import os
import re
import tarfile
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO

import numpy as np
from lxml import etree

from strokes.corpus import TRAINING_SPLITS, Corpus
from strokes.files import InputError, atomic_path
from strokes.ink import Ink, Line
from strokes.ink.cleaning import subsample

from .cleaning import (
    PRESETS,
    CleaningOptions,
    amounts,
    clean,
    clean_text,
    misfits,
    unreadable,
)

__all__ = [
    "SPLITS",
    "Dataset",
    "Prepared",
    "Progress",
    "Rejection",
    "Remark",
    "parse_line",
    "parse_transcription",
    "parse_writer",
    "prepare",
    "read",
    "read_splits",
]

#: The official split files, without .txt.
SPLITS = ("trainset", "testset_v", "testset_t", "testset_f")

#: `progress(what, total)` begins a piece of work; what it returns is called with the amount done since.
#: The total is None where it is not known.
Progress = Callable[[str, int | None], Callable[[int], object]]

# The largest real file has 0.6 MB, the largest archive 0.6 GB in 13,000 members.
_FILE_LIMIT = 8 * 2**20
_ARCHIVE_LIMIT = 4 * 2**30
_MEMBER_LIMIT = 200_000
# A whiteboard has some 10,000 units. Far beyond, float32 no longer holds every whole number.
_COORDINATE_LIMIT = 1e6

_FORM = re.compile(r"[a-z]\d\d-\d{3}[a-z]?", re.ASCII)
_LINE_FILE = re.compile(rf"(?:.*/)?({_FORM.pattern})-(\d{{2,3}})\.xml", re.ASCII)
_TEXT_FILE = re.compile(rf"(?:.*/)?({_FORM.pattern})\.txt", re.ASCII)
_FORM_FILE = re.compile(r"(?:.*/)?([a-z]\d\d-\d{3})/strokes([a-z]?)\.xml", re.ASCII)

# What the recording program puts where nobody typed a transcription.
_PLACEHOLDER = "please enter transcription"


@dataclass(frozen=True)
class Remark:
    """Why a line or a file is not used: one row of the report.

    Attributes:
        name: the line (a01-000u-01), form, archive member or file.
        rule: a short name to count by.
        detail: one sentence.
    """

    name: str
    rule: str
    detail: str


class Rejection(ValueError):
    """A file cannot be used; has the `rule` and `detail` of a `Remark`."""

    def __init__(self, rule: str, detail: str) -> None:
        super().__init__(f"{rule}: {detail}")
        self.rule, self.detail = rule, detail

    def remark(self, name: str) -> Remark:
        return Remark(name, self.rule, self.detail)


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


# -- files: archives and folders --------------------------------------------------------------


class _Bounded:
    """A stream for tarfile that only goes forward and refuses to unpack without end."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.last = b""  # what was read last

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _FILE_LIMIT:  # tarfile reads an extended header whole, however long
            raise tarfile.ReadError(f"a header of {size} bytes")
        self.last = self._stream.read(size)
        self._check(self._stream.tell())
        return self.last

    def tell(self) -> int:
        return self._stream.tell()

    def seek(self, position: int) -> int:
        if position < self._stream.tell():
            raise tarfile.ReadError("a header points backwards")
        self._check(position)
        return self._stream.seek(position)

    @staticmethod
    def _check(position: int) -> None:
        if position > _ARCHIVE_LIMIT:
            raise tarfile.ReadError(f"it unpacks to more than {_ARCHIVE_LIMIT >> 30} GiB")


def _too_large(size: int) -> str | None:
    return f"its {size} bytes are more than any file of this data set has" if size > _FILE_LIMIT else None


def _refusal(member: tarfile.TarInfo) -> str | None:
    if member.name.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", member.name):
        return "its path points outside the archive"
    if not member.isreg() or member.issparse():
        return "a link or a device, not a regular file"
    return _too_large(member.size)


def _archive_files(path: Path, data: Dataset, progress: Progress) -> Iterator[tuple[str, bytes]]:
    """The regular files of an archive, in its order; bad members are refused and remarked."""
    tick, done = progress(path.name, path.stat().st_size), 0
    with open(path, "rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        stream = _Bounded(gzip.GzipFile(fileobj=raw) if packed else raw)
        try:
            with tarfile.open(fileobj=stream, mode="r:") as archive:
                for count, member in enumerate(archive):
                    tick(raw.tell() - done)
                    done = raw.tell()
                    if count >= _MEMBER_LIMIT:
                        raise tarfile.ReadError(f"it has more than {_MEMBER_LIMIT} members")
                    if member.isdir():
                        continue
                    if why := _refusal(member):
                        data.remarks.append(Remark(f"{path.name}: {member.name}", "refused", why))
                    else:
                        yield member.name, archive.extractfile(member).read()
            if stream.last != bytes(tarfile.BLOCKSIZE):  # tarfile takes a damaged header for the end
                raise tarfile.ReadError("no end mark where the members end")
        except (tarfile.TarError, zlib.error, EOFError, OSError, ValueError, RecursionError) as e:
            why = f"only what comes before the break was read: {e}"
            data.broken.append(Remark(path.name, "broken archive", why))


def _folder_files(folder: Path, data: Dataset, progress: Progress) -> Iterator[tuple[str, bytes]]:
    """The regular files below a folder; other things are refused and remarked."""
    tick = progress(folder.name, None)
    for parent, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(parent, name)
            label = path.relative_to(folder.parent).as_posix()
            try:
                size = path.stat().st_size
                why = _too_large(size) if path.is_file() else "a device, not a regular file"
                content = b"" if why else path.read_bytes()
            except OSError as e:
                why = f"it cannot be read: {e.strerror}"
            if why:
                data.remarks.append(Remark(label, "refused", why))
            else:
                tick(size)
                yield label, content


def _source(root: Path, archive: str, folder: str) -> Path | None:
    """The archive if it is there (browsers may have taken the .gz off), else the folder, else None."""
    for name in (f"{archive}.tar.gz", f"{archive}.tgz", f"{archive}.tar"):
        if (root / name).is_file():
            return root / name
    for name in (folder, f"{archive}/{folder}"):
        if (root / name).is_dir():
            return root / name
    return None


# -- what is in them --------------------------------------------------------------------------

_DOCUMENT_TYPE = ("document type", "its XML declares a document type, which no file of this data set does")
# No entities, no DTD, no network; huge_tree=False keeps libxml2's own bounds on depth and size.
_SAFE = {
    "resolve_entities": False,
    "no_network": True,
    "load_dtd": False,
    "dtd_validation": False,
    "huge_tree": False,
}


class _LineTarget:
    """Takes the points out of a lineStrokes file while it is parsed: no tree is built."""

    def __init__(self) -> None:
        self.x: list[str | None] = []
        self.y: list[str | None] = []
        self.starts: list[int] = []

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag == "Point":
            self.x.append(attributes.get("x"))
            self.y.append(attributes.get("y"))
        elif tag == "Stroke":
            self.starts.append(len(self.x))

    def doctype(self, *_: object) -> None:
        raise Rejection(*_DOCUMENT_TYPE)

    def close(self) -> _LineTarget:
        return self


def parse_line(content: bytes) -> Ink:
    """The ink of one lineStrokes file, in raw units. Strokes without points are no ink and left out.

    Raises:
        Rejection: not XML, a document type, no points, a coordinate that is missing, no number, or
            far off any whiteboard.
    """
    if b"<!DOCTYPE" in content:
        raise Rejection(*_DOCUMENT_TYPE)
    try:
        found = etree.fromstring(content, etree.XMLParser(target=_LineTarget(), **_SAFE))
    except etree.XMLSyntaxError as e:
        raise Rejection("not XML", f"not well-formed XML: {e.msg}") from None
    if not found.x:
        raise Rejection("no ink", "there is no point in it")
    try:
        points = np.array([list(map(float, found.x)), list(map(float, found.y))]).T
    except (TypeError, ValueError):
        raise Rejection("bad coordinate", "a point has a coordinate that is not a number") from None
    if not (np.abs(points) <= _COORDINATE_LIMIT).all():  # so written, nan is out as well
        raise Rejection("bad coordinate", "a point has a coordinate that is on no whiteboard")
    starts = [0, *found.starts]  # points before any stroke would be one
    strokes = (points[a:b] for a, b in zip(starts, [*starts[1:], len(points)], strict=True))
    return Ink(tuple(s for s in strokes if len(s)))


def parse_transcription(content: bytes) -> list[str]:
    """The lines under `CSR:`, in order, stripped, blank ones left out; none if there is no `CSR:`."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("iso-8859-1")
    lines = [line.strip() for line in re.split(r"\r\n|\r|\n", text)]
    if "CSR:" not in lines:
        return []
    return [line for line in lines[lines.index("CSR:") + 1 :] if line]


def parse_writer(content: bytes) -> tuple[str, str] | None:
    """(form id, writer id) of an original form, or None where it names no writer.

    Reading stops at the `Form` element near the start, so a form that breaks off later still tells.

    Raises:
        Rejection: not XML, or a document type.
    """
    if b"<!DOCTYPE" in content:
        raise Rejection(*_DOCUMENT_TYPE)
    parser = etree.XMLPullParser(events=("start",), **_SAFE)
    try:
        for at in range(0, len(content), 4096):
            parser.feed(content[at : at + 4096])
            for _, element in parser.read_events():
                if element.getroottree().docinfo.internalDTD is not None:
                    raise Rejection(*_DOCUMENT_TYPE)
                if element.tag == "Form":
                    form, writer = element.get("id", ""), element.get("writerID", "")
                    return (form, writer) if writer else None
                if element.tag == "StrokeSet":
                    return None
    except etree.XMLSyntaxError as e:
        raise Rejection("not XML", f"not well-formed XML: {e.msg}") from None
    return None


def read_splits(root: Path) -> dict[str, str]:
    """Form -> split, from the split files that are there.

    Raises:
        InputError: none is there, or one is not a list of forms.
    """
    forms: dict[str, str] = {}
    for split in SPLITS:
        path = root / f"{split}.txt"
        if not path.is_file():
            continue
        for number, row in enumerate(path.read_text("iso-8859-1").splitlines(), 1):
            if not (form := row.strip()):
                continue
            if not _FORM.fullmatch(form):
                raise InputError(f"{path}: row {number} names no form; get the official split file")
            forms.setdefault(form, split)
    if not forms:
        raise InputError(f"{root}: none of the split files {', '.join(s + '.txt' for s in SPLITS)} is there")
    return forms


def _silent(_what: str, _total: int | None) -> Callable[[int], object]:
    return lambda _done: None


def read(root: str | os.PathLike[str], progress: Progress = _silent) -> Dataset:
    """Read the data set in folder `root`: archives if they are there, else folders.

    Raises:
        InputError: the folder, the split files, the ink or the transcriptions are not there.
    """
    root = Path(root)
    if not root.is_dir():
        raise InputError(f"{root}: no such folder; give the one that holds the files of IAM-OnDB")
    splits, data = read_splits(root), Dataset()
    archives = {"ascii": "ascii-all", "lineStrokes": "lineStrokes-all", "original": "original-xml-all"}
    sources = {}
    for folder, archive in archives.items():
        sources[folder] = _source(root, archive, folder)
        if sources[folder] is None and folder != "original":
            raise InputError(f"{root}: neither {archive}.tar.gz nor the folder {folder} is there")

    def files(folder: str, pattern: re.Pattern[str]) -> Iterator[tuple[str, re.Match[str], bytes]]:
        """The files of a kind that are named as they should be, each name once."""
        if (source := sources[folder]) is None:
            return
        seen = set()
        below = _folder_files if source.is_dir() else _archive_files
        for path, content in below(source, data, progress):
            if not (match := pattern.fullmatch(path)):
                data.remarks.append(Remark(path, "ignored", "its name is not one of this data set"))
            elif match.groups() in seen:
                data.remarks.append(Remark(path, "ignored", "a second file of this name"))
            else:
                seen.add(match.groups())
                yield path, match, content

    texts = {match[1]: parse_transcription(content) for _, match, content in files("ascii", _TEXT_FILE)}

    writers: dict[str, str] = {}
    for path, match, content in files("original", _FORM_FILE):
        form = match[1] + match[2]
        try:
            found = parse_writer(content)
        except Rejection as e:
            data.remarks.append(e.remark(path))
            continue
        if found is None:
            data.remarks.append(Remark(path, "no writer", "it names no writer"))
        elif found[0] != form:
            why = f"it says that it is form {found[0]}: its writer is not used"
            data.remarks.append(Remark(path, "form id", why))
        else:
            writers[form] = found[1]

    for _, match, content in files("lineStrokes", _LINE_FILE):
        form, number = match[1], int(match[2])
        name, split = f"{form}-{match[2]}", splits.get(form, "")
        try:
            ink = parse_line(content)
        except Rejection as e:
            data.rejected.append((split, e.remark(name)))
            continue
        lines = texts.get(form, [])
        text = lines[number - 1] if 1 <= number <= len(lines) else ""
        data.lines.append(Line(ink, text, name, writers.get(form, ""), split))
    data.lines.sort(key=lambda line: line.name)
    return data


# -- lines to corpus --------------------------------------------------------------------------


@dataclass(frozen=True)
class Prepared:
    """A corpus and the account of how it came about.

    Attributes:
        corpus: one line for each line that was kept and each phase; phase p > 0 has "~p" in its name.
        counts: per split ("" for none), the distinct lines "read", "kept" and rejected by each rule.
        remarks: one for each broken archive, rejected line, and file that was refused or ignored.
        broken: the first of these.
    """

    corpus: Corpus
    counts: Mapping[str, Counter[str]]
    remarks: Sequence[Remark]
    broken: Sequence[Remark]

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the corpus, and beside it CORPUS.report.tsv (name, rule, detail; a row a remark).

        Returns:
            The report's path.

        Raises:
            InputError: the folder does not exist or cannot be written to.
        """
        self.corpus.save(path)
        report = Path(path).with_suffix(".report.tsv")
        rows = [("name", "rule", "detail"), *((r.name, r.rule, r.detail) for r in self.remarks)]
        with atomic_path(report) as tmp:
            tmp.write_text("".join("\t".join(map(_printable, row)) + "\n" for row in rows), "utf-8")
        return report

    def table(self) -> str:
        """Lines read, kept and rejected by which rule, points and writers, per split; the alphabet."""
        splits = [*SPLITS, *([""] if "" in self.counts else [])]
        total = sum(self.counts.values(), Counter())
        rejections = sorted(set(total) - {"read", "kept"}, key=lambda rule: (-total[rule], rule))
        rows = [("lines", *(s or "in no split" for s in splits), "all")]
        for rule in ("read", "kept", *rejections):
            label = rule if rule in ("read", "kept") else f"rejected: {rule}"
            rows.append((label, *(f"{self.counts[s][rule]:,}" for s in splits), f"{total[rule]:,}"))
        corpus, points, writers = self.corpus, Counter(), defaultdict(set)
        copies: Counter[str] = Counter()
        for name, split, writer, length in zip(
            corpus.names, corpus.splits, corpus.writers, corpus.lengths().tolist(), strict=True
        ):
            (copies if "~" in name else points)[split] += length
            writers[split].add(writer)
        rows.append(("points", *(f"{points[s]:,}" for s in splits), f"{points.total():,}"))
        if copies:
            rows.append(("points, other phases", *(f"{copies[s]:,}" for s in splits), f"{copies.total():,}"))
        known = {s: w - {""} for s, w in writers.items()}
        everyone = set().union(*known.values())
        rows.append(("writers known", *(f"{len(known.get(s, ())):,}" for s in splits), f"{len(everyone):,}"))
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = []
        for row in rows:
            cells = [cell.rjust(w) for cell, w in zip(row, widths, strict=True)]
            lines.append("  ".join([row[0].ljust(widths[0]), *cells[1:]]))
        characters = corpus.alphabet.characters
        return "\n".join([*lines, f"alphabet: {len(characters)} characters  {characters}"])


def _printable(text: str) -> str:
    """One cell of a report: names come from archives and may hold anything."""
    return "".join(c if c.isprintable() else " " for c in text)


def prepare(
    root: str | os.PathLike[str],
    options: CleaningOptions = PRESETS["default"],
    progress: Progress = _silent,
) -> Prepared:
    """Read the data set in `root`, clean every line and gather what is good into a corpus.

    Training lines come once a phase, others once. Lines of no split are kept: nothing trains on them.

    Raises:
        InputError: the data set is not there, or no training line of it can be used.
    """
    data = read(root, progress)
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    remarks: list[Remark] = []

    def reject(split: str, remark: Remark) -> None:
        counts[split][remark.rule] += 1
        remarks.append(remark)

    for split, remark in data.rejected:
        counts[split]["read"] += 1
        reject(split, remark)

    written = []
    for line in data.lines:
        counts[line.split]["read"] += 1
        text = clean_text(line.text) if options.text else line.text
        if not text:
            reject(line.split, Remark(line.name, "no text", "there is no transcription of this line"))
        elif text.lower().startswith(_PLACEHOLDER):
            reject(line.split, Remark(line.name, "text and ink differ", f"the transcription is {text!r}"))
        elif options.unreadable and unreadable(text):
            reject(line.split, Remark(line.name, "unreadable word", "the transcription has # or %% in it"))
        else:
            written.append(replace(line, text=text))

    fits = np.ones(len(written), bool)
    if options.misfit and written:
        values = np.array([amounts(line.ink, line.text) for line in written])
        fits = ~misfits(values, [line.name.rpartition("-")[0] for line in written], options.misfit)

    whole = replace(options, every=1, phases=1)

    def lines() -> Iterator[Line]:
        tick = progress("cleaning", len(written))
        for line, fit in zip(written, fits, strict=True):
            tick(1)
            if not fit:
                why = "points, pen travel and width a letter are all far from the other lines' of the form"
                reject(line.split, Remark(line.name, "text and ink differ", why))
                continue
            try:
                ink = clean(line.ink, whole)
            except ValueError as e:
                reject(line.split, Remark(line.name, "flat", str(e)))
                continue
            phases = options.phases if line.split in TRAINING_SPLITS else 1
            inks = [subsample(ink, options.every, phase) for phase in range(phases)]
            longest = max(float(np.abs(np.diff(i.points, axis=0)).max(initial=0)) for i in inks)
            if longest > 32766 * options.unit:
                reject(line.split, Remark(line.name, "step too long", f"a step of {longest:.0f} ink units"))
                continue
            counts[line.split]["kept"] += 1
            for phase, ink in enumerate(inks):
                yield replace(line, ink=ink, name=f"{line.name}~{phase}" if phase else line.name)

    def total() -> Counter[str]:
        return sum(counts.values(), Counter())

    try:
        corpus = Corpus.build(
            lines(),
            unit=options.unit,
            preprocessing=options.preprocessing,
            min_count=options.min_count * options.phases,  # each training line is there once a phase
            options=options.as_dict(),
        )
    except InputError as e:
        tally = [f"{n} x {rule}" for rule, n in total().most_common() if rule != "read"]
        tally += [f"{r.name} is broken" for r in data.broken]
        tally = [f"{total()['read']} lines read", *tally]
        raise InputError(f"{root}: {e} ({'; '.join(tally)})") from None
    rejected = {rule: n for rule, n in total().items() if rule not in ("read", "kept")}
    return Prepared(
        replace(corpus, rejected=rejected), counts, [*data.broken, *remarks, *data.remarks], data.broken
    )
