"""Whatever a text or the name of a layer holds, every format is written and can be read."""

from __future__ import annotations

import importlib
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from strokes.export import FORMATS
from strokes.page import Layer, Page

SAFE = etree.XMLParser(resolve_entities=False, no_network=True)
TEXTS = st.one_of(
    st.text(max_size=40),
    st.text(st.characters(categories=["Cs", "Cc", "Co"]), max_size=8),  # surrogates, control characters
    st.sampled_from(
        ["<&\">'", "]]>", "--", "<!ENTITY a>", "{x}", "%", "שלום", "🖋️" * 9, "G1 X0\nM3", ") (", "PU;"]
    ),
)
COORDINATES = st.floats(30, 60, width=32)
STROKES = st.lists(st.lists(st.tuples(COORDINATES, COORDINATES), min_size=1, max_size=6), max_size=4)


def read(suffix: str, data: bytes) -> int | None:
    """Check that a file can be read; how many strokes it has, where that can be counted."""
    if suffix in (".svg", ".inkml"):
        root = etree.fromstring(data, SAFE)
        return len(root.findall(".//{*}path")) + len(root.findall(".//{*}trace"))
    if suffix == ".json":
        return sum(len(layer["strokes"]) for layer in json.loads(data)["pages"][0]["layers"])
    text = data.decode("latin-1")
    if suffix == ".gcode":
        assert data.isascii()
        return text.count("\nM3 ")
    return text.count(";PD") if suffix == ".hpgl" else None


@pytest.mark.parametrize("suffix", FORMATS)
def test_any_text_and_any_strokes(suffix):
    kind = FORMATS[suffix]
    if suffix in (".hpgl", ".gcode"):
        pytest.importorskip(
            "vpype_gcode", reason="vpype-gcode is not installed: pip install 'strokes[plotter]'"
        )
    module = importlib.import_module(f"strokes.export.{kind.module}")
    options = kind.options(dpi=40) if hasattr(kind.options, "dpi") else kind.options()

    @settings(max_examples=25, deadline=None)
    @given(TEXTS, TEXTS, STROKES)
    def check(text, name, strokes):
        layer = Layer(name, tuple(np.array(stroke) for stroke in strokes))
        data = module.render(Page(100, 90, (layer,), text, {"text": text, name: 1}), options)
        assert data and read(suffix, data) in (len(strokes), None)

    check()
