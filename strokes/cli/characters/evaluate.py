"""strokes characters evaluate: how well a model reads and draws, as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from msgspec import Meta

from ...documents import check_fields
from ...files import InputError
from ..console import note, progress
from ..parser import Parser
from .models import add_model, images_of

if TYPE_CHECKING:
    import numpy as np

    from ...characters.model import CharacterModel

__all__ = ["make_parser", "run"]

_DESCRIPTION = """\
How well a model reads and draws: one JSON object on standard output. Accuracy, the negative bound on
log p(x | y) in nats, and what the judge says of drawn images: the share of the class asked for, the
Frechet distance in the judge's features with the floor of real against real, precision and recall."""

# Real and drawn images below which figures mean nothing.
_FEWEST = 20


@dataclass(frozen=True)
class Comparison:
    """What is compared.

    Args:
        split: of the images.
        source: the images of one data set only, as mnist; all without it.
        judge: a classifier, packaged or a folder.
        classes: digits, letters, or the characters to look at; all of the model without it.
        each: images drawn a class; 0 for as many as are real.
        spread: standard deviation of z in drawing.
        styles: also measure imitation, over so many prompts.
    """

    split: Literal["train", "validation", "test"] = "test"
    source: str | None = None
    judge: str = "classifier"
    classes: str | None = None
    each: Annotated[int, Meta(ge=0, le=1_000_000)] = 0
    spread: Annotated[float, Meta(ge=0, le=10)] = 1.0
    styles: Annotated[int, Meta(ge=0, le=1_000_000)] = 0

    def __post_init__(self) -> None:
        check_fields(self)


def make_parser() -> Parser:
    """The options of the command."""
    parser = Parser(
        "characters evaluate", _DESCRIPTION, "strokes characters evaluate --model cgan --data characters.npz"
    )
    parser.add_argument(
        "--data", required=True, metavar="FILE.npz", help="made by 'strokes prepare characters'"
    )
    add_model(parser, "classifier", "the model")
    parser.add_options(Comparison(), metavars={"judge": "M", "classes": "C", "spread": "S"})
    return parser


def run(argv: Sequence[str]) -> int:
    """Run the command; returns the exit status."""
    args = make_parser().parse(argv)
    options = args.make(Comparison)
    import numpy as np

    from ...characters.data import resolve_classes
    from ...characters.evaluation import negative_elbo
    from ...characters.kinds.variational import VariationalNetwork
    from ...characters.model import load_model

    model = load_model(args.model)
    images, labels, held_out = images_of(args.data, model, options.split, options.source)
    if options.classes:
        wanted = model.labels(resolve_classes(options.classes, "--classes")).numpy()
        images, labels = images[np.isin(labels, wanted)], labels[np.isin(labels, wanted)]
    if len(images) < _FEWEST:
        raise InputError(
            f"{args.data}: it has {len(images)} images of these classes in the split {options.split}; "
            f"{_FEWEST} are needed"
        )
    result: dict[str, Any] = {
        "model": str(args.model),
        "kind": model.kind,
        "data": str(args.data),
        "split": options.split,
        "source": options.source,
        "held_out": held_out,
        "images": len(images),
    }
    if model.classifies:
        result |= _reading(model, images, labels)
    if isinstance(model.network, VariationalNetwork):
        result["negative_elbo"] = negative_elbo(model, images, labels)
    if model.draws:
        try:
            result["judged"] = _drawing(model, images, labels, options)
        except ValueError as e:
            if isinstance(e, InputError):
                raise
            raise InputError(f"{args.data}: {e}; choose other --classes") from None
    if options.styles:
        result["styles"] = _imitation(model, images, labels, options.styles)
    print(json.dumps(result))
    return 0


def _reading(model: CharacterModel, images: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Accuracy over all images, over digits and over letters, the latter two also among their own."""
    import numpy as np

    from ...characters.data import CLASSES
    from ...characters.evaluation import accuracy

    with progress("reading", len(images)) as tick:
        result = {"accuracy": accuracy(model.network, images, labels, tick=tick)}
    for name in ("digits", "letters"):
        own = np.array([i for i, c in enumerate(model.classes) if c in CLASSES[name]])
        rows = np.isin(labels, own)
        if rows.any():
            result[f"accuracy_{name}"] = accuracy(model.network, images[rows], labels[rows])
            result[f"accuracy_{name}_among_{name}"] = accuracy(model.network, images[rows], labels[rows], own)
    return result


def _drawing(
    model: CharacterModel, images: np.ndarray, labels: np.ndarray, options: Comparison
) -> dict[str, float]:
    """What the judge says of drawn images beside real ones.

    Raises:
        InputError: the judge is none, or there are too few images.
        ValueError: the images cannot be compared.
    """
    import numpy as np

    from ...characters.evaluation import compare, draw_evenly
    from ...characters.kinds.classifier import Classifier
    from ...characters.model import load_model

    judge = load_model(options.judge)
    if not isinstance(judge.network, Classifier):
        raise InputError(f"--judge {options.judge}: a {judge.kind} is no judge; name a classifier")
    unknown = [c for c in model.classes if c not in judge.classes]
    if unknown:
        raise InputError(f"--judge {options.judge}: it does not know {''.join(unknown)}; name one that does")
    found, counts = np.unique(labels, return_counts=True)
    classes = "".join(model.classes[i] for i in found)
    each = options.each or int(counts.max())
    if each * len(classes) < _FEWEST or int(counts.min()) // 2 * len(classes) < 4:
        raise InputError(
            f"--each {options.each}: that is {each * len(classes)} images, beside "
            f"{len(images)} real ones; more are needed to compare"
        )
    with progress("drawing", each * len(classes)) as tick:
        drawn = draw_evenly(model, classes, each, tick=tick, spread=options.spread)
    of_judge = np.array([judge.classes.index(c) for c in model.classes])[labels]
    return compare(judge, images, of_judge, drawn, model)


def _imitation(
    model: CharacterModel, images: np.ndarray, labels: np.ndarray, prompts: int
) -> dict[str, object]:
    """How much of a style an imitation keeps; the table goes to standard error."""
    from ...characters.imitation import MEASURES, STYLES, style_report

    with progress("imitating", prompts * len(STYLES)) as tick:
        report = style_report(model, images, labels, prompts=prompts, tick=tick)
    for line in report.table().split("\n"):
        note(line)
    return {
        "prompts": report.count,
        "correlation": dict(zip(MEASURES, _numbers(report.correlation), strict=True)),
        "kept": dict(zip(report.styles[1:], report.kept.tolist(), strict=True)),
        "measured": {
            name: {"prompts": _numbers(given), "drawn": _numbers(drawn)}
            for name, given, drawn in zip(report.styles, report.prompts, report.drawn, strict=True)
        },
    }


def _numbers(values: np.ndarray) -> list[float | None]:
    """For JSON, which has no NaN."""
    return [v if v == v else None for v in values.tolist()]
