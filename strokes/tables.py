"""Tables as people have them: CSV with a header, and templates with its columns in braces."""

from __future__ import annotations

import csv
import io
import os
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from .files import InputError

__all__ = ["Row", "Table", "Template", "parse_table", "read_text_file", "safe_name"]

_DELIMITERS = ",;\t|"
_MOST_BYTES = 64 * 2**20
_MOST_FIELD = 2**20
_LONGEST_NAME = 80
# Names that Windows keeps for devices.
_RESERVED = {"con", "prn", "aux", "nul", *(f"{p}{n}" for p in ("com", "lpt") for n in range(1, 10))}


@dataclass(frozen=True)
class Row:
    """A row of a table.

    Args:
        number: of the row, from 0.
        line: of the file on which it begins, from 1.
        fields: column -> value.
        problem: what is wrong with it; "" if nothing is.
    """

    number: int
    line: int
    fields: Mapping[str, str]
    problem: str = ""


@dataclass(frozen=True)
class Table:
    """A table.

    Args:
        where: its file, for messages.
        columns: their names.
        rows: those that are not blank.
    """

    where: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def read_text_file(path: str | os.PathLike[str], most: int = _MOST_BYTES) -> str:
    """A UTF-8 text file, with or without a byte order mark.

    Raises:
        InputError: it cannot be read, is larger than `most` bytes, or is not UTF-8.
    """
    try:
        with Path(path).open("rb") as file:
            data = file.read(most + 1)
    except OSError as e:
        raise InputError(f"{path}: cannot be read ({e.strerror})") from None
    except ValueError:
        raise InputError(f"{str(path)!r}: a name cannot hold a null character; choose another") from None
    if len(data) > most:
        raise InputError(f"{path}: a file of more than {most // 2**20} MiB; split it")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        raise InputError(f"{path}: not UTF-8 text (byte {e.start}); save it as UTF-8") from None


def parse_table(text: str, where: str) -> Table:
    """Rows of CSV: quotes, line breaks within them, commas, semicolons, tabs or bars between fields.

    Args:
        text: a header and rows.
        where: the file, for messages.

    Raises:
        InputError: there is no header, a name occurs twice in it, or quotes do not match.
    """
    lines = text.lstrip("\r\n")
    skipped = text[: len(text) - len(lines)].count("\n")
    delimiter = _delimiter(lines)
    csv.field_size_limit(_MOST_FIELD)
    reader = csv.reader(io.StringIO(lines, newline=""), delimiter=delimiter, strict=True)
    columns: tuple[str, ...] = ()
    rows: list[Row] = []
    begin = 1
    try:
        for fields in reader:
            line, begin = begin + skipped, reader.line_num + 1
            if not any(field.strip() for field in fields):
                continue
            if not columns:
                columns = _header(fields, where)
                continue
            problem = ""
            if len(fields) != len(columns):
                problem = f"it has {len(fields)} fields and the header has {len(columns)}"
            padded = [*fields, *[""] * len(columns)]
            rows.append(Row(len(rows), line, dict(zip(columns, padded, strict=False)), problem))
    except csv.Error as e:
        raise InputError(
            f"{where}: line {begin + skipped} cannot be read as CSV ({e}); look at its quotes"
        ) from None
    if not columns:
        raise InputError(f"{where}: there is no header; the first line names the columns")
    return Table(where, columns, tuple(rows))


def _header(fields: Iterable[str], where: str) -> tuple[str, ...]:
    names = [" ".join(field.split()) for field in fields]
    while names and not names[-1]:
        names.pop()
    for n, name in enumerate(names):
        if not name:
            raise InputError(f"{where}: column {n + 1} has no name; give it one")
        if name in names[:n]:
            raise InputError(f"{where}: two columns have the name {name!r}; rename one")
    return tuple(names)


def _delimiter(text: str) -> str:
    """The delimiter that divides the header into most columns; a comma if there is but one."""
    counts = {}
    for delimiter in _DELIMITERS:
        reader = csv.reader(io.StringIO(text[:65536], newline=""), delimiter=delimiter)
        try:
            counts[delimiter] = len(next(reader, []))
        except csv.Error:
            counts[delimiter] = 0
    return max(_DELIMITERS, key=lambda d: counts[d])


class Template:
    """A text with `{column}` fields; `{{` and `}}` are braces.

    Args:
        text: of the template.
        where: its file, for messages.

    Raises:
        InputError: a brace stands alone.
    """

    def __init__(self, text: str, where: str) -> None:
        self._parts: list[tuple[str, str]] = []  # a text, and the column after it
        self.where = where
        literal, at = "", 0
        for mark in re.finditer(r"\{\{|\}\}|\{([^{}\n]*)\}|[{}]", text):
            literal += text[at : mark.start()]
            at = mark.end()
            if mark[0] in ("{{", "}}"):
                literal += mark[0][0]
            elif mark[1] is None:
                line = text.count("\n", 0, mark.start()) + 1
                raise InputError(
                    f"{where}: line {line}: a brace stands alone; a field is {{column}}, and {{{{ is a brace"
                )
            else:
                self._parts.append((literal, " ".join(mark[1].split())))
                literal = ""
        self._end = literal + text[at:]

    @property
    def fields(self) -> tuple[str, ...]:
        """The columns that it takes, each once, in order."""
        return tuple(dict.fromkeys(column for _, column in self._parts))

    def check(self, table: Table) -> None:
        """Hold its fields against the columns of a table.

        Raises:
            InputError: the table lacks one.
        """
        for field in self.fields:
            if field not in table.columns:
                raise InputError(
                    f"{self.where}: {table.where} has no column {field!r}; it has {', '.join(table.columns)}"
                )

    def fill(self, fields: Mapping[str, str]) -> str:
        """The text of a row."""
        parts = [literal + fields[column].strip() for literal, column in self._parts]
        return "".join(parts) + self._end


def safe_name(text: str) -> str:
    """A text as the name of a file on every system; "" if nothing of it remains."""
    cleaned = "".join(
        c if c.isalnum() or c in "-_." else "-" if c.isspace() or c == "-" else "_"
        for c in unicodedata.normalize("NFC", text.strip())
    )
    name = re.sub(r"-+", "-", cleaned).strip(".-_")
    while len(name.encode("utf-8")) > _LONGEST_NAME:
        name = name[:-1]
    return f"_{name}" if name.partition(".")[0].lower() in _RESERVED else name
