"""Seeds that depend on a place in a run, so that a resumed run draws as one that was never stopped."""

from __future__ import annotations

import numpy as np

__all__ = ["derived_seed"]


def derived_seed(*key: int) -> int:
    """A seed of 32 bits from, for example, (seed of the run, epoch, batch)."""
    return int(np.random.SeedSequence(key).generate_state(1)[0])
