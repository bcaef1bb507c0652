"""strokes export-onnx: the step network for other runtimes."""

from __future__ import annotations

from collections.abc import Sequence

from .parser import Parser

__all__ = ["make_parser", "run"]

_DESCRIPTION = """\
Write the network's step for other runtimes and languages.

DIR receives step.onnx, which reads a point and a state and gives the density of the next point and the next
state, and step.json, which names its inputs and outputs, the alphabet, the statistics and the stopping rules, and
says how to write with it."""


def make_parser() -> Parser:
    """The options of the command."""
    parser = Parser("export-onnx", _DESCRIPTION, "strokes export-onnx default -o step")
    parser.add_argument("model", metavar="MODEL", help="a packaged model, a model's folder or a training run")
    parser.add_argument("-o", "--output", required=True, metavar="DIR", help="a folder, made if need be")
    parser.add_argument(
        "--precision",
        choices=("int8", "fp32"),
        default="int8",
        help="int8: hidden states are multiplied as bytes, as 'strokes write' does; fp32: floating-point numbers",
    )
    return parser


def run(argv: Sequence[str]) -> int:
    """Run the command; returns the exit status."""
    args = make_parser().parse(argv)
    from ..export_onnx import export_onnx
    from ..model import load_model

    export_onnx(load_model(args.model), args.output, precision=args.precision)
    return 0
