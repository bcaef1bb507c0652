from __future__ import annotations

from dataclasses import asdict, replace

import pytest

from strokes.documents import convert, decode_json, encode_json
from strokes.files import InputError
from strokes.network.config import NetworkConfig
from strokes.training.config import Augmentation, TrainingConfig


@pytest.mark.parametrize(
    "setting",
    [
        {"epochs": 0},
        {"epochs": float("inf")},
        {"epochs": 1e300},
        {"batch": -1},
        {"batch": 2.5},
        {"batch": True},
        {"learning_rate": float("nan")},
        {"rare_repeats": 0},
        {"warmup": -1},
        {"seed": -1},
        {"seed": 2**70},
        {"dropout": 1.0},
        {"ema": 1.0},
        {"beta2": 1.0},
        {"patience": -1},
        {"validation_lines": -1},
        {"optimizer": "sgd"},
        {"training_splits": "trainset"},
    ],
)
def test_settings_that_cannot_work_are_refused_by_name(setting):
    with pytest.raises(ValueError, match=f"{next(iter(setting))} is .*; it must be"):
        TrainingConfig(**setting)


@pytest.mark.parametrize("setting", [{"scale_x": -0.1}, {"subsample": 1.5}, {"shear": float("nan")}])
def test_augmentation_out_of_range_is_refused_by_name(setting):
    with pytest.raises(ValueError, match=next(iter(setting))):
        Augmentation(**setting)


@pytest.mark.parametrize(
    "setting", [{"hidden": 0}, {"hidden": 1_000_000}, {"kappa_bias": 1e9}, {"scale_floor": float("nan")}]
)
def test_sizes_out_of_range_are_refused_by_name(setting):
    with pytest.raises(ValueError, match=next(iter(setting))):
        NetworkConfig(**setting)


def test_settings_come_back_from_json_as_they_were():
    config = replace(
        TrainingConfig(), network=NetworkConfig(hidden=7), augmentation=Augmentation(subsample=0.3)
    )
    assert decode_json(encode_json(config), TrainingConfig, "config.json") == config
    odd = asdict(config) | {"network": {"hidden": -7}}
    with pytest.raises(InputError, match=r"here: .*hidden"):
        convert(odd, TrainingConfig, "here")
