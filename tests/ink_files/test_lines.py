from __future__ import annotations

import numpy as np
import pytest

from strokes.ink import Ink
from strokes.ink_files import split_lines


def letters(rng, y, count=12):
    """Arches of one x-height on y, some with ascenders or descenders, and a dot above one, drawn last."""
    out = []
    for n in range(count):
        t = np.linspace(0, 1, 9)
        tall, deep = (n % 4 == 1) * rng.uniform(0.8, 1.1), (n % 5 == 2) * rng.uniform(0.6, 0.9)
        arch = np.stack([1.4 * n + t, y - np.sin(np.pi * t) * (1 + tall)], axis=1)
        tail = [[1.4 * n + 1.0, y + deep * u] for u in (0.5, 1.0)] if deep else []
        out.append(np.concatenate([arch, np.reshape(tail, (-1, 2))]))
    out.append(np.array([[0.5, y - 1.5]]))  # a late dot
    out.append(np.array([[0.9, y - 0.9], [2.3, y - 0.95]]))  # a late crossbar
    return [s + rng.normal(0, 0.05, s.shape) for s in out]


@pytest.mark.parametrize("pitch", [2.8, 3.3, 5.0])
@pytest.mark.parametrize("scale", [0.01, 300.0])
def test_lines_keep_their_late_dots_and_bars(pitch, scale):
    rng = np.random.default_rng(3)
    pages = [letters(rng, row * pitch, 12 - row) for row in range(6)]
    found = split_lines(Ink(tuple(s * scale for page in pages for s in page)))
    assert [len(line) for line in found] == [len(page) for page in pages]
    for line, page in zip(found, pages, strict=True):
        assert line == Ink(tuple(s * scale for s in page))


@pytest.mark.parametrize("degrees", [-5, -2, 0, 1, 3, 5])
def test_the_slope_of_a_page_does_not_matter(degrees):
    rng = np.random.default_rng(2)
    lines = [letters(rng, y, count=40) for y in (0.0, 2.8, 5.6, 8.4)]
    a = np.radians(degrees)
    turn = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
    page = Ink(tuple(stroke for line in lines for stroke in line)).transformed(turn)
    assert [len(line) for line in split_lines(page)] == [len(line) for line in lines]


def test_a_wide_page_of_tiny_strokes_takes_little_memory(monkeypatch):
    sizes = []
    count = np.bincount

    def counted(places, *rest):
        sizes.append(int(places.max()))
        assert sizes[-1] < 100_000
        return count(places, *rest)

    monkeypatch.setattr(np, "bincount", counted)
    tick = np.array([[0, 0], [0, 0.001]])
    found = split_lines(Ink((tick, tick + np.array([9e6, 0]))))
    assert sizes and sum(map(len, found)) == 2


def test_one_line_is_one_line_whatever_it_holds():
    rng = np.random.default_rng(4)
    assert split_lines(Ink()) == []
    for ink in ([[[1, 1]]], [[[0, 0]], [[9, 0]]], [[[0, 0], [5, 0]], [[7, 0], [9, 0]]], letters(rng, 0)):
        (line,) = split_lines(Ink(tuple(map(np.array, ink))))
        assert len(line) == len(ink)


def test_every_stroke_is_in_one_line():
    rng = np.random.default_rng(5)
    for _ in range(30):
        sizes = rng.integers(1, 6, rng.integers(1, 40))
        ink = Ink(tuple(rng.normal(0, 10 ** rng.uniform(-3, 3), (n, 2)) for n in sizes))
        found = split_lines(ink)
        assert sorted(map(len, (s for line in found for s in line.strokes))) == sorted(sizes.tolist())
