"""Vectors of the lines of a corpus for 'strokes train --styles', by a style encoder.

    python scripts/embed_lines.py CORPUS.npz --encoder RUN -o STYLES.npz

Embeddings are whitened over the lines of the training splits: principal components of the writers' means, as many as
are asked for, each with variance 1. The whitening is kept beside the vectors in OUT.whitening.npz.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import torch

from strokes.corpus import Corpus
from strokes.npz import save_npz
from strokes.runs.hardware import compute_dtype
from strokes.styles.encoder_model import load_style_encoder
from strokes.styles.encoder_network import StyleNetwork
from strokes.styles.encoder_training import embed_lines
from strokes.training.styles import LineStyles

#: Splits whose writers the whitening is made of.
TRAINING = ("trainset", "testset_f", "testset_t", "train")


def whitening(embeddings: np.ndarray, writers: list[str], size: int) -> tuple[np.ndarray, np.ndarray, float]:
    """The mean (n,) and the matrix (size, n) after which writers' means have variance 1, and the variance it keeps."""
    own = [np.flatnonzero([w == writer for w in writers]) for writer in sorted(set(writers) - {""})]
    means = np.stack([embeddings[rows].mean(axis=0) for rows in own if len(rows) >= 2]).astype(np.float64)
    centre = means.mean(axis=0)
    _, values, axes = np.linalg.svd(means - centre, full_matrices=False)
    variances = values**2 / len(means)
    matrix = axes[:size] / np.sqrt(variances[:size])[:, None]
    return centre, matrix, float(variances[:size].sum() / variances.sum())


def main(argv: list[str] | None = None) -> int:
    """Run the script."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--encoder", type=Path, required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--size", type=int, default=32)
    args = parser.parse_args(argv)
    corpus, model = Corpus.load(args.corpus), load_style_encoder(args.encoder)
    network = StyleNetwork(model.network, model.size)
    network.load_state_dict({name: torch.from_numpy(np.array(w)) for name, w in model.weights.items()})
    dtype = compute_dtype("auto", torch.device("cpu"))
    inks = [corpus.line(i).ink for i in range(len(corpus))]
    embeddings = embed_lines(network.eval(), inks, dtype)
    training = corpus.select(*TRAINING)
    centre, matrix, kept = whitening(
        embeddings[training], [corpus.writers[int(i)] for i in training], args.size
    )
    vectors = ((embeddings - centre) @ matrix.T).astype(np.float32)
    LineStyles(corpus.names, vectors).save(args.output)
    beside = args.output.with_suffix(".whitening.npz")
    save_npz(beside, {"centre": centre.astype(np.float32), "matrix": matrix.astype(np.float32)})
    print(f"{len(vectors)} lines, {args.size} numbers, {100 * kept:.1f} % of the variance of writers kept")
    return 0


if __name__ == "__main__":
    sys.exit(main())
