"""strokes heatmap: the window over the text, above the ink that it drew."""

from __future__ import annotations

from collections.abc import Sequence

from ..files import InputError
from .inputs import (
    add_sampling,
    add_text,
    chosen_reader,
    read_text,
    remarks,
    sampling_options,
)
from .parser import Parser

__all__ = ["make_parser", "run"]

_DESCRIPTION = """\
Write a line and draw where the network looked in the text while it wrote.

A row is a character, a column a place along the ink below: a clean diagonal is a pen that knows where
it is; a gap is a letter left out, a smear a letter in doubt."""


def make_parser() -> Parser:
    """The options of the command."""
    parser = Parser(
        "heatmap", _DESCRIPTION, 'strokes heatmap "attention" -o attention.png --seed 3', takes_text=True
    )
    add_text(parser)
    parser.add_argument("-o", "--output", required=True, metavar="OUT", help="OUT.png, .svg or .pdf")
    add_sampling(parser)
    return parser


def run(argv: Sequence[str]) -> int:
    """Run the command; returns the exit status."""
    args = make_parser().parse(argv)
    options, text = sampling_options(args), read_text(args)

    from ..figures import attention_heatmap, check_figure
    from ..writer import Writer

    check_figure(args.output)
    writer = Writer(args.model, args.precision, chosen_reader(args.reader))
    lines, transliteration = writer.lines(text)
    if len(lines) > 1:
        raise InputError(f"a heatmap shows one line, and this text needs {len(lines)}; shorten it")
    sample = writer.sample(lines[0], options)
    attention_heatmap(sample.text, sample.window, sample.ink, args.output)
    remarks(transliteration, [] if sample.sound else [sample])
    return 0
