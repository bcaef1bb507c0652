"""What several commands take: a text, how to draw it, and remarks about what came of it."""

from __future__ import annotations

import sys
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from ..files import InputError
from .console import say
from .parser import Arguments, Parser

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..alphabet import Transliteration
    from ..sampling import Sample, SamplingOptions, Word

__all__ = [
    "NO_READER",
    "add_formats",
    "add_page",
    "add_sampling",
    "add_text",
    "chosen_reader",
    "read_text",
    "remarks",
    "sampling_options",
]

#: What `--reader` says for none.
NO_READER = "none"

# Over a thousand pages.
_MOST_BYTES = 4 * 2**20


def add_text(parser: Parser) -> None:
    """TEXT and --file, of which one is needed."""
    parser.add_argument("text", nargs="?", metavar="TEXT", help="what to write; - reads standard input")
    parser.add_argument("--file", metavar="F", help="a UTF-8 text file to write; - reads standard input")


def read_text(args: Arguments) -> str:
    """The text that `add_text` asked for.

    Raises:
        InputError: none or two were given, or a file cannot be read.
    """
    if (args.text is None) == (args.file is None):
        args.refuse("give either TEXT or --file F")
    source: str | None = args.file if args.file is not None else "-" if args.text == "-" else None
    if source is None:
        return str(args.text)
    name = "standard input" if source == "-" else source
    if source == "-" and sys.stdin is None:
        raise InputError("standard input is closed; give TEXT or --file F")
    try:
        if source == "-":
            data = sys.stdin.buffer.read(_MOST_BYTES + 1)
        else:
            with Path(source).open("rb") as file:
                data = file.read(_MOST_BYTES + 1)
    except OSError as e:
        raise InputError(f"{name}: cannot be read ({e.strerror})") from None
    if len(data) > _MOST_BYTES:
        raise InputError(f"{name}: a text of more than {_MOST_BYTES // 2**20} MiB; write it in parts")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        raise InputError(f"{name}: not UTF-8 text (byte {e.start}); save it as UTF-8") from None


def add_sampling(parser: Parser) -> None:
    """The options of `SamplingOptions`, the model and how it is computed."""
    from ..sampling import SamplingOptions

    parser.add_options(
        SamplingOptions(), title="writing", metavars={"bias": "B", "seed": "N", "best_of": "N"}
    )
    parser.add_argument(
        "--model",
        default="default",
        metavar="M",
        help="a packaged model, a model's folder or a training run (default: default)",
    )
    parser.add_argument(
        "--precision",
        choices=("int8", "fp32"),
        default="int8",
        help="of hidden states: int8 multiplies them as bytes; fp32 is slower, and gives another ink "
        "(default: int8)",
    )
    parser.add_argument(
        "--reader",
        default="reader",
        metavar="R",
        help="the recogniser that reads what was written, so that words that read wrong are written again: a packaged "
        "one, the folder of one, or none (default: reader)",
    )


def chosen_reader(name: str) -> str | None:
    """What `--reader` names; None for no reader."""
    return None if name == NO_READER else name


def add_page(parser: Parser) -> None:
    """The options of `PageOptions`."""
    from ..page import PageOptions

    millimetres = ("margin", "x_height", "line_height", "indent", "edge_wander", "baseline_wander")
    parser.add_options(
        PageOptions(),
        title="page",
        metavars={**dict.fromkeys(millimetres, "MM"), "page": "PAPER", "hyphenate": "LANGUAGE"},
    )


def add_formats(parser: Parser) -> None:
    """The options of every format."""
    from ..export import FORMATS

    seen: set[str] = set()
    for kind in FORMATS.values():
        names = {field.name for field in fields(kind.options)}
        owners = [s for s, k in FORMATS.items() if (names - seen) & {f.name for f in fields(k.options)}]
        parser.add_options(
            kind.options(),
            title=f"{' and '.join(owners)} only" if seen else "pen",
            flags={"pen_width_mm": "pen-width"},
            metavars={"pen_width_mm": "MM", "simplify": "MM", "color": "C", "dpi": "N"},
            leave_out=("background",),
        )
        seen |= names


def sampling_options(args: Arguments) -> SamplingOptions:
    """The options that `add_sampling` added."""
    from ..sampling import SamplingOptions

    return args.make(SamplingOptions)


def remarks(transliteration: Transliteration, doubtful: Iterable[Sample], weak: str = "") -> None:
    """Say which characters were replaced, which lines to look at, and which characters this model draws badly."""
    if transliteration.replaced:
        say(f"written {transliteration}")
    for sample in doubtful:
        words = ", ".join(_about(word) for word in sample.doubtful)
        where = f"{words} in the line" if words else "the line"
        say(f"look at {where} {sample.text!r}; another --seed may write it better")
    if weak:
        say(f"this model often draws these so that they are misread: {' '.join(weak)}; look at them")


def _about(word: Word) -> str:
    """A word, and what it reads as if that is something else."""
    return (
        f"{word.text!r} (reads {word.reading.read!r})" if word.reading and word.misread else repr(word.text)
    )
