"""The benchmark of writing: one JSON object with every figure, whose ratios are those of its own medians."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "bench_sampling.py"


def test_the_benchmark_prints_one_object_with_every_figure():
    command = [sys.executable, str(SCRIPT), "--json", "--runs", "1", "--steps", "3", "--words", "4"]
    result = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    rates = {k: v["points_per_second"] for k, v in result.items() if "points_per_second" in str(v)}
    assert {
        "plain_batch1",
        "engine_batch1",
        "engine_batch8",
        "engine_batch32",
        "engine_batch128",
        "page",
    } <= set(rates)
    assert all(0 < r["min"] <= r["median"] <= r["max"] for r in rates.values())
    base = rates["plain_batch1"]["median"]
    assert base == max(r["median"] for k, r in rates.items() if k.startswith("plain"))
    assert result["ratio_batch1"] == pytest.approx(rates["engine_batch1"]["median"] / base)
    assert result["ratio_page"] == pytest.approx(rates["page"]["median"] / base)
    assert 1 <= result["drawn_per_kept"]["median"] < 10
    parts = result["cold_start_parts_s"]
    assert set(parts) == {"imports", "load", "sample", "layout", "export", "interpreter"}
    assert result["letter"]["words"] == 4 and 20 < result["letter"]["peak_memory_mib"] < 1000
