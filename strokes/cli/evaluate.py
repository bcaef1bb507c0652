"""strokes evaluate: how legible what a model writes is, or the likelihood of a corpus under it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta

from ..documents import check_fields, encode_json
from ..evaluation.options import EvaluationOptions
from ..files import InputError, check_output, write_whole
from .console import progress, say, show
from .inputs import NO_READER, chosen_reader
from .parser import Arguments, Parser

if TYPE_CHECKING:
    from ..evaluation import WritingReport
    from ..recognition import ReaderModel

__all__ = ["make_parser", "run"]

_DESCRIPTION = """\
How well a model writes, or predicts lines that it may not have seen: one JSON object.

Without --corpus it writes texts that no training saw, at every bias, and a recogniser reads them:
character and word errors of first tries (raw), with the quality checks (checked), and read back and
mended (corrected); how often each character is read right; how lines differ within a page and
between seeds. Nothing is selected by hand. Give --judge another recogniser than --reader: one that
corrected what it judges flatters it, and the report says so. --ink reads another program's ink.

With --corpus: log-loss in nats, end of stroke included, summed over the points of a line after its
first (nats_per_line) or averaged over them (nats_per_point); lower is better. raw_nats_per_point is
the same in the corpus's own unit of length. Figures compare only between corpora with the same
points."""


@dataclass(frozen=True)
class Selection:
    """The lines that are evaluated.

    Args:
        split: the split that they are in.
        limit: the first so many lines only; 0 for all.
    """

    split: str = "testset_v"
    limit: Annotated[int, Meta(ge=0, le=10**9)] = 0

    def __post_init__(self) -> None:
        check_fields(self)


def make_parser() -> Parser:
    """The options of the command."""
    parser = Parser(
        "evaluate",
        _DESCRIPTION,
        "strokes evaluate --model runs/first --judge runs/judge -o report.json --figure report.png",
        "strokes evaluate --quick",
        "strokes evaluate --ink lines/",
        "strokes evaluate --corpus corpus.npz --split testset_v",
    )
    parser.add_argument("--model", default="default", metavar="M", help="a model (default: the packaged one)")
    parser.add_argument("--corpus", metavar="C", help="a file that 'strokes prepare' made")
    parser.add_options(Selection(), title="with --corpus", metavars={"split": "S"})
    parser.add_argument(
        "--texts", metavar="F", help="a UTF-8 file of lines to write, instead of the packaged ones"
    )
    parser.add_argument(
        "--ink",
        metavar="DIR",
        help="lines of another program: NAME.svg, .inkml or .json with NAME.txt beside it",
    )
    parser.add_argument("--reader", default="reader", metavar="R", help="corrects; or none (default: reader)")
    parser.add_argument("--judge", default="reader", metavar="R", help="reads and counts (default: reader)")
    parser.add_argument("-o", "--output", metavar="F", help="write the JSON there, and print a table")
    parser.add_argument("--figure", metavar="F", help="a picture of the errors, ends in .png, .svg or .pdf")
    parser.add_options(EvaluationOptions(), title="writing")
    return parser


def run(argv: Sequence[str]) -> int:
    """Run the command; returns the exit status."""
    args = make_parser().parse(argv)
    selection, options = args.make(Selection), args.make(EvaluationOptions)
    if args.corpus is not None:
        return _likelihood(args, selection)
    if args.output is not None:
        check_output(args.output)
    if args.figure is not None:
        from ..figures.canvas import check_figure

        check_figure(args.figure)
    report = _ink_report(args) if args.ink is not None else _writing_report(args, options)
    data = encode_json(report)
    if args.output is None:
        print(data.decode().strip())
    else:
        write_whole(args.output, data)
        show(_table(report))
    if args.figure is not None:
        _draw(report, args.figure)
    return 0


def _writing_report(args: Arguments, options: EvaluationOptions) -> WritingReport:
    """Write, and have it read."""
    from ..evaluation import evaluate_writing, line_count
    from ..model import load_model
    from ..recognition import Recognizer, load_reader
    from ..recognition.words import WordReader

    model, judge = load_model(args.model), Recognizer.load(args.judge)
    reader = None if args.reader == NO_READER else WordReader(args.reader)
    texts = {"texts": _lines(args.texts)} if args.texts is not None else None
    independent = args.reader == NO_READER or not _same_weights(load_reader(args.reader), judge.model)
    if not independent:
        say(
            "the recogniser that corrects also judges, which flatters 'corrected'; give another one with --judge"
        )
    with progress("", line_count(model, reader is not None, options, texts), "line") as tick:
        return evaluate_writing(
            model,
            judge,
            reader,
            options,
            texts=texts,
            names=(str(args.model), str(args.judge), chosen_reader(args.reader)),
            independent=independent,
            progress=tick,
        )


def _ink_report(args: Arguments) -> WritingReport:
    """Have another program's ink read."""
    from ..evaluation.report import WritingReport, character_counts, legibility
    from ..ink_files import READABLE, read_ink
    from ..recognition import Recognizer

    folder = Path(args.ink)
    files = sorted(p for p in folder.glob("*") if p.suffix.lower() in READABLE)
    if not files:
        raise InputError(f"{folder}: holds no file that ends in {', '.join(READABLE)}")
    judge, texts, read = Recognizer.load(args.judge), [], []
    with progress("", len(files), "file") as tick:
        for file in files:
            said = _lines(str(file.with_suffix(".txt")))
            readings = judge.read([line.ink for line in read_ink(file).lines])
            # Lines found by place may be others than those that were meant: the page is compared as one.
            texts.append(" ".join(said))
            read.append(" ".join(reading.text for reading in readings))
            tick(1)
    found = legibility(None, "ink", str(folder), texts, read)
    counts = character_counts(texts, read)
    return WritingReport(str(folder), str(args.judge), None, None, 0, (found,), counts)


