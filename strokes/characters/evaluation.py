"""How well a model reads, draws and imitates.

Figures compare only where judge, reference images and their numbers are the same, and stand beside a floor: what
real images get against real ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..files import InputError
from .arrays import batches
from .data import CLASSES, SPLITS, CharacterSet, resolve_classes
from .imitation import STYLES, StyleReport, style_report
from .kinds.classifier import Classifier
from .kinds.variational import VariationalNetwork
from .model import CharacterModel, load_model
from .options import EvaluationOptions
from .scores import Tick, accuracy, features, frechet_distance, negative_elbo, precision_recall, silent

__all__ = [
    "Drawn",
    "Evaluation",
    "Progress",
    "compare",
    "draw_evenly",
    "evaluate",
    "images_of",
    "is_held_out",
]

#: `progress(what, total)` begins a piece of work; what it returns is called with the amount done since.
Progress = Callable[[str, int], Tick]

# Real and drawn images below which figures mean nothing.
_FEWEST = 20
# Rows that precision and recall need on each side: more than three neighbours.
_FEWEST_COMPARED = 4


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What was measured.

    Attributes:
        kind: of the model.
        split: of the images.
        source: the data set that they are from; None for all.
        held_out: whether the model was trained without them; None where that is not known.
        images: how many there are.
        scores: accuracy of a model that classifies, over all images, over digits and over letters, these two also among
            their own; the negative bound on log p(x | y), in nats, of a variational autoencoder.
        judged: what `compare` gives, of a model that draws.
        styles: of imitation, if it was asked for.
    """

    kind: str
    split: str
    source: str | None
    held_out: bool | None
    images: int
    scores: dict[str, float]
    judged: dict[str, float] | None = None
    styles: StyleReport | None = None

    def as_dict(self) -> dict[str, Any]:
        """All of it, as JSON takes it."""
        result: dict[str, Any] = {
            "kind": self.kind,
            "split": self.split,
            "source": self.source,
            "held_out": self.held_out,
            "images": self.images,
            **self.scores,
        }
        if self.judged is not None:
            result["judged"] = self.judged
        if self.styles is not None:
            result["styles"] = self.styles.as_dict()
        return result


def _no_progress(_what: str, _total: int) -> Tick:
    return silent


def evaluate(
    model: CharacterModel,
    characters: CharacterSet,
    options: EvaluationOptions | None = None,
    progress: Progress = _no_progress,
) -> Evaluation:
    """Measure all that a model of its kind can do.

    Args:
        model: any.
        characters: real images.
        options: what is measured; the defaults if None.
        progress: is told of the work.

    Raises:
        InputError: there are too few images, or the judge is none or does not know all classes.
    """
    options = options or EvaluationOptions()
    images, labels = images_of(model, characters, options.split, options.source)
    if options.classes:
        wanted = model.labels(resolve_classes(options.classes, "--classes")).numpy()
        images, labels = images[np.isin(labels, wanted)], labels[np.isin(labels, wanted)]
    if len(images) < _FEWEST:
        raise InputError(
            f"--data: {len(images)} images of these classes are in the split {options.split}; {_FEWEST} are needed"
        )
    scores: dict[str, float] = {}
    if model.classifies:
        scores |= _reading_scores(model, images, labels, progress("reading", len(images)))
    if isinstance(model.network, VariationalNetwork):
        scores["negative_elbo"] = negative_elbo(model.network, images, labels)
    judged = _judged(model, images, labels, options, progress) if model.draws else None
    styles = None
    if options.styles:
        tick = progress("imitating", options.styles * len(STYLES))
        styles = style_report(model, images, labels, prompts=options.styles, tick=tick)
    held_out = is_held_out(model, characters, options.split)
    return Evaluation(
        model.kind, options.split, options.source, held_out, len(images), scores, judged, styles
    )


