"""Which try is made next, and which one is kept."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from strokes.ink import Ink
from strokes.sampling.quality import QualityReport
from strokes.sampling.sample import Sample
from strokes.sampling.scheduler import Job, Scheduler


def sample(problems: int = 0, *, finished: bool = True) -> Sample:
    return Sample(
        "a", Ink(), np.zeros((1, 3)), np.zeros((1, 2)), finished, QualityReport(lost_characters=problems)
    )


def scheduler(lines: int, tries: int, progress=None) -> Scheduler:
    texts = [f"line {i}" for i in range(lines)]
    return Scheduler(texts, [np.full(3, i) for i in range(lines)], tries, progress)


def test_each_line_gets_its_first_try_before_any_gets_its_second():
    jobs = scheduler(3, 2)
    taken = [jobs.take() for _ in range(7)]
    assert taken == [(0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (2, 1), None]
    assert jobs.text(Job(1, 0)) == "line 1" and jobs.ids(Job(2, 1)).tolist() == [2, 2, 2]


def test_two_tries_at_a_line_are_made_at_once_and_no_more():
    jobs = scheduler(2, 4)
    assert [jobs.take() for _ in range(5)] == [(0, 0), (1, 0), (0, 1), (1, 1), None]
    jobs.done(Job(1, 1), sample(2))
    assert [jobs.take() for _ in range(2)] == [(1, 2), None]
    jobs.done(Job(0, 0), sample(2))
    assert [jobs.take() for _ in range(2)] == [(0, 2), None]


def test_tries_after_a_sound_one_are_needless_and_those_before_it_are_not():
    done = []
    jobs = scheduler(1, 4, done.append)
    for attempt in range(2):
        assert jobs.take() == (0, attempt)
    jobs.done(Job(0, 1), sample())
    assert [jobs.needed(Job(0, k)) for k in range(4)] == [True, False, False, False]
    assert jobs.take() is None and not done
    jobs.done(Job(0, 2), sample())  # one that had ended before it could be dropped
    assert not jobs.needed(Job(0, 1)) and not done
    jobs.done(Job(0, 0), sample(1))
    assert done == [1] and not jobs.needed(Job(0, 0)) and jobs.outcome()[0].sound


def test_a_cancelled_line_is_settled_as_it_is():
    done = []
    jobs = scheduler(2, 3, done.append)
    jobs.take()
    half = sample(3, finished=False)
    jobs.done(Job(0, 0), half, cancelled=True)
    assert done == [1] and not jobs.needed(Job(0, 1)) and jobs.take() == (1, 0)
    jobs.done(Job(0, 1), sample(5, finished=False), cancelled=True)  # another try that was under way
    jobs.done(Job(1, 0), sample())
    assert done == [1, 1] and jobs.outcome()[0] is half


def test_whenever_a_try_ends_the_version_changes():
    jobs = scheduler(2, 1)
    before = jobs.version
    jobs.done(jobs.take(), sample())
    assert jobs.version != before


@given(data=st.data())
def test_the_outcome_does_not_depend_on_the_order_in_which_tries_end(data):
    """The first sound try of each line, or of all its tries the one with the fewest problems, the first of equals."""
    lines, tries = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 4))
    problems = st.sampled_from([0, 0, 1, 2, 3])
    outcomes = [
        [sample(data.draw(problems), finished=data.draw(st.booleans())) for _ in range(tries)]
        for _ in range(lines)
    ]
    progress: list[int] = []
    jobs = scheduler(lines, tries, progress.append)
    running: list[Job] = []
    rows = data.draw(st.integers(1, 5))
    while True:
        running = [job for job in running if jobs.needed(job)]
        while len(running) < rows and (job := jobs.take()) is not None:
            running.append(job)
        if not running:
            break
        job = running.pop(data.draw(st.integers(0, len(running) - 1)))
        jobs.done(job, outcomes[job.line][job.attempt])
    assert progress == [1] * lines
    for got, of in zip(jobs.outcome(), outcomes, strict=True):
        sound = [s for s in of if s.finished and not s.quality.problems]
        best = sound[0] if sound else min(of, key=lambda s: (s.quality.problems, not s.finished))
        assert got is best
