"""`strokes prepare iam ROOT -o CORPUS.npz`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from ..files import InputError
from . import Parser

__all__ = ["run"]


def run(argv: Sequence[str]) -> int:
    """Prepare a corpus. The table goes to standard output, progress and warnings to standard error."""
    kinds = {"iam": _iam}
    if argv[:1] in ([], ["-h"], ["--help"]):
        print("usage: strokes prepare iam ROOT -o CORPUS.npz\n")
        print("'strokes prepare iam --help' explains the options and gives an example.")
        return 0 if argv else 2
    if argv[0] not in kinds:
        raise InputError(f"there is no data set {argv[0]!r} to prepare; there is {', '.join(kinds)}")
    return kinds[argv[0]](argv[1:])


def _iam(argv: Sequence[str]) -> int:
    from data_prep import cleaning, iam

    parser = Parser("prepare iam", "IAM-OnDB in, a corpus out.", "strokes prepare iam iam-ondb -o iam.npz")
    parser.add_argument("root")
    parser.add_argument("-o", "--output", required=True)
    parser.add_argument("--preset", default="default", choices=cleaning.PRESETS)
    args = parser.parse_args(argv)
    prepared = iam.prepare(args.root, cleaning.PRESETS[args.preset])
    prepared.save(args.output)
    print(prepared.table())
    return 0
