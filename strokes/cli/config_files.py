"""Settings from files: YAML, TOML, and the config.json that a training run keeps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from ..documents import read_json
from ..files import InputError
from .options import Option, changed, options_of, shown

__all__ = ["read_settings", "settings_of_run"]

T = TypeVar("T")

_MOST_BYTES = 2**20
_DEEPEST = 8


def read_settings(path: Path, options: Sequence[Option]) -> dict[str, object]:
    """The settings of a file by their keys ("network.hidden"), as they stand there: types are checked on use.

    Args:
        path: TOML if its name ends in .toml, else YAML (and so JSON).
        options: the settings that there are.

    Raises:
        InputError: the file cannot be read, is no mapping, or names a setting that there is not.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except OSError as e:
        raise InputError(f"{path}: cannot be read ({e.strerror})") from None
    if len(data) > _MOST_BYTES:
        raise InputError(f"{path}: this is no file of settings, it is larger than 1 MiB")
    decode = msgspec.toml.decode if path.suffix.lower() == ".toml" else msgspec.yaml.decode
    try:
        settings = decode(data)
    except (ValueError, TypeError, RecursionError) as e:
        why = "nested too deeply" if isinstance(e, RecursionError) else " ".join(str(e).split())[:200]
        raise InputError(f"{path}: cannot be read as settings ({why})") from None
    return _checked({} if settings is None else settings, options, str(path))


def settings_of_run(path: Path, defaults: T, ignore: Sequence[str] = ()) -> T:
    """The settings that a run began with.

    Args:
        path: its config.json.
        defaults: an instance of their dataclass, for what the file does not have.
        ignore: what the file may have beside them.

    Raises:
        InputError: the file is missing, damaged or of another version.
    """
    try:
        document = read_json(path, dict[str, Any])
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file; this run cannot be resumed") from None
    options = list(options_of(defaults))
    document = {key: value for key, value in document.items() if key not in ignore}
    found = _checked(document, options, str(path))
    values = {o.path: o.read(found[o.key], str(path)) for o in options if o.key in found}
    try:
        return changed(defaults, values)
    except ValueError as e:
        raise InputError(f"{path}: {e}; this run cannot be resumed") from None


def _checked(settings: object, options: Sequence[Option], where: str) -> dict[str, object]:
    """Key -> value, for keys that are known."""
    if not isinstance(settings, dict):
        raise InputError(f"{where}: these are no settings; give one a line, as in 'epochs: 12'")
    known = {option.key: option for option in options}
    groups = {key.rpartition(".")[0] for key in known} - {""}
    found: dict[str, object] = {}
    for key, value in _flat(settings):
        if key in groups and not value:
            continue
        if key in groups:
            raise InputError(f"{where}: {key} is {shown(value)}; it must be a group of settings")
        if key not in known:
            import difflib

            near = difflib.get_close_matches(key, known, 1)
            raise InputError(
                f"{where}: there is no setting {shown(key)}" + (f"; the nearest is {near[0]}" if near else "")
            )
        found[key] = value
    return found


def _flat(settings: Mapping[Any, object], before: str = "") -> Iterator[tuple[str, object]]:
    """{"network": {"hidden": 400}} -> ("network.hidden", 400)."""
    for name, value in settings.items():
        key = before + str(name).replace("-", "_")
        if isinstance(value, dict) and value and key.count(".") < _DEEPEST:
            yield from _flat(value, f"{key}.")
        else:
            yield key, value
