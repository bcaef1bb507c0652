"""Measure writing: a step of the network, a page as users call it, and a cold start.

    python scripts/bench_sampling.py [--json] [--runs 5] [--model default] [--precision int8]

The baseline is the structure of published implementations: one line at a time, LSTM cells and window in PyTorch,
without gradients (torch.inference_mode), on one and on two threads, of which the faster counts; it need not draw from
the mixture, nor stop. "engine" is our step at so many rows in one block, likewise. "page" is a text of 300 words
through `Writer`, with drawing, stopping, quality checks, retries and layout; its points are those that were kept.
Ratios are of medians within this run: on a machine that does other work beside, believe them more than the figures.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from strokes import SamplingOptions, Writer
from strokes.model import Model, load_model
from strokes.sampling.engines import make_engines

WORDS = (
    "Dear Ada, thank you for the long letter that came on Monday, it was read aloud at the table twice. The garden is "
    "finally awake, the beans climb, and the neighbour has lent us a ladder for the old pear tree."
)
LINE = "the plotter is writing again and"
ROWS = (1, 8, 32, 128)


def main() -> None:
    """Print the table, or one JSON object."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    parser.add_argument("--runs", type=int, default=5, help="of each measure (default: 5)")
    parser.add_argument("--model", default="default")
    parser.add_argument("--precision", choices=("int8", "fp32"), default="int8")
    parser.add_argument("--steps", type=int, default=300, help="of the network in a run (default: 300)")
    parser.add_argument("--words", type=int, default=300, help="of the page and the letter (default: 300)")
    args = parser.parse_args()
    result = measure(args.model, args.precision, args.runs, args.steps, args.words)
    print(json.dumps(result) if args.json else table(result))


