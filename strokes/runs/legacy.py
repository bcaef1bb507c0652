"""Pieces that trainings still use until they are written upon the others of this room; then this file goes."""

from __future__ import annotations

import copy
import itertools
import json
import os
import re
import shutil
import signal
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from ..files import InputError, atomic_path

_NAME = re.compile(r"checkpoint-(\d+)$")
_KEEP = 2


@dataclass(frozen=True)
class Checkpoint:
    """progress: counters as JSON keeps them; tensors: network, mean weights and optimiser by name."""

    progress: Mapping[str, object]
    tensors: Mapping[str, Mapping[str, Tensor]]


def save(run: Path, step: int, checkpoint: Checkpoint) -> None:
    """Write `run`/checkpoint-STEP and drop all but the last two.

    The folder is written under another name and renamed when it is complete and on disk.
    """
    final = run / f"checkpoint-{step:08d}"
    tmp = run / f".{final.name}.tmp"
    for left_behind in run.glob(".checkpoint-*.tmp"):  # by a process that was killed
        shutil.rmtree(left_behind, ignore_errors=True)
    try:
        tmp.mkdir()
        for name, tensors in checkpoint.tensors.items():
            plain = {k: v.detach().contiguous().cpu() for k, v in tensors.items()}
            save_file(plain, tmp / f"{name}.safetensors")
        sums = {p.name: zlib.crc32(p.read_bytes()) for p in sorted(tmp.iterdir())}
        progress = {**checkpoint.progress, "crc32": sums}
        (tmp / "progress.json").write_text(json.dumps(progress, indent=1) + "\n", encoding="utf-8")
        for file in tmp.iterdir():
            with open(file, "rb+") as f:
                os.fsync(f.fileno())
        if final.exists():
            shutil.rmtree(final)
        os.replace(tmp, final)
    except (OSError, SafetensorError) as e:  # safetensors has its own error for a full disk
        why = getattr(e, "strerror", None) or e
        raise InputError(
            f"{run}: the checkpoint at step {step} could not be written ({why}); "
            "the one before it is untouched: make room and go on with --resume"
        ) from None
    finally:
        shutil.rmtree(tmp, ignore_errors=True)
    # Later ones are damaged, or this run would not have gone on from before them.
    done = _all(run)
    last = done.index(final) + 1
    for other in done[: max(0, last - _KEEP)] + done[last:]:
        shutil.rmtree(other, ignore_errors=True)


def latest(run: Path) -> tuple[Checkpoint, list[str]]:
    """The newest checkpoint that can be read, and the names of newer ones that can't.

    Raises:
        InputError: there is none.
    """
    damaged = []
    for folder in reversed(_all(run)):
        try:
            progress = json.loads((folder / "progress.json").read_text(encoding="utf-8"))
            if not isinstance(progress, dict) or "step" not in progress:
                raise ValueError("it does not say how far the run had come")
            for name, crc in progress.pop("crc32", {}).items():
                if zlib.crc32((folder / name).read_bytes()) != crc:
                    raise ValueError(f"{name} is not as it was written")
            tensors = {p.stem: load_file(p) for p in sorted(folder.glob("*.safetensors"))}
            if not {"network", "mean", "optimizer"} <= tensors.keys():
                raise ValueError("files are missing")
            return Checkpoint(progress, tensors), damaged
        except (OSError, ValueError, SafetensorError):
            damaged.append(folder.name)
    why = f"{', '.join(damaged)} cannot be read" if damaged else "it has no checkpoint yet"
    raise InputError(f"{run}: {why}; start without --resume in another folder, or remove this one first")


def _all(run: Path) -> list[Path]:
    """Oldest first."""
    found = ((_NAME.fullmatch(p.name), p) for p in run.iterdir())
    return [p for _, p in sorted((int(match[1]), p) for match, p in found if match)]


def fresh_run(run: Path, resume: bool) -> None:
    """Make the folder of a run, or check that there is one to resume.

    Raises:
        InputError: a new run's folder holds another, or a resumed one's does not exist.
    """
    if resume:
        if not run.is_dir():
            raise InputError(f"{run}: there is no run to resume; start without --resume")
        return
    if run.exists() and any(run.iterdir() if run.is_dir() else [run]):
        raise InputError(f"{run}: this is in use; go on with --resume, or choose another folder")
    try:
        run.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise InputError(f"{run}: this folder cannot be made ({e.strerror}); choose another place") from None


class Log:
    """Rows of JSON, appended; when resuming, rows later than the checkpoint are taken out first."""

    def __init__(self, path: Path, step: int | None, first: bool = True) -> None:
        self.path = path
        if not first:
            return
        kept = []
        if step is not None and path.exists():
            for row in path.read_text(encoding="utf-8").splitlines():
                try:
                    if json.loads(row)["step"] <= step:
                        kept.append(row + "\n")
                except ValueError:
                    pass  # a row that was cut off by a crash
        with atomic_path(path) as tmp:
            tmp.write_text("".join(kept), encoding="utf-8")

    def write(self, event: str, **values: object) -> None:
        """Append one row; `values` has the step.

        Raises:
            InputError: the disk is full.
        """
        try:
            with open(self.path, "a", encoding="utf-8") as f:
                f.write(json.dumps({"event": event, **values}) + "\n")
        except OSError as e:
            raise InputError(
                f"{self.path}: cannot be written ({e.strerror}); make room and go on from the last checkpoint "
                "with --resume"
            ) from None


@contextmanager
def interruptible(speak: bool = True) -> Iterator[list[float]]:
    """Collects the first Ctrl-C (or SIGTERM) instead of raising; a later one raises.

    Whoever started this process may pass on a Ctrl-C that the terminal sent here too: within a second
    two are one.
    """
    caught: list[float] = []
    # A handler may be interrupted by the next signal: next() alone tells the first for sure.
    order = itertools.count()

    def handler(number: int, frame: object) -> None:
        if caught and time.monotonic() - caught[0] > 1:
            raise KeyboardInterrupt
        if next(order) == 0 and speak:
            os.write(
                2, b"\nstrokes: stopping after this batch; again to stop at once\n"
            )  # print may be under way
        caught.append(time.monotonic())

    old = {}
    try:
        for s in (signal.SIGINT, signal.SIGTERM):
            old[s] = signal.signal(s, handler)
    except ValueError:
        pass  # not the main thread: the caller handles signals
    try:
        yield caught
    finally:
        for s, h in old.items():
            signal.signal(s, h)


class Ema:
    """A running mean of the weights. Young runs average over fewer steps, so that it does not lag."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.network = copy.deepcopy(network).requires_grad_(False).eval()

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        decay = min(self.decay, (1 + step) / (10 + step))
        for mean, now in zip(self.network.parameters(), network.parameters(), strict=True):
            mean.lerp_(now, 1 - decay)
        for mean, now in zip(self.network.buffers(), network.buffers(), strict=True):
            mean.copy_(now)  # statistics and counters are taken over as they are
