"""Put the best weights of a training run into the package, with figures measured on the whole validation split.

    python scripts/package_model.py runs/default corpus.npz [--name default] [--average runs/earlier ...]

Writes strokes/models/NAME/ (config.json, model.safetensors in float16, curves.png) and prints what the model card
should say. The card itself, README.md in that folder, is written by a person. Models that were trained from the same
weights may be averaged (Wortsman et al. 2022, "Model soups"): what each of them memorised cancels out.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from strokes.alphabet import Alphabet
from strokes.corpus import Corpus
from strokes.figures import training_curves
from strokes.files import InputError
from strokes.model import Model, load_model, packaged_models
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
    try:
        package(args.run, args.corpus, args.name, args.average)
    except InputError as e:
        raise SystemExit(f"package_model: {e}") from None


def package(run: Path, corpus_file: Path, name: str, average: list[str]) -> None:
    """Write the model and print its figures."""
    corpus = Corpus.load(corpus_file)
    model = restricted(averaged([load_model(m) for m in (str(run), *average)]), corpus.alphabet)
    target = packaged_models() / name
    # The weights as they will be shipped, rounded to float16, are the ones to measure.
    rounded = {k: v.astype("float16").astype("float32") for k, v in model.weights.items()}
    model = replace(model, weights=rounded)
    corpus = corpus.read_as(model)
    split = model.info["training"]["validation_split"]
    result = asdict(evaluate(StrokeNetwork.from_model(model), corpus, corpus.select(split)))
    info = dict(model.info) | {"preset": dict(corpus.options), "validation": {"split": split, **result}}
    replace(model, info=info).save(target)
    training_curves(run / "metrics.jsonl", target / "curves.png")
    size = (target / "model.safetensors").stat().st_size
    shown = ("epochs", "points", "steps", "hours", "start", "validation")
    print(json.dumps({k: info.get(k) for k in shown}, indent=1))
    print(f"{target}: {size / 2**20:.2f} MiB")


def averaged(models: list[Model]) -> Model:
    """The first of some models, with the mean of all their weights; its info says which the others were.

    Raises:
        InputError: they have other sizes, or do not read the same characters or offsets.
    """
    first, *others = models

    def what_it_reads(model: Model) -> tuple[object, ...]:
        return model.network, model.alphabet, model.statistics, model.preprocessing.geometry

    if any(what_it_reads(m) != what_it_reads(first) for m in others):
        raise InputError("models of other sizes, alphabets or preprocessing cannot be averaged")
    told = [{k: m.info[k] for k in ("epochs", "points", "steps") if k in m.info} for m in others]
    info = dict(first.info) | ({"averaged_with": told} if told else {})
    return replace(
        first, info=info, weights={k: np.mean([m.weights[k] for m in models], axis=0) for k in first.weights}
    )


def restricted(model: Model, alphabet: Alphabet) -> Model:
    """The model with the characters of `alphabet` alone, which it must know; the rest become "other".

    Raises:
        InputError: the alphabet has characters that the model has not.
    """
    unknown = set(alphabet.characters) - set(model.alphabet.characters)
    if unknown:
        raise InputError(f"the model does not know {''.join(sorted(unknown))!r}")
    keep = np.array([0, *model.alphabet.encode(alphabet.characters)])
    weights = dict(model.weights)
    weights["layer1_window"] = weights["layer1_window"][:, keep]
    symbols = len(model.alphabet)
    for name in ("layer2_input", "layer3_input"):
        w = weights[name]
        weights[name] = np.concatenate(
            [w[:, :3], w[:, 3 : 3 + symbols][:, keep], w[:, 3 + symbols :]], axis=1
        )
    return replace(model, weights=weights, alphabet=alphabet)


if __name__ == "__main__":
    main()
