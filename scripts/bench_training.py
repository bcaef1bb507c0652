"""Points a second that a training step reaches, by three ways to run the same network.

    python scripts/bench_training.py [--json]

The work is that of one step at full size: 64 lines of 256 points, forward, backward, gradient norm and
Adam, on made-up ink.

plain   every layer a loop under autograd, in float32
peer    the fastest structure among published implementations (swechhachoudhary/Handwriting-synthesis):
        layer 1 and the window a loop under autograd, layers 2 and 3 the library's LSTM, in float32
ours    what 'strokes train' does here: hand-written backward passes, bfloat16 where the hardware multiplies
        it faster, a process a core; and the same in one process of all cores

Each way runs in processes of its own. Two steps warm up, then each of the repetitions is a step, and
the ways take turns, so that a busy moment of the computer meets all of them. The ceiling is the speed of
one large matmul in the same processes and type.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from strokes.files import InputError
from strokes.network import NetworkConfig, StrokeNetwork, cuda_graphs, window_weights
from strokes.network.lstm import lstm_layer
from strokes.network.window import window_parameters
from strokes.runs.hardware import compute_dtype, cores, keep_freed_memory, share_cores
from strokes.runs.processes import Group, Place, launch, start
from strokes.training.config import TrainingConfig
from strokes.training.optimisers import make_optimizer

#: Figures as they are printed in JSON.
Result = dict[str, Any]

WAYS = ("plain", "peer", "ours")
ONE_PROCESS = "ours_one_process"
SYMBOLS, LETTERS = 77, 30
CUDA_BATCHES = (64, 128, 256, 512, 1024, 2048)


@dataclass(frozen=True)
class Work:
    """One step of training: `lines` of `points` each."""

    lines: int
    points: int
    hidden: int

    @property
    def flops_a_point(self) -> float:
        """Of the matmuls, forward and backward; a multiplication and an addition are two."""
        c, a = NetworkConfig(hidden=self.hidden), SYMBOLS
        h, k, m = c.hidden, c.window_components, c.mixture_components
        layer1, upper = (3 + a + h) * 4 * h, (3 + a + 2 * h) * 4 * h
        return 3 * 2 * (layer1 + 2 * upper + h * 3 * k + 3 * h * (1 + 6 * m))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lines", type=int, default=64, help="lines a step (64)")
    parser.add_argument("--points", type=int, default=256, help="points a line (256)")
    parser.add_argument("--hidden", type=int, default=400, help="cells a layer (400)")
    parser.add_argument("--repetitions", type=int, default=5, help="steps timed of each way (5)")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    args = parser.parse_args()
    work = Work(args.lines, args.points, args.hidden)
    cuda = torch.cuda.is_available() if args.device == "auto" else args.device == "cuda"
    try:
        result = bench_cuda(work, args.repetitions) if cuda else bench_cpu(work, args.repetitions)
    except InputError as e:
        raise SystemExit(f"bench_training: {e}") from None
    print(json.dumps(result) if args.json else table(result))


def bench_cpu(work: Work, repetitions: int) -> Result:
    available = cores()
    shapes = {"plain": (1, available), "peer": (1, available), "ours": share_cores(work.lines, available)}
    if shapes["ours"][0] > 1:
        shapes[ONE_PROCESS] = (1, available)
    times: dict[str, list[float]] = {way: [] for way in shapes}
    ceilings: dict[str, list[float]] = {way: [] for way in shapes}
    for turn in range(repetitions):
        for way, (processes, threads) in shapes.items():
            note(f"{turn + 1}/{repetitions} {way}")
            with tempfile.TemporaryDirectory() as folder:
                out = Path(folder) / "result.json"
                if launch(measure_cpu, processes, threads, way, work, str(out)):
                    raise SystemExit(f"{way} failed")
                seconds, ceiling = json.loads(out.read_text())
            times[way].append(seconds)
            ceilings[way].append(ceiling)
    note("")
    result: Result = {"device": processor(), "torch": torch.__version__, "work": asdict(work)}
    for way, (processes, threads) in shapes.items():
        dtype = compute_dtype("auto" if way.startswith("ours") else "fp32", torch.device("cpu"))
        result[way] = {"processes": processes, "threads": threads, "dtype": str(dtype)[6:]}
        result[way] |= summary(work, times[way]) | ceiling_of(work, times[way], max(ceilings[way]))
    return result | ratio(result)


def measure_cpu(place: Place, way: str, work: Work, out: str) -> int:
    """In one of several processes: steps to warm up, a step, and a large matmul."""
    ours = way.startswith("ours")
    if ours:
        keep_freed_memory()
    torch.set_flush_denormal(True)
    group = start(place)
    dtype = compute_dtype("auto" if ours else "fp32", group.device)
    step = make_step(way, work, len(range(work.lines)[group.rank :: group.size]), dtype, group)
    for _ in range(2):
        step()
    seconds = timed(step, group)
    a, b = torch.randn(4096, 1600).to(dtype), torch.randn(1600, 1600).to(dtype)
    flops = 2 * 4096 * 1600 * 1600 * group.size
    ceiling = flops / min(timed(lambda: a @ b, group) for _ in range(4))
    if group.first:
        Path(out).write_text(json.dumps([seconds, ceiling]))
    group.barrier()
    group.close()
    return 0


def bench_cuda(work: Work, repetitions: int) -> Result:
    group = start(device="cuda")
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    result: Result = {
        "device": torch.cuda.get_device_name(),
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),
        "work": asdict(work),
    }
    for way in WAYS:
        note(way)
        result[way] = measure_cuda(way, work, repetitions, group)
    result["ours"]["batches"] = {}
    for lines in CUDA_BATCHES:
        note(f"ours, {lines} lines")
        try:
            found = measure_cuda("ours", Work(lines, work.points, work.hidden), repetitions, group)
        except RuntimeError as e:  # also what the capture of a graph makes of it
            if "out of memory" not in str(e):
                raise
            found = {"out_of_memory": True}
        result["ours"]["batches"][str(lines)] = found
    return result | ratio(result)


def measure_cuda(way: str, work: Work, repetitions: int, group: Group) -> Result:
    cuda_graphs.forget()
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    dtype = compute_dtype("auto" if way == "ours" else "fp32", group.device)
    step = make_step(way, work, work.lines, dtype, group)
    for _ in range(3):  # the first ones choose kernels and capture graphs
        step()
    times = [timed(step, group) for _ in range(repetitions)]
    memory = torch.cuda.max_memory_allocated() / 2**30
    a, b = (torch.randn(n, 8192, device=group.device, dtype=dtype) for n in (8192, 8192))
    ceiling = 2 * 8192**3 / min(timed(lambda: a @ b, group) for _ in range(4))
    found = {"dtype": str(dtype)[6:], "peak_memory_gib": memory}
    return found | summary(work, times) | ceiling_of(work, times, ceiling)


def make_step(way: str, work: Work, lines: int, dtype: torch.dtype, group: Group) -> Callable[[], None]:
    """One step of training on `lines` lines, as a function."""
    torch.manual_seed(group.rank)
    network = StrokeNetwork(SYMBOLS, NetworkConfig(hidden=work.hidden)).to(group.device)
    parameters = list(network.parameters())
    optimizer = make_optimizer(TrainingConfig(), parameters)
    offsets = torch.randn(lines, work.points + 1, 3)
    offsets[..., 2] = (offsets[..., 2] > 1.7).float()  # 4 % of points end a stroke
    offsets = offsets.to(group.device)
    ids = torch.randint(1, SYMBOLS, (lines, LETTERS))
    text = network.encode(ids.to(group.device), torch.full((lines,), LETTERS, device=group.device))

    def step() -> None:
        if way == "peer":
            outputs = peer_forward(network, offsets[:, :-1], text)
        else:
            outputs = network(offsets[:, :-1], text, dtype=dtype, plain=way == "plain").outputs
        loss = -network.mixture(outputs).log_prob(offsets[:, 1:]).mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        group.sum_gradients(parameters, torch.zeros(2, device=group.device))
        torch.nn.utils.clip_grad_norm_(parameters, 2.0)
        optimizer.step()

    return step


def peer_forward(network: StrokeNetwork, offsets: Tensor, text: Tensor) -> Tensor:
    """Outputs (B, T, 1 + 6M), layer 1 and the window left to autograd, layers 2 and 3 to the library."""
    state = network.initial_state(len(offsets))
    x = offsets.transpose(0, 1)
    weights = network.attention_weights()
    # One matmul a step, where the published code has two.
    weight = torch.cat([weights.offsets, weights.window, weights.hidden], dim=1).T
    h, c, w, kappa = state.h1, state.c1, state.window, state.kappa
    hidden, windows = [], []
    for row in x:
        i, f, g, o = torch.addmm(weights.bias, torch.cat([row, w, h], 1), weight).chunk(4, dim=1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
        p = window_parameters(torch.addmm(weights.projection_bias, h, weights.projection.T), kappa)
        kappa = p.kappa
        w = torch.bmm(window_weights(p, text.shape[1]).unsqueeze(1), text).squeeze(1)
        hidden.append(h)
        windows.append(w)
    y1, skip = torch.stack(hidden), torch.cat([x, torch.stack(windows)], -1)
    w2, w3 = network.lstm_weights(2), network.lstm_weights(3)
    y2, *_ = lstm_layer(torch.cat([skip, y1], -1), state.h2, state.c2, *w2, library=True)
    y3, *_ = lstm_layer(torch.cat([skip, y2], -1), state.h3, state.c3, *w3, library=True)
    outputs = torch.cat([y1, y2, y3], -1) @ network.output_weight.T + network.output_bias
    return outputs.transpose(0, 1)


def timed(step: Callable[[], object], group: Group) -> float:
    group.barrier()
    if group.device.type == "cuda":
        torch.cuda.synchronize()
    begin = time.perf_counter()
    step()
    group.barrier()
    if group.device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - begin


def summary(work: Work, times: list[float]) -> Result:
    speeds = [work.lines * work.points / t for t in times]
    return {
        "points_per_second": {"min": min(speeds), "median": statistics.median(speeds), "max": max(speeds)}
    }


def ceiling_of(work: Work, times: list[float], ceiling: float) -> Result:
    flops = work.flops_a_point * work.lines * work.points / statistics.median(times)
    return {
        "gflop_per_second": flops / 1e9,
        "matmul_gflop_per_second": ceiling / 1e9,
        "share": flops / ceiling,
    }


def ratio(result: Result) -> Result:
    ours, peer = (result[way]["points_per_second"]["median"] for way in ("ours", "peer"))
    return {"ratio_to_peer": ours / peer}


def table(result: Result) -> str:
    work = Work(**result["work"])
    what = (
        f"{result['device']}, torch {result['torch']}; {work.lines} lines of {work.points} points, "
        f"{work.hidden} cells a layer, {work.flops_a_point / 1e6:.1f} MFLOP a point"
    )
    rows = [
        what,
        f"{'':8}{'points/s: min':>14}{'median':>9}{'max':>9}   {'GFLOP/s':>8}{'of a matmul':>16}   how",
    ]
    for way in (*WAYS, ONE_PROCESS):
        if way not in result:
            continue
        r, name = result[way], "" if way == ONE_PROCESS else way
        p = r["points_per_second"]
        how = f"{r['processes']} x {r['threads']} threads, {r['dtype']}" if "threads" in r else r["dtype"]
        rows.append(
            f"{name:8}{p['min']:14,.0f}{p['median']:9,.0f}{p['max']:9,.0f}   {r['gflop_per_second']:8,.0f}"
            f"{r['matmul_gflop_per_second']:10,.0f} ({r['share']:4.0%})   {how}"
        )
    rows.append(f"ours is {result['ratio_to_peer']:.2f} times the peer's")
    for lines, r in result["ours"].get("batches", {}).items():
        p = r.get("points_per_second")
        speed = f"{p['median']:12,.0f} points/s, {r['peak_memory_gib']:.1f} GiB" if p else "out of memory"
        rows.append(f"{lines:>6} lines: {speed}")
    return "\n".join(rows)


def note(what: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{what}", end="", file=sys.stderr, flush=True)


def processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":")[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
