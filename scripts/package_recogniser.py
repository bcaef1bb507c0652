"""Put the best weights of a recogniser's training run into the package, with its errors measured by source.

    python scripts/package_recogniser.py RUN IAM.npz UNIPEN.npz

Writes strokes/models/recognition/reader (float16) and prints a table: character errors, greedy and without a language
model, on lines of writers that no training read: the split testset_f of IAM-OnDB, the split test of UNIPEN.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

from rapidfuzz.distance import Levenshtein

from strokes.corpus import Corpus
from strokes.files import InputError
from strokes.model import packaged_models
from strokes.recognition import Recognizer, load_reader

#: Splits that nothing of the recogniser was trained or chosen on.
TEST = ("testset_f", "test")


def errors_by_source(recognizer: Recognizer, corpus: Corpus) -> dict[str, tuple[int, int, int]]:
    """Lines, characters and character errors of the test lines of a corpus, by source and in all."""
    lines = [corpus.line(int(i)) for i in corpus.select(*TEST)]
    found: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for line, reading in zip(lines, recognizer.read([line.ink for line in lines]), strict=True):
        wrong = Levenshtein.distance(line.text, reading.text)
        source = line.writer.split("/")[0] if "/" in line.writer else ""
        for name in {"all", source} - {""}:
            for i, n in enumerate((1, len(line.text), wrong)):
                found[name][i] += n
    return {name: (n, of, wrong) for name, (n, of, wrong) in sorted(found.items())}


def main(argv: list[str] | None = None) -> int:
    """Run the script."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path)
    parser.add_argument("corpora", nargs="+", type=Path)
    parser.add_argument("--name", default="reader")
    args = parser.parse_args(argv)
    try:
        model = load_reader(args.run)
        # The weights as they are shipped, rounded to float16, are the ones to measure.
        weights = {name: w.astype("float16").astype("float32") for name, w in model.weights.items()}
        model = replace(model, weights=weights)
        recognizer, measured = Recognizer(model), {}
        for path in args.corpora:
            for source, (lines, characters, wrong) in errors_by_source(recognizer, Corpus.load(path)).items():
                print(
                    f"| {path.stem} {source} | {lines} | {characters} | {100 * wrong / characters:.2f} % |",
                    flush=True,
                )
                measured[f"{path.stem} {source}"] = round(wrong / characters, 5)
        target = packaged_models() / "recognition" / args.name
        replace(model, info={**model.info, "test": measured}).save(target)
        print(f"{target}: {(target / 'model.safetensors').stat().st_size / 2**20:.2f} MiB")
    except InputError as e:
        print(f"package_recogniser: {e}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
