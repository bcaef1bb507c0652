"""Checkpoints: folders of safetensors and JSON that appear whole or not at all."""

from __future__ import annotations

import os
import re
import shutil
import sys
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from ..documents import encode_json, read_json
from ..files import InputError
from .progress import Progress

__all__ = ["Checkpoint", "latest", "resume_from", "save"]

P = TypeVar("P", bound=Progress)

_NAME = re.compile(r"checkpoint-(\d{1,18})$")
_KEEP = 2
_TENSORS = ("network", "mean", "optimizer")
_FORMAT: Literal["strokes-run-2"] = "strokes-run-2"


@dataclass(frozen=True)
class Checkpoint(Generic[P]):
    """progress: counters; tensors: those of "network", "mean" and "optimizer" by name."""

    progress: P
    tensors: Mapping[str, Mapping[str, Tensor]]


@dataclass(frozen=True)
class _Document(Generic[P]):
    """progress.json: counters and the check sums of the other files."""

    format: Literal["strokes-run-2"]
    crc32: dict[str, int]
    progress: P


def save(run: Path, checkpoint: Checkpoint[P]) -> None:
    """Write `run`/checkpoint-STEP and drop all but the last two.

    The folder is written under another name and renamed when it is complete and on disk.

    Raises:
        InputError: it cannot be written.
    """
    step = checkpoint.progress.step
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
        (tmp / "progress.json").write_bytes(encode_json(_Document(_FORMAT, sums, checkpoint.progress)))
        for file in tmp.iterdir():
            with open(file, "rb+") as f:
                os.fsync(f.fileno())
        if final.exists():
            shutil.rmtree(final)
        tmp.replace(final)
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


def resume_from(run: Path, kind: type[P], *, speak: bool = True) -> Checkpoint[P]:
    """The newest checkpoint that can be read; says on standard error which newer ones cannot.

    Args:
        run: the folder of the run.
        kind: what its progress must be.
        speak: False in all processes of a run but the first.

    Raises:
        InputError: there is none.
    """
    checkpoint, damaged = latest(run, kind)
    for name in damaged if speak else ():
        print(f"strokes: {run / name} is damaged; going on from the one before it", file=sys.stderr)
    return checkpoint


def latest(run: Path, kind: type[P]) -> tuple[Checkpoint[P], list[str]]:
    """The newest checkpoint that can be read, and the names of newer ones that can't.

    Raises:
        InputError: there is none.
    """
    damaged: list[str] = []
    why = "it has no checkpoint yet"
    for folder in reversed(_all(run)):
        try:
            return _read(folder, kind), damaged
        except (OSError, ValueError, SafetensorError) as e:
            if not damaged:
                why = f"{folder.name} cannot be read ({' '.join(str(e).split())})"
            damaged.append(folder.name)
    raise InputError(f"{run}: {why}; start without --resume in another folder, or remove this one first")


def _read(folder: Path, kind: type[P]) -> Checkpoint[P]:
    generic: Any = _Document
    document: _Document[P] = read_json(folder / "progress.json", generic[kind])
    files = {f"{name}.safetensors": name for name in _TENSORS}
    if document.crc32.keys() != files.keys():
        raise ValueError("progress.json does not name its files")
    if document.progress.step != int(folder.name.rpartition("-")[2]):
        raise ValueError(f"progress.json is of step {document.progress.step}")
    for name, crc in document.crc32.items():
        if zlib.crc32((folder / name).read_bytes()) != crc:
            raise ValueError(f"{name} is not as it was written")
    return Checkpoint(document.progress, {name: load_file(folder / file) for file, name in files.items()})


def _all(run: Path) -> list[Path]:
    """Oldest first."""
    found = ((_NAME.fullmatch(p.name), p) for p in run.iterdir())
    return [p for _, p in sorted((int(match[1]), p) for match, p in found if match)]
