"""The sampler: text in, lines of ink out, with a bias, a seed, and an end that is neither early nor late.

Graves 2013, sections 5.3 (stopping) and 5.4 (bias).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence

import numpy as np

from ..model import Model
from .block import Block, OnPoints, Pen
from .engine import Engine
from .engines import make_engines
from .options import SamplingOptions
from .reader import Reader
from .sample import Sample
from .scheduler import Scheduler
from .stopping import StoppingRules

__all__ = ["OnPoints", "Sample", "Sampler"]

# Rows of a block: more share each read of the weights, and need more memory.
_MOST = 64


class Sampler:
    """A model, ready to draw lines.

    Args:
        model: where the weights come from.
        make_engine: an engine of so many rows; that of `make_engines` if None.
        rules: constants of stopping.
        threads: blocks drawn at once, each in a thread of its own; as many as there are cores if None.
        reader: reads what was drawn, so that words that read wrong are written again; None for none.
    """

    def __init__(
        self,
        model: Model,
        make_engine: Callable[[int], Engine] | None = None,
        rules: StoppingRules | None = None,
        threads: int | None = None,
        reader: Reader | None = None,
    ) -> None:
        self.model = model
        self._pen = Pen(
            make_engine or make_engines(model),
            model.preprocessing,
            model.network.scale_floor,
            rules or StoppingRules(),
            reader,
        )
        self._threads = threads or _cores()

    def sample(
        self,
        texts: Sequence[str],
        options: SamplingOptions | None = None,
        *,
        progress: Callable[[int], object] | None = None,
        on_points: OnPoints | None = None,
        keys: Sequence[tuple[int, ...]] | None = None,
        style: np.ndarray | None = None,
    ) -> list[Sample]:
        """Draw each text as one line; line i is drawn from (seed, *keys[i]), whatever the other lines are.

        Args:
            texts: characters of the model's alphabet; others are drawn as "some other character".
            options: bias, seed and how often a word may be written.
            progress: called with the number of lines done each time some are.
            on_points: called as points are drawn, for pages that draw while they are written; one call at a time, from
                any thread. A line that it cancels is as far as it came, and it is not called for it again.
            keys: of each text, numbers from 0 that seed it; its place in `texts` if None.
            style: vector of the hand that writes them, for models that have styles.

        Raises:
            ValueError: a text is empty or white space only, or the model has no styles.
        """
        options = options or SamplingOptions()
        for text in texts:
            if not text.strip():
                raise ValueError("there is nothing to write in an empty line")
        ids = [self.model.alphabet.encode(text + self._pen.rules.next_word) for text in texts]
        scheduler = Scheduler(texts, ids, progress, keys, style)
        threads = max(1, min(self._threads, len(texts)))
        rows = max(1, min(_MOST, -(-len(texts) // threads)))
        streamed = _one_at_a_time(on_points)
        stop = threading.Event()

        def work() -> None:
            Block(self._pen, rows, options, scheduler, streamed).run(stop.is_set)

        if threads == 1:
            work()
            return scheduler.outcome()
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(threads) as pool:
            try:
                for future in [pool.submit(work) for _ in range(threads)]:
                    future.result()
            finally:  # Ctrl-C, or an error in one of them
                stop.set()
        return scheduler.outcome()


def _one_at_a_time(on_points: OnPoints | None) -> OnPoints | None:
    if on_points is None:
        return None
    lock, call = threading.Lock(), on_points
    cancelled: set[int] = set()

    def locked(line: int, kept: int, offsets: np.ndarray) -> bool | None:
        with lock:
            if line not in cancelled and call(line, kept, offsets) is False:
                cancelled.add(line)
            return line not in cancelled

    return locked


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
