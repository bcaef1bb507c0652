"""Commands by their names: a module each, imported when it is asked for."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..files import InputError

__all__ = ["Group"]


@dataclass(frozen=True)
class Group:
    """Commands under one name.

    Args:
        name: what is typed to get here: "strokes characters".
        package: the package of the modules, each with `run(argv) -> int | None`.
        commands: the name of a command (its module has an underscore for a dash) -> what it does.
        description: said above the list of them.
        epilog: said below it.
        noun: what they are.
    """

    name: str
    package: str
    commands: Mapping[str, str]
    description: str
    epilog: str
    noun: str = "command"

    def help(self) -> str:
        """The list of commands."""
        width = max(map(len, self.commands))
        listed = "\n".join(f"  {name:<{width}}  {what}" for name, what in self.commands.items())
        usage = f"usage: {self.name} {self.noun.upper().replace(' ', '-')} ..."
        return f"{usage}\n\n{self.description}\n\n{self.noun}s:\n{listed}\n\n{self.epilog}"

    def run(self, argv: Sequence[str]) -> int:
        """Run the command that `argv` begins with; returns the exit status.

        Raises:
            InputError: there is no such command, or what it raises.
        """
        if not argv or argv[0] in ("-h", "--help"):
            print(self.help())
            return 0 if argv else 2
        name = argv[0]
        if name not in self.commands:
            import difflib

            near = difflib.get_close_matches(name, self.commands, 1)
            raise InputError(
                f"there is no {self.noun} {name!r}; there are {', '.join(self.commands)}"
                + (f"; the nearest is {near[0]}" if near else f" (see '{self.name} --help')")
            )
        module = importlib.import_module("." + name.replace("-", "_"), self.package)
        return module.run(argv[1:]) or 0