def _same_weights(a: ReaderModel, b: ReaderModel) -> bool:
    """Whether two recognisers are one, whatever their folders are called."""
    import numpy as np

    return set(a.weights) == set(b.weights) and all(
        np.array_equal(a.weights[name], b.weights[name]) for name in a.weights
    )


def _lines(path: str) -> list[str]:
    """The lines of a text file that are not blank.

    Raises:
        InputError: it cannot be read, or has none.
    """
    try:
        lines = [line.strip() for line in Path(path).read_text("utf-8-sig").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as e:
        raise InputError(
            f"{path}: cannot be read as UTF-8 text ({getattr(e, 'strerror', None) or 'not UTF-8'})"
        ) from None
    if not lines:
        raise InputError(f"{path}: holds no text; give a line to write in each line")
    return lines


def _table(report: WritingReport) -> str:
    """The figures for people."""
    rows = ["bias  mode       texts       lines   CER     WER     sound   drawn/kept"]
    for r in report.legibility:
        bias = "  - " if r.bias is None else f"{r.bias:4.2f}"
        sound = "    - " if r.sound is None else f"{100 * r.sound:5.1f}%"
        drawn = "-" if r.drawn_per_kept is None else f"{r.drawn_per_kept:.2f}"
        rows.append(
            f"{bias}  {r.mode:9}  {r.texts[:10]:10}  {r.lines:5}  "
            f"{100 * r.cer:5.2f}%  {100 * r.wer:5.1f}%  {sound}  {drawn}"
        )
    bad = [c for c in report.characters if c.right < 0.9 * c.total]
    if report.characters:
        rows.append(f"read right less than 9 times in 10: {' '.join(c.character for c in bad) or 'none'}")
    return "\n".join(rows)


def _draw(report: WritingReport, path: str) -> None:
    from ..figures import legibility_figure

    rates: dict[str, list[tuple[float, float]]] = {}
    for r in report.legibility:
        rates.setdefault(f"{r.mode}, {r.texts}", []).append((r.bias or 0.0, r.cer))
    characters = [(c.character, c.right / c.total) for c in report.characters if c.character != " "]
    legibility_figure(rates, characters, path, f"{report.model}, read by {report.judge}")


def _likelihood(args: Arguments, selection: Selection) -> int:
    """The log-loss of a corpus, printed."""
    from ..corpus import Corpus
    from ..model import load_model

    model = load_model(args.model)
    corpus = Corpus.load(args.corpus)
    indices = corpus.select(selection.split)
    if len(indices) == 0:
        splits = ", ".join(sorted(set(corpus.splits) - {""}))
        raise InputError(f"{args.corpus}: no line in the split {selection.split!r}; there are {splits}")

    from dataclasses import asdict

    from ..network import StrokeNetwork
    from ..training.evaluation import evaluate

    network = StrokeNetwork.from_model(model)
    corpus = corpus.read_as(model)
    if corpus.preprocessing.geometry != model.preprocessing.geometry:
        say(f"{args.corpus} was prepared with other options than the model's; the figures do not compare")
    if selection.limit:
        indices = indices[: selection.limit]
    with progress("", len(indices), "line") as tick:
        result = evaluate(network, corpus, indices, progress=tick)
    about = {"model": str(args.model), "corpus": str(args.corpus), "split": selection.split}
    statistics = {"mean": model.statistics.mean, "std": model.statistics.std}
    print(
        json.dumps(
            about | asdict(result) | {"statistics": statistics, "scale_floor": network.config.scale_floor}
        )
    )
    return 0
