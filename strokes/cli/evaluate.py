"""strokes evaluate: the likelihood of a corpus under a model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from ..documents import check_fields
from ..files import InputError
from .console import progress, say
from .parser import Parser

__all__ = ["make_parser", "run"]

_DESCRIPTION = """\
How well a model predicts lines it may not have seen: one JSON object on standard output.

Log-loss is in nats, end of stroke included, summed over the points of a line after its first
(nats_per_line) or averaged over them (nats_per_point); lower is better. raw_nats_per_point is the
same in the corpus's own unit of length. Figures compare only between corpora with the same points."""


@dataclass(frozen=True)
class Selection:
    """The lines that are evaluated.

    Args:
        split: the split that they are in.
        limit: the first so many lines only; 0 for all.
    """

    split: str = "testset_v"
    limit: Annotated[int, Meta(ge=0, le=10**9)] = 0

    def __post_init__(self) -> None:
        check_fields(self)


def make_parser() -> Parser:
    """The options of the command."""
    parser = Parser("evaluate", _DESCRIPTION, "strokes evaluate --corpus corpus.npz --split testset_v")
    parser.add_argument("--model", default="default", metavar="M", help="a model (default: the packaged one)")
    parser.add_argument("--corpus", required=True, metavar="C", help="a file that 'strokes prepare' made")
    parser.add_options(Selection(), metavars={"split": "S"})
    return parser


def run(argv: Sequence[str]) -> int:
    """Run the command; returns the exit status."""
    args = make_parser().parse(argv)
    selection = args.make(Selection)

    from ..corpus import Corpus
    from ..model import load_model

    model = load_model(args.model)
    corpus = Corpus.load(args.corpus)
    indices = corpus.select(selection.split)
    if len(indices) == 0:
        splits = ", ".join(sorted(set(corpus.splits) - {""}))
        raise InputError(f"{args.corpus}: no line in the split {selection.split!r}; there are {splits}")

    from dataclasses import asdict

    from ..network import StrokeNetwork
    from ..training.evaluation import evaluate

    network = StrokeNetwork.from_model(model)
    corpus = corpus.read_as(model)
    if corpus.preprocessing.geometry != model.preprocessing.geometry:
        say(f"{args.corpus} was prepared with other options than the model's; the figures do not compare")
    if selection.limit:
        indices = indices[: selection.limit]
    with progress("", len(indices), "line") as tick:
        result = evaluate(network, corpus, indices, progress=tick)
    about = {"model": str(args.model), "corpus": str(args.corpus), "split": selection.split}
    statistics = {"mean": model.statistics.mean, "std": model.statistics.std}
    print(
        json.dumps(
            about | asdict(result) | {"statistics": statistics, "scale_floor": network.config.scale_floor}
        )
    )
    return 0
