"""strokes read: what a recogniser reads in a file of ink."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from .console import show
from .parser import Parser

if TYPE_CHECKING:
    from ..ink import Ink
    from ..recognition import Reading

__all__ = ["make_parser", "run"]

_DESCRIPTION = """\
Read ink back.

INK is a drawing of one or several lines of writing: SVG, InkML, or JSON as 'strokes write' makes
it. Its lines are found by their place and read one by one, greedily, without a language model;
size, slope and the pen's sampling rate do not matter. The recogniser knows the 95 printable
characters of ASCII. On a terminal each line is followed by how sure it is."""


def make_parser() -> Parser:
    """The options of the command."""
    parser = Parser("read", _DESCRIPTION, "strokes read letter.svg", "strokes read letter.inkml --json")
    parser.add_argument("ink", metavar="INK", help="ends in .svg, .inkml or .json")
    parser.add_argument(
        "--json",
        action="store_true",
        help="print an object: lines with text, confidence, bounds and characters, each with its place in the ink",
    )
    parser.add_argument(
        "--reader",
        default="reader",
        metavar="R",
        help="a packaged recogniser or the folder of one (default: reader)",
    )
    return parser


def run(argv: Sequence[str]) -> int:
    """Run the command; returns the exit status."""
    args = make_parser().parse(argv)

    from ..ink_files import read_ink
    from ..recognition import Recognizer

    inks = [line.ink for line in read_ink(args.ink).lines]
    readings = Recognizer.load(args.reader).read(inks)
    if args.json:
        lines = [_as_json(ink, reading) for ink, reading in zip(inks, readings, strict=True)]
        print(json.dumps({"file": str(args.ink), "lines": lines}))
        return 0
    for reading in readings:
        show(f"{reading.text}  ({reading.confidence:.0%})" if sys.stdout.isatty() else reading.text)
    return 0


def _as_json(ink: Ink, reading: Reading) -> dict[str, object]:
    points = ink.points
    characters = []
    for character in reading.characters:
        own = points[character.first : character.last + 1]
        bounds = [*own.min(axis=0).tolist(), *own.max(axis=0).tolist()]
        characters.append({**asdict(character), "bounds": bounds})
    return {
        "text": reading.text,
        "confidence": reading.confidence,
        "bounds": ink.bounds,
        "characters": characters,
    }
