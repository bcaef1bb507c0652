"""A file of letters."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from character_files import csv_lines, made_images, write_csv


@pytest.fixture
def letters(tmp_path) -> Path:
    """20 A, 40 B, 60 C in mixed order."""
    labels = np.random.default_rng(1).permutation(np.repeat([0, 1, 2], [20, 40, 60]))
    return write_csv(tmp_path / "letters.csv", csv_lines(made_images(120, 9), labels))
