"""strokes heatmap: the window over the text, above the ink that it drew."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from ..files import InputError, check_output
from . import Parser
from .write import LOOK_AT, read_text, sampling_arguments, sampling_options, text_arguments

__all__ = ["run"]

_DESCRIPTION = """\
Write a line and draw where the network looked in the text while it wrote.

A row is a character, a column a place along the ink below: a clean diagonal is a pen that knows where
it is; a gap is a letter left out, a smear a letter in doubt."""


def run(argv: Sequence[str]) -> int:
    """Run the command; returns the exit status."""
    parser = Parser("heatmap", _DESCRIPTION, 'strokes heatmap "attention" -o attention.png --seed 3')
    text_arguments(parser)
    parser.add_argument("-o", "--output", required=True, metavar="OUT", help="OUT.png, .svg or .pdf")
    sampling_arguments(parser)
    args = parser.parse_args(argv)
    text = read_text(args)

    from ..figures import attention_heatmap
    from ..writer import Writer

    check_output(args.output)

    writer = Writer(args.model)
    lines, transliteration = writer.lines(text)
    if len(lines) > 1:
        raise InputError(f"a heatmap shows one line, and this text needs {len(lines)}; shorten it")
    sample = writer.sample(lines[0], sampling_options(args))
    attention_heatmap(sample.text, sample.window, writer.in_heights(sample.ink), args.output)
    if transliteration.replaced:
        print(f"strokes: written {transliteration}", file=sys.stderr)
    if not sample.sound:
        print(f"strokes: {LOOK_AT.format(sample.text)}", file=sys.stderr)
    return 0
