"""How far a run has come, and what it must go on with."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated

from msgspec import Meta

from ..files import InputError

__all__ = ["Count", "DivergedError", "Progress", "check_identity"]

#: A counter as checkpoints keep it.
Count = Annotated[int, Meta(ge=0, le=2**53)]

# Steps in a row without a finite gradient after which going on is hopeless.
_MOST_BAD_STEPS = 20


class DivergedError(InputError):
    """Step after step without a finite gradient."""


@dataclass(kw_only=True)
class Progress:
    """How far a run has come. Each training adds counters of its own in a subclass.

    Attributes:
        step: steps of gradient descent, skipped ones included.
        epoch: epochs that are complete.
        batch: batches of the present epoch that are complete.
        seconds: of training, up to the last checkpoint.
        skipped: steps whose gradient was not finite and which changed nothing.
        bad_steps: how many of these came last, in a row.
        best: the lowest loss of a validation.
        validations: how many there were.
        bad_validations: how many came last, in a row, without a lower loss.
    """

    step: Count = 0
    epoch: Count = 0
    batch: Count = 0
    seconds: Annotated[float, Meta(ge=0, le=1e12)] = 0.0
    skipped: Count = 0
    bad_steps: Count = 0
    best: float | None = None
    validations: Count = 0
    bad_validations: Count = 0

    def count_step(self, finite: bool) -> None:
        """Count a step that was taken, or skipped since its gradient was not finite.

        Raises:
            DivergedError: too many in a row were skipped.
        """
        self.step += 1
        self.skipped += not finite
        self.bad_steps = 0 if finite else self.bad_steps + 1
        if self.bad_steps >= _MOST_BAD_STEPS:
            raise DivergedError(
                f"{self.bad_steps} steps in a row without a finite gradient (at step {self.step})"
            )

    def count_validation(self, loss: float) -> bool:
        """Count a validation; whether its loss is the lowest so far (one that is not finite never is)."""
        better = math.isfinite(loss) and (self.best is None or loss < self.best)
        self.validations += 1
        self.bad_validations = 0 if better else self.bad_validations + 1
        if better:
            self.best = loss
        return better


def check_identity(run: Path, kept: object, now: object) -> None:
    """Refuse to resume with other data or settings than the order of examples depends on.

    Args:
        run: the folder of the run, for the message.
        kept: a dataclass of what the run began with, from its checkpoint.
        now: the same of what it is resumed with.

    Raises:
        InputError: a field differs.
    """
    for field in fields(now):  # type: ignore[arg-type]  # a dataclass of the caller's
        before, after = getattr(kept, field.name), getattr(now, field.name)
        if before != after:
            raise InputError(
                f"{run}: it was begun with another {field.name.replace('_', ' ')} ({_short(before)}, now "
                f"{_short(after)}), which its place in the data depends on; resume with the one that it began with"
            )


def _short(value: object) -> str:
    shown = str(value)
    return shown if len(shown) <= 60 else shown[:57] + "..."
