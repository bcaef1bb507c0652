"""From log-probabilities of frames to characters."""

from __future__ import annotations

import numpy as np

__all__ = ["greedy", "log_likelihood"]


def greedy(scores: np.ndarray) -> list[tuple[int, int, int]]:
    """The best path: runs of a symbol become one, blanks (0) go (Graves et al. 2006, section 3.2).

    Args:
        scores: (frames, symbols + 1) log-probabilities.

    Returns:
        (symbol, first frame, last frame) of each character, last included.
    """
    best = scores.argmax(axis=1)
    begins = np.flatnonzero(np.diff(best, prepend=-1))
    ends = np.append(begins[1:], len(best)) - 1
    return [(int(best[b]), int(b), int(e)) for b, e in zip(begins, ends, strict=True) if best[b]]


def log_likelihood(scores: np.ndarray, ids: np.ndarray) -> float:
    """Log-probability of a labelling, summed over all its paths (Graves et al. 2006, eqs. 5-8).

    Args:
        scores: (frames, symbols + 1) log-probabilities.
        ids: (U,) int64, symbols from 1 on.

    Returns:
        Nats; -inf where there are too few frames.
    """
    labels = np.zeros(2 * len(ids) + 1, np.int64)
    labels[1::2] = ids
    emitted = scores.astype(np.float64)[:, labels]
    # A label may follow the one two before it, a blank skipped, unless they are equal.
    skips = np.zeros(len(labels), bool)
    skips[3::2] = ids[1:] != ids[:-1]
    alpha = np.full(len(labels), -np.inf)
    alpha[:2] = emitted[0, :2]
    for row in emitted[1:]:
        one = np.concatenate([[-np.inf], alpha[:-1]])
        two = np.where(skips, np.concatenate([[-np.inf, -np.inf], alpha[:-2]])[: len(alpha)], -np.inf)
        alpha = np.logaddexp(np.logaddexp(alpha, one), two) + row
    return float(np.logaddexp(alpha[-1], alpha[-2]))
