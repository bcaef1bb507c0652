"""strokes write: text in, a page of handwriting out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from ..export import FORMATS, PenOptions, PngOptions
from ..export.estimate import Speeds, estimate
from ..files import InputError, check_output
from ..page import PageOptions
from ..sampling import SamplingOptions
from .console import note, progress, say, show
from .inputs import (
    NO_READER,
    add_formats,
    add_page,
    add_sampling,
    add_text,
    chosen_reader,
    read_text,
    remarks,
)
from .parser import Arguments, Parser

if TYPE_CHECKING:
    from .again import Made

__all__ = ["make_parser", "run"]

_DESCRIPTION = """\
Write text by hand.

The suffix of OUT chooses the format: .svg (single strokes in millimetres, ready for a plotter), .png,
.pdf (all pages in one file), .gif (the pen writing), .json or .inkml (the pen's points), .hpgl or .gcode
(for the plotter that --device names). Line breaks in the text are kept, longer lines are wrapped.
Characters that the pen has not learned are composed of those that it has, or replaced and named. A text
that begins with a dash goes to the end, after --.

On paper (--page a4), lines are wrapped by the width that they come out with, and several pages get
numbered files: OUT-1.svg, OUT-2.svg. [[red]]two words[[/]] changes the pen; each has its layer. An
envelope (--page dl) has a sender and a recipient with a blank line between them, or a recipient.

An SVG file says what made it: --again FILE writes the same page, or another with the options given."""

# The paper that plotters and printers have in them, upright.
_A4 = (210.0, 297.0)


def make_parser() -> Parser:
    """The options of the command."""
    parser = Parser(
        "write",
        _DESCRIPTION,
        'strokes write "You know nothing Jon Snow" -o snow.svg --bias 0.75 --seed 3',
        "strokes write --file letter.txt -o letter.svg --page a4 --align justify --ruled",
        'strokes write "Happy birthday!" -o card.svg --page a6 --landscape --align center --vertical center',
        "strokes write --again letter.svg -o letter.pdf",
        takes_text=True,
    )
    add_text(parser)
    parser.add_argument(
        "--again", metavar="FILE", help="text and options of a page that strokes write has written as SVG"
    )
    parser.add_argument(
        "-o", "--output", required=True, metavar="OUT", help=f"ends in {' or '.join(FORMATS)}"
    )
    add_sampling(parser)
    parser.set_defaults(model=None, precision=None, reader=None)  # what was not given is known, for --again
    add_page(parser)
    add_formats(parser)
    parser.add_argument(
        "--report", action="store_true", help="print how far the pen goes and how long a plotter takes"
    )
    parser.add_options(Speeds(), title="report")
    return parser


def run(argv: Sequence[str]) -> int:
    """Run the command; returns the exit status."""
    args = make_parser().parse(argv)
    made = _made(args)
    sampling = args.make(SamplingOptions, made.sampling if made else None)
    paper = args.make(PageOptions, made.page if made else None)
    formats = {
        suffix: args.make(kind.options, made.format_options(kind.options) if made else None)
        for suffix, kind in FORMATS.items()
    }
    text = made.text if made and args.text is None and args.file is None else read_text(args)
    speeds = args.make(Speeds)
    suffix = check_output(args.output).suffix.lower()
    if suffix not in formats:
        raise InputError(f"{args.output}: unknown format {suffix!r}; end the name in {' or '.join(formats)}")

    formats[suffix].prepare()
    from ..model import DEFAULT_MODEL
    from ..recognition.reader import DEFAULT_READER
    from ..writer import Writer

    model = args.model or (made.model if made else DEFAULT_MODEL)
    reader = args.reader or (made.reader or NO_READER if made else DEFAULT_READER)
    writer = Writer(model, args.precision or (made.precision if made else "int8"), chosen_reader(reader))
    document = writer.document(text)
    lines = document.lines(paper)
    _refuse_large_picture(formats[suffix], paper, len(document.paragraphs))
    with progress("", lines, "line") as tick:
        if made and made.number is not None:  # a row of a merge
            numbers = [made.number]
            written = writer.write_many([document], sampling, paper, numbers=numbers, progress=tick)[0]
        else:
            written = writer.write(text, sampling, paper, progress=tick)
    files = written.save(args.output, **asdict(formats[suffix]))
    remarks(written.transliteration, written.doubtful, written.weak)
    if args.report:
        show(str(estimate(written.pages, speeds, sort=getattr(formats[suffix], "sort", False))))
    if len(files) > 1:
        note(f"{len(files)} pages: {files[0]} to {files[-1]}")
    if paper.paper is None:
        _remark_on_size(written.page.width, written.page.height, paper)
    return 0


def _made(args: Arguments) -> Made | None:
    """What made the page that --again names."""
    if args.again is None:
        return None
    from .again import read_made

    return read_made(args.again)


def _refuse_large_picture(options: PenOptions, paper: PageOptions, rows: int) -> None:
    """Refuse a picture that is too large however narrow its lines come out, before they are drawn.

    Raises:
        InputError: it is.
    """
    if isinstance(options, PngOptions) and paper.paper is not None:
        options.pixels(paper.paper.width, paper.paper.height)
    elif isinstance(options, PngOptions):
        # The first and the last line may be of marks that hardly stand out from their baseline.
        margins, pitch = 2 * paper.margin_mm, paper.line_height or 3 * paper.x_height_mm
        options.pixels(margins, margins + max(rows - 2, 0) * pitch)


def _remark_on_size(width: float, height: float, page: PageOptions) -> None:
    """Say that a page is larger than a sheet of A4, and what would make it fit."""
    if width <= _A4[0] and height <= _A4[1]:
        return
    room = [a4 - 2 * page.margin_mm for a4 in _A4]
    way_out = "give a smaller --margin" if min(room) <= 0 else "--page a4 wraps it"
    say(f"this page is {width:.0f} x {height:.0f} mm, larger than A4 (210 x 297 mm): {way_out}")
