"""Cards on sheets."""

from __future__ import annotations

import numpy as np
import pytest

from strokes.files import InputError
from strokes.page import Layer, Page, cards_a_sheet, find_paper, sheets_of


def card(n: int) -> Page:
    ink = Layer("ink", (np.array([[1.0, 2.0], [104.0, 70.0 + n / 10]]),))
    red = Layer("red", (np.array([[5.0, 5.0]]),), color="red")
    ruling = Layer("ruling", (np.array([[0.0, 9.0], [105.0, 9.0]]),), plotted=False)
    return Page(105, 74, (ink, red, ruling), f"card {n}", {"text": f"card {n}"})


def test_cards_are_laid_out_in_rows_without_overlap():
    sheets = sheets_of([card(n) for n in range(11)], find_paper("a4"))
    assert [len(sheet.layers[0].strokes) for sheet in sheets] == [8, 3]
    first = sheets[0]
    assert [(layer.name, layer.plotted) for layer in first.layers] == [
        ("ink", True), ("red", True), ("ruling", False), ("cutting", False)
    ]  # fmt: skip
    corners = np.array([stroke[0] for stroke in first.layers[0].strokes]) - (1, 2)
    np.testing.assert_allclose(corners[:, 0], [0, 105] * 4, atol=1e-9)
    np.testing.assert_allclose(corners[:, 1], np.repeat(np.arange(4) * 74 + 0.5, 2), atol=1e-9)
    points = np.concatenate([s for layer in first.layers for s in layer.strokes])
    assert points.min() >= 0 and (points <= (210, 297)).all()
    assert "card 7" in first.text and first.metadata["cards"][1]["text"] == "card 1"
    assert first.layers[1].color == "red"


def test_a_sheet_is_turned_where_more_cards_go_on_it():
    assert cards_a_sheet(find_paper("a4"), 148, 105) == (2, 2, True)
    assert cards_a_sheet(find_paper("a4"), 105, 148) == (2, 2, False)
    turned = sheets_of([Page(148, 105)], find_paper("a4"))[0]
    assert (turned.width, turned.height) == (297, 210)
    with pytest.raises(InputError, match="does not fit on a sheet"):
        cards_a_sheet(find_paper("a5"), 210, 297)
