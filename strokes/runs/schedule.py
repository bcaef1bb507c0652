"""The learning rate over a run."""

from __future__ import annotations

import math

__all__ = ["warmup_cosine"]


def warmup_cosine(step: int, done: float, *, peak: float, warmup: int = 0, final_rate: float = 0.0) -> float:
    """Linear warm-up over steps, times half a cosine over the run.

    A function of the run's place and not one of torch's schedulers, which count steps and keep a state: runs are
    measured in examples read, and a resumed one may be lengthened.

    Args:
        step: steps taken.
        done: share of the run that is done, 0 to 1; more counts as 1.
        peak: the rate after the warm-up, before the cosine falls.
        warmup: steps over which it rises from 0.
        final_rate: the rate at the end, as a share of `peak`.
    """
    warm = min(1.0, (step + 1) / warmup) if warmup else 1.0
    cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
    return peak * warm * (final_rate + (1 - final_rate) * cosine)
