"""IAM-OnDB as its authors distribute it -> lines of ink with text, writer and split.

The data set is four split files (`trainset.txt`, `testset_v.txt`, `testset_t.txt`, `testset_f.txt`)
and three archives, read as streams and never unpacked to disk, or the folders unpacked from them:

    lineStrokes-all.tar.gz    lineStrokes/a01/a01-000/a01-000u-01.xml    the ink of one line
    ascii-all.tar.gz          ascii/a01/a01-000/a01-000u.txt             the text of a form's lines
    original-xml-all.tar.gz   original/a01/a01-000/strokesu.xml          whole forms: who wrote them

Files come from strangers: every one is bounded in size, XML may hold no document type (so no
entities), and nothing is ever written where an archive says.
"""

from __future__ import annotations

import gzip
import os
import re
import tarfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from lxml import etree

from strokes.corpus import TRAINING_SPLITS, Corpus
from strokes.files import InputError, atomic_path
from strokes.ink import Ink, Line

from .cleaning import PRESETS, CleaningOptions, clean, clean_text, mismatch

__all__ = ["SPLITS", "Dataset", "Prepared", "RawLine", "Remark", "prepare", "read"]

#: The official split files, without .txt.
SPLITS = ("trainset", "testset_v", "testset_t", "testset_f")

# The largest real member is 4 MB under 1 MiB; the largest real archive unpacks to 0.6 GiB.
_MEMBER_LIMIT = 16 * 2**20
_ARCHIVE_LIMIT = 8 * 2**30
# A whiteboard has some 10,000 units; beyond this float32 no longer holds every whole number.
_COORDINATE_LIMIT = 1e6

_FORM = re.compile(r"[a-z]\d\d-\d{3}[a-z]?")
_LINE_FILE = re.compile(r"([a-z]\d\d-\d{3}[a-z]?)-(\d{2,3})\.xml")
_TEXT_FILE = re.compile(r"([a-z]\d\d-\d{3}[a-z]?)\.txt")
_FORM_FILE = re.compile(r"(?:.*/)?([a-z]\d\d-\d{3})/strokes([a-z]?)\.xml")


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


@dataclass(frozen=True)
class RawLine:
    """A line as recorded: ink in whiteboard units (y down), the transcription as it stands."""

    name: str
    ink: Ink
    text: str
    writer: str
    split: str


@dataclass
class Dataset:
    """What was read.

    Attributes:
        lines: in the order of their names.
        rejected: lines (by split) that could not be read, with the remark that says why.
        remarks: files that were refused or ignored; these are no lines.
        broken: archives that end too early; everything before the break was read.
    """

    lines: list[RawLine] = field(default_factory=list)
    rejected: list[tuple[str, Remark]] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    broken: list[Remark] = field(default_factory=list)


class _BadFile(ValueError):
    """One file cannot be used: (rule, detail)."""


# -- files: archives and folders --------------------------------------------------------------


class _Bounded:
    """A forward-only stream for tarfile that refuses to unpack without end."""

    def __init__(self, stream) -> None:
        self._stream = stream
        self._total = 0
        self.last = b""

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _MEMBER_LIMIT:  # tarfile reads long headers whole, however long
            raise tarfile.ReadError(f"asks for a block of {size} bytes")
        self._total += size
        if self._total > _ARCHIVE_LIMIT:
            raise tarfile.ReadError(f"unpacks to more than {_ARCHIVE_LIMIT >> 30} GiB")
        self.last = self._stream.read(size)
        return self.last

    def tell(self) -> int:
        return self._stream.tell()

    def seek(self, position: int) -> int:
        self._total += position - self._stream.tell()
        if self._total > _ARCHIVE_LIMIT:
            raise tarfile.ReadError(f"unpacks to more than {_ARCHIVE_LIMIT >> 30} GiB")
        return self._stream.seek(position)


