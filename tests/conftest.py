"""Small things to train and to write with, shared by the tests of several rooms."""

from __future__ import annotations

import os

# Networks of a few cells gain nothing from a second thread, and lose much where a core is busy.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pytest
from small_corpus import build_corpus

from strokes.alphabet import Alphabet
from strokes.corpus import Corpus
from strokes.model import Model, weight_shapes
from strokes.network.config import NetworkConfig
from strokes.preprocessing import Preprocessing, Statistics

LETTERS = "".join(map(chr, range(ord("a"), ord("z") + 1))) + " ,.ESTU'-"


@pytest.fixture(scope="session")
def corpus() -> Corpus:
    return build_corpus()


@pytest.fixture(scope="session")
def scribbler(tmp_path_factory):
    """A model of random weights: it scribbles, but all the plumbing is real."""
    rng = np.random.default_rng(1)
    network = NetworkConfig(hidden=8, window_components=3, mixture_components=2)
    alphabet = Alphabet(LETTERS)
    shapes = weight_shapes(network, len(alphabet))
    weights = {name: rng.normal(0, 0.3, shape) for name, shape in shapes.items()}
    weights["window_bias"][-network.window_components :] = -1.5
    preprocessing = Preprocessing(Statistics((0.2, 0.0), (0.7, 0.6)))
    folder = tmp_path_factory.mktemp("scribbler")
    Model(weights, network, alphabet, preprocessing).save(folder)
    return folder


@pytest.fixture(scope="session", autouse=True)
def compiled_steps(tmp_path_factory):
    """Compiled steps of models are kept for this session alone, not among the user's own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STROKES_CACHE", str(tmp_path_factory.mktemp("compiled")))
        yield
