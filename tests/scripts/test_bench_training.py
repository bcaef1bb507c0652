from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from strokes.network import NetworkConfig, StrokeNetwork

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "bench_training.py"


@pytest.fixture
def bench(monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    import bench_training

    return bench_training


def test_the_benchmark_prints_one_object_with_every_way_and_the_ratio():
    flags = [
        "--lines",
        "3",
        "--points",
        "4",
        "--hidden",
        "8",
        "--repetitions",
        "2",
        "--device",
        "cpu",
        "--json",
    ]
    found = subprocess.run([sys.executable, str(SCRIPT), *flags], capture_output=True, text=True, timeout=300)
    assert found.returncode == 0, found.stderr
    result = json.loads(found.stdout)
    for way in ("plain", "peer", "ours"):
        speed = result[way]["points_per_second"]
        assert 0 < speed["min"] <= speed["median"] <= speed["max"]
        assert result[way]["threads"] >= 1 and result[way]["matmul_gflop_per_second"] > 0
    assert result["plain"]["dtype"] == result["peer"]["dtype"] == "float32"
    medians = [result[way]["points_per_second"]["median"] for way in ("ours", "peer")]
    assert result["ratio_to_peer"] == pytest.approx(medians[0] / medians[1])


def test_the_peer_computes_the_same_network(bench):
    """Or the comparison would be of different work."""
    torch.manual_seed(0)
    network = StrokeNetwork(5, NetworkConfig(hidden=8, window_components=3, mixture_components=2)).double()
    offsets = torch.randn(2, 9, 3, dtype=torch.float64)
    text = network.encode(torch.randint(0, 5, (2, 4)), torch.tensor([4, 3]))
    torch.testing.assert_close(bench.peer_forward(network, offsets, text), network(offsets, text).outputs)


def test_floating_point_operations_are_those_of_the_weights(bench):
    """Two for each weight, forwards, and twice that backwards; but for biases and the window's own sums."""
    network = StrokeNetwork(bench.SYMBOLS, NetworkConfig())
    matrices = sum(p.numel() for p in network.parameters() if p.ndim == 2)
    assert bench.Work(64, 256, 400).flops_a_point == 6 * matrices