def _archive_files(path: Path, data: Dataset, tick: Callable[[int], None]) -> Iterator[tuple[str, bytes]]:
    """The regular files of an archive; what points outside or is no file is refused and remarked."""

    def refuse(name: str, why: str) -> None:
        data.remarks.append(Remark(f"{path.name}: {name}", "refused", why))

    done = 0
    with open(path, "rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        try:
            stream = _Bounded(gzip.GzipFile(fileobj=raw) if packed else raw)
            with tarfile.open(fileobj=stream, mode="r:") as archive:
                for member in archive:
                    tick(raw.tell() - done)
                    done = raw.tell()
                    name = member.name
                    if member.isdir():
                        continue
                    if name.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", name) or ":" in name:
                        refuse(name, "the path points outside the archive")
                    elif not member.isreg() or member.issparse():
                        refuse(name, "a link or device, not a regular file")
                    elif member.size > _MEMBER_LIMIT:
                        refuse(name, f"{member.size} bytes is more than any file of this data set")
                    else:
                        yield name, archive.extractfile(member).read()
            if stream.last != bytes(tarfile.BLOCKSIZE):  # tarfile takes a damaged header for the end
                raise tarfile.ReadError("no end-of-archive mark")
        except (tarfile.TarError, zlib.error, EOFError, OSError, ValueError) as e:
            data.broken.append(Remark(path.name, "broken archive", f"the archive breaks off: {e}"))


def _folder_files(folder: Path, data: Dataset) -> Iterator[tuple[str, bytes]]:
    for parent, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(parent, name)
            label = path.relative_to(folder.parent).as_posix()
            try:
                if not path.is_file():
                    data.remarks.append(Remark(label, "refused", "not a regular file"))
                elif path.stat().st_size > _MEMBER_LIMIT:
                    data.remarks.append(Remark(label, "refused", "larger than any file of this data set"))
                else:
                    yield label, path.read_bytes()
            except OSError as e:
                data.remarks.append(Remark(label, "refused", f"cannot be read: {e.strerror}"))


def _source(root: Path, archive: str, folder: str) -> Path | None:
    """The archive if it is there, else the folder, else None."""
    for name in (f"{archive}.tar.gz", f"{archive}.tgz", f"{archive}.tar"):
        if (root / name).is_file():
            return root / name
    for name in (folder, f"{archive}/{folder}", archive):
        if (root / name).is_dir():
            return root / name
    return None


def _files(path: Path, data: Dataset, tick: Callable[[int], None]) -> Iterator[tuple[str, bytes]]:
    return _folder_files(path, data) if path.is_dir() else _archive_files(path, data, tick)


# -- what is in them --------------------------------------------------------------------------


def _parse(content: bytes) -> etree._Element:
    # huge_tree=False keeps libxml2's own bounds on depth, text and entity expansion.
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False,
        remove_comments=True, remove_pis=True,
    )  # fmt: skip
    if b"<!DOCTYPE" in content:
        raise _BadFile("document type", "the XML declares a document type, which this data set never does")
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as e:
        raise _BadFile("not XML", f"not well-formed XML: {e.msg}") from None
    info = root.getroottree().docinfo  # an unusual encoding hides the declaration from the test above
    if info.internalDTD is not None or info.externalDTD is not None:
        raise _BadFile("document type", "the XML declares a document type, which this data set never does")
    return root


def parse_line(content: bytes) -> Ink:
    """The ink of one lineStrokes file, in whiteboard units.

    Raises:
        ValueError: with (rule, detail) as arguments: not XML, a document type, no stroke, a stroke
            without points, a coordinate that is missing or not a number.
    """
    root = _parse(content)
    strokes = []
    for stroke in root.iterfind("StrokeSet/Stroke"):
        try:
            points = np.array([(float(p.get("x")), float(p.get("y"))) for p in stroke.iterfind("Point")])
        except (TypeError, ValueError):
            raise _BadFile("bad coordinate", "a point has a coordinate that is not a number") from None
        if len(points) == 0:
            continue  # a stroke without points is no ink
        if not (np.abs(points) <= _COORDINATE_LIMIT).all():  # true of nan as well
            raise _BadFile("bad coordinate", "a point has a coordinate that is off any whiteboard")
        strokes.append(points)
    if not strokes:
        raise _BadFile("no ink", "the file holds no stroke")
    return Ink(tuple(strokes))


