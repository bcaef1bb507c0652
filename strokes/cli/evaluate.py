"""strokes evaluate: the likelihood of a corpus under a model."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from ..files import InputError
from . import Parser

__all__ = ["run"]

_DESCRIPTION = """\
How well a model predicts lines it may not have seen: one JSON object on standard output.

Log-loss is in nats, end of stroke included, summed over the points of a line after its first
(nats_per_line) or averaged over them (nats_per_point); lower is better. raw_nats_per_point is the
same in the corpus's own unit of length. Figures compare only between corpora with the same points."""


def run(argv: Sequence[str]) -> int:
    """Run the command; returns the exit status."""
    parser = Parser("evaluate", _DESCRIPTION, "strokes evaluate --corpus corpus.npz --split testset_v")
    parser.add_argument("--model", default="default", metavar="M", help="a model (default: the packaged one)")
    parser.add_argument("--corpus", required=True, metavar="C", help="a file that 'strokes prepare' made")
    parser.add_argument("--split", default="testset_v", metavar="S", help="default testset_v")
    parser.add_argument("--limit", type=int, default=0, metavar="N", help="the first N lines only")
    args = parser.parse_args(argv)

    from ..corpus import Corpus
    from ..model import load_model

    model = load_model(args.model)
    corpus = Corpus.load(args.corpus)
    indices = corpus.select(args.split)
    if len(indices) == 0:
        splits = ", ".join(sorted(set(corpus.splits) - {""}))
        raise InputError(f"{args.corpus}: no line in the split {args.split!r}; there are {splits}")

    from dataclasses import asdict, replace

    import torch
    from tqdm import tqdm

    from ..network import NetworkConfig, StrokeNetwork
    from ..training.evaluation import evaluate

    try:
        network = StrokeNetwork(len(model.alphabet), NetworkConfig(**model.network))
    except TypeError as e:
        raise InputError(
            f"{args.model}: its config.json names a network that this version cannot build ({e})"
        ) from None
    network.load_state_dict({k: torch.from_numpy(v) for k, v in model.weights.items()})
    corpus = replace(corpus, alphabet=model.alphabet, statistics=model.statistics)
    if model.info.get("preset") is not None and dict(corpus.options) != model.info["preset"]:
        print(
            f"strokes: {args.corpus} was prepared with other options than the model's; "
            "the figures do not compare",
            file=sys.stderr,
        )
    if args.limit > 0:
        indices = indices[: args.limit]
    with tqdm(total=len(indices), unit="line", disable=not sys.stderr.isatty()) as bar:
        result = evaluate(network, corpus, indices, progress=bar.update)
    about = {"model": str(args.model), "corpus": str(args.corpus), "split": args.split}
    statistics = {"mean": model.statistics.mean, "std": model.statistics.std}
    print(
        json.dumps(
            about | asdict(result) | {"statistics": statistics, "scale_floor": network.config.scale_floor}
        )
    )
    return 0
