"""argparse with this program's manners: options from dataclasses, errors of one sentence, files of settings."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, get_args, get_origin

from ..files import InputError
from .config_files import read_settings
from .options import Option, changed, options_of

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

__all__ = ["Arguments", "Parser"]

T = TypeVar("T")


class Arguments(argparse.Namespace):
    """What was given: attributes of `add_argument`, and whole dataclasses of `add_options`."""

    def __init__(self, parser: Parser) -> None:
        super().__init__()
        self._parser = parser
        self._settings: dict[str, tuple[object, str]] = {}

    def make(self, kind: type[T], defaults: T | None = None) -> T:
        """The dataclass that the options describe.

        The command line goes before files of settings, and these before the defaults.

        Args:
            kind: the class of an instance that `Parser.add_options` was given.
            defaults: what holds where nothing was given; None for that instance.

        Raises:
            InputError: a value is wrong, or they do not go together.
        """
        values: dict[tuple[str, ...], object] = {}
        for option in self._parser.options[kind]:
            if (given := getattr(self, option.flag)) is not None:
                values[option.path] = option.read(given)
            elif option.key in self._settings:
                values[option.path] = option.read(*self._settings[option.key])
        base: Any = self._parser.defaults[kind] if defaults is None else defaults
        try:
            return changed(base, values)  # type: ignore[no-any-return]  # of the class asked for
        except ValueError as e:
            culprit = self._culprit(kind, base, values)
            name = f"{culprit.flag}: " if culprit else ""
            raise InputError(f"{name}{e} (see '{self._parser.prog} --help')") from None

    def _culprit(
        self, kind: type, defaults: object, values: Mapping[tuple[str, ...], object]
    ) -> Option | None:
        """The one option whose value a dataclass refuses by itself, if it is one."""
        found = []
        for option in self._parser.options[kind]:
            try:
                if option.path in values:
                    changed(defaults, {option.path: values[option.path]})
            except ValueError:
                found.append(option)
        return found[0] if len(found) == 1 else None

    def refuse(self, message: str) -> NoReturn:
        """Refuse the command line, in one sentence."""
        self._parser.error(message)

    def given(self, flag: str) -> bool:
        """Whether an option of `add_options` was given on the command line."""
        return getattr(self, flag) is not None


class Parser(argparse.ArgumentParser):
    """The parser of one command.

    Args:
        command: its name, without the program's.
        description: what it does; lines are kept as they are.
        examples: whole command lines.
        takes_text: whether an argument may be any text, and so begin with a dash.
    """

    def __init__(self, command: str, description: str, *examples: str, takes_text: bool = False) -> None:
        lines = "\n".join(f"  {example}" for example in examples)
        super().__init__(
            prog=f"strokes {command}",
            description=description,
            epilog=f"example:\n{lines}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        self.options: dict[type, list[Option]] = {}
        self.defaults: dict[type, object] = {}
        self._takes_text = takes_text
        self._argv: list[str] = []

    def add_options(
        self,
        defaults: object,
        *,
        title: str | None = None,
        flags: Mapping[str, str] | None = None,
        metavars: Mapping[str, str] | None = None,
        leave_out: Sequence[str] = (),
        says: Mapping[str, str] | None = None,
    ) -> None:
        """Add every field of a dataclass as an option; `Arguments.make` gives the dataclass back.

        Args:
            defaults: an instance, which holds the defaults.
            title: of their group in the help.
            flags: fields that are called otherwise here, as {"width": "pen-width"}.
            metavars: fields whose values are called otherwise in the help.
            leave_out: fields that are no options.
            says: fields whose default the help says otherwise.
        """
        self.defaults[type(defaults)] = defaults
        self.options[type(defaults)] = list(options_of(defaults, flags=flags, leave_out=leave_out))
        for option in self.options[type(defaults)]:
            if option.flag in self._option_string_actions:
                continue  # of a class that was added before
            group = self._group(option.group or title)
            about = [option.range, (says or {}).get(option.path[-1], _default(option.default))]
            # No default: what was not given must be known, for files of settings and runs that go on.
            what: dict[str, Any] = {
                "dest": option.flag,
                "default": None,
                "help": f"{option.help.rstrip('.')} ({'; '.join(filter(None, about))})".removesuffix(
                    " ()"
                ).replace("%", "%%"),
            }
            if option.base is bool:
                what["action"] = argparse.BooleanOptionalAction
            else:
                what["metavar"] = (metavars or {}).get(option.path[-1]) or _metavar(option)
                what["nargs"] = "+" if get_origin(option.base) is tuple else None
            group.add_argument(option.flag, **what)

    def add_config(self) -> None:
        """Add --config, a file of settings for all that `add_options` added."""
        self.add_argument(
            "--config",
            action="append",
            default=[],
            metavar="FILE",
            help="settings in YAML, or in TOML if the name ends in .toml, named as below; "
            "options go before them",
        )

    @property
    def flags_without_value(self) -> set[str]:
        """The options that take no value."""
        return {flag for action in self._actions if action.nargs == 0 for flag in action.option_strings}

    def parse(self, argv: Sequence[str]) -> Arguments:
        """Parse a command line.

        Raises:
            InputError: it is not one of this command.
            SystemExit: help was asked for, and printed.
        """
        self._argv = self._normalised(argv)
        args, unknown = self.parse_known_args(self._argv, Arguments(self))
        if unknown:
            self._refuse(unknown)
        everything = [option for options in self.options.values() for option in options]
        for path in getattr(args, "config", ()):
            args._settings |= {k: (v, path) for k, v in read_settings(Path(path), everything).items()}
        return args

    def format_help(self) -> str:
        """As argparse does, with a usage of one line: most commands have more options than one can read there."""
        needed = [a for a in self._actions if a.required and a.option_strings]
        words = [f"{a.option_strings[0]} {a.metavar}" for a in needed]
        words += [
            {"?": f"[{a.metavar}]", "+": f"{a.metavar} ..."}.get(str(a.nargs), str(a.metavar))
            for a in self._actions
            if not a.option_strings
        ]
        self.usage = " ".join([self.prog, "[options]", *words]).replace("%", "%%")
        return super().format_help()

    def print_help(self, file: SupportsWrite[str] | None = None) -> None:
        """As argparse does, which says nothing of a disk that is full."""
        (file or sys.stdout).write(self.format_help())

    def error(self, message: str) -> NoReturn:
        """Refuse the command line, in one sentence."""
        odd = self._odd_word()
        if odd and "ignored explicit argument" in message:  # -hello is -h with something at its end
            message = f"there is no option {odd}"
        hint = f"; a text that begins with a dash goes to the end, after --: -- {odd}" if odd else ""
        raise InputError(f"{message}{hint} (see '{self.prog} --help')")

    def _group(self, title: str | None) -> argparse._ActionsContainer:
        """The group of this title, made if need be."""
        if title is None:
            return self
        found = [group for group in self._action_groups if group.title == title]
        return found[0] if found else self.add_argument_group(title)

    def _refuse(self, unknown: Sequence[str]) -> NoReturn:
        """Name what is unknown, and the option that may be meant."""
        word = next((w for w in unknown if w.startswith("-")), unknown[0]).partition("=")[0]
        if not word.startswith("-"):
            self.error(f"there is no place for {word!r}")
        import difflib

        near = difflib.get_close_matches(word, self._option_string_actions, 1)
        self.error(f"there is no option {word}" + (f"; the nearest is {near[0]}" if near else ""))

    def _odd_word(self) -> str:
        """A word that may be a text but begins with a dash; "" if there is none."""
        known = self._option_string_actions
        if not self._takes_text or "--" in self._argv:
            return ""
        words = [w for w in self._argv if w.startswith("-") and w != "-" and w[:2] != "-o"]
        return next((w for w in words if w.partition("=")[0] not in known), "")

    def _normalised(self, argv: Sequence[str]) -> list[str]:
        """--class_weight as --class-weight, and --seed -1 as --seed=-1."""
        words: list[str] = []
        values = [option for options in self.options.values() for option in options]
        numbers = {option.flag for option in values if option.base in (int, float)}
        for i, word in enumerate(argv):
            if word == "--":
                return [*words, *argv[i:]]
            if word.startswith("--"):
                name, equals, value = word.partition("=")
                words.append(name.replace("_", "-") + equals + value)
            elif words and words[-1] in numbers and _is_number(word):
                # argparse takes -1 for a number but -1e3 and -inf for options.
                words[-1] += f"={word}"
            else:
                words.append(word)
        return words


def _metavar(option: Option) -> str:
    if option.choices:
        return "{" + ",".join(map(str, option.choices)) + "}"
    kind = get_args(option.base)[0] if get_origin(option.base) is tuple else option.base
    return {int: "N", float: "X"}.get(kind, "NAME")


def _default(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return f"default: {'yes' if value else 'no'}"
    if isinstance(value, tuple):
        return f"default: {' '.join(map(str, value))}"
    return f"default: {value:g}" if isinstance(value, float) else f"default: {value!s}"


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True
