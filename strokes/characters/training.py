"""The training loop of the character models: one page for all of them."""

from __future__ import annotations

import copy
import json
import math
import platform
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from ..documents import convert, read_json
from ..files import InputError, atomic_path
from ..runs import legacy as checkpoints
from ..runs.hardware import compute_dtype, keep_freed_memory
from ..runs.legacy import Ema, Log, interruptible
from .arrays import as_tensor, batches
from .config import CharacterTrainingConfig
from .data import CharacterSet, resolve_classes
from .distortion import distort
from .kinds import KINDS
from .kinds.base import Batch
from .model import CharacterModel, build

__all__ = ["CharacterTrainingConfig", "TrainingResult", "config_of_run", "default_config", "train"]

# Steps in a row without a finite loss after which going on is hopeless.
_MAX_SKIPPED = 20


def default_config(kind: str, **changes: Any) -> Any:
    """Settings that suit a kind, with changes."""
    return replace(KINDS[kind].default_config(), **changes)


def config_of_run(kind: str, run: Path) -> Any:
    """The settings that a run of this kind began with, as its config.json keeps them.

    Raises:
        InputError: the file is missing, damaged or of another version, or the run is of another kind.
    """
    place = run / "config.json"
    try:
        kept = read_json(place, dict[str, Any])
    except FileNotFoundError:
        raise InputError(f"{run}: it has no config.json; it cannot be resumed") from None
    if kept.get("kind") != kind:
        raise InputError(
            f"{run}: it was begun with other kind ({kept.get('kind')}, not {kind}); resume with that"
        )
    return convert(kept, type(default_config(kind)), str(place))


class TrainingResult(dict):
    """Counters at the end of `train`: step, epoch, images, seconds, best, finished."""


