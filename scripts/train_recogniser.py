"""Train the recogniser on corpora of 'strokes prepare', its validation and test writers held out.

    python scripts/train_recogniser.py IAM.npz UNIPEN.npz -o RUN [--resume]

IAM-OnDB gives its splits trainset and testset_t; testset_v validates, testset_f is for reports alone.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch

from strokes.alphabet import Alphabet
from strokes.corpus import Corpus
from strokes.recognition.config import ReaderConfig
from strokes.recognition.training import ReaderLine, ReaderTraining, train_reader

#: Splits of corpora: those to train on, and the one to validate on.
TRAINING, VALIDATION = ("trainset", "testset_t", "train"), ("testset_v", "validation")
#: All printable characters of ASCII.
ASCII = "".join(map(chr, range(32, 127)))


def reader_lines(corpus: Corpus, splits: tuple[str, ...], source: str, times: int = 1) -> list[ReaderLine]:
    """Lines of these splits whose every character the recogniser knows."""
    known = set(ASCII)
    chosen = [corpus.line(int(i)) for i in corpus.select(*splits) if known.issuperset(corpus.texts[int(i)])]
    return [ReaderLine(line.ink, line.text, source, times) for line in chosen]


def main(argv: list[str] | None = None) -> int:
    """Run the script."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpora", nargs="+", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--times", type=int, nargs="*", help="how often an epoch reads each corpus")
    parser.add_argument("--epochs", type=float, default=10.0)
    parser.add_argument("--learning-rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--hidden", type=int, default=128, help="cells of each direction of a layer")
    parser.add_argument("--validation-lines", type=int, default=300, help="of each corpus")
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    lines, validation = [], []
    for path, times in zip(args.corpora, args.times or [1] * len(args.corpora), strict=True):
        corpus = Corpus.load(path)
        lines += reader_lines(corpus, TRAINING, path.stem, times)
        held_out = reader_lines(corpus, VALIDATION, path.stem)
        validation += held_out[:: max(1, len(held_out) // args.validation_lines)]
    config = ReaderTraining(
        network=ReaderConfig(hidden=args.hidden),
        epochs=args.epochs,
        learning_rate=args.learning_rate,
        seed=args.seed,
    )
    print(f"{len(lines)} lines, {len(validation)} to validate on", file=sys.stderr)
    done = train_reader(lines, validation, Alphabet(ASCII), args.output, config, resume=args.resume)
    return 0 if done else 130


if __name__ == "__main__":
    sys.exit(main())
