"""The one way a model goes to disk and back: a folder with config.json and model.safetensors.

The document says what the tensors must be; both are checked before anything is made of them, and nothing is ever
unpickled. Models of every kind use this: the pen's, the characters', the recogniser.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from .documents import encode_json, read_json
from .files import InputError, atomic_path, make_folder

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
    folder = make_folder(folder)
    stored = {
        name: np.array(t, dtype if np.issubdtype(np.asarray(t).dtype, np.floating) else None, order="C")
        for name, t in tensors.items()
    }
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

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


class TensorFile(Mapping[str, np.ndarray]):
    """The tensors of an artefact, read when one is first asked for; their names, shapes and types are checked at once.

    Writing needs no weights where the compiled step of a model is at hand.

    Args:
        folder: where they are.
        shapes: the names that must be there, with their shapes.

    Raises:
        InputError: they are missing or damaged, or have other names, shapes or types; when they are read, if they are
            not all finite.
    """

    def __init__(self, folder: Path, shapes: Mapping[str, tuple[int, ...]]) -> None:
        self.path = folder / TENSORS
        self._folder, self._shapes = folder, dict(shapes)
        if sum(math.prod(shape) for shape in self._shapes.values()) > _MOST_WEIGHTS:
            raise InputError(f"{folder}: {CONFIG} asks for more than {_MOST_WEIGHTS:,} weights")
        self._tensors: dict[str, np.ndarray] | None = None
        self._open(self._check_headers)

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self._shapes:
            raise KeyError(name)
        if self._tensors is None:
            self._tensors = self._open(lambda file: {name: _tensor(file, name) for name in self._shapes})
        return self._tensors[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._shapes)

    def __len__(self) -> int:
        return len(self._shapes)

    def _check_headers(self, file: Any) -> None:
        for name, shape in self._shapes.items():
            _check_header(file, name, shape)

    def _open(self, read: Callable[[Any], T]) -> T:
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(self.path, framework="numpy") as file:
                odd = sorted(set(file.keys()) ^ self._shapes.keys())
                if odd:
                    there = "not" if odd[0] in self._shapes else "unexpectedly"
                    raise ValueError(f"the weights {odd[0]!r} are {there} there")
                return read(file)
        except FileNotFoundError:
            raise InputError(f"{self._folder}: it has no {TENSORS}; fetch or train the model again") from None
        except (OSError, ValueError, TypeError, SafetensorError) as e:
            why = " ".join(str(e).split())[:300]
            raise InputError(
                f"{self._folder}: the model is damaged ({why}); fetch or train it again"
            ) from None


def read_tensors(folder: Path, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """The tensors of an artefact, float32 (counters int64).

    Args:
        folder: where they are.
        shapes: the names that must be there, with their shapes.

    Raises:
        InputError: they are missing or damaged, have other names, shapes or types, or are not all finite.
    """
    return dict(TensorFile(folder, shapes))


def _check_header(file: Any, name: str, shape: tuple[int, ...]) -> None:
    header = file.get_slice(name)
    if tuple(header.get_shape()) != tuple(shape):
        raise ValueError(f"the weights {name!r} have shape {tuple(header.get_shape())}, not {tuple(shape)}")
    if header.get_dtype() not in _FLOATS + _INTEGERS:
        raise ValueError(f"the weights {name!r} are of type {header.get_dtype()}")


def _tensor(file: Any, name: str) -> np.ndarray:
    tensor: np.ndarray = file.get_tensor(name)
    if np.issubdtype(tensor.dtype, np.integer):
        return tensor.astype(np.int64)
    with np.errstate(over="ignore"):
        tensor = tensor.astype(np.float32)
    if not np.isfinite(tensor).all():
        raise ValueError(f"the weights {name!r} are not all finite numbers")
    return tensor