def train(
    kind: str,
    characters: CharacterSet,
    run: Path,
    config: CharacterTrainingConfig,
    *,
    resume: bool = False,
    device: str = "cpu",
    draw: Callable[[CharacterModel, Path], None] | None = None,
    stop_after: int | None = None,
) -> TrainingResult:
    """Train until `config.epochs` are read, or Ctrl-C; write everything into `run`.

    `run` gets config.json, metrics.jsonl (a row an epoch, one a validation), checkpoint-STEP folders, best/ (the
    model with the lowest validation loss; the last one of a GAN, or where nothing is to validate on) and, if
    `draw(model, path)` is given, samples-EPOCH.png. Resuming continues bit for bit on a CPU: order, distortion and
    noise are drawn from (seed, epoch, batch), never from a state.

    Args:
        kind: one of `model.KINDS`.
        resume: go on from the last checkpoint in `run`.
        stop_after: stop, as Ctrl-C does, once this many steps are done (for tests).

    Raises:
        InputError: an image class is missing, sizes do not fit, or there is no checkpoint to resume from, none
            that fits, or none can be written.
    """
    images, labels, held_images, held_labels, classes = _rows(characters, config)
    torch.manual_seed(config.seed)
    keep_freed_memory()
    network = build(kind, len(classes), config.sizes).to(device).to(memory_format=KINDS[kind].memory_format)
    ema = Ema(network, config.ema)
    mean = ema.network
    optimizers = network.optimizers(config)
    rates = [o.param_groups[0]["lr"] / config.learning_rate for o in optimizers]

    if not network.learns_unlabelled:
        images, labels = images[labels >= 0], labels[labels >= 0]
    dtype = compute_dtype(config.precision, torch.device(device))

    def autocast() -> torch.autocast:
        return torch.autocast(device, torch.bfloat16, enabled=dtype == torch.bfloat16)

    steps_per_epoch = math.ceil(len(labels) / config.batch)
    check = zlib.crc32(labels.tobytes(), zlib.crc32(np.ascontiguousarray(images)))
    fixed = {
        "kind": kind,
        "classes": classes,
        "images": len(labels),
        "data": check,
        "sizes": asdict(config.sizes),
        "order": [config.seed, config.batch, config.balance, config.labelled],
    }
    images = torch.from_numpy(images).to(device)
    progress: dict = {
        "step": 0,
        "epoch": 0,
        "batch": 0,
        "seconds": 0.0,
        "best": None,
        "bad_steps": 0,
        "skipped": 0,
        "sums": {},
        "count": 0,
        **fixed,
    }
    if resume:
        checkpoint, damaged = checkpoints.latest(run)
        for name in damaged:
            print(f"strokes: {run / name} is damaged; going on from the one before it", file=sys.stderr)
        for key, now in fixed.items():
            if checkpoint.progress.get(key) != now:
                raise InputError(
                    f"{run}: it was begun with other {key} ({checkpoint.progress.get(key)}, not {now}); resume with those"
                )
        progress.update(checkpoint.progress)
        try:
            network.load_state_dict(checkpoint.tensors["network"])
            mean.load_state_dict(checkpoint.tensors["mean"])
            for i, optimizer in enumerate(optimizers):
                _restore(optimizer, checkpoint.tensors["optimizer"], f"{i}.")
        except (RuntimeError, KeyError) as e:
            raise InputError(f"{run}: its checkpoint does not fit this network ({str(e)[:80]})") from None
    with atomic_path(run / "config.json") as tmp:
        tmp.write_text(json.dumps({"kind": kind} | asdict(config), indent=1) + "\n", encoding="utf-8")
    log = Log(run / "metrics.jsonl", progress["step"] if resume else None)
    bar = tqdm(
        total=config.epochs * steps_per_epoch,
        initial=progress["step"],
        unit="step",
        desc=kind,
        smoothing=0.02,
        disable=not sys.stderr.isatty(),
    )
    started = time.monotonic() - progress["seconds"]

    def write_checkpoint() -> None:
        progress["seconds"] = time.monotonic() - started
        states = {
            f"{i}.{j}.{k}": torch.as_tensor(v)
            for i, o in enumerate(optimizers)
            for j, state in o.state_dict()["state"].items()
            for k, v in state.items()
        }
        tensors = {"network": network.state_dict(), "mean": mean.state_dict(), "optimizer": states}
        checkpoints.save(run, progress["step"], checkpoints.Checkpoint(progress, tensors))

    def at() -> dict[str, object]:
        return {"step": progress["step"], "epoch": progress["epoch"], "seconds": time.monotonic() - started}

    def describe(result: dict[str, float]) -> CharacterModel:
        info = {
            "data": {
                "sources": list(characters.sources),
                "images": len(labels),
                "options": dict(characters.options),
            },
            "training": asdict(config),
            "epochs": progress["epoch"],
            "steps": progress["step"],
            "minutes": round((time.monotonic() - started) / 60, 1),
            "validation": result,
            "machine": platform.processor() or platform.machine(),
        }
        return CharacterModel(copy.deepcopy(mean).cpu(), classes, info)

    def validate() -> None:
        result = _validate(mean, held_images, held_labels, config, device)
        finite = all(map(math.isfinite, result.values()))
        # With few labels, to choose by all of the validation images' would be to use more than were given.
        last = "loss" not in result or config.labelled < 1
        better = last or (finite and (progress["best"] is None or result["loss"] < progress["best"]))
        if result:
            log.write("validation", **at(), **{k: v if math.isfinite(v) else None for k, v in result.items()})
        shown = ", ".join(f"{k} {v:.4f}" for k, v in result.items())
        bar.write(
            f"epoch {progress['epoch']}: {shown or 'not validated'}{' (best)' if result and better and not last else ''}, "
            f"{(time.monotonic() - started) / 60:.1f} min",
            file=sys.stderr,
        )
        model = describe(result)
        if better:
            progress["best"] = result.get("loss")
            model.save(run / "best")
        if draw is not None:
            try:
                draw(model, run / f"samples-{progress['epoch']:04d}.png")
            except Exception as e:  # a picture is not worth a run
                print(f"strokes: the samples could not be drawn ({type(e).__name__}: {e})", file=sys.stderr)

    with interruptible() as interrupted, _flushed():
        order = None
        while progress["epoch"] < config.epochs:
            if order is None or order[0] != progress["epoch"]:
                order = progress["epoch"], _order(labels, len(classes), config, progress["epoch"])
            begin = progress["batch"] * config.batch
            rows = order[1][begin : begin + config.batch]
            key = (config.seed, progress["epoch"], progress["batch"])
            seed = int(np.random.SeedSequence(key).generate_state(1)[0])
            torch.manual_seed(seed)  # dropout draws from the global one
            generator = torch.Generator().manual_seed(seed)
            x = images[torch.from_numpy(rows).to(device)].unsqueeze(1).float() / 255
            x = distort(x, config.distortion, generator)
            y = torch.from_numpy(labels[rows]).to(device)
            rate = _rate(config, progress["step"] / (config.epochs * steps_per_epoch))
            for optimizer, share in zip(optimizers, rates, strict=True):
                for group in optimizer.param_groups:
                    group["lr"] = rate * share
            network.train()
            values = network.training_step(Batch(x, y), optimizers, generator, config, autocast)
            progress["step"] += 1
            progress["batch"] += 1
            if all(map(math.isfinite, values.values())):
                progress["bad_steps"] = 0
                ema.update(network, progress["step"])
                for name, value in values.items():
                    progress["sums"][name] = progress["sums"].get(name, 0.0) + value * len(rows)
                progress["count"] += len(rows)
            else:
                progress["skipped"] += 1
                progress["bad_steps"] += 1
                if progress["bad_steps"] >= _MAX_SKIPPED:
                    kept = any(run.glob("checkpoint-*"))
                    way_out = (
                        "lower --learning-rate and go on with --resume"
                        if kept
                        else "begin again with a lower --learning-rate"
                    )
                    raise InputError(
                        f"{run}: {_MAX_SKIPPED} steps in a row without a finite loss (at step {progress['step']}); {way_out}"
                    )
            bar.update()
            if progress["batch"] == steps_per_epoch:
                progress["epoch"] += 1
                progress["batch"] = 0
                means = {k: v / max(1, progress["count"]) for k, v in progress["sums"].items()}
                log.write("train", **at(), learning_rate=rate, skipped=progress["skipped"], **means)
                bar.set_postfix_str(", ".join(f"{k} {v:.3f}" for k, v in means.items()), refresh=False)
                progress["sums"], progress["count"] = {}, 0
                last = progress["epoch"] == config.epochs
                if last or progress["epoch"] % config.validate_every == 0:
                    validate()
                if last or progress["epoch"] % config.checkpoint_every == 0:
                    write_checkpoint()
            if interrupted or (stop_after is not None and progress["step"] >= stop_after):
                if progress["epoch"] < config.epochs:
                    write_checkpoint()
                    if not (run / "best" / "config.json").exists():
                        describe({}).save(run / "best")
                break
    bar.close()
    return TrainingResult(
        progress, finished=progress["epoch"] >= config.epochs, seconds=time.monotonic() - started
    )


