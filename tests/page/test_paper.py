"""Paper by name and by size."""

from __future__ import annotations

import pytest

from strokes.files import InputError
from strokes.page import PageOptions, find_paper, paper_names


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("a4", (210, 297)),
        ("A6", (105, 148)),
        ("letter", (215.9, 279.4)),
        ("dl", (220, 110)),
        ("c6", (162, 114)),
        ("10", (241.3, 104.775)),
        ("120x80mm", (120, 80)),
        ("120 x 80", (120, 80)),
        ("12x8cm", (120, 80)),
        ("8.5x11in", (215.9, 279.4)),
    ],
)
def test_sizes(name, size):
    paper = find_paper(name)
    assert (paper.width, paper.height) == pytest.approx(size)


def test_landscape_lays_the_longer_side():
    assert find_paper("a6", landscape=True).width == 148
    assert find_paper("dl", landscape=True).width == 220
    assert find_paper("50x90", landscape=True).height == 50


def test_every_name_is_paper_and_iso_sizes_halve():
    assert all(find_paper(name).width > 50 for name in paper_names())
    for large, small in (("a3", "a4"), ("a4", "a5"), ("a5", "a6"), ("a6", "a7")):
        assert find_paper(large).height // 2 == find_paper(small).width


@pytest.mark.parametrize(
    "name", ["", "a99", "x", "0x0", "5x5mm", "1e9x3", "1.2.3x4", "9999999x10", "a4\n", "\x1b"]
)
def test_what_is_no_paper_is_refused(name):
    if name.strip() == "a4":
        assert find_paper(name).width == 210
        return
    with pytest.raises(InputError, match="paper") as e:
        PageOptions(page=name)
    assert str(e.value).isprintable()
