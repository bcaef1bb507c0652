"""`strokes prepare iam ROOT -o CORPUS.npz`: the options, the progress and the table of `data_prep.iam`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from pathlib import Path

from ..files import InputError, check_output
from . import Parser

__all__ = ["run"]


def run(argv: Sequence[str]) -> int:
    """Prepare a corpus. The table goes to standard output, progress and warnings to standard error."""
    kinds = {"iam": _iam}
    if argv[:1] in (["-h"], ["--help"]):
        print(
            "usage: strokes prepare iam ROOT -o CORPUS.npz\n\n"
            "A data set in, one corpus file to train on out.\n\n"
            "data sets:\n  iam  IAM-OnDB as its authors distribute it, archives or folders\n\n"
            "'strokes prepare iam --help' explains its options and gives an example."
        )
        return 0
    if not argv or argv[0] not in kinds:
        wrong = f"there is no data set {argv[0]!r} to prepare" if argv else "say which data set to prepare"
        raise InputError(f"{wrong}; there is {', '.join(kinds)} (see 'strokes prepare --help')")
    return kinds[argv[0]](argv[1:])


def _parser() -> argparse.ArgumentParser:
    from data_prep.cleaning import PRESETS, CleaningOptions

    parser = Parser(
        "prepare iam",
        "IAM-OnDB in, one corpus file to train on out, and beside it CORPUS.report.tsv, which names\n"
        "every line and file that was left out and says why.",
        "strokes prepare iam iam-ondb -o iam.npz\n"
        "  strokes prepare iam iam-ondb -o iam-graves.npz --preset graves",
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
        help="default: what the packaged model is trained on; graves: every line and point as recorded, "
        "whose likelihoods compare with those of Graves 2013 (default: default)",
    )
    cleaning = parser.add_argument_group("cleaning, each step in place of what the preset says")
    for f in fields(CleaningOptions):
        says = [(name, getattr(options, f.name)) for name, options in PRESETS.items()]
        shown = ", ".join(f"{name}: {_shown(value)}" for name, value in says)
        flag = "--" + f.name.replace("_", "-")
        why = f"{f.metadata['why']} ({shown})".replace("%", "%%")
        if isinstance(f.default, bool):
            cleaning.add_argument(flag, action=argparse.BooleanOptionalAction, default=None, help=why)
        else:
            cleaning.add_argument(flag, type=type(f.default), metavar="N", default=None, help=why)
    return parser


def _shown(value: object) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else f"{value:g}"


class _Bars:
    """One progress bar after the other, on a terminal only."""

    def __init__(self) -> None:
        self._bar = None

    def __call__(self, what: str, total: int | None) -> Callable[[int], object]:
        from tqdm import tqdm

        self.close()
        if what == "cleaning":
            unit = {"unit": " lines"}
        else:
            unit = {"unit": "B", "unit_scale": True}
        self._bar = tqdm(desc=what, total=total, leave=False, disable=None, **unit)
        return self._bar.update

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()


def _iam(argv: Sequence[str]) -> int:
    args = _parser().parse_args(argv)

    from data_prep import iam
    from data_prep.cleaning import PRESETS, CleaningOptions

    preset = PRESETS[args.preset]
    given = {f.name: getattr(args, f.name) for f in fields(CleaningOptions)}
    given = {name: value for name, value in given.items() if value is not None}
    if "every" in given:  # fewer ways to choose points: fewer phases, unless these are asked for
        given.setdefault("phases", max(1, min(preset.phases, given["every"])))
    try:
        options = replace(preset, **given)
    except ValueError as e:
        raise InputError(f"{e} (see 'strokes prepare iam --help')") from None
    output = Path(args.output)
    check_output(output)

    bars = _Bars()
    try:
        prepared = iam.prepare(args.root, options, bars)
    finally:
        bars.close()
    report = prepared.save(output)
    print(prepared.table())
    print(f"wrote {output}, {output.stat().st_size / 2**20:.1f} MiB, and {report}")
    for remark in prepared.broken:
        print(f"strokes: warning: {remark.name}: {remark.detail}", file=sys.stderr)
    return 0