def _rate(config: CharacterTrainingConfig, done: float) -> float:
    low = config.final_rate
    return config.learning_rate * (low + (1 - low) * (1 + math.cos(math.pi * done)) / 2)


@contextmanager
def _flushed() -> Iterator[None]:
    """Numbers too small for full digits count as 0 for as long as this is entered: they are very slow."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


def _restore(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor], prefix: str) -> None:
    state: dict[int, dict[str, Tensor]] = {}
    parameters = [p for g in optimizer.param_groups for p in g["params"]]
    for name, value in tensors.items():
        if name.startswith(prefix):
            i, key = name[len(prefix) :].split(".", 1)
            p = parameters[int(i)]
            state.setdefault(int(i), {})[key] = (
                torch.empty_like(p).copy_(value) if value.shape == p.shape else value
            )
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def _rows(characters: CharacterSet, config: CharacterTrainingConfig):
    """Images and labels to train and to validate on, of the classes asked for; labels not used are -1."""
    wanted = resolve_classes(config.classes, "--classes") if config.classes else characters.classes
    lacking = "".join(c for c in wanted if c not in characters.classes)
    if lacking:
        raise InputError(
            f"--classes {config.classes}: {lacking!r} is not among the classes of this file, {characters.classes}"
        )
    table = np.array([wanted.find(c) for c in characters.classes])
    parts = []
    for split in ("train", "validation"):
        images, labels = characters.subset(split)
        labels = table[labels]
        parts += [images[labels >= 0], labels[labels >= 0]]
    images, labels, held_images, held_labels = parts
    counts = np.bincount(labels, minlength=len(wanted))
    if not counts.all():
        raise InputError(
            f"there is no image to train on of {''.join(c for c, n in zip(wanted, counts, strict=True) if not n)}"
        )
    if config.labelled < 1:
        rng = np.random.default_rng((config.seed, 1))
        hidden = np.ones(len(labels), bool)
        for label, count in enumerate(counts):
            keep = max(1, round(count * config.labelled))
            hidden[rng.permutation(np.flatnonzero(labels == label))[:keep]] = False
        labels = np.where(hidden, -1, labels)
    return images, labels, held_images, held_labels, wanted


def _order(labels: np.ndarray, classes: int, config: CharacterTrainingConfig, epoch: int) -> np.ndarray:
    """The rows of an epoch. With hidden labels, every second image of a batch has one."""
    rng = np.random.default_rng((config.seed, 0, epoch))
    known = np.flatnonzero(labels >= 0)
    counts = np.bincount(labels[known], minlength=classes)
    chance = (1 - config.balance) / len(known) + config.balance / (classes * counts[labels[known]])

    def draw(n: int) -> np.ndarray:
        if config.balance == 0 and n == len(known):
            return rng.permutation(known)
        return known[rng.choice(len(known), n, p=chance / chance.sum())]

    if len(known) == len(labels):
        return draw(len(labels))
    order = rng.permutation(len(labels))
    order[::2] = draw(len(order[::2]))
    return order


@torch.no_grad()
def _validate(network, images, labels, config, device) -> dict[str, float]:
    """Means over the validation images; nothing where there are none, or no loss compares models."""
    sums: dict[str, float] = {}
    generator = torch.Generator().manual_seed(0)
    for rows in batches(len(labels)):
        x, y = as_tensor(images[rows]).to(device), torch.from_numpy(labels[rows]).to(device)
        for name, value in network.validation_losses(Batch(x, y), generator, config).items():
            sums[name] = sums.get(name, 0.0) + value.item() * len(y)
    return {k: v / len(labels) for k, v in sums.items()}
