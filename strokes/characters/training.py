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
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from ..files import InputError, atomic_path
from ..runs import legacy as checkpoints
from ..runs.hardware import compute_dtype, keep_freed_memory
from ..runs.legacy import Ema, Log, interruptible
from .arrays import as_tensor
from .data import CharacterSet, resolve_classes
from .distortion import Distortion, distort
from .model import CharacterModel, build

__all__ = ["CharacterTrainingConfig", "TrainingResult", "default_config", "train"]

# Steps in a row without a finite loss after which going on is hopeless.
_MAX_SKIPPED = 20


@dataclass(frozen=True)
class CharacterTrainingConfig:
    """One training run.

    Args:
        classes: trained on: digits, letters, the characters themselves, or nothing for all in the file.
        epochs: how often as many images as there are to train on are read.
        batch: images a step.
        learning_rate: of Adam, at its peak.
        discriminator_rate: learning rate of a GAN's discriminator, as a share of its generator's.
        final_rate: the learning rate at the end of the cosine, as a share of its peak; 1 keeps it.
        beta1: of Adam.
        balance: share of the images drawn so that every class is as likely as any other; the rest as they
            come. 0 reads every image once an epoch, 1 is fully balanced.
        labelled: share of each class's labels that is used (at least one label); ssvae alone learns from
            the others too.
        distortion: small changes of the images, drawn anew each time.
        pixel_weight: of the pixels' term of a variational bound (ssvae, cvae).
        kl_weight: of its divergence term (ssvae, cvae).
        class_weight: of the class's cross-entropy beside the bound (ssvae).
        swap_weight: of the cross-entropy of other classes drawn with an image's z, which keeps class and style
            apart; 0 leaves it out, as the paper does (ssvae).
        marginalise: an unknown class is summed over the so many likeliest ones; 0 for all (ssvae).
        precision: of the operands of large products; auto takes bf16 where it is faster.
        ema: decay, a step, of the running mean of the weights that is validated and saved; 0 for the
            weights themselves.
        seed: of initial weights, order, distortion and noise.
        validate_every: epochs between validations, each with a sheet of samples.
        checkpoint_every: epochs between checkpoints.
        sizes: of the network, see its class in `strokes.characters`; for example `--sizes.latent 32`.
    """

    classes: str = ""
    epochs: int = 20
    batch: int = 128
    learning_rate: float = 1e-3
    discriminator_rate: float = 1.0
    final_rate: float = 1.0
    beta1: float = 0.9
    balance: float = 0.0
    labelled: float = 1.0
    distortion: Distortion = field(default_factory=Distortion)
    pixel_weight: float = 1.0
    kl_weight: float = 1.0
    class_weight: float = 1.0
    swap_weight: float = 0.0
    marginalise: int = 0
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    ema: float = 0.0
    seed: int = 1
    validate_every: int = 1
    checkpoint_every: int = 1
    sizes: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in (
            "epochs",
            "batch",
            "learning_rate",
            "discriminator_rate",
            "labelled",
            "validate_every",
            "checkpoint_every",
        ):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be greater than 0")
        for name in (
            "final_rate",
            "pixel_weight",
            "kl_weight",
            "class_weight",
            "swap_weight",
            "marginalise",
            "seed",
            "balance",
        ):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must be at least 0")
        for name in ("balance", "labelled"):
            if not getattr(self, name) <= 1:
                raise ValueError(f"{name} must be at most 1")
        for name in ("ema", "beta1"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 0 and less than 1")


def default_config(kind: str, **changes: object) -> CharacterTrainingConfig:
    """What suits each kind; cvae and gan as they were published."""
    defaults = {
        # Turned, slanted and bolder copies stand in for writers that the data lack.
        "classifier": {
            "epochs": 16,
            "learning_rate": 2e-3,
            "final_rate": 0.01,
            "balance": 0.5,
            "ema": 0.998,
            "distortion": Distortion(rotate=0.15, scale=0.1, aspect=0.2, shear=0.2, shift=1.5, weight=0.5),
        },
        # Slant, width and weight vary apart from the class, so that z and not the class must carry them.
        "ssvae": {
            "epochs": 20,
            "final_rate": 0.02,
            "balance": 0.5,
            "ema": 0.998,
            "class_weight": 50.0,
            "kl_weight": 1.5,
            "swap_weight": 25.0,
            "marginalise": 4,
            "distortion": Distortion(rotate=0.05, aspect=0.55, shear=0.4, shift=0.5, weight=0.9, fit=True),
        },
        "cvae": {"classes": "digits", "epochs": 100, "validate_every": 10, "precision": "fp32"},
        "gan": {
            "classes": "letters",
            "epochs": 300,
            "batch": 64,
            "learning_rate": 2e-4,
            "balance": 1.0,
            "precision": "fp32",
            "validate_every": 25,
            "checkpoint_every": 10,
        },
        "cgan": {
            "epochs": 16,
            "batch": 64,
            "learning_rate": 2e-4,
            "discriminator_rate": 2.0,
            "beta1": 0.0,
            "balance": 0.9,
            "ema": 0.999,
            "final_rate": 0.1,
        },
    }
    return replace(CharacterTrainingConfig(**defaults[kind]), **changes)


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
    try:
        network = build(kind, len(classes), config.sizes).to(device)
    except (TypeError, ValueError, RuntimeError) as e:
        raise InputError(f"--sizes: this network cannot be built with {dict(config.sizes)} ({e})") from None
    if kind == "classifier":
        network = network.to(memory_format=torch.channels_last)  # half as long a step on a CPU
    ema = Ema(network, config.ema)
    mean = ema.network
    adversarial = hasattr(network, "discriminator")
    groups = [network.generator, network.discriminator] if adversarial else [network]
    rates = [1.0, config.discriminator_rate] if adversarial else [1.0]
    beta2 = 0.999 if config.beta1 else 0.9
    optimizers = [
        torch.optim.Adam(g.parameters(), config.learning_rate, (config.beta1, beta2), fused=True)
        for g in groups
    ]

    if kind != "ssvae":  # the others cannot use an image without a label
        images, labels = images[labels >= 0], labels[labels >= 0]
    dtype = compute_dtype(config.precision, torch.device(device))

    def products() -> torch.autocast:
        return torch.autocast(device, torch.bfloat16, enabled=dtype == torch.bfloat16)

    steps_per_epoch = math.ceil(len(labels) / config.batch)
    check = zlib.crc32(labels.tobytes(), zlib.crc32(np.ascontiguousarray(images)))
    fixed = {
        "kind": kind,
        "classes": classes,
        "images": len(labels),
        "data": check,
        "sizes": dict(config.sizes),
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
        return CharacterModel(kind, copy.deepcopy(mean).cpu(), classes, dict(config.sizes), info)

    def validate() -> None:
        result = _validate(kind, mean, held_images, held_labels, config, device)
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
            values = _step(kind, network, optimizers, x, y, generator, config, products)
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


def _step(kind, network, optimizers, x, y, generator, config, products) -> dict[str, float]:
    """One step of each optimizer; what to watch, NaN where a loss or gradient was not finite: then the weights of
    that optimizer, and all norms' statistics, are as before.
    """
    kept = [b.clone() for b in network.buffers()]
    values = _descent(kind, network, optimizers, x, y, generator, config, products)
    if not all(map(math.isfinite, values.values())):
        with torch.no_grad():
            for buffer, before in zip(network.buffers(), kept, strict=True):
                buffer.copy_(before)
    return values


def _descent(kind, network, optimizers, x, y, generator, config, products) -> dict[str, float]:
    if len(optimizers) == 2:
        of_generator, of_discriminator = optimizers
        with products():
            seen = network.discriminator_losses(x, y, generator)
        ok = _descend(seen["discriminator_loss"], of_discriminator)
        with products():  # asked for as often as they are read: the labels of the batch
            drawn = network.generator_losses(y, generator)
        return _values(seen | drawn, ok and _descend(drawn["generator_loss"], of_generator))
    with products():
        if kind == "ssvae":
            losses = network.losses(
                x,
                y,
                generator,
                pixel_weight=config.pixel_weight,
                class_weight=config.class_weight,
                kl_weight=config.kl_weight,
                swap_weight=config.swap_weight,
                marginalise=config.marginalise,
            )
        elif kind == "cvae":
            losses = network.losses(
                x, y, generator, pixel_weight=config.pixel_weight, kl_weight=config.kl_weight
            )
        else:
            losses = network.losses(x, y)
    return _values(losses, _descend(losses["loss"], optimizers[0]))


def _descend(loss: Tensor, optimizer: torch.optim.Optimizer) -> bool:
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    gradients = [p.grad for g in optimizer.param_groups for p in g["params"] if p.grad is not None]
    finite = bool(torch.isfinite(sum(torch.linalg.vector_norm(g) for g in gradients) + loss.detach()))
    if finite:
        optimizer.step()
    return finite


def _values(losses: dict[str, Tensor], finite: bool) -> dict[str, float]:
    values = torch.stack([v.detach() for v in losses.values()]).tolist()
    return dict(zip(losses, values, strict=True)) if finite else dict.fromkeys(losses, math.nan)


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
def _validate(kind, network, images, labels, config, device) -> dict[str, float]:
    """Means over the validation images; nothing where there are none, or for a GAN."""
    if not len(labels) or kind in ("gan", "cgan"):
        return {}
    sums: dict[str, float] = {}
    generator = torch.Generator().manual_seed(0)
    for i in range(0, len(labels), 500):
        x, y = as_tensor(images[i : i + 500]).to(device), torch.from_numpy(labels[i : i + 500]).to(device)
        if kind == "classifier":
            losses = network.losses(x, y)
        elif kind == "cvae":
            losses = network.losses(
                x, y, generator, pixel_weight=config.pixel_weight, kl_weight=config.kl_weight
            )
        else:
            losses = network.losses(
                x,
                y,
                generator,
                pixel_weight=config.pixel_weight,
                class_weight=config.class_weight,
                kl_weight=config.kl_weight,
            )
        for name, value in losses.items():
            sums[name] = sums.get(name, 0.0) + value.item() * len(y)
    return {k: v / len(labels) for k, v in sums.items()}
