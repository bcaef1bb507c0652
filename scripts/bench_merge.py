"""Cards merged against cards written one by one, warm, in one run."""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from pathlib import Path

from strokes import PageOptions, SamplingOptions, Writer
from strokes.merge import Merge
from strokes.tables import Template, parse_table

CARD = "Dear {name},\nthank you for the lamp, it stands on the shelf and we like it"
NAMES = ["Ada", "Bob", "Clara", "Dora", "Emil", "Frida", "Gustav", "Hanna", "Ivo", "Jana"]


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cards", type=int, default=100)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    writer, page, sampling = Writer(), PageOptions(page="a6", landscape=True), SamplingOptions()
    template = Template(CARD, "card")
    names = [f"{NAMES[n % 10]} {NAMES[n // 10 % 10]}" for n in range(args.cards)]
    writer.write(template.fill({"name": "nobody"}), sampling, page)  # warm
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        for n, name in enumerate(names):
            text = template.fill({"name": name})
            writer.write(text, SamplingOptions(seed=n), page).save(Path(folder) / f"{n}.svg")
        separate = time.perf_counter() - begin
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        table = parse_table("name\n" + "\n".join(names) + "\n", "rows")
        Merge(writer, template, table, Path(folder), sampling=sampling, page=page).run()
        merged = time.perf_counter() - begin
    found = {
        "cards": args.cards,
        "separate_s": round(separate, 2),
        "merged_s": round(merged, 2),
        "ratio_merge": round(separate / merged, 2),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    if args.json:
        print(json.dumps(found))
    else:
        print("\n".join(f"{key:<12} {value}" for key, value in found.items()))


if __name__ == "__main__":
    main()
