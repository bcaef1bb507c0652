"""strokes characters sample: draw characters into a picture."""

from __future__ import annotations

from collections.abc import Sequence

from ...characters.options import DrawingOptions
from ...files import check_output
from ..console import say
from ..parser import Parser
from .models import add_model

__all__ = ["make_parser", "run"]


def make_parser() -> Parser:
    """The options of the command."""
    parser = Parser(
        "characters sample",
        "Draw characters into a picture, black on white.",
        "strokes characters sample 'HELLO 42' -o hello.png",
        "strokes characters sample A --count 40 -o forty-As.png",
        "strokes characters sample --sheet -o every-class.png --model ssvae",
        takes_text=True,
    )
    parser.add_argument(
        "text", metavar="TEXT", nargs="?", help="what to draw; blanks and line breaks are kept"
    )
    parser.add_argument("-o", "--output", metavar="OUT.png", required=True, help="the picture to write")
    parser.add_argument("--sheet", action="store_true", help="every class the model knows, eight times")
    add_model(parser, "cgan", "cgan, ssvae, cvae or gan")
    parser.add_options(DrawingOptions(), metavars={"spread": "S"})
    return parser


def run(argv: Sequence[str]) -> int:
    """Run the command; returns the exit status."""
    args = make_parser().parse(argv)
    options = args.make(DrawingOptions)
    if (args.text is None) != args.sheet:
        args.refuse("give a text to draw, or --sheet for every class")
    if args.text is not None:
        options.check_text(args.text)
    check_output(args.output)
    from ...characters.drawing import draw_text
    from ...characters.figures import model_sheet, save_picture
    from ...characters.model import load_model

    model = load_model(args.model)
    if args.sheet:
        save_picture(model_sheet(model, seed=options.seed), args.output)
        return 0
    picture = draw_text(model, args.text, options)
    if not model.on_demand:
        say(f"a {model.kind} cannot be asked for a character: it draws as many as the text has")
    save_picture(picture, args.output)
    return 0
