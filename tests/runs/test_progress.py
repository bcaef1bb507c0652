from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from strokes.files import InputError
from strokes.runs.progress import DivergedError, Progress, check_identity


def test_bad_steps_are_counted_in_all_and_in_a_row():
    progress = Progress()
    for finite in (True, False, False, True, False):
        progress.count_step(finite)
    assert (progress.step, progress.skipped, progress.bad_steps) == (5, 3, 1)


def test_twenty_bad_steps_in_a_row_are_too_many():
    progress = Progress(skipped=7)
    for _ in range(19):
        progress.count_step(False)
    progress.count_step(True)
    for _ in range(19):
        progress.count_step(False)
    with pytest.raises(DivergedError, match=r"20 steps in a row without a finite gradient \(at step 40\)"):
        progress.count_step(False)
    assert progress.skipped == 7 + 39


def test_the_best_validation_is_the_lowest_finite_one():
    progress = Progress()
    losses = [float("nan"), 3.0, 3.0, float("-inf"), 2.0, float("inf")]
    assert [progress.count_validation(loss) for loss in losses] == [False, True, False, False, True, False]
    assert (progress.best, progress.validations, progress.bad_validations) == (2.0, 6, 1)


@dataclass(frozen=True)
class Identity:
    corpus: tuple[int, ...]
    rare_repeats: int


def test_what_a_run_is_resumed_with_must_be_what_it_began_with():
    kept = Identity((1, 2), 3)
    check_identity(Path("runs/a"), kept, Identity((1, 2), 3))
    with pytest.raises(InputError, match=r"runs/a: it was begun with another rare repeats \(3, now 4\)"):
        check_identity(Path("runs/a"), kept, Identity((1, 2), 4))
    with pytest.raises(InputError, match="another corpus") as e:
        check_identity(Path("runs/a"), kept, Identity(tuple(range(1000)), 3))
    assert len(str(e.value)) < 300
