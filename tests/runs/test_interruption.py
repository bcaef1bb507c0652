from __future__ import annotations

import os
import signal
import threading

import pytest

from strokes.runs import interruption
from strokes.runs.interruption import interruptible


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(interruption.time, "monotonic", lambda: now[0])
    return now


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_is_noted_an_echo_ignored_and_a_later_one_raises(clock, number, capfd):
    before = signal.getsignal(number)
    with interruptible() as asked:
        assert not asked.requested
        os.kill(os.getpid(), number)
        assert asked.requested
        clock[0] += 0.5
        os.kill(os.getpid(), number)
        clock[0] += 1.0
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
    assert signal.getsignal(number) is before
    assert capfd.readouterr().err.count("stopping after this batch") == 1


def test_a_silent_one_says_nothing(clock, capfd):
    with interruptible(speak=False) as asked:
        os.kill(os.getpid(), signal.SIGINT)
    assert asked.requested and capfd.readouterr().err == ""


def test_outside_the_main_thread_signals_are_left_to_the_caller():
    found = []

    def work():
        with interruptible() as asked:
            found.append(asked.requested)

    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [False] and signal.getsignal(signal.SIGINT) is before