def measure(name: str, precision: str, runs: int, steps: int, words: int) -> dict[str, object]:
    """Every figure; runs of different measures take turns, so that what else the machine does meets them all."""
    model = load_model(name)
    engines = make_engines(model, precision)  # type: ignore[arg-type]  # one of the choices
    writer = Writer(name, precision)  # type: ignore[arg-type]
    text = (WORDS + " ") * (-(-words // len(WORDS.split())))
    text = " ".join(text.split()[:words])
    measures: dict[str, Callable[[], float]] = {}
    for threads in sorted({1, min(2, os.cpu_count() or 1)}):
        measures[f"plain_batch1_{threads}_threads"] = plain(model, threads, steps)
    for rows in ROWS:
        measures[f"engine_batch{rows}"] = lambda rows=rows: engine_rate(model, engines, rows, steps)
    seeds = iter(range(10_000))
    drawn_per_kept: list[float] = []
    measures["page"] = lambda: page_rate(writer, text, next(seeds), drawn_per_kept)
    rates: dict[str, list[float]] = {key: [] for key in measures}
    for _ in range(runs):
        for key, run in measures.items():
            rates[key].append(run())
    plain_key = max((k for k in rates if k.startswith("plain")), key=lambda k: statistics.median(rates[k]))
    rates["plain_batch1"] = rates[plain_key]
    result: dict[str, object] = {key: {"points_per_second": spread(r)} for key, r in sorted(rates.items())}
    result["drawn_per_kept"] = spread(drawn_per_kept)
    base = statistics.median(rates["plain_batch1"])
    result["ratio_batch1"] = statistics.median(rates["engine_batch1"]) / base
    result["ratio_page"] = statistics.median(rates["page"]) / base
    cold, imports, parts = zip(*(cold_start(name, precision) for _ in range(runs)), strict=True)
    result["cold_start_s"] = spread(cold)
    result["numpy_import_s"] = spread(imports)
    result["ratio_cold_start"] = statistics.median(cold) / statistics.median(imports)
    result["cold_start_parts_s"] = {k: statistics.median(p[k] for p in parts) for k in parts[0]}
    result["letter"] = letter(name, precision, text)
    result["model"], result["precision"] = name, precision
    return result


def plain(model: Model, threads: int, steps: int) -> Callable[[], float]:
    """Points a second of one line, a point at a time, in PyTorch."""
    import torch

    w = {name: torch.from_numpy(np.array(value)) for name, value in model.weights.items()}
    hidden, symbols, k = model.network.hidden, len(model.alphabet), model.network.window_components
    cells = []
    for layer in (1, 2, 3):
        into = [w["layer1_offsets"], w["layer1_window"]] if layer == 1 else [w[f"layer{layer}_input"]]
        weight = torch.cat(into, 1)
        cell = torch.nn.LSTMCell(weight.shape[1], hidden)
        with torch.no_grad():
            cell.weight_ih.copy_(weight)
            cell.weight_hh.copy_(w[f"layer{layer}_hidden"])
            cell.bias_ih.copy_(w[f"layer{layer}_bias"])
            cell.bias_hh.zero_()
        cells.append(cell)
    ids = torch.from_numpy(model.alphabet.encode(LINE))
    text = torch.nn.functional.one_hot(ids, symbols).float()
    u = torch.arange(1, len(ids) + 1).float()

    def run() -> float:
        before = torch.get_num_threads()
        torch.set_num_threads(threads)
        h = [torch.zeros(1, hidden) for _ in range(3)]
        c = [torch.zeros(1, hidden) for _ in range(3)]
        window, kappa, x = torch.zeros(1, symbols), torch.zeros(1, k), torch.zeros(1, 3)
        start = time.perf_counter()
        with torch.inference_mode():
            for _ in range(steps):
                h[0], c[0] = cells[0](torch.cat([x, window], 1), (h[0], c[0]))
                p = torch.exp(h[0] @ w["window_projection"].T + w["window_bias"])
                alpha, beta, step = p.chunk(3, 1)
                kappa = kappa + step
                phi = (alpha[..., None] * torch.exp(-beta[..., None] * (kappa[..., None] - u) ** 2)).sum(1)
                window = phi @ text
                h[1], c[1] = cells[1](torch.cat([x, window, h[0]], 1), (h[1], c[1]))
                h[2], c[2] = cells[2](torch.cat([x, window, h[1]], 1), (h[2], c[2]))
                torch.cat(h, 1) @ w["output_weight"].T + w["output_bias"]
        rate = steps / (time.perf_counter() - start)
        torch.set_num_threads(before)
        return rate

    return run


def engine_rate(model: Model, engines: Callable, rows: int, steps: int) -> float:
    """Points a second of one block."""
    engine = engines(rows)
    ids = model.alphabet.encode(LINE)
    for row in range(rows):
        engine.load(row, ids)
    offsets = np.zeros((rows, 3))
    engine.step(offsets)
    start = time.perf_counter()
    for _ in range(steps):
        engine.step(offsets)
    return rows * steps / (time.perf_counter() - start)


def page_rate(writer: Writer, text: str, seed: int, drawn_per_kept: list[float]) -> float:
    """Kept points a second of a page; how many were drawn for each is added to a list."""
    start = time.perf_counter()
    written = writer.write(text, SamplingOptions(seed=seed))
    seconds = time.perf_counter() - start
    kept = sum(len(s.offsets) for s in written.samples)
    drawn_per_kept.append(sum(s.points_drawn for s in written.samples) / kept)
    return kept / seconds


def cold_start(name: str, precision: str) -> tuple[float, float, dict[str, float]]:
    """Seconds of `strokes write hello -o h.svg` and of `import numpy`, and where the first go."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "strokes", "write", "hello", "-o", str(Path(folder) / "h.svg")]
        command += ["--model", name, "--precision", precision]
        whole = timed(command)
        numpy = timed([sys.executable, "-c", "import numpy"])
        out = subprocess.run(
            [sys.executable, "-c", _PARTS, name, precision, folder],
            capture_output=True,
            text=True,
            check=True,
        )
    parts = json.loads(out.stdout)
    parts["interpreter"] = timed([sys.executable, "-c", ""])
    return whole, numpy, parts


_PARTS = """
import json, sys, time
laps, last = {}, time.perf_counter()
def lap(name):
    global last
    now = time.perf_counter(); laps[name] = now - last; last = now
name, precision, folder = sys.argv[1:]
import strokes.cli.write, strokes.writer, onnxruntime, strokes.export.svg
lap("imports")
writer = strokes.writer.Writer(name, precision)
lap("load")
from strokes.export import export
from strokes.page import fit_page
sample = writer.sample("hello")
lap("sample")
page = fit_page(sample.ink, text="hello")
lap("layout")
export(page, folder + "/p.svg")
lap("export")
print(json.dumps(laps))
"""


def letter(name: str, precision: str, text: str) -> dict[str, float]:
    """Seconds and peak memory of a letter of 300 words from the command line to SVG."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "letter.txt").write_text(text)
        options = ["--file", f"{folder}/letter.txt", "-o", f"{folder}/letter.svg"]
        options += ["--model", name, "--precision", precision]
        seconds = timed([sys.executable, "-m", "strokes", "write", *options])
        watched = [sys.executable, "-c", _PEAK, "write", *options]
        peak = subprocess.run(watched, check=True, capture_output=True, text=True).stdout
    return {"words": len(text.split()), "seconds": seconds, "peak_memory_mib": float(peak)}


# What getrusage says of a child includes the memory of the parent that it was forked from.
_PEAK = """
import resource, sys
from strokes.cli import main
main(sys.argv[1:])
try:
    status = open("/proc/self/status").read()
    print(int(status.split("VmHWM:")[1].split()[0]) / 1024)
except OSError:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10))
"""


def timed(command: list[str]) -> float:
    """Seconds until a command has ended well."""
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def spread(values: list[float] | tuple[float, ...]) -> dict[str, float]:
    """Of several runs."""
    return {"min": min(values), "median": statistics.median(values), "max": max(values)}


def table(result: dict) -> str:
    """The figures for people."""
    lines = [f"{'':24} {'min':>9} {'median':>9} {'max':>9}   points a second"]
    for key, value in result.items():
        if isinstance(value, dict) and "points_per_second" in value:
            p = value["points_per_second"]
            lines.append(f"{key:24} {p['min']:9.0f} {p['median']:9.0f} {p['max']:9.0f}")
    lines.append(
        f"batch 1 is {result['ratio_batch1']:.1f}, a page {result['ratio_page']:.1f} times the plain step; "
        f"a page draws {result['drawn_per_kept']['median']:.2f} points for each that it keeps"
    )
    lines.append(
        f"strokes write hello: {result['cold_start_s']['median']:.2f} s, {result['ratio_cold_start']:.1f} times "
        f"import numpy ({result['numpy_import_s']['median']:.2f} s)"
    )
    lines.append("  " + ", ".join(f"{k} {1000 * v:.0f} ms" for k, v in result["cold_start_parts_s"].items()))
    about = result["letter"]
    lines.append(
        f"a letter of {about['words']} words: {about['seconds']:.1f} s, {about['peak_memory_mib']:.0f} MiB at most"
    )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
