"""Likelihood of lines under a network."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..corpus import Corpus
from ..network import StrokeNetwork, WindowParameters, window_weights
from ..runs.processes import Group
from .batches import chunks, make_batch
from .styles import WriterStyles

__all__ = ["Evaluation", "evaluate"]


@dataclass(frozen=True)
class Evaluation:
    """How well a network predicts lines.

    Log-loss is in nats of standardised offsets, end of stroke included. A line of T points has T - 1
    predictions: its first point is where the pen starts, not an offset.

    Attributes:
        lines, points: how many lines, and predictions in all.
        nats_per_line, nats_per_point: mean log-loss; lower is better.
        raw_nats_per_point: the same in the corpus's own unit of length.
        squared_error: mean squared distance from the mixture's mean, in standard deviations.
        window_at_end: share of lines at whose last point the window stood past the last character, by the
            paper's stopping rule: phi(t, U + 1) exceeds every phi(t, u).
    """

    lines: int
    points: int
    nats_per_line: float
    nats_per_point: float
    raw_nats_per_point: float
    squared_error: float
    window_at_end: float


@torch.no_grad()
def evaluate(
    network: StrokeNetwork,
    corpus: Corpus,
    indices: Sequence[int] | np.ndarray,
    *,
    batch: int = 64,
    dtype: torch.dtype = torch.float32,
    group: Group | None = None,
    styles: WriterStyles | None = None,
    progress: Callable[[int], object] = lambda lines: None,
) -> Evaluation:
    """Evaluate on lines of a corpus.

    Args:
        network: it is left in the mode, training or not, that it came in.
        corpus: its alphabet and statistics are the network's.
        indices: of the lines; at least one must have two points.
        batch: lines read side by side.
        dtype: of the operands of large matmuls.
        group: processes that share the lines.
        styles: of the lines of the corpus, if the network has styles; each is read with that of its writer.
        progress: called with the number of lines done each time some are.
    """
    group = group or Group(0, 1, torch.device("cpu"))
    order = np.asarray(indices)[np.argsort(corpus.lengths()[np.asarray(indices)], kind="stable")]
    sums = torch.zeros(4, dtype=torch.float64)
    training = network.training
    network.eval()
    for start in range(0, len(order), batch):
        progress(len(order[start : start + batch]))
        mine = order[start : start + batch][group.rank :: group.size]
        if len(mine) == 0:
            continue
        lines = make_batch(corpus, mine, styles=styles)
        style = None if lines.style is None else lines.style.to(group.device)
        text = network.encode(lines.text.to(group.device), lines.text_lengths.to(group.device))
        state, read = None, 0
        for chunk in chunks(lines, 400):
            inputs, targets, mask = (t.to(group.device) for t in (chunk.inputs, chunk.targets, chunk.mask))
            out = network(inputs, text, state, dtype=dtype, style=style)
            state = out.state
            mixture = network.mixture(out.outputs)
            sums[0] += -mixture.log_prob(targets)[mask].double().sum().cpu()
            sums[1] += mixture.squared_error(targets)[mask].double().sum().cpu()
            sums[2] += int(mask.sum())
            # the window that the last point of a line is predicted with
            last = lines.lengths - 2 - read
            here = ((last >= 0) & (last < targets.shape[1])).nonzero().squeeze(1)
            at = WindowParameters(*(p[here, last[here]] for p in out.window))
            phi = window_weights(at, text.shape[1] + 1).cpu()
            inside = torch.arange(phi.shape[1]) < lines.text_lengths[here].unsqueeze(1)
            end = phi.gather(1, lines.text_lengths[here].unsqueeze(1))
            sums[3] += int((phi.where(inside, 0).amax(1, keepdim=True) < end).sum())
            read += targets.shape[1]
    network.train(training)
    nll, error, points, past_count = group.sum(sums.to(group.device)).tolist()
    scale = sum(math.log(s) for s in corpus.statistics.std)
    return Evaluation(
        lines=len(order),
        points=int(points),
        nats_per_line=nll / len(order),
        nats_per_point=nll / points,
        raw_nats_per_point=nll / points + scale,
        squared_error=error / points,
        window_at_end=past_count / len(order),
    )
