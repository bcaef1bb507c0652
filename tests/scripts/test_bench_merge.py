"""The benchmark of merging prints one JSON object whose ratio is that of its own times."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "bench_merge.py"


def test_the_benchmark_prints_one_object():
    command = [sys.executable, str(SCRIPT), "--json", "--cards", "2"]
    result = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert result["cards"] == 2 and result["separate_s"] > 0 and result["peak_mib"] > 20
    assert result["ratio_merge"] == pytest.approx(result["separate_s"] / result["merged_s"], rel=0.05)
