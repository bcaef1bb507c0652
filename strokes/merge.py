"""One document for each row of a table: lines of many rows drawn together, files whole or not there, resumable."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import msgspec

from .documents import decode_json, encode_json
from .export import export_options, export_pages, page_paths
from .files import InputError, make_folder, write_whole
from .page import Page, PageOptions, Paper, cards_a_sheet, sheets_of
from .sampling import Sample, SamplingOptions
from .tables import Row, Table, Template, safe_name
from .writer import Document, Writer

__all__ = ["JOURNAL", "Merge", "Merged"]

#: Says in the folder of a merge which of its files are done, and what they were made of.
JOURNAL = ".merge.json"

# Rows whose lines are drawn together: their ink is all that is in memory at a time.
_ROWS_TOGETHER = 64
_MOST_NAMED = 8


class _Done(msgspec.Struct):
    """A unit in the journal."""

    made_of: str
    files: list[str]


@dataclass(frozen=True)
class _Unit:
    """What becomes one file, or the numbered pages of one."""

    stem: str
    rows: tuple[int, ...]
    made_of: str


@dataclass(frozen=True)
class Merged:
    """What came of a merge.

    Attributes:
        files: that were written.
        kept: files that were there already.
        doubtful: row -> lines of it to look at.
        replaced: characters that were replaced, with their replacements.
    """

    files: tuple[Path, ...]
    kept: tuple[Path, ...]
    doubtful: Mapping[int, tuple[Sample, ...]]
    replaced: tuple[tuple[str, str], ...]


@dataclass
class Merge:
    """A template and a table, checked; nothing is drawn before `run`.

    Args:
        writer: draws.
        template: with the columns of the table as fields.
        table: a document a row.
        folder: of the files; made if need be.
        suffix: their format, as ".svg".
        name: the column that names the files; the number of the row if "".
        sampling: bias, seed and the like; each row has a seed of its own that comes of it and its number.
        page: paper and the like.
        sheet: the paper on which as many cards stand as go on it; a document a file if None.
        format_options: as for `strokes.export.export`.

    Raises:
        InputError: rows are bad, all named together; a column is missing; or cards do not go on a sheet.
    """

    writer: Writer
    template: Template
    table: Table
    folder: Path
    suffix: str = ".svg"
    name: str = ""
    sampling: SamplingOptions = field(default_factory=SamplingOptions)
    page: PageOptions = field(default_factory=PageOptions)
    sheet: Paper | None = None
    format_options: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        export_options(f"a{self.suffix}", **self.format_options)
        self.template.check(self.table)
        if self.name and self.name not in self.table.columns:
            raise InputError(
                f"--name: {self.table.where} has no column {self.name!r}; it has {', '.join(self.table.columns)}"
            )
        if not self.table.rows:
            raise InputError(f"{self.table.where}: there are no rows below the header")
        per_sheet = self._cards_a_sheet()
        self._documents = self._check_rows()
        self._units = self._plan(per_sheet)

    def _cards_a_sheet(self) -> int:
        if self.sheet is None:
            return 0
        if self.page.paper is None:
            raise InputError("cards on a --sheet need a size: give --page, such as --page a6 --landscape")
        columns, rows, _ = cards_a_sheet(self.sheet, self.page.paper.width, self.page.paper.height)
        return columns * rows

    @property
    def waiting(self) -> int:
        """How many lines are still to be drawn."""
        done = self._journal()
        units = [unit for unit in self._units if not self._is_done(unit, done)]
        return sum(self._documents[row].lines(self.page) for unit in units for row in unit.rows)

    def run(self, progress: Callable[[int], object] | None = None) -> Merged:
        """Draw what is not done yet, a group of rows at a time.

        A merge that was interrupted goes on: files that are done, and made of the same text and options, are kept.

        Args:
            progress: called with the number of lines done each time some are.

        Raises:
            InputError: something does not fit on its page, or a file cannot be written.
        """
        make_folder(self.folder)
        done = self._journal()
        kept = [unit for unit in self._units if self._is_done(unit, done)]
        files: list[Path] = []
        doubtful: dict[int, tuple[Sample, ...]] = {}
        replaced: dict[str, str] = {}
        for document in self._documents:
            replaced.update(document.transliteration.replaced)
        for group in _groups([unit for unit in self._units if unit not in kept]):
            rows = [row for unit in group for row in unit.rows]
            try:
                written = self.writer.write_many(
                    [self._documents[row] for row in rows],
                    self.sampling,
                    self.page,
                    numbers=rows,
                    progress=progress,
                )
            except InputError as e:
                raise InputError(f"{self.table.where}: {self._culprit(rows)}{e}") from None
            of_row = dict(zip(rows, written, strict=True))
            doubtful |= {row: found.doubtful for row, found in of_row.items() if found.doubtful}
            for unit in group:
                pages = [page for row in unit.rows for page in of_row[row].pages]
                made = self._save(unit, pages)
                files += made
                done[unit.stem] = _Done(unit.made_of, [path.name for path in made])
                write_whole(self.folder / JOURNAL, encode_json(done))
        there = [self.folder / name for unit in kept for name in done[unit.stem].files]
        return Merged(tuple(files), tuple(there), doubtful, tuple(replaced.items()))

    def _save(self, unit: _Unit, pages: Sequence[Page]) -> list[Path]:
        sheets = sheets_of(pages, self.sheet) if self.sheet is not None else pages
        path = self.folder / f"{unit.stem}{self.suffix}"
        return export_pages(sheets, path, **self.format_options)

    def _culprit(self, rows: Sequence[int]) -> str:
        """Which row of a group is refused, found by its words' own widths; "" if it needs its neighbours."""
        for row in rows:
            try:
                self.writer.write_many([self._documents[row]], self.sampling, self.page, numbers=[row])
            except InputError:
                return f"line {self.table.rows[row].line}: "
        return ""

    def _check_rows(self) -> list[Document]:
        """The documents of all rows.

        Raises:
            InputError: some are bad; they are named together.
        """
        documents, bad = [], []
        for row in self.table.rows:
            problem = row.problem
            if not problem:
                try:
                    document = self.writer.document(self.template.fill(row.fields))
                    document.lines(self.page)
                    documents.append(document)
                except InputError as e:
                    problem = str(e)
            if not problem and self.name and not safe_name(row.fields[self.name]):
                problem = f"{self.name!r} is {row.fields[self.name]!r}, which names no file"
            if problem:
                bad.append(f"line {row.line}: {problem}")
        if bad:
            more = f"; and {len(bad) - _MOST_NAMED} more" if len(bad) > _MOST_NAMED else ""
            count = "1 bad row" if len(bad) == 1 else f"{len(bad)} bad rows"
            raise InputError(f"{self.table.where}: {count}: {'; '.join(bad[:_MOST_NAMED])}{more}")
        return documents

    def _plan(self, per_sheet: int) -> list[_Unit]:
        """What becomes of which rows."""
        count = len(self.table.rows)
        digits = len(str(count))
        if per_sheet:
            starts = range(0, count, per_sheet)
            groups = [tuple(range(s, min(s + per_sheet, count))) for s in starts]
            stems = [f"sheet-{n:0{len(str(len(groups)))}}" for n in range(1, len(groups) + 1)]
        else:
            groups = [(n,) for n in range(count)]
            stems = _distinct([self._stem(row, digits) for row in self.table.rows])
        return [_Unit(stem, rows, self._made_of(rows)) for stem, rows in zip(stems, groups, strict=True)]

    def _stem(self, row: Row, digits: int) -> str:
        return safe_name(row.fields[self.name]) if self.name else f"{row.number + 1:0{digits}}"

    def _made_of(self, rows: tuple[int, ...]) -> str:
        """A digest of all that decides what a file holds."""
        parts = {
            "texts": [(row, self._documents[row].text) for row in rows],
            "writer": self.writer.description,
            "sampling": asdict(self.sampling),
            "page": asdict(self.page),
            "sheet": asdict(self.sheet) if self.sheet else None,
            "format": [self.suffix, dict(self.format_options)],
        }
        return hashlib.sha256(msgspec.json.encode(parts, order="sorted")).hexdigest()[:32]

    def _journal(self) -> dict[str, _Done]:
        path = self.folder / JOURNAL
        try:
            return decode_json(path.read_bytes(), dict[str, _Done], str(path))
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except OSError as e:
            raise InputError(f"{path}: cannot be read ({e.strerror})") from None

    def _is_done(self, unit: _Unit, done: Mapping[str, _Done]) -> bool:
        found = done.get(unit.stem)
        if found is None or found.made_of != unit.made_of or not found.files:
            return False
        expected = page_paths(self.folder / f"{unit.stem}{self.suffix}", len(found.files))
        return [path.name for path in expected] == found.files and all(map(os.path.isfile, expected))


def _groups(units: Sequence[_Unit]) -> Iterator[list[_Unit]]:
    """Units in groups of few rows."""
    group: list[_Unit] = []
    for unit in units:
        if group and sum(len(u.rows) for u in group) + len(unit.rows) > _ROWS_TOGETHER:
            yield group
            group = []
        group.append(unit)
    if group:
        yield group


def _distinct(stems: Sequence[str]) -> list[str]:
    """Names that differ on every system: the second `ada` is `ada-2`."""
    taken: set[str] = set()
    result = []
    for stem in stems:
        name, n = stem, 1
        while name.casefold() in taken:
            n += 1
            name = f"{stem}-{n}"
        taken.add(name.casefold())
        result.append(name)
    return result
