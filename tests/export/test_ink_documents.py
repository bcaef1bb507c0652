"""JSON ink and InkML: read back point by point, and held against their forms."""

from __future__ import annotations

import re

import numpy as np
import pytest
from lxml import etree

from strokes.documents import decode_json
from strokes.export import export, export_pages
from strokes.export.json_ink import JsonInk
from strokes.files import InputError
from strokes.ink_files import read_ink
from strokes.page import Layer, Page

INKML = "{http://www.w3.org/2003/InkML}"
XML = "{http://www.w3.org/XML/1998/namespace}"

#: Of the W3C's schema, what we use: element -> its attributes and its children.
SCHEMA = {
    "ink": (set(), {"definitions", "traceGroup", "annotation"}),
    "definitions": (set(), {"brush", "context", "traceFormat"}),
    "context": ({XML + "id"}, {"inkSource", "traceFormat", "brush"}),
    "traceFormat": ({XML + "id"}, {"channel", "intermittentChannels"}),
    "channel": ({"name", "type", "units", "min", "max", "default", "orientation"}, set()),
    "brush": ({XML + "id", "brushRef"}, {"annotation", "brushProperty"}),
    "brushProperty": ({"name", "value", "units"}, {"annotation"}),
    "traceGroup": ({XML + "id", "contextRef", "brushRef"}, {"trace", "traceGroup", "annotation"}),
    "trace": ({XML + "id", "type", "continuation", "priorRef", "contextRef", "brushRef", "duration"}, set()),
    "annotation": ({"type", "encoding"}, set()),
}


def pages() -> list[Page]:
    rng = np.random.default_rng(4)
    strokes = tuple(rng.uniform(0, 90, (n, 2)).astype(np.float32) for n in (1, 2, 30))
    layers = (
        Layer("ruling", strokes[1:2], "silver", 0.1, plotted=False),
        Layer("ink <&\x07>", strokes),
        Layer("red", (np.array([[-0.0001, 1.23456]]),), "red", 0.7),
    )
    metadata = {"text": "a \x00\ud800", "sampling": {"seed": 2**62}, "page": None}
    return [Page(100.0004, 91, layers, "é & \ud800 <b>\x07", metadata), Page(50, 40, layers[1:2])]


def close(found, stroke):
    return np.asarray(found).shape == stroke.shape and np.abs(np.asarray(found) - stroke).max() < 6e-4


def test_json_holds_pages_layers_and_points(tmp_path):
    made = pages()
    assert export_pages(made, tmp_path / "a.json", color="navy") == [tmp_path / "a.json"]
    data = (tmp_path / "a.json").read_bytes()
    read = decode_json(data, JsonInk, "a.json")
    assert [(page.width, page.height) for page in read.pages] == [(100.0, 91), (50, 40)]
    assert read.pages[0].text == "é &  <b>\x07" and read.pages[0].metadata["text"] == "a \x00"
    assert read.pages[0].metadata["sampling"] == {"seed": 2**62} and read.pages[1].metadata == {}
    for page, ours in zip(read.pages, made, strict=True):
        for layer, our in zip(page.layers, ours.layers, strict=True):
            assert (layer.name, layer.plotted) == (our.name, our.plotted)
            assert all(close(a, b) for a, b in zip(layer.strokes, our.strokes, strict=True))
    looks = [(layer.color, layer.pen_width) for layer in read.pages[0].layers]
    assert looks == [("#c0c0c0", 0.1), ("#000080", 0.35), ("#ff0000", 0.7)]
    assert b"-0.0," not in data
    for wrong in (data.replace(b'"version":1', b'"version":2'), data.replace(b'"mm"', b'"in"'), b"{}"):
        with pytest.raises(InputError, match=r"a\.json"):
            decode_json(wrong, JsonInk, "a.json")


def test_inkml_keeps_to_the_schema_and_holds_every_stroke(tmp_path):
    made = pages()
    assert export_pages(made, tmp_path / "a.inkml", color="navy") == [tmp_path / "a.inkml"]
    root = etree.parse(str(tmp_path / "a.inkml")).getroot()
    assert root.tag == INKML + "ink"
    for element in root.iter():
        attributes, children = SCHEMA[element.tag.removeprefix(INKML)]
        assert set(element.keys()) <= attributes and {c.tag for c in element} <= {INKML + c for c in children}
    ids = [element.get(XML + "id") for element in root.iter() if element.get(XML + "id")]
    used = {e.get(a)[1:] for e in root.iter() for a in ("contextRef", "brushRef") if e.get(a)}
    assert len(set(ids)) == len(ids) and used == set(ids)
    channels = [(c.get("name"), c.get("type"), c.get("units")) for c in root.iter(INKML + "channel")]
    assert channels == [("X", "decimal", "mm"), ("Y", "decimal", "mm")]
    for group, ours in zip(root.findall(INKML + "traceGroup"), made, strict=True):
        notes = {note.get("type"): note.text for note in group.findall(INKML + "annotation")}
        assert float(notes["width"].split()[0]) == pytest.approx(ours.width, abs=6e-4)
        traces = [
            np.array([point.split() for point in trace.text.split(",")], float)
            for trace in group.iter(INKML + "trace")
        ]
        assert all(close(a, b) for a, b in zip(traces, ours.strokes, strict=True))
    assert root.find(f"{INKML}traceGroup/{INKML}annotation[@type='truth']").text == "é &  <b>"
    properties = re.findall(r'name="(\w+)" value="(\S+)"', (tmp_path / "a.inkml").read_text())
    assert properties == [("color", "#000080"), ("width", "0.35"), ("color", "#ff0000"), ("width", "0.7")]


def test_an_empty_page_is_a_document(tmp_path):
    for name in ("a.json", "a.inkml"):
        export(Page(5, 5), tmp_path / name)
        assert (tmp_path / name).stat().st_size > 30


@pytest.mark.parametrize("suffix", [".svg", ".json", ".inkml"])
def test_what_is_written_is_read_back(tmp_path, suffix):
    strokes = pages()[0].layers[1].strokes
    page = Page(100, 91, (Layer("ruling", strokes[1:2], plotted=False), Layer("ink", strokes)), "some text")
    export(page, tmp_path / f"a{suffix}")
    read = [stroke for line in read_ink(tmp_path / f"a{suffix}").lines for stroke in line.ink.strokes]
    middles = sorted(tuple((stroke.min(axis=0) + stroke.max(axis=0)) / 2) for stroke in strokes)
    found = sorted(tuple((stroke.min(axis=0) + stroke.max(axis=0)) / 2) for stroke in read)
    np.testing.assert_allclose(found, middles, atol=3 if suffix == ".svg" else 6e-4)  # curves bulge
