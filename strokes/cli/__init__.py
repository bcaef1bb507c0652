"""The command line: one module a command, imported when it is asked for."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

from ..files import InputError

__all__ = ["COMMANDS", "main"]

#: command -> what it does; the module of the same name has `run(argv) -> int | None`.
COMMANDS = {
    "write": "text in, a page of handwriting out",
    "heatmap": "a picture of the window over the text, above the ink that it drew",
    "prepare": "a data set in, one corpus file to train on out",
    "train": "train the network on a corpus",
    "evaluate": "the likelihood of a corpus under a model, as JSON",
    "characters": "28x28 characters: drawn, read, imitated, trained on",
}

_EPILOG = """\
example:
  strokes write "Dear Ada, the plotter is writing again" -o dear-ada.svg

'strokes COMMAND --help' explains a command and gives an example."""


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line, exit status 2."""

    def __init__(self, command: str, description: str, example: str) -> None:
        super().__init__(
            prog=f"strokes {command}",
            description=description,
            epilog=f"example:\n  {example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )

    def error(self, message: str) -> None:
        raise InputError(f"{message} (see '{self.prog} --help')")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit status: 0, 2 on bad usage or input, 130 when interrupted."""
    argv = list(sys.argv[1:] if argv is None else argv)
    if argv[:1] in (["-h"], ["--help"], []):
        width = max(map(len, COMMANDS))
        print("usage: strokes COMMAND ...\n\nText in, pen strokes out.\n\ncommands:")
        print("\n".join(f"  {name:<{width}}  {what}" for name, what in COMMANDS.items()))
        print("\n" + _EPILOG)
        return 0 if argv else 2
    if argv[0] == "--version":
        from importlib.metadata import version

        print(version("strokes"))
        return 0
    try:
        if argv[0] not in COMMANDS:
            raise InputError(f"there is no command {argv[0]!r}; there are {', '.join(COMMANDS)}")
        return importlib.import_module(f".{argv[0]}", __name__).run(argv[1:]) or 0
    except InputError as e:
        print(f"strokes: {e}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("strokes: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 1
    except OSError as e:
        if e.strerror is None:
            raise
        place = f"{e.filename}: " if e.filename else ""
        print(f"strokes: {place}{e.strerror}", file=sys.stderr)
        return 2
