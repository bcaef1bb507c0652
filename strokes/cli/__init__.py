"""The command line: one module a command, imported when it is asked for.

A command parses its options into dataclasses, calls the library, and prints. What all commands share stands here: how
they begin, and that whatever goes wrong ends in one sentence and an exit status.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress

from ..files import InputError, exit_on_sigterm
from .console import open_streams, say
from .environment import set_environment
from .group import Group

__all__ = ["COMMANDS", "GROUP", "main"]

#: command -> what it does; the module of the same name has `run(argv) -> int | None`.
COMMANDS = {
    "write": "text in, a page of handwriting out",
    "merge": "a document for each row of a table",
    "heatmap": "a picture of the window over the text, above the ink that it drew",
    "prepare": "a data set in, one corpus file to train on out",
    "train": "train the network on a corpus",
    "evaluate": "how legible what a model writes is, or the likelihood of a corpus under it",
    "read": "what a recogniser reads in a file of ink",
    "export-onnx": "the network's step for other runtimes and languages",
    "characters": "28x28 characters: drawn, read, imitated, trained on",
}

GROUP = Group(
    "strokes",
    __name__,
    COMMANDS,
    "Text in, pen strokes out.",
    'example:\n  strokes write "Dear Ada, the plotter is writing again" -o dear-ada.svg\n\n'
    "'strokes COMMAND --help' explains a command and gives an example.\n"
    "STROKES_TRACEBACK=1 in the environment shows where an error arose.",
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        The exit status: 0; 2 on bad usage or input; 130 when interrupted; 1 if it failed otherwise.

    Raises:
        SystemExit: help was asked for and printed (0), or the process was told to end (143).
    """
    argv = list(sys.argv[1:] if argv is None else argv)
    open_streams()
    exit_on_sigterm()
    set_environment(argv[0] if argv else "")
    try:
        try:
            return _version() if argv[:1] == ["--version"] else GROUP.run(argv)
        finally:
            _flush()
    except Exception as e:
        if os.environ.get("STROKES_TRACEBACK"):
            import traceback

            traceback.print_exc()
        return _explain(e)
    except KeyboardInterrupt:
        say("interrupted")
        return 130


def _version() -> int:
    from importlib.metadata import version

    print(version("strokes"))
    return 0


def _flush() -> None:
    """Write what standard output still holds, where a full disk or a closed pipe can be spoken of.

    Raises:
        OSError: it cannot be written.
    """
    try:
        sys.stdout.flush()
    except OSError:
        with suppress(OSError, ValueError):  # Python would try once more at exit
            number = sys.stdout.fileno()
            os.dup2(os.open(os.devnull, os.O_WRONLY), number)
        raise


def _explain(error: Exception) -> int:
    """Say in one sentence what went wrong; returns the exit status."""
    if isinstance(error, InputError):
        say(error)
        return 2
    if isinstance(error, BrokenPipeError):
        return 1
    if isinstance(error, OSError) and error.strerror is not None:
        say(f"{error.filename}: {error.strerror}" if error.filename else error.strerror)
        return 2
    if isinstance(error, MemoryError):
        say("there is not enough memory for this; ask for less at once")
        return 1
    say(
        f"this should not happen: {type(error).__name__}: {str(error)[:300] or 'no message'}; "
        "STROKES_TRACEBACK=1 in the environment shows where: please report it"
    )
    return 1
