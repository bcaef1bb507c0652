"""What must be set before numpy is imported: the threads of its matrix products."""

from __future__ import annotations

import os
import sys

__all__ = ["set_environment"]

# They work on one line or file at a time: more threads only wait for each other. Training and evaluation
# choose the number of their threads themselves, and must not find a limit here.
_ONE_THREAD = ("write", "heatmap", "prepare")
# OpenBLAS (the wheels of numpy), MKL, BLIS, Accelerate.
_THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def set_environment(command: str) -> None:
    """Set the environment for a command of the command line; what the user has set stays.

    Does nothing about libraries that are imported already: they have read it.
    """
    if command in _ONE_THREAD and "numpy" not in sys.modules:
        for name in _THREADS:
            os.environ.setdefault(name, "1")
