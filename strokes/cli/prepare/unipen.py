"""strokes prepare unipen: UNIPEN in, one corpus to train on out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...files import check_output
from ..console import Bars, say, show
from ..parser import Parser

__all__ = ["make_parser", "run"]

_DESCRIPTION = """\
UNIPEN train_r01_v07 in, one corpus file to train on out, and beside it CORPUS.report.tsv, which
names every segment and file that was left out and says why. Lines are deskewed, scaled to the
x-height of their writer and resampled by shape; a writer's lines are all in one split: train,
validation or test."""


def make_parser() -> Parser:
    """The options of the command."""
    from data_prep.unipen import UnipenOptions

    parser = Parser(
        "prepare unipen",
        _DESCRIPTION,
        "strokes prepare unipen train_r01_v07.tar.xz -o unipen.npz",
        "strokes prepare unipen train_r01_v07 -o address-lines.npz --sources aga --no-words --no-characters",
    )
    parser.add_argument(
        "root",
        metavar="ARCHIVE|FOLDER",
        help="UNIPEN's archive, packed by xz, gzip, bzip2 or not at all, or the folder that holds data and include",
    )
    parser.add_argument("-o", "--output", metavar="CORPUS.npz", required=True, help="the file to write")
    parser.add_argument(
        "--sources",
        metavar="NAMES",
        default="",
        help="contributors to take, with commas between them: aga,hpp (default: all)",
    )
    parser.add_options(UnipenOptions(), title="what becomes of the segments")
    return parser


def run(argv: Sequence[str]) -> int:
    """Run the command: the table goes to standard output, progress and warnings to standard error."""
    args = make_parser().parse(argv)

    from data_prep.unipen import UnipenOptions, prepare

    options = args.make(UnipenOptions, UnipenOptions())
    output = check_output(args.output)
    counted = {f"measuring {kind}": " segments" for kind in ("texts", "words", "characters")}
    with Bars(counted | {"cleaning": " writers"}) as bars:
        prepared = prepare(args.root, options, bars, [s for s in args.sources.split(",") if s])
    report = prepared.save(output)
    show(prepared.table())
    show(f"wrote {output}, {Path(output).stat().st_size / 2**20:.1f} MiB, and {report}")
    for remark in prepared.broken:
        say(f"warning: {remark.name}: {remark.detail}")
    return 0
