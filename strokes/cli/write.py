"""strokes write: text in, a page of handwriting out."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from ..files import InputError, check_output
from . import Parser

__all__ = ["LOOK_AT", "read_text", "run", "sampling_arguments", "sampling_options"]

#: Said of a line that shows signs of having gone wrong.
LOOK_AT = "look at the line {!r}; another --seed may write it better"

_DESCRIPTION = """\
Write text by hand.

The suffix of OUT chooses the format: .svg (single strokes in millimetres, ready for a plotter) or
.png. Line breaks in the text are kept, longer lines are wrapped. Characters that the pen has not
learned are replaced by the nearest it has, and named. Put -- before a text that begins with a dash."""


def run(argv: Sequence[str]) -> int:
    """Run the command; returns the exit status."""
    parser = Parser(
        "write", _DESCRIPTION, 'strokes write "You know nothing Jon Snow" -o snow.svg --bias 0.75 --seed 3'
    )
    text_arguments(parser)
    parser.add_argument("-o", "--output", required=True, metavar="OUT", help="OUT.svg or OUT.png")
    sampling_arguments(parser)
    page = parser.add_argument_group("page")
    page.add_argument("--page", choices=["fit"], default="fit", help="fit: as large as the ink (default)")
    page.add_argument("--margin", type=float, default=5.0, metavar="MM", help="around the ink (default 5)")
    page.add_argument(
        "--line-height",
        type=float,
        default=10.0,
        metavar="MM",
        help="from one line to the next; the writing keeps its share of it (default 10)",
    )
    page.add_argument("--pen-width", type=float, default=0.35, metavar="MM", help="default 0.35")
    page.add_argument("--color", default="black", metavar="C", help="a CSS colour (default black)")
    page.add_argument("--dpi", type=float, default=300.0, help="of .png (default 300)")
    args = parser.parse_args(argv)
    text = read_text(args)

    from ..export import SUFFIXES, export, parse_color
    from ..page import MM_PER_UNIT
    from ..writer import Writer

    # All that can be wrong is said before the writing, which may take long.
    suffix = check_output(args.output).suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(f"{args.output}: unknown format {suffix!r}; end the name in {' or '.join(SUFFIXES)}")
    for name in ("line_height", "pen_width", "dpi"):
        value = getattr(args, name)
        if not 0 < value < float("inf"):
            raise InputError(f"--{name.replace('_', '-')} is {value:g}; give a positive number")
    if not 0 <= args.margin < float("inf"):
        raise InputError(f"--margin is {args.margin:g}; give 0 or a positive number of millimetres")
    parse_color(args.color)
    options = sampling_options(args)
    writer = Writer(args.model)
    lines = writer.lines(text)[0]

    from tqdm import tqdm

    with tqdm(
        total=sum(map(bool, lines)), unit="line", disable=len(lines) < 4 or not sys.stderr.isatty()
    ) as bar:
        written = writer.write(
            text,
            options,
            scale=MM_PER_UNIT * args.line_height / 10.0,
            line_height=args.line_height,
            margin=args.margin,
            progress=bar.update,
        )
    look = {"pen_width_mm": args.pen_width, "color": args.color}
    if suffix == ".png":
        look["dpi"] = args.dpi
    export(written.page, args.output, **look)
    if written.transliteration.replaced:
        print(f"strokes: written {written.transliteration}", file=sys.stderr)
    for sample in written.doubtful:
        print(f"strokes: {LOOK_AT.format(sample.text)}", file=sys.stderr)
    return 0


def text_arguments(parser: Parser) -> None:
    """TEXT and --file, of which one is needed."""
    parser.add_argument("text", nargs="?", metavar="TEXT", help="what to write; - reads standard input")
    parser.add_argument("--file", metavar="F", help="a UTF-8 text file to write; - reads standard input")


def sampling_arguments(parser: Parser) -> None:
    """The options of `SamplingOptions`, and the model."""
    group = parser.add_argument_group("hand")
    group.add_argument(
        "--bias",
        type=float,
        default=1.0,
        metavar="B",
        help="0: as lively, and as hard to read, as people write; 1 is neat, 2 stiff (default 1)",
    )
    group.add_argument(
        "--seed", type=int, default=0, metavar="N", help="another seed, another hand (default 0)"
    )
    group.add_argument(
        "--model",
        default="default",
        metavar="DIR",
        help="a packaged model, a model's folder or a training run (default: default)",
    )


def sampling_options(args):
    """`SamplingOptions` as the command line gave them."""
    from ..sampling import SamplingOptions

    try:
        return SamplingOptions(bias=args.bias, seed=args.seed)
    except ValueError as e:
        raise InputError(f"--{e}") from None


def read_text(args) -> str:
    """The text that `text_arguments` asked for.

    Raises:
        InputError: none or two were given, or a file cannot be read.
    """
    # One line on one core; more threads only wait for each other. Before numpy is imported.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if (args.text is None) == (args.file is None):
        raise InputError("give either TEXT or --file F")
    source = args.file if args.file is not None else "-" if args.text == "-" else None
    if source is None:
        return args.text
    if source == "-" and sys.stdin is None:
        raise InputError("standard input is closed; give TEXT or --file F")
    try:
        data = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
        return data.decode("utf-8-sig")
    except OSError as e:
        raise InputError(f"{source}: cannot be read ({e.strerror})") from None
    except UnicodeDecodeError as e:
        raise InputError(f"{source}: not UTF-8 text (byte {e.start}); save it as UTF-8") from None
