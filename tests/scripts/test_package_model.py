"""Weights on their way into the package."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from strokes.alphabet import Alphabet
from strokes.model import Model
from strokes.network import NetworkConfig, StrokeNetwork
from strokes.preprocessing import Preprocessing, Statistics

SIZES = NetworkConfig(hidden=6, window_components=2, mixture_components=3, kappa_bias=-2.0)


@pytest.fixture
def package(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "scripts"))
    import package_model

    return package_model


def made(seed: int, characters: str = "ab%c") -> Model:
    torch.manual_seed(seed)
    alphabet = Alphabet(characters)
    network = StrokeNetwork(len(alphabet), SIZES)
    weights = {k: v.numpy() for k, v in network.state_dict().items()}
    return Model(weights, SIZES, alphabet, Preprocessing(), {"epochs": seed})


def outputs(model: Model, text: str) -> torch.Tensor:
    network = StrokeNetwork.from_model(model)
    ids = torch.from_numpy(model.alphabet.encode(text))[None]
    offsets = torch.randn((1, 9, 3), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        return network(offsets, network.encode(ids, torch.tensor([len(text)]))).outputs


def test_a_character_taken_out_is_some_other_and_the_rest_read_as_before(package):
    model = made(1)
    less = package.restricted(model, Alphabet("abc"))
    torch.testing.assert_close(outputs(less, "cab"), outputs(model, "cab"))
    torch.testing.assert_close(outputs(less, "a%b"), outputs(model, "a?b"))
    assert not torch.allclose(outputs(less, "a%b"), outputs(model, "a%b"))
    with pytest.raises(ValueError, match="z"):
        package.restricted(model, Alphabet("abz"))


def test_the_mean_of_models_is_that_of_all_their_weights_and_the_first_ones_story(package):
    models = [made(1), made(2), made(4)]
    mean = package.averaged(models)
    assert mean.info == {"epochs": 1, "averaged_with": [{"epochs": 2}, {"epochs": 4}]}
    assert mean.alphabet == models[0].alphabet
    for name, value in mean.weights.items():
        a, b, c = (m.weights[name] for m in models)
        np.testing.assert_allclose(value, (a + b + c) / 3, rtol=1e-5, atol=1e-7)
    one = package.averaged(models[:1])
    assert one.info == models[0].info and all(
        np.array_equal(v, models[0].weights[k]) for k, v in one.weights.items()
    )


def test_models_that_read_other_things_are_not_averaged(package):
    other = replace(made(2), preprocessing=Preprocessing(Statistics((0.0, 0.0), (1.0, 2.0))))
    coarse = replace(made(2), preprocessing=Preprocessing(every=2))
    for second in (other, coarse, made(2, "abc%")):
        with pytest.raises(ValueError, match="cannot be averaged"):
            package.averaged([made(1), second])
