"""The training loop: truncated back-propagation through time, one page to read aloud."""

from __future__ import annotations

import json
import platform
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from ..alphabet import Alphabet
from ..corpus import Corpus, CorpusError
from ..files import InputError, atomic_path
from ..model import Model
from ..network import StrokeNetwork
from ..network.cuda_graphs import GRAPH_STEPS
from ..preprocessing import Statistics
from ..runs import legacy as checkpoints
from ..runs.hardware import compute_dtype, keep_freed_memory
from ..runs.legacy import Ema, Log, interruptible
from ..runs.processes import Group
from .batches import Batch, chunks, epoch_batches, make_batch, read_lengths, repeats
from .config import Augmentation, TrainingConfig
from .evaluation import Evaluation, evaluate
from .optimisers import GravesRMSProp, learning_rate, make_optimizer, noisy

__all__ = ["DivergedError", "TrainingResult", "train"]

# Steps in a row without a finite gradient after which going on is hopeless.
_MAX_SKIPPED = 20


class DivergedError(InputError):
    """Step after step without a finite gradient."""


class TrainingResult(dict):
    """Counters at the end of `train`: step, points, seconds, best (nats a point), finished ..."""


def train(
    corpus: Corpus,
    run: Path,
    config: TrainingConfig,
    *,
    group: Group,
    resume: bool = False,
    start: Model | None = None,
    draw: Callable[[Model, Path], None] | None = None,
    stop_after: int | None = None,
) -> TrainingResult:
    """Train until `config.epochs` are read, patience ends, or Ctrl-C; write everything into `run`.

    `run` gets config.json, metrics.jsonl, checkpoint-STEP folders, best/ (the model with the best
    validation) and, if `draw(model, path)` is given, samples-STEP.png at every validation. Resuming continues bit for
    bit: order, augmentation and dropout are drawn from (seed, epoch, batch), never from a state.

    Args:
        resume: go on from the last checkpoint in `run`.
        start: a model whose weights to begin with; its alphabet, statistics and `config.network` hold.
        stop_after: stop, as Ctrl-C does, once this many steps are done (for tests).

    Raises:
        InputError: there is no checkpoint to resume from, or none that fits, or none can be written.
        DivergedError: gradients stay non-finite.
    """
    torch.manual_seed(config.seed)
    torch.set_flush_denormal(True)
    keep_freed_memory()
    checkpoint, damaged = checkpoints.latest(run) if resume else (None, [])
    if checkpoint is not None and checkpoint.progress.get("start"):
        letters, kept = Alphabet(checkpoint.progress["alphabet"]), checkpoint.progress["start"]
        statistics = Statistics(tuple(kept["mean"]), tuple(kept["std"]))
        preprocessing = replace(corpus.preprocessing, statistics=statistics)
        corpus = replace(corpus, alphabet=letters, preprocessing=preprocessing)
    elif start is not None:
        corpus = corpus.read_as(start)
    device = group.device
    dtype = compute_dtype(config.precision, device)
    network = StrokeNetwork(len(corpus.alphabet), config.network).to(device)
    if start is not None:
        network.load_state_dict({k: torch.from_numpy(v) for k, v in start.weights.items()})
    ema = Ema(network, config.ema)
    parameters = list(network.parameters())
    optimizer = make_optimizer(config, parameters)

    training = corpus.select(*config.training_splits)
    validation = corpus.select(config.validation_split)
    if len(training) == 0 or len(validation) == 0:
        empty = "training" if len(training) == 0 else "validation"
        raise CorpusError(
            f"the corpus has no line in its {empty} split; prepare it again, or name other splits"
        )
    if config.validation_lines and len(validation) > config.validation_lines:
        validation = validation[np.linspace(0, len(validation) - 1, config.validation_lines).astype(int)]
    lengths = corpus.lengths()[training]
    times = repeats(corpus, training, config.rare, config.rare_repeats)
    points_per_epoch = int((times * (lengths - 1)).sum())
    if hurried := config.augmentation.hurried:
        halves = read_lengths(
            corpus, training, Augmentation(hurried=1.0), [(j,) for j in range(len(training))]
        )
        points_per_epoch -= int(hurried * (times * (lengths - halves)).sum())
    total_points = max(1, int(config.epochs * points_per_epoch))

    progress: dict = {
        "step": 0,
        "epoch": 0,
        "batch": 0,
        "points": 0,
        "seconds": 0.0,
        "skipped": 0,
        "best": None,
        "bad_validations": 0,
        "validations": 0,
        "bad_steps": 0,
        "since_row": [],
        "validated": 0,
        "lines_a_batch": config.batch,
        "order": [config.seed, config.rare, config.rare_repeats, *config.training_splits],
        "corpus": [len(corpus), corpus.point_count, *corpus.statistics.std],
        "alphabet": corpus.alphabet.characters,
        "start": _about(start) if start is not None else None,
    }
    if checkpoint is not None:
        for name in damaged if group.first else ():
            print(f"strokes: {run / name} is damaged; going on from the one before it", file=sys.stderr)
        if checkpoint.progress.get("alphabet", progress["alphabet"]) != progress["alphabet"]:
            raise InputError(
                f"{run}: its corpus had another alphabet; resume with the one that it began with"
            )
        if checkpoint.progress.get("corpus", progress["corpus"]) != progress["corpus"]:
            raise InputError(f"{run}: it was begun with another corpus; resume with that one")
        if checkpoint.progress.get("lines_a_batch", config.batch) != config.batch:
            was = checkpoint.progress["lines_a_batch"]
            raise InputError(
                f"{run}: it was begun with --batch {was}, by which its place is kept; resume with that"
            )
        if checkpoint.progress.get("order", progress["order"]) != progress["order"]:
            raise InputError(
                f"{run}: its seed, rare, rare_repeats and training_splits fix the order of its lines, by which its "
                "place is kept; resume with those"
            )
        progress.update({"validated": checkpoint.progress["points"]} | checkpoint.progress)
        _restore(network, ema, optimizer, checkpoint, run)
    if group.first:
        with atomic_path(run / "config.json") as tmp:
            tmp.write_text(json.dumps(asdict(config), indent=1) + "\n", encoding="utf-8")
    log = Log(run / "metrics.jsonl", progress["step"] if resume else None, group.first)
    bar = tqdm(
        total=total_points,
        initial=min(progress["points"], total_points),
        unit="pt",
        unit_scale=True,
        smoothing=0.02,
        disable=not group.first or not sys.stderr.isatty(),
        desc="training",
    )
    started = time.monotonic() - progress["seconds"]
    losses = _Means(progress["since_row"])

    def place(seconds: float) -> dict[str, float]:
        points = progress["points"]
        return {
            "step": progress["step"],
            "points": points,
            "epoch": points / points_per_epoch,
            "seconds": seconds,
        }

    def write_checkpoint() -> None:
        progress["seconds"] = time.monotonic() - started
        if group.first:
            tensors = {
                "network": network.state_dict(),
                "mean": ema.network.state_dict(),
                "optimizer": _optimizer_tensors(network, optimizer),
            }
            checkpoints.save(run, progress["step"], checkpoints.Checkpoint(progress, tensors))
        group.barrier()

    def validate() -> None:
        result = evaluate(ema.network, corpus, validation, dtype=dtype, group=group)
        progress["validations"] += 1
        finite = np.isfinite(result.nats_per_point)
        better = bool(finite and (progress["best"] is None or result.nats_per_point < progress["best"]))
        progress["bad_validations"] = 0 if better else progress["bad_validations"] + 1
        if better:
            progress["best"] = result.nats_per_point
        if not group.first:
            return
        seconds = time.monotonic() - started
        values = asdict(result)
        read = {f"validation_{k}": values.pop(k) for k in ("lines", "points")}
        log.write("validation", **place(seconds), ema=True, **values, **read)
        model = _model(ema.network, corpus, config, progress, points_per_epoch, seconds, result)
        if better:
            model.save(run / "best")
        bar.write(
            f"epoch {progress['points'] / points_per_epoch:.2f}: validation {result.nats_per_point:.4f} nats/point"
            f"{' (best)' if better else ''}, {seconds / 60:.0f} min",
            file=sys.stderr,
        )
        if draw is not None:
            try:
                draw(model, run / f"samples-{progress['step']:08d}.png")
            except Exception as e:  # a picture is not worth a run
                print(f"strokes: the samples could not be drawn ({type(e).__name__}: {e})", file=sys.stderr)

    def at_end() -> bool:
        return progress["points"] >= total_points or 0 < config.patience <= progress["bad_validations"]

    def validation_due() -> bool:
        every = config.validate_every * points_per_epoch
        return progress["points"] // every > progress["validated"] // every

    def after_batch(step_before: int) -> bool:
        """Validate and write a checkpoint if it is time to; whether the run is at its end."""
        finished = at_end()
        if validation_due() or finished:
            validate()
            progress["validated"] = progress["points"]
            finished = at_end()
        if finished or progress["step"] // config.checkpoint_every > step_before // config.checkpoint_every:
            write_checkpoint()
        return finished

    if validation_due() or (at_end() and progress["validated"] < progress["points"]):
        validate()  # the run was stopped before it could
        progress["validated"] = progress["points"]
    finished = at_end()
    with interruptible(group.first) as interrupted, ThreadPoolExecutor(1) as ahead:
        batches, of_epoch, next_lines = [], None, None

        def lines_of(chosen: np.ndarray, key: tuple[int, ...]) -> Batch:
            mine = places(len(chosen))
            return make_batch(corpus, chosen[mine], config.augmentation, [(*key, j) for j in mine])

        def places(size: int) -> list[int]:
            """This process's lines of a batch; one that does not count where there is none for it."""
            return list(range(size))[group.rank :: group.size] or [0]

        while not finished:
            if of_epoch != progress["epoch"]:
                of_epoch = progress["epoch"]
                batches = epoch_batches(lengths, times, config.batch, config.seed, of_epoch)
                next_lines = None
            if progress["batch"] >= len(batches):
                progress["epoch"] += 1
                progress["batch"] = 0
                continue
            chosen = training[batches[progress["batch"]]]
            key = (config.seed, progress["epoch"], progress["batch"])
            lines = next_lines.result() if next_lines is not None else lines_of(chosen, key)
            next_lines = None
            if progress["batch"] + 1 < len(batches):  # made while this one is read
                later = progress["batch"] + 1
                next_lines = ahead.submit(lines_of, training[batches[later]], (*key[:2], later))
            counts = group.rank < len(chosen)
            torch.manual_seed(_seed(*key, group.rank))
            text = network.encode(lines.text.to(device), lines.text_lengths.to(device))
            all_lengths = read_lengths(
                corpus, chosen, config.augmentation, [(*key, j) for j in range(len(chosen))]
            )
            regularised = progress["points"] >= config.regularise_after * points_per_epoch
            dropout, noise = (config.dropout, config.weight_noise) if regularised else (0.0, 0.0)
            # A line's dropout is its own, whichever process reads it. A GPU draws for all lines at once instead.
            dice = None
            if dropout and device.type == "cpu":
                dice = [torch.Generator().manual_seed(_seed(*key, j)) for j in places(len(chosen))]
            state, stop = None, False
            longest, read = int(all_lengths.max()), 0
            step_before = progress["step"]
            for chunk in chunks(lines, config.chunk, longest, GRAPH_STEPS if device.type == "cuda" else 1):
                width = chunk.inputs.shape[1]
                count = int(np.clip(all_lengths - 1 - read, 0, width).sum())
                read += width
                rate = learning_rate(config, progress["step"], progress["points"] / total_points)
                for g in optimizer.param_groups:
                    g["lr"] = rate
                inputs, targets, mask = (
                    t.to(device) for t in (chunk.inputs, chunk.targets, chunk.mask & counts)
                )
                with noisy(parameters, noise, (config.seed, progress["step"])):
                    out = network(inputs, text, state, dtype=dtype, dropout=dropout, dice=dice)
                    state = out.state.detach()
                    log_prob = network.mixture(out.outputs).log_prob(targets)
                    loss = -torch.where(mask, log_prob, 0).sum() / count
                    optimizer.zero_grad(set_to_none=True)
                    loss.backward()
                asked = bool(interrupted) or (stop_after is not None and progress["step"] + 1 >= stop_after)
                extra = torch.stack([loss.detach(), loss.new_full((), float(asked))])
                group.sum_gradients(parameters, extra)
                norm = torch.nn.utils.clip_grad_norm_(parameters, config.clip)
                # One wait for the device a step: here.
                loss_now, stop_now, norm = torch.cat([extra, norm.detach().view(1)]).tolist()
                stop = stop or stop_now > 0
                progress["step"] += 1
                progress["points"] += count
                if np.isfinite(norm) and np.isfinite(loss_now):
                    optimizer.step()
                    ema.update(network, progress["step"])
                    if group.first:
                        losses.add(loss_now, norm, count)
                    progress["bad_steps"] = 0
                else:
                    progress["skipped"] += 1
                    progress["bad_steps"] += 1
                    if progress["bad_steps"] >= _MAX_SKIPPED:
                        raise DivergedError(
                            f"{run}: {progress['bad_steps']} steps in a row without a finite gradient "
                            f"(at step {progress['step']}); lower --learning-rate or --clip and go on with --resume"
                        )
                bar.update(count)
                if progress["step"] % 20 == 0 and group.first:
                    seconds = time.monotonic() - started
                    row = losses.take(seconds)
                    log.write(
                        "train", **place(seconds), learning_rate=rate, skipped=progress["skipped"], **row
                    )
                    if row["loss"] is not None:
                        bar.set_postfix_str(f"{row['loss']:.3f} nats/pt", refresh=False)
                if progress["bad_steps"]:
                    break  # the carried state may be spoilt: the rest of these lines is left out
            progress["batch"] += 1
            if stop:  # at once: who asked may not wait for a validation
                write_checkpoint()
                break
            finished = after_batch(step_before)
    bar.close()
    return TrainingResult(progress, finished=finished, seconds=time.monotonic() - started)


