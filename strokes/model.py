"""A pen model: weights and all that is needed to write with them. No torch, no pickles."""

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

from .alphabet import Alphabet
from .artifacts import TensorFile, find_artifact, read_config, save_artifact
from .documents import convert
from .files import InputError
from .ink.metrics import X_HEIGHT_PER_SPREAD
from .network.config import NetworkConfig
from .preprocessing import Preprocessing, Statistics

__all__ = ["DEFAULT_MODEL", "Model", "load_model", "packaged_models"]

#: The packaged model that writes when nobody asks for another.
DEFAULT_MODEL = "default"

_Characters = Annotated[str, Meta(min_length=1, max_length=5000)]
_EVERY: Any = Annotated[int, Meta(ge=1, le=100)]


@dataclass(frozen=True, eq=False)
class Model:
    """Weights and all that is needed to write with them.

    Attributes:
        weights: name -> array, float32 in memory, as `StrokeNetwork.state_dict()` names them; a model from a folder
            reads them when they are first asked for.
        network: sizes.
        alphabet: the characters it knows.
        preprocessing: how its offsets come from ink and back.
        info: where the model comes from: options, training, figures. For people.
    """

    weights: Mapping[str, np.ndarray]
    network: NetworkConfig
    alphabet: Alphabet
    preprocessing: Preprocessing
    info: Mapping[str, Any] = field(default_factory=dict)

    @property
    def statistics(self) -> Statistics:
        """Mean and standard deviation of its offsets."""
        return self.preprocessing.statistics

    @property
    def weak(self) -> str:
        """Characters that it often draws so that they are misread, as its card says."""
        weak = self.info.get("weak", "")
        return weak if isinstance(weak, str) else ""

    def save(self, folder: str | os.PathLike[str], dtype: str = "float16") -> None:
        """Write config.json and model.safetensors into `folder`, which is made if need be.

        Raises:
            InputError: it cannot be written to.
        """
        config = _Config(self.network, self.alphabet.characters, self.preprocessing, dict(self.info))
        save_artifact(folder, config, self.weights, dtype)


def packaged_models() -> Path:
    """The folder of the packaged models."""
    return Path(str(resources.files("strokes.models")))


def load_model(where: str | os.PathLike[str] = DEFAULT_MODEL) -> Model:
    """Load a packaged model by name, or one from a folder (a training run will do: its best weights).

    Raises:
        InputError: there is no such model, or its files are damaged.
    """
    folder = find_artifact(where, packaged_models())
    config = read_config(folder, _Config | _ConfigOfVersion1)  # type: ignore[arg-type]  # a union of two types
    try:
        if isinstance(config, _ConfigOfVersion1):
            config = _current(config)
        alphabet = Alphabet(config.alphabet)
    except ValueError as e:
        raise InputError(f"{folder}: the model is damaged ({e}); fetch or train it again") from None
    weights = TensorFile(folder, weight_shapes(config.network, len(alphabet)))
    return Model(weights, config.network, alphabet, config.preprocessing, config.info)


def weight_shapes(network: NetworkConfig, symbols: int) -> dict[str, tuple[int, ...]]:
    """The shapes of a network's weights, as `StrokeNetwork.state_dict()` names them.

    Args:
        network: sizes.
        symbols: number of character ids, `len(alphabet)`.
    """
    h, k, m, a = network.hidden, network.window_components, network.mixture_components, symbols
    styles = {f"layer{i}_style": (4 * h, network.style) for i in (1, 2, 3)} if network.style else {}
    return {
        **styles,
        "layer1_offsets": (4 * h, 3),
        "layer1_window": (4 * h, a),
        "layer1_hidden": (4 * h, h),
        "layer1_bias": (4 * h,),
        "layer2_input": (4 * h, 3 + a + h),
        "layer2_hidden": (4 * h, h),
        "layer2_bias": (4 * h,),
        "layer3_input": (4 * h, 3 + a + h),
        "layer3_hidden": (4 * h, h),
        "layer3_bias": (4 * h,),
        "window_projection": (3 * k, h),
        "window_bias": (3 * k,),
        "output_weight": (1 + 6 * m, 3 * h),
        "output_bias": (1 + 6 * m,),
    }


class _Config(msgspec.Struct, frozen=True, tag_field="format", tag="strokes-model-2"):
    """config.json."""

    network: NetworkConfig
    alphabet: _Characters
    preprocessing: Preprocessing
    info: dict[str, Any] = {}


class _ConfigOfVersion1(msgspec.Struct, frozen=True, tag_field="format", tag="strokes-model-1"):
    """Geometry stood in the cleaning options of its corpus, and no x-height was measured."""

    network: NetworkConfig
    alphabet: _Characters
    statistics: Statistics
    info: dict[str, Any] = {}


def _current(config: _ConfigOfVersion1) -> _Config:
    options = convert(config.info.get("preset") or {}, dict[str, Any], "info.preset")
    every: int = convert(options.get("every", 1), _EVERY, "info.preset.every")
    scaled = bool(options.get("scale", False))
    preprocessing = Preprocessing(
        statistics=config.statistics,
        deskew=bool(options.get("slope", True)),
        scale="spread" if scaled else "none",
        every=every,
        # Of IAM-OnDB: the spread of a line is 2.3 times that of a step.
        x_height=X_HEIGHT_PER_SPREAD * (1.0 if scaled else 2.3 * config.statistics.std[1] / every),
        points_per_character=max(1.0, 21.4 / every),
    )
    return _Config(config.network, config.alphabet, preprocessing, config.info)