def parse_transcription(content: bytes) -> list[str]:
    """The lines under `CSR:`, in order, stripped; empty if there are none."""
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

    Reading stops at the `Form` element, so a form that breaks off later still tells its writer.

    Raises:
        ValueError: not XML, or a document type.
    """
    parser = etree.XMLPullParser(
        events=("start",), resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False,
        huge_tree=False,
    )  # fmt: skip
    if b"<!DOCTYPE" in content:
        raise _BadFile("document type", "the XML declares a document type, which this data set never does")
    try:
        for at in range(0, len(content), 4096):
            parser.feed(content[at : at + 4096])
            for _, element in parser.read_events():
                if element.tag == "Form":
                    return element.get("id", ""), element.get("writerID", "")
                if element.tag == "StrokeSet":
                    return None
    except etree.XMLSyntaxError as e:
        raise _BadFile("not XML", f"not well-formed XML: {e.msg}") from None
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
                raise InputError(f"{path}: row {number} is not the name of a form; get the official split file")
            forms.setdefault(form, split)
    if not forms:
        raise InputError(f"{root}: no split file ({', '.join(s + '.txt' for s in SPLITS)}) is there")
    return forms


def read(root: str | os.PathLike[str], progress: Callable[[Path], Callable[[int], None]] | None = None) -> Dataset:
    """Read the data set in folder `root`.

    Args:
        progress: called with each archive or folder as it is begun; returns a function that is then
            called with the number of (compressed) bytes read since.

    Raises:
        InputError: the folder, the split files, the ink or the transcriptions are not there.
    """
    root = Path(root)
    if not root.is_dir():
        raise InputError(f"{root}: no such folder; give the folder that holds the files of IAM-OnDB")
    data = Dataset()
    splits = read_splits(root)
    sources = {}
    for what, archive, folder in (
        ("text", "ascii-all", "ascii"),
        ("ink", "lineStrokes-all", "lineStrokes"),
        ("form", "original-xml-all", "original"),
    ):
        sources[what] = _source(root, archive, folder)
        if sources[what] is None and what != "form":
            raise InputError(f"{root}: neither {archive}.tar.gz nor the folder {folder} is there")

    def files(what: str) -> Iterator[tuple[str, bytes]]:
        source = sources[what]
        if source is None:
            return iter(())
        return _files(source, data, progress(source) if progress else lambda _: None)

    def ignore(path: str, why: str) -> None:
        data.remarks.append(Remark(path, "ignored", why))

    texts: dict[str, list[str]] = {}
    for path, content in files("text"):
        if not (match := _TEXT_FILE.fullmatch(path.rsplit("/", 1)[-1])):
            ignore(path, "not named like a transcription")
        elif match[1] in texts:
            ignore(path, "a second file of this name")
        else:
            texts[match[1]] = parse_transcription(content)

    writers: dict[str, str] = {}
    for path, content in files("form"):
        if not (match := _FORM_FILE.fullmatch(path)):
            ignore(path, "not named like a form")
            continue
        form = match[1] + match[2]
        try:
            found = parse_writer(content)
        except _BadFile as e:
            data.remarks.append(Remark(path, e.args[0], e.args[1]))
            continue
        if found is None or not found[1]:
            data.remarks.append(Remark(path, "no writer", "the form names no writer"))
        elif found[0] != form:
            data.remarks.append(Remark(path, "form id", f"the form says it is {found[0]!r}: its writer is not used"))
        else:
            writers[form] = found[1]

    seen: set[str] = set()
    for path, content in files("ink"):
        if not (match := _LINE_FILE.fullmatch(path.rsplit("/", 1)[-1])):
            ignore(path, "not named like a line")
            continue
        name, form, number = f"{match[1]}-{match[2]}", match[1], int(match[2])
        if name in seen:
            ignore(path, "a second file of this name")
            continue
        seen.add(name)
        split = splits.get(form, "")
        try:
            ink = parse_line(content)
        except _BadFile as e:
            data.rejected.append((split, Remark(name, e.args[0], e.args[1])))
            continue
        lines = texts.get(form, [])
        text = lines[number - 1] if 1 <= number <= len(lines) else ""
        data.lines.append(RawLine(name, ink, text, writers.get(form, ""), split))
    data.lines.sort(key=lambda line: line.name)
    return data


# -- lines to corpus --------------------------------------------------------------------------


@dataclass(frozen=True)
class Prepared:
    """A corpus and the account of how it came about.

    Attributes:
        counts: per split ("" for none) and rule, the number of distinct lines; "read" and "kept" are
            among the rules.
        remarks: one for each line that was rejected and each file that was refused or ignored.
        broken: archives that end too early.
    """

    corpus: Corpus
    counts: dict[str, Counter[str]]
    remarks: list[Remark]
    broken: list[Remark]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the corpus, and beside it what was left out: CORPUS.report.tsv (name, rule, detail)."""
        with atomic_path(Path(path).with_suffix(".report.tsv")) as tmp:
            rows = [("name", "rule", "detail"), *((r.name, r.rule, r.detail) for r in self.remarks)]
            clean_rows = ("\t".join(" ".join(cell.split()) for cell in row) for row in rows)
            tmp.write_text("\n".join(clean_rows) + "\n", "utf-8", "backslashreplace")
        self.corpus.save(path)

    def table(self) -> str:
        """What was read, kept and rejected by which rule, per split; points and alphabet."""
        names = [*SPLITS, *([""] if "" in self.counts else [])]
        total = sum(self.counts.values(), Counter())
        rules = ["read", "kept", *sorted((r for r in total if r not in ("read", "kept")), key=lambda r: -total[r])]
        lengths = self.corpus.lengths()
        points = {n: int(lengths[self.corpus.select(n)].sum()) for n in names}
        head = ["", *(n or "no split" for n in names), "all"]
        rows = [[rule, *(f"{self.counts[n][rule]:,}" for n in names), f"{total[rule]:,}"] for rule in rules]
        rows.append(["points", *(f"{points[n]:,}" for n in names), f"{self.corpus.point_count:,}"])
        return "\n".join(f"{r[0]:<24}" + "".join(f"{c:>12}" for c in r[1:]) for r in [head, *rows]) + (
            f"\nalphabet ({len(self.corpus.alphabet.characters)}): {self.corpus.alphabet.characters}"
        )


