"""strokes prepare characters: images of characters in, one set to train on out."""

from __future__ import annotations

from collections.abc import Sequence

from data_prep.characters.options import PreparationOptions

from ...files import check_output
from ..console import Bars, say, show
from ..parser import Parser

__all__ = ["make_parser", "run"]

_DESCRIPTION = """\
Images of characters in, one set to train on out: white on black, 28x28, scaled and centred as
MNIST's are, split by class."""


def make_parser() -> Parser:
    """The options of the command."""
    parser = Parser(
        "prepare characters",
        _DESCRIPTION,
        "strokes prepare characters mnist 'A_Z Handwritten Data.csv' -o characters.npz --cap 4182",
        "strokes prepare characters my-letters -o mine.npz --validation 0 --test 1",
    )
    parser.add_argument(
        "sources",
        metavar="SOURCE",
        nargs="+",
        help="idx files as MNIST and EMNIST have them, a CSV file of a label and 784 pixels a row (Kaggle's A-Z), "
        "each gzipped or not; a folder of these; a folder of pictures in folders named by their class (A, 7); "
        "Chars74K's pen strokes as JSON",
    )
    parser.add_argument("-o", "--output", metavar="FILE.npz", required=True, help="the file to write")
    metavars = {"classes": "digits|letters|all", "validation": "F", "test": "F", "pen_width": "PIXELS"}
    parser.add_options(PreparationOptions(), metavars=metavars)
    return parser


def run(argv: Sequence[str]) -> int:
    """Run the command: the table goes to standard output, progress and warnings to standard error."""
    args = make_parser().parse(argv)
    options = args.make(PreparationOptions)
    output = check_output(args.output)

    from data_prep.characters.prepare import prepare_characters

    with Bars({"pictures": " pictures"}) as bars:
        characters, report = prepare_characters(args.sources, options, bars)
    characters.save(output)
    for warning in report.warnings():
        say(f"warning: {warning}")
    show(report.table())
    show(f"wrote {output}, {output.stat().st_size / 2**20:.1f} MiB")
    return 0