def images_of(
    model: CharacterModel, characters: CharacterSet, split: str, source: str | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Images (n, 28, 28) of the classes that a model knows, and the model's labels of them, (n,).

    Args:
        model: which classes.
        characters: all images.
        split: "train", "validation" or "test".
        source: the images of one data set only; all if None.

    Raises:
        InputError: there is no such source.
    """
    rows = characters.splits == SPLITS.index(split)
    if source is not None:
        if source not in characters.sources:
            raise InputError(f"--source {source}: the data have {', '.join(characters.sources)}")
        rows &= characters.origins == characters.sources.index(source)
    table = np.array([model.classes.find(c) for c in characters.classes])
    labels = table[characters.labels]
    rows &= labels >= 0
    return characters.images[rows], labels[rows]


def is_held_out(model: CharacterModel, characters: CharacterSet, split: str) -> bool | None:
    """Whether a model was trained and chosen without these images.

    That is known (true) of the test images of the very set that the model was trained on, and of its other images
    (false); of other sets it is not (None).
    """
    data = model.info.get("data")
    data = data if isinstance(data, dict) else {}
    same = data.get("options") == dict(characters.options) and data.get("sources") == list(characters.sources)
    return split == "test" if same else None


def _reading_scores(
    model: CharacterModel, images: np.ndarray, labels: np.ndarray, tick: Tick
) -> dict[str, float]:
    """Accuracy over all images, over digits and over letters, the latter two also among their own."""
    scores = {"accuracy": accuracy(model.network, images, labels, tick=tick)}
    for name in ("digits", "letters"):
        own = np.array([i for i, c in enumerate(model.classes) if c in CLASSES[name]])
        rows = np.isin(labels, own)
        if rows.any():
            scores[f"accuracy_{name}"] = accuracy(model.network, images[rows], labels[rows])
            scores[f"accuracy_{name}_among_{name}"] = accuracy(model.network, images[rows], labels[rows], own)
    return scores


def _judged(
    model: CharacterModel,
    images: np.ndarray,
    labels: np.ndarray,
    options: EvaluationOptions,
    progress: Progress,
) -> dict[str, float]:
    """What the judge says of drawn images beside real ones."""
    judge = load_model(options.judge)
    if not isinstance(judge.network, Classifier):
        raise InputError(f"--judge {options.judge}: a {judge.kind} is no judge; name a classifier")
    unknown = "".join(c for c in model.classes if c not in judge.classes)
    if unknown:
        raise InputError(f"--judge {options.judge}: it does not know {unknown}; name one that does")
    found, counts = np.unique(labels, return_counts=True)
    classes = "".join(model.classes[i] for i in found)
    each = options.each or int(counts.max())
    compared = min(int(counts.min()) // 2, each) * len(classes)
    if each * len(classes) < _FEWEST or compared < _FEWEST_COMPARED:
        raise InputError(
            f"--each {options.each}: that is {each * len(classes)} images, beside {len(images)} real ones; "
            "more are needed to compare"
        )
    tick = progress("drawing", each * len(classes))
    drawn = draw_evenly(model, classes, each, tick=tick, spread=options.spread)
    of_judge = np.array([judge.classes.index(c) for c in model.classes])[labels]
    try:
        return compare(judge, images, of_judge, drawn, model)
    except ValueError as e:
        raise InputError(f"{e}; choose other --classes") from None


@dataclass(frozen=True)
class Drawn:
    """Images that a model drew, (N, 1, 28, 28) in 0..1, and the labels asked for, (N,)."""

    images: Tensor
    labels: Tensor


@torch.no_grad()
def draw_evenly(
    model: CharacterModel, classes: str, each: int, seed: int = 0, tick: Tick = silent, spread: float = 1.0
) -> Drawn:
    """Images of each of some classes, rounded to the levels that 8-bit images have.

    Args:
        model: one that draws.
        classes: characters of the model.
        each: images a class.
        seed: of z.
        tick: called with the number of images drawn.
        spread: standard deviation of z.
    """
    labels = model.labels(classes).repeat_interleave(each)
    generator = torch.Generator().manual_seed(seed)
    parts = []
    for rows in batches(len(labels)):
        parts.append((model.draw(labels[rows], generator, spread) * 255).round() / 255)
        tick(len(parts[-1]))
    return Drawn(torch.cat(parts), labels)


def compare(
    judge: CharacterModel, real: np.ndarray, real_labels: np.ndarray, drawn: Drawn, model: CharacterModel
) -> dict[str, float]:
    """What the judge says of drawn images, beside real ones of the same classes.

    Two samples of the real images are taken (which neither judge nor model should have been trained on), balanced
    over classes: the first is the reference of all distances, and the second gives the floor, real against real. The
    third sample has as many drawn images, balanced as well where the model draws on demand.

    Args:
        judge: a classifier.
        real: (N, 28, 28) uint8.
        real_labels: (N,), of the judge's classes.
        drawn: of `model`, evenly of its classes.
        model: what is judged.

    Returns:
        n (images in each lot), frechet, frechet_floor, precision, recall and those of real images, and, of models
        that draw on demand, of all drawn images, class_asked: the share that the judge takes for the class asked
        for, among all classes that it knows, and among_own: among the classes that were asked for.

    Raises:
        ValueError: a class has fewer than two real images, or none was drawn, or the judge is no classifier.
    """
    if not isinstance(judge.network, Classifier):
        raise ValueError(f"a {judge.kind} is no judge")
    rng = np.random.default_rng(0)
    classes, counts = np.unique(real_labels, return_counts=True)
    asked = np.array([judge.classes.index(c) for c in model.classes])[drawn.labels.numpy()]
    each = int(counts.min()) // 2
    if model.on_demand:
        each = min(each, int(np.bincount(asked, minlength=len(judge.classes))[classes].min()))
    each = min(each, len(asked) // len(classes))
    if each < 1:
        raise ValueError("a comparison needs two real and one drawn image of each class")
    rows = [rng.permutation(np.flatnonzero(real_labels == c)) for c in classes]
    first, second = (np.concatenate([r[i * each : (i + 1) * each] for r in rows]) for i in (0, 1))
    if model.on_demand:
        third = np.concatenate([np.flatnonzero(asked == c)[:each] for c in classes])
    else:
        third = rng.permutation(len(asked))[: each * len(classes)]
    of_first, of_second = (features(judge.network, real[lot]) for lot in (first, second))
    of_drawn = features(judge.network, drawn.images[torch.from_numpy(third)])
    precision, recall = precision_recall(of_first, of_drawn)
    real_precision, real_recall = precision_recall(of_first, of_second)
    result: dict[str, float] = {
        "n": each * len(classes),
        "frechet": frechet_distance(of_first, of_drawn),
        "frechet_floor": frechet_distance(of_first, of_second),
        "precision": precision,
        "recall": recall,
        "real_precision": real_precision,
        "real_recall": real_recall,
    }
    if model.on_demand:
        images = (drawn.images.squeeze(1) * 255).round().to(torch.uint8).numpy()
        result["class_asked"] = accuracy(judge.network, images, asked)
        result["among_own"] = accuracy(judge.network, images, asked, np.unique(asked))
    return result
