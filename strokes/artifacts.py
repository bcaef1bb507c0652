"""The one way a model goes to disk and back: a folder with config.json and model.safetensors.

The document says what the tensors must be; both are checked before anything is made of them, and nothing is ever
unpickled. Models of every kind use this: the pen's, the characters', the recogniser.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from .documents import encode_json, read_json
from .files import InputError, atomic_path

__all__ = [
    "CONFIG",
    "TENSORS",
    "find_artifact",
    "packaged_names",
    "read_config",
    "read_tensors",
    "save_artifact",
]

T = TypeVar("T")

#: The two files of an artefact.
CONFIG, TENSORS = "config.json", "model.safetensors"

# Types that weights may have on disk; they are float32 in memory, counters int64.
_FLOATS, _INTEGERS = ("F16", "F32", "F64"), ("I64", "I32")
# A model of 400 cells has 3.7 million weights.
_MOST_WEIGHTS = 500_000_000


def save_artifact(
    folder: str | os.PathLike[str], config: object, tensors: Mapping[str, np.ndarray], dtype: str = "float16"
) -> None:
    """Write config.json and model.safetensors into `folder`, which is made if need be; each file whole or not at all.

    Args:
        folder: where to.
        config: a dataclass that describes the tensors.
        tensors: weights by name; floating-point ones are stored as `dtype`, others as they are.
        dtype: "float16" or "float32".

    Raises:
        InputError: the folder cannot be made or written to.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise InputError(
            f"{folder}: this folder cannot be made ({e.strerror}); choose another place"
        ) from None
    stored = {
        name: np.array(t, dtype if np.issubdtype(np.asarray(t).dtype, np.floating) else None, order="C")
        for name, t in tensors.items()
    }
    with atomic_path(folder / TENSORS) as tmp:
        try:
            save_file(stored, tmp)
        except SafetensorError as e:  # its own error for a full disk
            raise InputError(f"{folder}: the model cannot be written ({e}); make room") from None
    with atomic_path(folder / CONFIG) as tmp:
        tmp.write_bytes(encode_json(config))


def find_artifact(where: str | os.PathLike[str], packaged: Path) -> Path:
    """The folder of a model.

    A name without a path separator is a packaged model's if there is one of that name, whatever lies in the working
    directory. The folder of a training run stands for its best weights, or for its latest where none was validated.

    Args:
        where: a packaged model's name, or a folder.
        packaged: the folder of the packaged models.

    Raises:
        InputError: there is no model there.
    """
    name = os.fspath(where)
    named = not any(s in name for s in (os.sep, os.altsep) if s) and name not in ("", ".", "..")
    if named and (packaged / name / CONFIG).is_file():
        return packaged / name
    folder = Path(where)
    for part in ("best", "latest"):
        if (folder / part / CONFIG).is_file():
            return folder / part
    if (folder / CONFIG).is_file() and (folder / TENSORS).is_file():
        return folder
    if (folder / "metrics.jsonl").is_file():
        raise InputError(f"{where}: this run has no model yet, it was not validated; go on with --resume")
    known = ", ".join(packaged_names(packaged))
    raise InputError(f"{where}: no model there; give the folder of one, or a packaged one ({known})")


def packaged_names(packaged: Path) -> list[str]:
    """The names of the models in a folder of models."""
    return sorted(p.name for p in packaged.iterdir() if (p / CONFIG).is_file()) if packaged.is_dir() else []


def read_config(folder: Path, kind: type[T]) -> T:
    """The document of an artefact.

    Raises:
        InputError: it is missing, damaged, or of another type.
    """
    try:
        return read_json(folder / CONFIG, kind)
    except FileNotFoundError:
        raise InputError(f"{folder}: it has no {CONFIG}; fetch or train the model again") from None


def read_tensors(folder: Path, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """The tensors of an artefact, float32 (counters int64).

    Args:
        folder: where they are.
        shapes: the names that must be there, with their shapes.

    Raises:
        InputError: they are missing or damaged, have other names, shapes or types, or are not all finite.
    """
    if sum(np.prod(shape, dtype=np.float64) for shape in shapes.values()) > _MOST_WEIGHTS:
        raise InputError(f"{folder}: {CONFIG} asks for more than {_MOST_WEIGHTS:,} weights")
    try:
        with safe_open(folder / TENSORS, framework="numpy") as file:
            names = set(file.keys())
            if names != set(shapes):
                odd = sorted(names ^ set(shapes))[0]
                raise ValueError(
                    f"the weights {odd!r} are {'not' if odd in shapes else 'unexpectedly'} there"
                )
            tensors = {name: _tensor(file, name, tuple(shape)) for name, shape in shapes.items()}
    except FileNotFoundError:
        raise InputError(f"{folder}: it has no {TENSORS}; fetch or train the model again") from None
    except (OSError, ValueError, TypeError, SafetensorError) as e:
        why = " ".join(str(e).split())[:300]
        raise InputError(f"{folder}: the model is damaged ({why}); fetch or train it again") from None
    return tensors


def _tensor(file: Any, name: str, shape: tuple[int, ...]) -> np.ndarray:
    header = file.get_slice(name)
    if tuple(header.get_shape()) != shape:
        raise ValueError(f"the weights {name!r} have shape {tuple(header.get_shape())}, not {shape}")
    if header.get_dtype() not in _FLOATS + _INTEGERS:
        raise ValueError(f"the weights {name!r} are of type {header.get_dtype()}")
    tensor: np.ndarray = file.get_tensor(name)
    if header.get_dtype() in _INTEGERS:
        return tensor.astype(np.int64)
    with np.errstate(over="ignore"):
        tensor = tensor.astype(np.float32)
    if not np.isfinite(tensor).all():
        raise ValueError(f"the weights {name!r} are not all finite numbers")
    return tensor
