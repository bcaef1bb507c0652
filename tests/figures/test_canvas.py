"""matplotlib behind one door: no pyplot, no backend but our own."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from PIL import Image

from strokes.figures.canvas import box, check_figure, new_figure, one_line, save
from strokes.files import InputError


def run(code, **environment):
    env = {**os.environ, **environment}
    return subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=60)


def test_figures_leave_pyplot_alone():
    unwanted = "{'matplotlib.pyplot', 'torch'}"
    assert run(f"import sys, strokes.figures; sys.exit(bool({unwanted} & set(sys.modules)))").returncode == 0


def test_a_backend_that_matplotlib_does_not_know_is_no_obstacle(tmp_path):
    code = f"""
import os
from strokes.figures.canvas import new_figure, save
save(new_figure(1, 1), {str(tmp_path / "a.png")!r})
assert os.environ["MPLBACKEND"] == "nonsense"
"""
    done = run(code, MPLBACKEND="nonsense")
    assert done.returncode == 0, done.stderr
    with Image.open(tmp_path / "a.png") as image:
        assert image.size == (150, 150)


def test_a_backend_that_it_knows_stays_chosen():
    code = "import strokes.figures, matplotlib, sys; sys.exit(matplotlib.rcParams['backend'] != 'svg')"
    assert run(code, MPLBACKEND="svg").returncode == 0


def test_boxes_are_fractions_of_the_figure():
    assert box(new_figure(10, 4), 1, 1, 5, 2) == (0.1, 0.25, 0.5, 0.5)


def test_a_figure_is_written_whole_in_the_format_of_its_suffix(tmp_path):
    for name, magic in (("a.PNG", b"\x89PNG"), ("a.pdf", b"%PDF"), ("a.svg", b"<?xml")):
        save(new_figure(1, 1), tmp_path / name)
        assert (tmp_path / name).read_bytes().startswith(magic)
    for name in ("a.doc", "a"):
        with pytest.raises(InputError, match=r"\.png, \.svg or \.pdf"):
            check_figure(tmp_path / name)
        with pytest.raises(InputError, match=r"\.png, \.svg or \.pdf"):
            save(new_figure(1, 1), tmp_path / name)
    assert len(list(tmp_path.iterdir())) == 3


def test_long_texts_are_shortened_to_one_line():
    assert one_line("a\n b\tc") == "a b c"
    assert one_line("x" * 200, 10) == "x" * 9 + "\u2026"
