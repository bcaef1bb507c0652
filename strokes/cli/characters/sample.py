"""strokes characters sample: draw characters into a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta

from ...documents import Seed, check_fields
from ...files import InputError, check_output
from ..console import say
from ..parser import Parser
from .models import add_model

if TYPE_CHECKING:
    import torch

__all__ = ["make_parser", "run"]

# Characters in one picture.
_MOST = 50_000


@dataclass(frozen=True)
class Drawing:
    """How characters are drawn.

    Args:
        count: how often the text is drawn.
        columns: most characters a line.
        seed: another seed, other characters.
        spread: below 1 characters are more alike and more legible, above 1 stranger.
    """

    count: Annotated[int, Meta(ge=1, le=_MOST)] = 1
    columns: Annotated[int, Meta(ge=1, le=_MOST)] = 24
    seed: Seed = 0
    spread: Annotated[float, Meta(ge=0, le=10)] = 1.0

    def __post_init__(self) -> None:
        check_fields(self)


def make_parser() -> Parser:
    """The options of the command."""
    parser = Parser(
        "characters sample",
        "Draw characters into a picture, black on white.",
        "strokes characters sample 'HELLO 42' -o hello.png",
        "strokes characters sample A --count 40 -o forty-As.png",
        "strokes characters sample --sheet -o every-class.png --model ssvae",
        text="TEXT",
    )
    parser.add_argument(
        "text", metavar="TEXT", nargs="?", help="what to draw; blanks and line breaks are kept"
    )
    parser.add_argument("-o", "--output", metavar="OUT.png", required=True, help="the picture to write")
    parser.add_argument("--sheet", action="store_true", help="every class the model knows, eight times")
    add_model(parser, "cgan", "cgan, ssvae, cvae or gan")
    parser.add_options(Drawing(), metavars={"spread": "S"})
    return parser


def run(argv: Sequence[str]) -> int:
    """Run the command; returns the exit status."""
    args = make_parser().parse(argv)
    drawing = args.make(Drawing)
    if (args.text is None) != args.sheet:
        args.refuse("give a text to draw, or --sheet for every class")
    if args.text and len(args.text) * drawing.count > _MOST:
        raise InputError(
            f"--count {drawing.count}: that is more than {_MOST:,} characters in one picture; ask for fewer"
        )
    check_output(args.output)
    import torch

    from ...characters.arrays import batches
    from ...characters.figures import model_sheet, save_picture, sheet, typeset
    from ...characters.model import load_model

    model = load_model(args.model)
    if not model.draws:
        raise InputError(
            f"--model {args.model}: a {model.kind} draws nothing; name one that does (ssvae, cvae, cgan, gan)"
        )
    if args.sheet:
        save_picture(model_sheet(model, seed=drawing.seed), args.output)
        return 0
    generator = torch.Generator().manual_seed(drawing.seed)

    def draw(characters: str) -> torch.Tensor:
        labels = (
            model.labels(characters) if model.on_demand else torch.zeros(len(characters), dtype=torch.int64)
        )
        return torch.cat(
            [model.draw(labels[rows], generator, drawing.spread) for rows in batches(len(labels))]
        )

    if not model.on_demand:
        say(f"a {model.kind} cannot be asked for a character: it draws as many as the text has")
    if len(args.text.strip()) == 1 and drawing.count > 1:
        drawn = draw(args.text.strip() * drawing.count)
        save_picture(sheet(drawn, min(drawing.columns, drawing.count)), args.output)
        return 0
    save_picture(typeset("\n".join([args.text] * drawing.count), draw, drawing.columns), args.output)
    return 0
