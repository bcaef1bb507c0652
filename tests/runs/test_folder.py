from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from strokes.files import InputError
from strokes.runs.folder import check_folder, hold_folder


def test_a_used_folder_is_refused_and_a_new_one_made(tmp_path):
    run = tmp_path / "new" / "run"
    check_folder(run, resume=False)
    assert not run.exists()
    with hold_folder(run, resume=False):
        (run / "x").touch()
    for ask in (check_folder, lambda *a: hold_folder(*a).__enter__()):
        with pytest.raises(InputError, match="in use; go on with --resume"):
            ask(run, False)
        with pytest.raises(InputError, match="in use"):
            ask(run / "x", False)
        with pytest.raises(InputError, match="no run to resume"):
            ask(tmp_path / "other", True)
    with pytest.raises(InputError, match="cannot be made"), hold_folder(run / "x" / "y", resume=False):
        pass


def test_a_folder_is_free_again_when_its_training_has_ended(tmp_path):
    for resume in (False, True):
        with hold_folder(tmp_path / "run", resume):
            pass
    with pytest.raises(KeyError), hold_folder(tmp_path / "run", resume=True):
        raise KeyError
    with hold_folder(tmp_path / "run", resume=False):  # nothing but the lock is left in it
        pass


HOLD = """
import sys, time
from pathlib import Path
from strokes.runs.folder import hold_folder
with hold_folder(Path(sys.argv[1]), resume=False):
    print("held", flush=True)
    time.sleep(600)
"""


def test_two_trainings_cannot_share_a_folder_and_a_dead_one_holds_nothing(tmp_path):
    run = tmp_path / "run"
    other = subprocess.Popen([sys.executable, "-c", HOLD, str(run)], stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout.readline() == "held\n"
        for resume in (False, True):
            with pytest.raises(InputError, match=r"another training is writing here; .*another folder$"):
                hold_folder(run, resume).__enter__()
        with hold_folder(run, resume=True, first=False):  # the other processes of a run do not ask
            pass
    finally:
        os.kill(other.pid, signal.SIGKILL)
        other.communicate()
    with hold_folder(run, resume=True):
        pass
