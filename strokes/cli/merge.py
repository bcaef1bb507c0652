"""strokes merge: a template and a table in, a document for each row out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from ..export import FORMATS
from ..files import InputError
from ..page import PageOptions, find_paper
from .console import note, progress, say
from .inputs import (
    add_formats,
    add_page,
    add_sampling,
    chosen_reader,
    sampling_options,
)
from .parser import Parser

__all__ = ["make_parser", "run"]

_DESCRIPTION = """\
Write a document for each row of a table.

TEMPLATE is a text with {column} fields ({{ is a brace), ROWS is a CSV file whose first line names the
columns; commas, semicolons, tabs or bars stand between them. All rows are checked before anything is
drawn. Each row has a seed of its own, which comes of --seed and its number. The same command goes on
where it was interrupted: files that are done are kept."""

_MOST_NAMED = 5


def make_parser() -> Parser:
    """The options of the command."""
    parser = Parser(
        "merge",
        _DESCRIPTION,
        "strokes merge card.txt guests.csv -o cards --name guest --page a6 --landscape --align center",
        "strokes merge card.txt guests.csv -o sheets --page a6 --sheet a4",
    )
    parser.add_argument("template", metavar="TEMPLATE", help="a UTF-8 text file with {column} fields")
    parser.add_argument("rows", metavar="ROWS", help="a UTF-8 CSV file with a header")
    parser.add_argument("-o", "--output", required=True, metavar="DIR", help="folder of the files")
    parser.add_argument("--name", default="", metavar="COLUMN", help="column that names the files")
    parser.add_argument(
        "--format",
        default="svg",
        choices=[suffix[1:] for suffix in FORMATS],
        help="of the files (default: svg)",
    )
    parser.add_argument(
        "--sheet", metavar="PAPER", help="put as many cards as go on it on one sheet, with lines to cut along"
    )
    add_sampling(parser)
    add_page(parser)
    add_formats(parser)
    return parser


def run(argv: Sequence[str]) -> int:
    """Run the command; returns the exit status."""
    args = make_parser().parse(argv)
    sampling, page = sampling_options(args), args.make(PageOptions)
    suffix = f".{args.format}"
    formats = {known: args.make(kind.options) for known, kind in FORMATS.items()}
    sheet = find_paper(args.sheet) if args.sheet is not None else None
    folder = Path(args.output)
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: this is a file; give a folder")

    from ..tables import Template, parse_table, read_text_file

    template = Template(read_text_file(args.template, 2**20), args.template)
    table = parse_table(read_text_file(args.rows), args.rows)

    from ..merge import Merge
    from ..writer import Writer

    merge = Merge(
        Writer(args.model, args.precision, chosen_reader(args.reader)),
        template,
        table,
        folder,
        suffix,
        " ".join(args.name.split()),
        sampling,
        page,
        sheet,
        asdict(formats[suffix]),
    )
    with progress("", merge.waiting, "line") as tick:
        merged = merge.run(tick)
    if merged.replaced:
        from ..alphabet import Transliteration

        say(f"written {Transliteration('', merged.replaced)}")
    for row, samples in list(merged.doubtful.items())[:_MOST_NAMED]:
        say(f"look at line {table.rows[row].line} of {args.rows}: {samples[0].text!r}")
    if len(merged.doubtful) > _MOST_NAMED:
        say(f"and at {len(merged.doubtful) - _MOST_NAMED} rows more; another --seed may write them better")
    kept = f", {len(merged.kept)} kept" if merged.kept else ""
    note(f"{len(merged.files)} written{kept} in {folder}")
    return 0
