"""Training's settings on the command line: every field of a dataclass an option, YAML files, the house's errors."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import TypeVar

import jsonargparse

from ..files import InputError

__all__ = ["SettingsParser", "dashes", "flatten"]

T = TypeVar("T")


class _Formatter(jsonargparse.DefaultHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Keeps the lines of the description, with its commands, as they are."""


def dashes(argv: Sequence[str]) -> list[str]:
    """Options as people type them, with dashes, in the spelling of Python's names."""
    return [
        re.sub(r"(?<=\w)-", "_", a.split("=")[0]) + a[len(a.split("=")[0]) :] if a.startswith("--") else a
        for a in argv
    ]


class SettingsParser(jsonargparse.ArgumentParser):
    """A parser of settings whose errors are one line, exit status 2."""

    def __init__(self, command: str, description: str) -> None:
        super().__init__(
            prog=f"strokes {command}", description=description, default_env=False, formatter_class=_Formatter
        )

    def format_help(self) -> str:
        """Options are shown with dashes."""
        return re.sub(
            r"(?<![\w-])--[\w.]+", lambda option: option[0].replace("_", "-"), super().format_help()
        )

    def error(self, message: str, ex: Exception | None = None) -> None:
        """One sentence instead of a page."""
        raise InputError(f"{' '.join(str(message).split())} (see '{self.prog} --help')")

    def parse_args(self, *args: object, **kwargs: object) -> jsonargparse.Namespace:
        """As jsonargparse; a file of settings that is no text is one sentence too."""
        try:
            return super().parse_args(*args, **kwargs)
        except UnicodeDecodeError as e:
            raise InputError(f"--config: the file of settings is not text in UTF-8 ({e})") from None

    def defaults_of_run(self, run: Path, drop: Sequence[str] = ()) -> None:
        """The settings that a run began with become the defaults.

        Raises:
            InputError: its config.json is missing, damaged or of another version.
        """
        what = run / "config.json"
        try:
            kept = json.loads(what.read_text(encoding="utf-8"))
            self.set_defaults(flatten({k: v for k, v in kept.items() if k not in drop}))
        except (OSError, ValueError, KeyError, AttributeError) as e:
            why = f" ({e})" if isinstance(e, KeyError) else ""  # a setting of another version
            raise InputError(
                f"{what}: missing, damaged or of another version{why}; it cannot be resumed"
            ) from None

    def settings(self, args: jsonargparse.Namespace, kind: type[T]) -> T:
        """The dataclass that the options describe.

        Raises:
            InputError: a setting is out of range.
        """
        try:
            chosen = self.instantiate(args)
            return kind(**{f.name: chosen[f.name] for f in fields(kind)})
        except ValueError as e:
            raise InputError(f"{e} (see '{self.prog} --help')") from None


def flatten(settings: dict) -> dict:
    """{"network": {"hidden": 400}} -> {"network.hidden": 400}."""
    flat = {}
    for key, value in settings.items():
        if isinstance(value, dict):
            flat.update({f"{key}.{k}": v for k, v in value.items()})
        else:
            flat[key] = value
    return flat
