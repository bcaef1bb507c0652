from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from strokes.figures import samples_sheet
from strokes.files import InputError
from strokes.ink import Ink


@pytest.mark.filterwarnings("error")
def test_samples_sheet_has_a_place_for_every_line(tmp_path):
    ink = Ink((np.stack([np.arange(56) * 0.3, np.arange(56) % 2 * 1.0], axis=1),))
    sizes = []
    for n in (1, 8):
        lines = [(f"${i}$ line", ink) for i in range(n)]
        lines += [("lost", Ink()), (".", Ink((np.zeros((1, 2)),)))]
        samples_sheet(lines, tmp_path / "sheet.png", "step 100")
        with Image.open(tmp_path / "sheet.png") as image:
            sizes.append(image.size)
    assert sizes[0][0] == sizes[1][0] == 1500 and sizes[1][1] > 2 * sizes[0][1]
    with pytest.raises(InputError, match="no lines"):
        samples_sheet([], tmp_path / "sheet.png")
