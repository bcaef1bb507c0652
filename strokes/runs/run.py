"""A run under way: what it writes into its folder and shows on the terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from shutil import rmtree
from types import TracebackType
from typing import Generic, TypeVar

import torch
from torch import Tensor
from tqdm import tqdm

from ..documents import encode_json
from ..files import write_whole
from .checkpoints import Checkpoint, save
from .interruption import Interruption, interruptible
from .log import Log
from .processes import Group
from .progress import DivergedError, Progress

__all__ = ["Run"]

P = TypeVar("P", bound=Progress)

#: Saves a model into a folder.
Save = Callable[[Path], object]


class Run(Generic[P]):
    """A run under way. While it is entered, the first Ctrl-C is noted instead of raised.

    Every process of a group calls the same methods; only the first one writes and speaks.

    Args:
        folder: held by `hold_folder`. It gets metrics.jsonl, config.json, checkpoint-STEP, best/ or latest/.
        progress: counters, changed in place.
        config: the run's settings, a dataclass, written to config.json (with `also`, more fields of the document).
        resumed: whether the log is continued.
        total: the progress bar's full length, and
        at: where it stands.
        unit: of the bar.
        name: what the bar is called.
        group: this process among its like.
        stop_after: stop as Ctrl-C does once this many steps are done (for tests).
    """

    def __init__(
        self,
        folder: Path,
        progress: P,
        config: object,
        *,
        resumed: bool,
        total: int,
        at: int,
        unit: str = "step",
        name: str = "training",
        group: Group | None = None,
        stop_after: int | None = None,
    ) -> None:
        self.folder, self.progress = folder, progress
        self.group = group or Group(0, 1, torch.device("cpu"))
        self._stop_after = stop_after
        self._started = time.monotonic() - progress.seconds
        self._interruption = Interruption()
        self._leave = ExitStack()
        self._log: Log | None = None
        if self.group.first:
            write_whole(folder / "config.json", encode_json(config))
            self._log = Log(folder / "metrics.jsonl", progress.step if resumed else None)
        self._bar = tqdm(
            total=total,
            initial=min(at, total),
            unit=unit,
            unit_scale=True,
            smoothing=0.02,
            disable=not self.group.first or not sys.stderr.isatty(),
            desc=name,
        )

    def __enter__(self) -> Run[P]:
        self._interruption = self._leave.enter_context(interruptible(self.group.first))
        self._leave.callback(self._bar.close)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave.close()

    @property
    def seconds(self) -> float:
        """Of training, this and earlier sessions of the run."""
        return time.monotonic() - self._started

    @property
    def stop_requested(self) -> bool:
        """Whether a process of the group was asked to stop after the present batch, with a checkpoint."""
        enough = self._stop_after is not None and self.progress.step >= self._stop_after
        return self.group.any(self._interruption.requested or enough)

    def count_step(self, finite: bool) -> None:
        """Count a step that was taken, or skipped since its gradient was not finite.

        Raises:
            DivergedError: too many in a row were skipped.
        """
        try:
            self.progress.count_step(finite)
        except DivergedError as e:
            self.log("diverged", skipped=self.progress.skipped)
            kept = any(self.folder.glob("checkpoint-*"))
            way_out = "go on with --resume" if kept else "begin again in another folder"
            raise DivergedError(f"{self.folder}: {e}; lower --learning-rate and {way_out}") from None

    def log(self, event: str, **values: object) -> None:
        """Append a row with the step and the seconds to the log."""
        if self._log is not None:
            self._log.write(event, step=self.progress.step, seconds=self.seconds, **values)

    def say(self, text: str) -> None:
        """A line on standard error, above the progress bar."""
        if self.group.first:
            self._bar.write(text, file=sys.stderr)

    def advance(self, count: int) -> None:
        """Move the progress bar on."""
        self._bar.update(count)

    def note(self, text: str) -> None:
        """Show a text behind the progress bar."""
        self._bar.set_postfix_str(text, refresh=False)

    def checkpoint(self, tensors: Mapping[str, Mapping[str, Tensor]]) -> None:
        """Write a checkpoint; see `state_tensors`."""
        self.progress.seconds = self.seconds
        if self.group.first:
            save(self.folder, Checkpoint(self.progress, tensors))
        self.group.barrier()

    def keep_best(self, save_model: Save) -> None:
        """Save the model whose validation is the best so far into best/, which --model RUN means from now on."""
        if self.group.first:
            save_model(self.folder / "best")
            rmtree(self.folder / "latest", ignore_errors=True)

    def keep_latest(self, save_model: Save) -> None:
        """At an interruption: save the model into latest/ if none was validated yet."""
        if self.group.first and not (self.folder / "best" / "config.json").is_file():
            save_model(self.folder / "latest")

    def draw(self, draw_samples: Callable[[Path], object], name: str) -> None:
        """Draw samples into the file `name`; a picture that cannot be drawn does not end a run."""
        if self.group.first:
            try:
                draw_samples(self.folder / name)
            except Exception as e:
                self.say(f"strokes: the samples could not be drawn ({type(e).__name__}: {e})")
