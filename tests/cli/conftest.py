"""A model that is too small to write well, for what the command line does with it."""

from __future__ import annotations

import numpy as np
import pytest

from strokes.alphabet import Alphabet
from strokes.corpus import Statistics
from strokes.model import Model

LETTERS = "".join(map(chr, range(ord("a"), ord("z") + 1))) + " ,.ESTU'-"


@pytest.fixture(scope="session")
def scribbler(tmp_path_factory):
    """A model of random weights: it scribbles, but all the plumbing is real."""
    rng = np.random.default_rng(1)
    h, k, m, a = 8, 3, 2, len(LETTERS) + 1
    shapes = {
        "layer1_offsets": (4 * h, 3),
        "layer1_window": (4 * h, a),
        "layer1_hidden": (4 * h, h),
        "layer2_input": (4 * h, 3 + a + h),
        "layer2_hidden": (4 * h, h),
        "layer3_input": (4 * h, 3 + a + h),
        "layer3_hidden": (4 * h, h),
        "layer1_bias": (4 * h,),
        "layer2_bias": (4 * h,),
        "layer3_bias": (4 * h,),
        "window_projection": (3 * k, h),
        "window_bias": (3 * k,),
        "output_weight": (1 + 6 * m, 3 * h),
        "output_bias": (1 + 6 * m,),
    }
    weights = {name: rng.normal(0, 0.3, shape) for name, shape in shapes.items()}
    weights["window_bias"][2 * k :] = -1.5
    folder = tmp_path_factory.mktemp("scribbler")
    sizes = {"hidden": h, "window_components": k, "mixture_components": m}
    Model(weights, sizes, Alphabet(LETTERS), Statistics((0.2, 0.0), (0.7, 0.6))).save(folder)
    return folder
