"""scripts/bench_characters.py: both loops do the same work, and what is printed is what was asked for."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "scripts" / "bench_characters.py"


def test_one_json_object_says_how_fast_both_loops_are():
    done = subprocess.run(
        [sys.executable, SCRIPT, "--steps", "2", "--repeats", "1", "--threads", "1", "--json"],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    for way in ("dataloader", "ours"):
        rates = result[way]["images_per_second"]
        assert 0 < rates["min"] <= rates["median"] <= rates["max"]
        minutes = result[way]["minutes_for_100_epochs_of_mnist"]
        assert abs(minutes * 60 * rates["median"] / 6_000_000 - 1) < 1e-6
    assert (
        result["ratio"]
        == result["ours"]["images_per_second"]["median"] / result["dataloader"]["images_per_second"]["median"]
    )
    assert result["threads"] == 1
