"""`strokes prepare iam|characters`: the options, the progress and the tables of `data_prep`."""

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
    """Prepare a corpus or a set of characters.

    The table goes to standard output, progress and warnings to standard error.
    """
    kinds = {"iam": _iam, "characters": _characters}
    if argv[:1] in (["-h"], ["--help"]):
        print(
            "usage: strokes prepare iam ROOT -o CORPUS.npz\n"
            "       strokes prepare characters SOURCE... -o FILE.npz\n\n"
            "A data set in, one file to train on out.\n\n"
            "data sets:\n"
            "  iam         IAM-OnDB as its authors distribute it, archives or folders\n"
            "  characters  28x28 characters: MNIST, EMNIST, Kaggle's A-Z, Chars74K, folders of pictures\n\n"
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
        help="default: what the packaged model is trained on, every point of lines that fit their text, made level; "
        "half: every second point, each line scaled, which trains and writes twice as fast; graves: every line and "
        "point as recorded, whose likelihoods compare with those of Graves 2013 (default: default)",
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

    # What is counted one by one; all else in bytes.
    _COUNTED = {"cleaning": " lines", "pictures": " pictures"}

    def __init__(self) -> None:
        self._bar = None

    def __call__(self, what: str, total: int | None) -> Callable[[int], object]:
        from tqdm import tqdm

        self.close()
        unit = {"unit": self._COUNTED[what]} if what in self._COUNTED else {"unit": "B", "unit_scale": True}
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


def _characters_parser() -> argparse.ArgumentParser:
    parser = Parser(
        "prepare characters",
        "Images of characters in, one set to train on out: white on black, 28x28, scaled and centred as\n"
        "MNIST's are, split by class.",
        "strokes prepare characters mnist 'A_Z Handwritten Data.csv' -o characters.npz --cap 4182\n"
        "  strokes prepare characters my-letters -o mine.npz --validation 0 --test 1",
    )
    parser.add_argument(
        "sources",
        metavar="SOURCE",
        nargs="+",
        help="idx files as MNIST and EMNIST have them, a CSV file of a label and 784 pixels a row (Kaggle's A-Z), "
        "each gzipped or not; a folder of these; a folder of pictures in folders named by their class (A, 7); "
        "Chars74K's pen strokes as JSON",
    )
    parser.add_argument("-o", "--output", metavar="FILE.npz", required=True, help="the file to write")
    parser.add_argument(
        "--classes",
        metavar="digits|letters|all",
        help="the classes to keep, by name or as a string of characters (default: those of 0-9 A-Z that are there)",
    )
    parser.add_argument(
        "--cap",
        type=int,
        default=0,
        metavar="N",
        help="at most this many training images a class (default: all)",
    )
    for name, what in (
        ("validation", "validate on, of each class"),
        ("test", "test on, where no test set is given"),
    ):
        parser.add_argument(
            f"--{name}", type=float, default=0.1, metavar="F", help=f"the share to {what} (default: 0.1)"
        )
    parser.add_argument(
        "--seed",
        type=int,
        default=1,
        metavar="N",
        help="which images these are, and the order of all (default: 1)",
    )
    parser.add_argument(
        "--transposed",
        choices=("auto", "yes", "no"),
        default="auto",
        help="whether images are stored column by column; auto: those of files named emnist are (default: auto)",
    )
    parser.add_argument(
        "--deduplicate",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="leave out images that are there twice, so that none is trained and tested on (default: yes)",
    )
    parser.add_argument(
        "--conform",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="scale and centre every image as MNIST's are: Kaggle's are centred otherwise, EMNIST's are larger "
        "(default: yes)",
    )
    parser.add_argument(
        "--pen-width",
        type=float,
        default=2.5,
        metavar="PIXELS",
        help="of pen strokes, in pixels of the 28; 2.5 makes as much ink as MNIST has (default: 2.5)",
    )
    return parser


def _characters(argv: Sequence[str]) -> int:
    args = _characters_parser().parse_args(argv)
    from data_prep.characters import prepare_characters

    output = Path(args.output)
    check_output(output)
    bars = _Bars()
    try:
        characters, report = prepare_characters(
            args.sources,
            classes=args.classes,
            cap=args.cap,
            validation=args.validation,
            test=args.test,
            seed=args.seed,
            transposed={"auto": None, "yes": True, "no": False}[args.transposed],
            deduplicate=args.deduplicate,
            conform=args.conform,
            pen_width=args.pen_width,
            progress=bars,
        )
    finally:
        bars.close()
    characters.save(output)
    print(report.table())
    print(f"wrote {output}, {output.stat().st_size / 2**20:.1f} MiB")
    return 0
