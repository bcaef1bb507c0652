"""Put trained models of characters into the package, with figures measured on images that none was trained on.

    python scripts/package_characters.py characters.npz classifier=runs/classifier ssvae=runs/ssvae ...

Writes strokes/models/characters/KIND/ (config.json, model.safetensors in float16, curves.png, sheet.png) of each, and
prints the figures as JSON, one model a line; the classifier is packaged first, since it judges the others. The cards,
README.md in those folders, are written by hand.

    python scripts/package_characters.py --pictures

Draws the pictures of docs/characters.md with the packaged models alone, prompts included: no one's data are in them.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

import strokes.models
from strokes.characters.data import CLASSES, CharacterSet
from strokes.characters.evaluation import draw_evenly, evaluate
from strokes.characters.figures import curves, imitation_sheet, model_sheet, save_picture
from strokes.characters.kinds import KINDS
from strokes.characters.latent import latent_map
from strokes.characters.model import load_model
from strokes.characters.options import EvaluationOptions

_HOME = Path(strokes.models.__file__).parent / "characters"
_DOCS = Path(__file__).parents[1] / "docs"


def main() -> None:
    """Package or draw."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", nargs="?", help="made by 'strokes prepare characters'")
    parser.add_argument("runs", nargs="*", metavar="KIND=RUN")
    parser.add_argument("--pictures", action="store_true")
    args = parser.parse_args()
    runs = dict(r.split("=", 1) for r in args.runs)
    for kind in sorted(runs, key=lambda k: k != "classifier"):
        package(kind, Path(runs[kind]), args.data)
    if args.pictures:
        pictures()


def package(kind: str, run: Path, data: str) -> None:
    """One model into the package; measured as it is shipped, rounded to float16."""
    target = _HOME / kind
    model = load_model(run)
    if model.kind != kind:
        raise SystemExit(f"{run} is a {model.kind}, not a {kind}")
    figures = {}
    with tempfile.TemporaryDirectory() as folder:
        model.save(folder)
        rounded = load_model(folder)  # as it will be shipped
    characters = CharacterSet.load(data)
    for name in ("all", "digits", "letters"):
        wanted = model.classes if name == "all" else CLASSES[name]
        if not set(wanted) & set(model.classes):
            continue
        options = EvaluationOptions(
            classes=None if name == "all" else "".join(c for c in wanted if c in model.classes),
            source="mnist" if name == "digits" and "mnist" in characters.sources else None,
            judge=str(target.parent / "classifier"),
            each=60 if name == "all" else 600,
            styles=100 if kind == "ssvae" and name == "all" else 0,
        )
        figures[name] = {
            k: v for k, v in evaluate(rounded, characters, options).as_dict().items() if k != "kind"
        }
    replace(model, info=dict(model.info) | {"evaluation": figures}).save(target)
    curves(run, target / "curves.png")
    if model.draws:
        save_picture(
            model_sheet(load_model(target)), target / "sheet.png", 2 if len(model.classes) > 20 else 3
        )
    size = (target / "model.safetensors").stat().st_size
    print(json.dumps({"kind": kind, "MiB": round(size / 2**20, 2)} | figures), flush=True)


def pictures() -> None:
    """docs/characters-*.png."""
    models = {kind: load_model(kind) for kind in KINDS if (_HOME / kind / "config.json").exists()}
    prompts = draw_evenly(models["cgan"], "A3RK", 1, seed=3).images
    grey = (prompts.squeeze(1) * 255).round().to(torch.uint8).numpy()
    save_picture(
        imitation_sheet(models["ssvae"], grey, models["ssvae"].classes), _DOCS / "characters-imitation.png", 2
    )
    latent_map(models["ssvae"], _DOCS / "characters-latent.png", character="A")
    parts = [
        np.pad(model_sheet(models[kind], 3), ((0, 10), (0, 0)), constant_values=255)
        for kind in ("ssvae", "cgan", "cvae", "gan")
    ]
    width = max(p.shape[1] for p in parts)
    save_picture(
        np.vstack([np.pad(p, ((0, 0), (0, width - p.shape[1])), constant_values=255) for p in parts]),
        _DOCS / "characters-sheet.png",
        1,
    )


if __name__ == "__main__":
    main()
