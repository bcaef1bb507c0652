"""A corpus file and a whole run, for the tests of training."""

from __future__ import annotations

from dataclasses import replace

import pytest
from small_corpus import build_corpus
from training_runs import TINY, go


@pytest.fixture(scope="session")
def corpus_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("corpus") / "corpus.npz"
    build_corpus().save(path)
    return path


@pytest.fixture(scope="session")
def finished(corpus, tmp_path_factory):
    """A whole run, what it returned, and its settings."""
    run = tmp_path_factory.mktemp("finished")
    config = replace(TINY, epochs=30.0, validate_every=5.0, learning_rate=5e-3)
    return run, go(corpus, run, config), config
