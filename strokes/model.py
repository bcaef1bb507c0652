"""A model on disk: config.json and model.safetensors, without torch and without pickles."""

from __future__ import annotations

import json
import operator
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib import resources
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from .alphabet import Alphabet
from .corpus import Statistics
from .files import InputError, atomic_path

__all__ = ["DEFAULT_MODEL", "Model", "load_model"]

#: The packaged model that writes when nobody asks for another.
DEFAULT_MODEL = "default"

_FORMAT = "strokes-model-1"


@dataclass(frozen=True)
class Model:
    """Weights and all that is needed to write with them.

    Attributes:
        weights: name -> array, float32 in memory, as `StrokeNetwork.state_dict()` names them.
        network: the fields of `NetworkConfig`.
        alphabet, statistics: of the corpus trained on.
        info: where the model comes from: preset, options, training, figures. For people.
    """

    weights: Mapping[str, np.ndarray]
    network: Mapping[str, object]
    alphabet: Alphabet
    statistics: Statistics
    info: Mapping[str, object] = field(default_factory=dict)

    @property
    def line_height(self) -> float:
        """How high a usual line is, as the standard deviation of its y, in ink units."""
        # Of 192 lines of validation 1, every point: median 91.5, where a step has a deviation of 36.8.
        return 1.0 if self.scaled else 2.5 * self.statistics.std[1] / self.every

    @property
    def scaled(self) -> bool:
        """Whether it was trained on lines that were each divided by their height, so that a unit of its ink is one."""
        return bool((self.info.get("preset") or {}).get("scale", False))

    @property
    def every(self) -> int:
        """Which of the points that a pen records it draws: all (1), every second (2) ..."""
        return int((self.info.get("preset") or {}).get("every", 1))

    def save(self, folder: str | os.PathLike[str], dtype: str = "float16") -> None:
        """Write config.json and model.safetensors into `folder`, which is made if need be.

        Raises:
            InputError: it cannot be written to.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        config = {
            "format": _FORMAT,
            "network": dict(self.network),
            "alphabet": self.alphabet.characters,
            "statistics": asdict(self.statistics),
            "info": dict(self.info),
        }
        with atomic_path(folder / "model.safetensors") as tmp:
            try:
                save_file({k: np.ascontiguousarray(v, dtype) for k, v in self.weights.items()}, tmp)
            except SafetensorError as e:  # its own error for a full disk
                raise InputError(f"{folder}: the model cannot be written ({e})") from None
        with atomic_path(folder / "config.json") as tmp:
            tmp.write_text(json.dumps(config, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def load_model(where: str | os.PathLike[str] = DEFAULT_MODEL) -> Model:
    """Load a packaged model by name, or one from a folder (a training run will do: its best weights).

    Raises:
        InputError: there is no such model, or its files are damaged.
    """
    packaged = resources.files("strokes.models")
    folder = Path(where)
    if not folder.exists() and str(where) == folder.name:
        folder = Path(str(packaged / folder.name))
    if (folder / "best" / "config.json").exists():
        folder = folder / "best"
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        weights = load_file(folder / "model.safetensors")
    except FileNotFoundError:
        names = sorted(p.name for p in packaged.iterdir() if (p / "config.json").is_file())
        raise InputError(
            f"{where}: no model there; give the folder of one, or a packaged one ({', '.join(names)})"
        ) from None
    except (OSError, ValueError, SafetensorError) as e:
        raise InputError(f"{folder}: the model is damaged ({e}); fetch or train it again") from None
    if not isinstance(config, dict) or config.get("format") != _FORMAT:
        raise InputError(f"{folder / 'config.json'}: not a model of this program")
    try:
        model = Model(
            weights={k: v.astype(np.float32) for k, v in weights.items()},
            network=dict(config["network"]),
            alphabet=Alphabet(config["alphabet"]),
            statistics=Statistics(*(tuple(map(float, config["statistics"][k])) for k in ("mean", "std"))),
            info=config.get("info", {}),
        )
        _check(model)
    except (AttributeError, KeyError, TypeError, ValueError) as e:
        raise InputError(f"{folder}: the model is damaged ({e}); fetch or train it again") from None
    return model


def _check(model: Model) -> None:
    """Whether the parts fit together.

    Raises:
        KeyError, TypeError, ValueError: they don't.
    """
    sizes = (model.network[k] for k in ("hidden", "window_components", "mixture_components"))
    h, k, m = map(operator.index, sizes)
    a = len(model.alphabet)
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
    for name in shapes.keys() | model.weights.keys():
        if name not in shapes or name not in model.weights or model.weights[name].shape != shapes[name]:
            raise ValueError(f"the weights {name} are not those of config.json")
        if not np.isfinite(model.weights[name]).all():
            raise ValueError(f"the weights {name} are not all finite numbers")
    preset = model.info.get("preset") or {}
    if not (isinstance(preset.get("every", 1), int) and preset.get("every", 1) >= 1):
        raise ValueError("it draws every n-th point, and n is not 1 or more")
    mean, std = model.statistics.mean, model.statistics.std
    if not (len(mean) == len(std) == 2 and np.isfinite(mean + std).all() and min(std) > 0):
        raise ValueError("the statistics are not two means and two deviations")
