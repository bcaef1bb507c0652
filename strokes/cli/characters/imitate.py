"""strokes characters imitate: draw any character in the style of a few."""

from __future__ import annotations

from collections.abc import Sequence

from ...characters.options import ImitationOptions
from ...files import check_output
from ..parser import Parser
from .models import add_model

__all__ = ["make_parser", "run"]

_DESCRIPTION = """\
Draw any character in the style of a few: pictures of single characters, as 'classify' takes them.
Width, slant and weight of the pen carry over best; three or more pictures are better than one."""


def make_parser() -> Parser:
    """The options of the command."""
    parser = Parser(
        "characters imitate",
        _DESCRIPTION,
        "strokes characters imitate a.png b.png 7.png --text 'ABC 123' -o mine.png",
    )
    parser.add_argument("images", metavar="IMAGE", nargs="+", help="pictures of one character each")
    parser.add_argument("--text", metavar="TEXT", help="what to draw (default: every class)")
    parser.add_argument("-o", "--output", metavar="OUT.png", required=True, help="the picture to write")
    add_model(parser, "ssvae", "an ssvae")
    parser.add_options(ImitationOptions(), metavars={"variety": "V"})
    return parser


def run(argv: Sequence[str]) -> int:
    """Run the command; returns the exit status."""
    args = make_parser().parse(argv)
    options = args.make(ImitationOptions)
    check_output(args.output)
    import numpy as np

    from ...characters.drawing import draw_imitation
    from ...characters.figures import save_picture
    from ...characters.image import load_image
    from ...characters.model import load_model

    model = load_model(args.model)
    prompts = np.stack([load_image(path) for path in args.images])
    save_picture(draw_imitation(model, prompts, args.text, options), args.output)
    return 0
