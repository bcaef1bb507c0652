"""Put the best weights of a training run into the package, with figures measured on whole validation 1.

    python scripts/package_model.py runs/default corpus.npz [--name default] [--average runs/earlier ...]

Writes strokes/models/NAME/ (config.json, model.safetensors in float16, curves.png) and prints what the
model card should say. The card itself, README.md in that folder, is written by hand. Models that were trained from
the same weights may be averaged (Wortsman et al. 2022, "Model soups"): what each learned by heart cancels out.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch

import strokes.models
from strokes.alphabet import Alphabet
from strokes.corpus import Corpus
from strokes.figures import training_curves
from strokes.model import Model, load_model
from strokes.network import StrokeNetwork
from strokes.training.evaluation import evaluate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--name", default="default")
    parser.add_argument(
        "--average", nargs="+", default=[], metavar="MODEL", help="models whose weights count as much"
    )
    args = parser.parse_args()

    corpus = Corpus.load(args.corpus)
    model = restricted(averaged([load_model(m) for m in (args.run, *args.average)]), corpus.alphabet)
    target = Path(strokes.models.__file__).parent / args.name
    # The weights as they will be shipped, rounded to float16, are the ones to measure.
    rounded = {k: v.astype("float16").astype("float32") for k, v in model.weights.items()}
    network = StrokeNetwork(len(model.alphabet), model.network)
    network.load_state_dict({k: torch.from_numpy(v) for k, v in rounded.items()})
    corpus = corpus.read_as(model)
    split = model.info["training"]["validation_split"]
    result = asdict(evaluate(network, corpus, corpus.select(split)))
    info = dict(model.info) | {"preset": dict(corpus.options), "validation": {"split": split, **result}}
    replace(model, weights=rounded, info=info).save(target)
    training_curves(args.run / "metrics.jsonl", target / "curves.png")
    size = (target / "model.safetensors").stat().st_size
    print(
        json.dumps(
            {k: info.get(k) for k in ("epochs", "points", "steps", "hours", "start", "validation")}, indent=1
        )
    )
    print(f"{target}: {size / 2**20:.2f} MiB")


def averaged(models: list[Model]) -> Model:
    """The first of some models, with the mean of all their weights; its info says which the others were.

    Raises:
        ValueError: they do not read the same characters or offsets.
    """
    first, *others = models
    if any((m.alphabet, m.statistics) != (first.alphabet, first.statistics) for m in others):
        raise ValueError("models of other alphabets or statistics cannot be averaged")
    told = [{k: m.info[k] for k in ("epochs", "points", "steps") if k in m.info} for m in others]
    info = dict(first.info) | ({"averaged_with": told} if told else {})
    return replace(
        first, info=info, weights={k: np.mean([m.weights[k] for m in models], axis=0) for k in first.weights}
    )


def restricted(model: Model, alphabet: Alphabet) -> Model:
    """The model with the characters of `alphabet` alone, which it must know: the rest become "other".

    Raises:
        ValueError: the alphabet has characters that the model has not.
    """
    unknown = set(alphabet.characters) - set(model.alphabet.characters)
    if unknown:
        raise ValueError(f"the model does not know {''.join(sorted(unknown))!r}")
    keep = np.array([0, *model.alphabet.encode(alphabet.characters)])
    weights = dict(model.weights)
    weights["layer1_window"] = weights["layer1_window"][:, keep]
    old = len(model.alphabet)
    for name in ("layer2_input", "layer3_input"):
        w = weights[name]
        weights[name] = np.concatenate([w[:, :3], w[:, 3 : 3 + old][:, keep], w[:, 3 + old :]], axis=1)
    return replace(model, weights=weights, alphabet=alphabet)


if __name__ == "__main__":
    main()
