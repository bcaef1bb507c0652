"""Which line is drawn next, by several threads."""

from __future__ import annotations

import threading

import numpy as np

from strokes.ink import Ink
from strokes.sampling.quality import QualityReport
from strokes.sampling.sample import Sample
from strokes.sampling.scheduler import Scheduler


def sample(text: str) -> Sample:
    return Sample(text, Ink(), np.zeros((1, 3)), np.zeros((1, 2)), True, QualityReport())


def test_lines_are_handed_out_once_and_in_order():
    jobs = Scheduler(["a", "b", "c"], [np.full(3, i) for i in range(3)])
    assert [jobs.take() for _ in range(5)] == [0, 1, 2, None, None]
    assert jobs.texts == ("a", "b", "c") and jobs.ids[2].tolist() == [2, 2, 2]


def test_outcomes_are_in_the_order_of_the_lines_whoever_is_done_first():
    done: list[int] = []
    jobs = Scheduler("abc", [np.zeros(1)] * 3, done.append)
    for line in (2, 0, 1):
        jobs.done(line, sample("abc"[line]))
    assert [s.text for s in jobs.outcome()] == ["a", "b", "c"] and done == [1, 1, 1]


def test_threads_share_the_lines():
    jobs = Scheduler(["x"] * 400, [np.zeros(1)] * 400)
    taken: list[list[int]] = [[] for _ in range(4)]

    def work(mine: list[int]) -> None:
        while (line := jobs.take()) is not None:
            mine.append(line)

    threads = [threading.Thread(target=work, args=(mine,)) for mine in taken]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(line for mine in taken for line in mine) == list(range(400))
