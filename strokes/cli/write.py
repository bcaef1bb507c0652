"""strokes write: text in, a page of handwriting out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from ..export import FORMATS, PenOptions, PngOptions
from ..files import InputError, check_output
from ..page import PageOptions
from .console import progress, say
from .inputs import add_sampling, add_text, read_text, remarks, sampling_options
from .parser import Parser

__all__ = ["make_parser", "run"]

_DESCRIPTION = """\
Write text by hand.

The suffix of OUT chooses the format: .svg (single strokes in millimetres, ready for a plotter) or
.png. Line breaks in the text are kept, longer lines are wrapped. Characters that the pen has not
learned are composed of those that it has, or replaced and named. A text that begins with a dash goes to the
end, after --."""

# The paper that plotters and printers have in them, upright.
_A4 = (210.0, 297.0)
# Below this, writing is too small for most pens.
_LEAST_LINE_HEIGHT = 3.0


def make_parser() -> Parser:
    """The options of the command."""
    parser = Parser(
        "write",
        _DESCRIPTION,
        'strokes write "You know nothing Jon Snow" -o snow.svg --bias 0.75 --seed 3',
        "strokes write --file letter.txt -o letter.png --line-height 7 --color navy",
        takes_text=True,
    )
    add_text(parser)
    parser.add_argument("-o", "--output", required=True, metavar="OUT", help="OUT.svg or OUT.png")
    add_sampling(parser)
    parser.add_argument(
        "--page", choices=["fit"], default="fit", help="fit: as large as the ink and its margin (default)"
    )
    parser.add_options(PageOptions(), title="page", metavars={"margin": "MM", "line_height": "MM"})
    for suffix, kind in FORMATS.items():
        parser.add_options(
            kind.options(),
            title="pen" if suffix == next(iter(FORMATS)) else f"{suffix} only",
            flags={"pen_width_mm": "pen-width"},
            metavars={"pen_width_mm": "MM", "color": "C", "dpi": "N"},
            leave_out=("background",),
        )
    return parser


def run(argv: Sequence[str]) -> int:
    """Run the command; returns the exit status."""
    args = make_parser().parse(argv)
    sampling, paper = sampling_options(args), args.make(PageOptions)
    formats = {suffix: args.make(kind.options) for suffix, kind in FORMATS.items()}
    text = read_text(args)
    suffix = check_output(args.output).suffix.lower()
    if suffix not in formats:
        raise InputError(f"{args.output}: unknown format {suffix!r}; end the name in {' or '.join(formats)}")

    from ..writer import Writer

    writer = Writer(args.model, args.precision)
    lines = writer.lines(text)[0]
    _refuse_large_picture(formats[suffix], paper, len(lines))
    with progress("", sum(map(bool, lines)), "line") as tick:
        written = writer.write(text, sampling, paper, progress=tick)
    written.save(args.output, **asdict(formats[suffix]))
    remarks(written.transliteration, written.doubtful, written.weak)
    _remark_on_size(written.page.width, written.page.height, paper)
    return 0


def _refuse_large_picture(options: PenOptions, paper: PageOptions, rows: int) -> None:
    """Refuse a picture that is too large however narrow its lines come out, before they are drawn.

    Raises:
        InputError: it is.
    """
    if isinstance(options, PngOptions):
        # The first and the last line may be of marks that hardly stand out from their baseline.
        options.pixels(2 * paper.margin, 2 * paper.margin + max(rows - 2, 0) * paper.line_height)


def _remark_on_size(width: float, height: float, page: PageOptions) -> None:
    """Say that a page is larger than a sheet of A4, and what would make it fit."""
    if width <= _A4[0] and height <= _A4[1]:
        return
    ink = [max(mm - 2 * page.margin, 0.001) for mm in (width, height)]
    room = [a4 - 2 * page.margin for a4 in _A4]
    # All but the margin grows with the height of a line; to half a millimetre.
    fitting = int(2 * page.line_height * min(r / i for r, i in zip(room, ink, strict=True))) / 2
    if min(room) <= 0:
        way_out = "give a smaller --margin"
    elif fitting >= _LEAST_LINE_HEIGHT:
        way_out = f"--line-height {fitting:g} would fit"
    else:
        way_out = "break it into shorter lines or several pages"
    say(f"this page is {width:.0f} x {height:.0f} mm, larger than A4 (210 x 297 mm): {way_out}")
