"""strokes characters imitate: draw any character in the style of a few."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from ...documents import Seed, check_fields
from ...files import check_output
from ..parser import Parser
from .models import add_model

__all__ = ["make_parser", "run"]

_DESCRIPTION = """\
Draw any character in the style of a few: pictures of single characters, as 'classify' takes them.
Width, slant and weight of the pen carry over best; three or more pictures are better than one."""

# Above and below the line that parts the prompts from what is drawn, in pixels.
_GAP, _GREY = 6, 160


@dataclass(frozen=True)
class Imitation:
    """How characters are imitated.

    Args:
        variety: how far characters stray from each other, in standard deviations.
        seed: of the straying.
        columns: most characters a line.
    """

    variety: Annotated[float, Meta(ge=0, le=10)] = 0.0
    seed: Seed = 0
    columns: Annotated[int, Meta(ge=1, le=50_000)] = 24

    def __post_init__(self) -> None:
        check_fields(self)


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
    parser.add_options(Imitation(), metavars={"variety": "V"})
    return parser


def run(argv: Sequence[str]) -> int:
    """Run the command; returns the exit status."""
    args = make_parser().parse(argv)
    options = args.make(Imitation)
    check_output(args.output)
    import numpy as np

    from ...characters.figures import save_picture, sheet, typeset
    from ...characters.image import load_image
    from ...characters.imitation import imitate
    from ...characters.model import load_model

    model = load_model(args.model)
    prompts = np.stack([load_image(path) for path in args.images])
    text = args.text if args.text is not None else model.classes
    drawn = typeset(
        text, lambda c: imitate(model, prompts, c, options.variety, options.seed), options.columns
    )
    above = sheet(prompts, min(len(prompts), max(1, drawn.shape[1] // 28)))
    width = max(above.shape[1], drawn.shape[1])
    line = np.full((_GAP, width), 255, np.uint8)
    line[_GAP // 2] = _GREY
    parts = [np.pad(p, ((0, 0), (0, width - p.shape[1])), constant_values=255) for p in (above, drawn)]
    save_picture(np.vstack([parts[0], line, parts[1]]), args.output)
    return 0
