"""The recogniser's weights on disk: a folder of config.json and model.safetensors. No torch."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np
from msgspec import Meta

from ..alphabet import Alphabet
from ..artifacts import TensorFile, find_artifact, read_config, save_artifact
from ..files import InputError
from .config import ReaderConfig
from .features import FEATURES

__all__ = ["ReaderModel", "load_reader", "path_shapes"]


@dataclass(frozen=True, eq=False)
class ReaderModel:
    """Weights of a recogniser.

    Attributes:
        weights: by name, as `ReaderNetwork.state_dict()` has them.
        network: sizes.
        alphabet: the characters it knows.
        info: where it comes from. For people.
    """

    weights: Mapping[str, np.ndarray]
    network: ReaderConfig
    alphabet: Alphabet
    info: Mapping[str, Any] = field(default_factory=dict)

    def save(self, folder: str | os.PathLike[str], dtype: str = "float16") -> None:
        """Write config.json and model.safetensors into `folder`.

        Raises:
            InputError: it cannot be written to.
        """
        config = _Config(self.network, self.alphabet.characters, dict(self.info))
        save_artifact(folder, config, self.weights, dtype)


def load_reader(where: str | os.PathLike[str] = "reader") -> ReaderModel:
    """Load a packaged recogniser by name, or one from a folder (a training run's best weights).

    Raises:
        InputError: there is no such model, or its files are damaged.
    """
    folder = find_artifact(where, Path(str(resources.files("strokes.models"))) / "recognition")
    config = read_config(folder, _Config)
    try:
        alphabet = Alphabet(config.alphabet)
    except ValueError as e:
        raise InputError(f"{folder}: the model is damaged ({e}); fetch or train it again") from None
    weights = TensorFile(folder, _shapes(config.network, len(config.alphabet)))
    return ReaderModel(weights, config.network, alphabet, config.info)


class _Config(msgspec.Struct, frozen=True, tag_field="format", tag="strokes-reader-1"):
    """config.json."""

    network: ReaderConfig
    alphabet: Annotated[str, Meta(min_length=1, max_length=5000)]
    info: dict[str, Any] = {}


def _shapes(network: ReaderConfig, symbols: int) -> dict[str, tuple[int, ...]]:
    output = {"output.weight": (symbols + 1, 2 * network.hidden), "output.bias": (symbols + 1,)}
    return {**path_shapes(network), **output}


def path_shapes(network: ReaderConfig) -> dict[str, tuple[int, ...]]:
    """The shapes of a path encoder's weights, as `PathEncoder.state_dict()` names them, after "path."."""
    c, h = network.channels, network.hidden
    shapes: dict[str, tuple[int, ...]] = {
        "path.conv1.weight": (c, FEATURES, 5),
        "path.conv1.bias": (c,),
        "path.conv2.weight": (2 * c, c, 5),
        "path.conv2.bias": (2 * c,),
    }
    for way in ("forwards", "backwards"):
        for i in range(network.layers):
            layer = f"path.{way}.{i}"
            shapes[f"{layer}.weight_ih_l0"] = (4 * h, 2 * h if i else 2 * c)
            shapes[f"{layer}.weight_hh_l0"] = (4 * h, h)
            shapes[f"{layer}.bias_ih_l0"] = shapes[f"{layer}.bias_hh_l0"] = (4 * h,)
    return shapes
