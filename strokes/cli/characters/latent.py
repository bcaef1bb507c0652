"""strokes characters latent: a map of a model's latent space."""

from __future__ import annotations

from collections.abc import Sequence

from ...files import InputError, check_output
from ..parser import Parser
from .models import add_model

__all__ = ["make_parser", "run"]

_DESCRIPTION = """\
A picture of a variational autoencoder's latent space: where characters lie on its two widest
directions, a map of one character over them, and what each of the widest directions does."""


def make_parser() -> Parser:
    """The options of the command."""
    parser = Parser("characters latent", _DESCRIPTION, "strokes characters latent -o map.png --character A")
    parser.add_argument("-o", "--output", metavar="OUT.png", required=True, help="the picture to write")
    parser.add_argument("--character", default="", metavar="C", help="the map's (default: the first class)")
    parser.add_argument(
        "--data",
        metavar="FILE.npz",
        help="what 'strokes prepare characters' made, to place its test images "
        "(default: images that the model draws itself)",
    )
    add_model(parser, "ssvae", "ssvae or cvae")
    return parser


def run(argv: Sequence[str]) -> int:
    """Run the command; returns the exit status."""
    args = make_parser().parse(argv)
    if len(args.character) > 1:
        args.refuse("--character takes one character")
    check_output(args.output)
    from ...characters.data import CharacterSet
    from ...characters.evaluation import images_of
    from ...characters.latent import latent_map
    from ...characters.model import load_model

    model = load_model(args.model)
    data = CharacterSet.load(args.data) if args.data else None
    images, labels = images_of(model, data, "test") if data is not None else (None, None)
    if images is not None and len(images) < 3:
        raise InputError(
            f"{args.data}: it has {len(images)} test images of this model's classes; a map needs at least 3"
        )
    latent_map(model, args.output, character=args.character, images=images, labels=labels)
    return 0