def prepare(
    root: str | os.PathLike[str],
    options: CleaningOptions = PRESETS["default"],
    progress: Callable[[Path], Callable[[int], None]] | None = None,
) -> Prepared:
    """Read the data set in `root`, clean every line and gather what is good into a corpus.

    Raises:
        InputError: the data set is not there, or no training line of it can be used.
    """
    data = read(root, progress)
    counts: dict[str, Counter[str]] = {split: Counter() for split in SPLITS}
    remarks = []

    def reject(split: str, remark: Remark) -> None:
        counts.setdefault(split, Counter())[remark.rule] += 1
        remarks.append(remark)

    for split, remark in data.rejected:
        counts.setdefault(split, Counter())["read"] += 1
        reject(split, remark)

    def lines() -> Iterator[Line]:
        for raw in data.lines:
            count = counts.setdefault(raw.split, Counter())
            count["read"] += 1
            text = clean_text(raw.text) if options.text else raw.text
            if not text:
                reject(raw.split, Remark(raw.name, "no text", "there is no transcription of this line"))
                continue
            if "#" in text or "%%" in text:
                reject(raw.split, Remark(raw.name, "unreadable word", "the transcription marks a word nobody could read"))
                continue
            if why := mismatch(raw.ink, text):
                reject(raw.split, Remark(raw.name, "text and ink differ", why))
                continue
            phases = options.phases if raw.split in TRAINING_SPLITS else 1
            try:
                inks = [clean(raw.ink, options, phase) for phase in range(phases)]
            except ValueError as e:
                reject(raw.split, Remark(raw.name, "flat", str(e)))
                continue
            if max(np.abs(ink.to_offsets()[1:, :2]).max(initial=0) for ink in inks) > 32000 * options.unit:
                reject(raw.split, Remark(raw.name, "step too long", "a step is too long for the corpus"))
                continue
            count["kept"] += 1
            for phase, ink in enumerate(inks):
                yield Line(ink, text, raw.name + (f"~{phase}" if phase else ""), raw.writer, raw.split)

    corpus = Corpus.build(
        lines(),
        unit=options.unit,
        # Every training line is there once a phase: so is every character.
        min_count=options.min_count * options.phases,
        options=options.as_dict(),
    )
    total = sum(counts.values(), Counter())
    rejected = {rule: n for rule, n in total.items() if rule not in ("read", "kept")}
    return Prepared(replace(corpus, rejected=rejected), counts, data.broken + remarks + data.remarks, data.broken)
