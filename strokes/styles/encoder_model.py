"""The style encoder's weights on disk. No torch."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np
from msgspec import Meta

from ..artifacts import TensorFile, find_artifact, read_config, save_artifact
from ..model import packaged_models
from ..recognition.config import ReaderConfig
from ..recognition.model import path_shapes

__all__ = ["StyleEncoderModel", "load_style_encoder"]


@dataclass(frozen=True, eq=False)
class StyleEncoderModel:
    """Weights of a style encoder.

    Attributes:
        weights: by name, as `StyleNetwork.state_dict()` has them.
        network: sizes of its path encoder.
        size: of the embedding.
        info: where it comes from. For people.
    """

    weights: Mapping[str, np.ndarray]
    network: ReaderConfig
    size: int
    info: Mapping[str, Any] = field(default_factory=dict)

    def save(self, folder: str | os.PathLike[str], dtype: str = "float16") -> None:
        """Write config.json and model.safetensors into `folder`.

        Raises:
            InputError: it cannot be written to.
        """
        save_artifact(folder, _Config(self.network, self.size, dict(self.info)), self.weights, dtype)


def load_style_encoder(where: str | os.PathLike[str] = "style") -> StyleEncoderModel:
    """Load a packaged style encoder by name, or one from a folder.

    Raises:
        InputError: there is no such model, or its files are damaged.
    """
    folder = find_artifact(where, Path(packaged_models()) / "recognition")
    config = read_config(folder, _Config)
    hidden = config.network.hidden
    shapes = {
        **path_shapes(config.network),
        "attention.weight": (1, 2 * hidden),
        "attention.bias": (1,),
        "projection.weight": (config.size, 4 * hidden),
        "projection.bias": (config.size,),
        "norm.running_mean": (config.size,),
        "norm.running_var": (config.size,),
        "norm.num_batches_tracked": (),
    }
    return StyleEncoderModel(TensorFile(folder, shapes), config.network, config.size, config.info)


class _Config(msgspec.Struct, frozen=True, tag_field="format", tag="strokes-style-encoder-1"):
    """config.json."""

    network: ReaderConfig
    size: Annotated[int, Meta(ge=2, le=4096)]
    info: dict[str, Any] = {}
