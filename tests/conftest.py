"""Small things to train and to write with, shared by the tests of several rooms."""

from __future__ import annotations

import os

# Networks of a few cells gain nothing from a second thread, and lose much where a core is busy.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from small_corpus import build_corpus

from strokes.corpus import Corpus


@pytest.fixture(scope="session")
def corpus() -> Corpus:
    return build_corpus()
