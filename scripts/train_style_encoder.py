"""Train the style encoder: it learns to tell the writers of corpora apart.

    python scripts/train_style_encoder.py CORPUS.npz... -o RUN [--resume]

Writers of the splits testset_v, validation and test are held out.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

import torch

from strokes.corpus import Corpus
from strokes.ink import Line
from strokes.styles.encoder_training import StyleTraining, train_style_encoder

#: Splits of corpora: those to train on, and those to validate on.
TRAINING, VALIDATION = ("trainset", "testset_f", "testset_t", "train"), ("testset_v", "validation")
_FEWEST_LINES = 4
_FEWEST_LETTERS = 8


def writers_lines(corpora: list[Corpus], splits: tuple[str, ...]) -> list[Line]:
    """Lines of these splits whose writer is known and has several."""
    lines = [corpus.line(int(i)) for corpus in corpora for i in corpus.select(*splits)]
    lines = [line for line in lines if line.writer and len(line.text) >= _FEWEST_LETTERS]
    counts = Counter(line.writer for line in lines)
    return [line for line in lines if counts[line.writer] >= _FEWEST_LINES]


def main(argv: list[str] | None = None) -> int:
    """Run the script."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpora", nargs="+", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    corpora = [Corpus.load(path) for path in args.corpora]
    lines, validation = (writers_lines(corpora, splits) for splits in (TRAINING, VALIDATION))
    print(
        f"{len(lines)} lines of {len({line.writer for line in lines})} writers; "
        f"{len(validation)} of {len({line.writer for line in validation})} held out",
        file=sys.stderr,
    )
    config = StyleTraining(steps=args.steps, seed=args.seed)
    return 0 if train_style_encoder(lines, validation, args.output, config, resume=args.resume) else 130


if __name__ == "__main__":
    sys.exit(main())
