"""strokes characters classify: say which character each picture shows."""

from __future__ import annotations

import json
from collections.abc import Sequence

from ...files import InputError, check_output
from ..console import say, show
from ..parser import Parser
from .models import add_model

__all__ = ["make_parser", "run"]

_DESCRIPTION = """\
Say which character each picture shows: a photograph, scan or drawing of one character, of any size,
dark on light or light on dark. One line a picture: its name, the character, how sure."""


def make_parser() -> Parser:
    """The options of the command."""
    parser = Parser(
        "characters classify", _DESCRIPTION, "strokes characters classify a.png photo.jpg --among letters"
    )
    parser.add_argument("images", metavar="IMAGE", nargs="+", help="pictures of one character each")
    parser.add_argument(
        "--among", metavar="CHARACTERS", help="digits, letters, or the characters it can be (default: any)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line, with the five likeliest")
    parser.add_argument("--show", metavar="OUT.png", help="a picture of what the model saw of each")
    add_model(parser, "classifier", "classifier or ssvae")
    return parser


def run(argv: Sequence[str]) -> int:
    """Run the command; returns the exit status, 2 if one of the pictures could not be read."""
    args = make_parser().parse(argv)
    if args.show:
        check_output(args.show)
    from ...characters.data import resolve_classes
    from ...characters.figures import save_picture, sheet
    from ...characters.image import load_image
    from ...characters.model import load_model
    from ...characters.reading import read_character

    model = load_model(args.model)
    if not model.classifies:
        raise InputError(f"--model {args.model}: a {model.kind} cannot read; name a classifier or ssvae")
    among = resolve_classes(args.among, "--among") if args.among else None
    if among is not None:
        model.labels(among)  # which it must know, whatever the pictures are
    seen = []
    for path in args.images:
        try:
            image = load_image(path)
        except InputError as e:
            say(e)
            continue
        seen.append(image)
        ranked = list(read_character(model, image, among).items())
        if args.json:
            show(json.dumps({"image": str(path), "character": ranked[0][0], "likeliest": dict(ranked)}))
        else:
            others = ", ".join(f"{c} {100 * p:.1f} %" for c, p in ranked[1:3] if p >= 0.005)
            show(f"{path}: {ranked[0][0]} {100 * ranked[0][1]:.1f} %" + (f" (or {others})" if others else ""))
    if args.show and seen:
        import numpy as np

        save_picture(sheet(np.stack(seen), min(10, len(seen))), args.show, 6)
    return 2 if len(seen) < len(args.images) else 0
