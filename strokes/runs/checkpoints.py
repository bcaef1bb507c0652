"""Checkpoints: folders of safetensors and JSON that appear whole or not at all."""

from __future__ import annotations

import json
import os
import re
import shutil
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from ..files import InputError

__all__ = ["Checkpoint", "latest", "save"]

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
