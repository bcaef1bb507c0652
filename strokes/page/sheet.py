"""Many cards on one sheet of paper, with lines to cut along."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..files import InputError
from .document import Layer, Page
from .paper import Paper

__all__ = ["cards_a_sheet", "sheets_of"]

_CUT_COLOR, _CUT_WIDTH = "#b0b0b0", 0.1


def cards_a_sheet(sheet: Paper, width: float, height: float) -> tuple[int, int, bool]:
    """How many cards of a size go on a sheet.

    Returns:
        Columns, rows, and whether the sheet is turned.

    Raises:
        InputError: not even one.
    """
    fits = []
    for turned in (False, True):
        w, h = (sheet.height, sheet.width) if turned else (sheet.width, sheet.height)
        fits.append((int((w + 1e-6) // width), int((h + 1e-6) // height), turned))
    best = max(fits, key=lambda fit: fit[0] * fit[1])
    if best[0] * best[1] == 0:
        raise InputError(
            f"a card of {width:g} x {height:g} mm does not fit on a sheet of {sheet.width:g} x {sheet.height:g} mm;"
            " give a larger --sheet"
        )
    return best


def sheets_of(cards: Sequence[Page], sheet: Paper) -> list[Page]:
    """Cards of one size on as many sheets as they need, in the middle of each, row by row.

    Each pen keeps one layer for all cards of a sheet. A layer of lines to cut along is not plotted.

    Args:
        cards: one at least.
        sheet: the paper.

    Raises:
        InputError: a card is larger than the sheet.
    """
    width, height = cards[0].width, cards[0].height
    columns, rows, turned = cards_a_sheet(sheet, width, height)
    size = (sheet.height, sheet.width) if turned else (sheet.width, sheet.height)
    origin = np.array([size[0] - columns * width, size[1] - rows * height]) / 2
    sheets = []
    for first in range(0, len(cards), columns * rows):
        chunk = cards[first : first + columns * rows]
        layers: dict[str, list[Layer]] = {}
        for n, card in enumerate(chunk):
            shift = np.add(origin, (n % columns * width, n // columns * height))
            for layer in card.layers:
                moved = tuple(stroke + shift for stroke in layer.strokes)
                layers.setdefault(f"{layer.plotted} {layer.name}", []).append(
                    Layer(layer.name, moved, layer.color, layer.pen_width, layer.plotted)
                )
        joined = [
            Layer(
                parts[0].name,
                tuple(stroke for part in parts for stroke in part.strokes),
                parts[0].color,
                parts[0].pen_width,
                parts[0].plotted,
            )
            for parts in layers.values()
        ]
        joined.sort(key=lambda layer: not layer.plotted)
        text = "\n\n".join(card.text for card in chunk)
        metadata = {"cards": [dict(card.metadata) for card in chunk]}
        cut = _cuts(origin, columns, rows, width, height)
        sheets.append(Page(*size, (*joined, cut), text, metadata))
    return sheets


def _cuts(origin: np.ndarray, columns: int, rows: int, width: float, height: float) -> Layer:
    """The grid of a sheet's cards."""
    x, y = origin.tolist()
    right, bottom = x + columns * width, y + rows * height
    lines = [np.array([[x + i * width, y], [x + i * width, bottom]]) for i in range(columns + 1)]
    lines += [np.array([[x, y + i * height], [right, y + i * height]]) for i in range(rows + 1)]
    return Layer("cutting", tuple(lines), _CUT_COLOR, _CUT_WIDTH, plotted=False)
