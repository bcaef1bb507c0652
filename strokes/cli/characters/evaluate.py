"""strokes characters evaluate: how well a model reads and draws, as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence

from ...characters.options import EvaluationOptions
from ..console import Bars, note, say
from ..parser import Parser
from .models import add_model

__all__ = ["make_parser", "run"]

_DESCRIPTION = """\
How well a model reads and draws: one JSON object on standard output. Accuracy, the negative bound on
log p(x | y) in nats, and what the judge says of drawn images: the share of the class asked for, the
Frechet distance in the judge's features with the floor of real against real, precision and recall."""


def make_parser() -> Parser:
    """The options of the command."""
    parser = Parser(
        "characters evaluate", _DESCRIPTION, "strokes characters evaluate --model cgan --data characters.npz"
    )
    parser.add_argument(
        "--data", required=True, metavar="FILE.npz", help="made by 'strokes prepare characters'"
    )
    add_model(parser, "classifier", "the model")
    parser.add_options(EvaluationOptions(), metavars={"judge": "M", "classes": "C", "spread": "S"})
    return parser


def run(argv: Sequence[str]) -> int:
    """Run the command; returns the exit status."""
    args = make_parser().parse(argv)
    options = args.make(EvaluationOptions)
    from ...characters.data import CharacterSet
    from ...characters.evaluation import evaluate, is_held_out
    from ...characters.model import load_model

    model = load_model(args.model)
    characters = CharacterSet.load(args.data)
    if is_held_out(model, characters, options.split) is False:
        say(f"the split {options.split} is not held out: the model was trained or chosen with it")
    with Bars({"reading": "", "drawing": "", "imitating": ""}) as bars:
        found = evaluate(model, characters, options, bars)
    if found.styles is not None:
        for line in found.styles.table().split("\n"):
            note(line)
    print(json.dumps({"model": str(args.model), "data": str(args.data), **found.as_dict()}))
    return 0
