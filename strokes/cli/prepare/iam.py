"""strokes prepare iam: IAM-OnDB in, one corpus to train on out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from ...files import check_output
from ..console import Bars, say, show
from ..parser import Parser

__all__ = ["make_parser", "run"]

_DESCRIPTION = """\
IAM-OnDB in, one corpus file to train on out, and beside it CORPUS.report.tsv, which names
every line and file that was left out and says why."""


def make_parser() -> Parser:
    """The options of the command."""
    from data_prep.cleaning import PRESETS, CleaningOptions

    parser = Parser(
        "prepare iam",
        _DESCRIPTION,
        "strokes prepare iam iam-ondb -o iam.npz",
        "strokes prepare iam iam-ondb -o iam-graves.npz --preset graves",
    )
    parser.add_argument(
        "root",
        metavar="ROOT",
        help="folder with trainset.txt, testset_v.txt, testset_t.txt, testset_f.txt, lineStrokes-all.tar.gz, "
        "ascii-all.tar.gz and, for the writers, original-xml-all.tar.gz; unpacked folders do as well",
    )
    parser.add_argument("-o", "--output", metavar="CORPUS.npz", required=True, help="the file to write")
    parser.add_argument(
        "--preset",
        choices=list(PRESETS),
        default="default",
        help="default: what the packaged model is trained on, every point of lines that fit their text, made level; "
        "half: every second point, each line scaled, which trains and writes twice as fast; graves: every line and "
        "point as recorded, whose likelihoods compare with those of Graves 2013 (default: default)",
    )
    says = {
        f.name: ", ".join(f"{preset}: {_shown(getattr(o, f.name))}" for preset, o in PRESETS.items())
        for f in fields(CleaningOptions)
    }
    parser.add_options(
        CleaningOptions(), title="cleaning, each step in place of what the preset says", says=says
    )
    return parser


def run(argv: Sequence[str]) -> int:
    """Run the command: the table goes to standard output, progress and warnings to standard error."""
    args = make_parser().parse(argv)

    from dataclasses import replace

    from data_prep import iam
    from data_prep.cleaning import PRESETS, CleaningOptions

    preset = PRESETS[args.preset]
    if args.given("--every") and not args.given("--phases"):
        # There are as many phases as ways to choose every n-th point.
        every = args.make(CleaningOptions, replace(preset, phases=1)).every
        preset = replace(preset, every=every, phases=min(preset.phases, every))
    options = args.make(CleaningOptions, preset)
    output = check_output(args.output)
    with Bars({"cleaning": " lines"}) as bars:
        prepared = iam.prepare(args.root, options, bars)
    report = prepared.save(output)
    show(prepared.table())
    show(f"wrote {output}, {Path(output).stat().st_size / 2**20:.1f} MiB, and {report}")
    for remark in prepared.broken:
        say(f"warning: {remark.name}: {remark.detail}")
    return 0


def _shown(value: object) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else f"{value:g}"
