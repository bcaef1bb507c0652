"""A figure of an evaluation: errors by bias and mode, and how often each character is read right."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from .canvas import GREY, HUES, new_figure, save

__all__ = ["legibility_figure"]


def legibility_figure(
    rates: Mapping[str, Sequence[tuple[float, float]]],
    characters: Sequence[tuple[str, float]],
    path: str | os.PathLike[str],
    title: str = "",
) -> None:
    """Draw the figure.

    Args:
        rates: a curve's "mode, texts" -> (bias, character error rate) pairs. Each mode has its colour, the first texts
            are solid and others dashed.
        characters: each character and the share of its contexts in which it is read right; may be empty.
        path: of the figure.
        title: above it.

    Raises:
        InputError: it cannot be written there.
    """
    figure = new_figure(10, 6.4 if characters else 3.6)
    above = figure.add_subplot(2 if characters else 1, 1, 1)
    modes, texts = (list(dict.fromkeys(name.split(", ", 1)[i] for name in rates)) for i in (0, 1))
    for name, points in rates.items():
        mode, text = name.split(", ", 1)
        style, color = "-" if text == texts[0] else "--", HUES[modes.index(mode) % len(HUES)]
        x, y = zip(*sorted(points), strict=True)
        above.plot(x, [100 * v for v in y], style, marker="o", ms=3.5, color=color, label=name)
    above.set_xlabel("bias")
    above.set_ylabel("character errors, %")
    above.set_ylim(bottom=0)
    above.grid(alpha=0.25)
    above.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    above.set_title(title, loc="left", fontsize=10)
    if characters:
        below = figure.add_subplot(2, 1, 2)
        places = range(len(characters))
        below.bar(places, [100 * share for _, share in characters], color=HUES[0], width=0.7)
        below.axhline(90, color=GREY, lw=0.8, ls=":")
        below.set_xticks(
            list(places), [c for c, _ in characters], fontsize=7, family="monospace", parse_math=False
        )
        below.set_xlim(-0.7, len(characters) - 0.3)
        below.set_ylabel("read right, %")
    figure.tight_layout()
    save(figure, path)