class _Means:
    """Loss and gradient norm since they were last asked for, kept in `rows`: (loss, norm, points) each."""

    def __init__(self, rows: list) -> None:
        self.rows = rows
        self.since: float | None = None

    def add(self, loss: float, norm: float, count: int) -> None:
        self.rows.append((loss, norm, count))

    def take(self, now: float) -> dict[str, float | None]:
        rows, since = list(self.rows), self.since
        self.rows.clear()
        self.since = now
        points = sum(n for *_, n in rows)
        return {
            "loss": sum(loss * n for loss, _, n in rows) / points if points else None,
            "gradient_norm": float(np.mean([norm for _, norm, _ in rows])) if rows else None,
            "points_per_second": points / (now - since) if since is not None and now > since else None,
        }


def _seed(*key: int) -> int:
    return int(np.random.SeedSequence(key).generate_state(1)[0])


def _optimizer_tensors(network: StrokeNetwork, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    return {
        f"{name}.{key}": torch.as_tensor(value)
        for name, p in network.named_parameters()
        for key, value in optimizer.state.get(p, {}).items()
    }


def _restore(network, ema, optimizer, checkpoint, run) -> None:
    try:
        network.load_state_dict(checkpoint.tensors["network"])
        ema.network.load_state_dict(checkpoint.tensors["mean"])
    except RuntimeError:
        raise InputError(
            f"{run}: its checkpoint is of a network of other sizes or another alphabet; "
            "resume with the corpus and sizes that it was started with"
        ) from None
    kept = {k.split(".", 1)[1] for k in checkpoint.tensors["optimizer"]}
    if kept and isinstance(optimizer, GravesRMSProp) != ("delta" in kept):
        raise InputError(f"{run}: it was begun with another optimizer; resume with that one")
    for name, p in network.named_parameters():
        state = {
            k[len(name) + 1 :]: v.to(p.device, copy=True)
            for k, v in checkpoint.tensors["optimizer"].items()
            if k.startswith(name + ".")
        }
        if state:
            optimizer.state[p] = state


def _about(start: Model) -> dict[str, object]:
    """What a run keeps of the model it began with: its statistics, and on what and how long it had been trained."""
    trained = {
        k: start.info[k] for k in ("preset", "epochs", "points", "steps", "hours", "start") if k in start.info
    }
    return asdict(start.statistics) | {"trained": trained}


def _model(network, corpus, config, progress, points_per_epoch, seconds, result: Evaluation) -> Model:
    info = {
        "preset": dict(corpus.options),
        "training": asdict(config),
        "epochs": round(progress["points"] / points_per_epoch, 3),
        "points": progress["points"],
        "steps": progress["step"],
        "hours": round(seconds / 3600, 3),
        "machine": platform.processor() or platform.machine(),
        "validation": asdict(result),
    }
    if progress.get("start"):
        info["start"] = progress["start"].get("trained", {})
    return Model(
        weights={k: v.cpu().numpy() for k, v in network.state_dict().items()},
        network=config.network,
        alphabet=corpus.alphabet,
        preprocessing=corpus.preprocessing,
        info=info,
    )
