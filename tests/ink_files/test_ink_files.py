from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from strokes.export import export
from strokes.files import InputError
from strokes.ink_files import read_ink
from strokes.ink_files.json_files import JSON_SCHEMA
from strokes.page import Layer, Page

SVG = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:inkscape="http://www.inkscape.org/namespaces/inkscape" {}>{}</svg>'
JSON = (
    '{{"format":"strokes-ink","version":{},"unit":"mm","pages":[{{"width":9,"height":9,"text":"","layers":'
    '[{{"name":"ink","color":"#000000","pen_width":0.3,"plotted":true,"strokes":[{}]}}]}}]}}'
)
INKML = '<ink xmlns="http://www.w3.org/2003/InkML">{}</ink>'


def read(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return read_ink(path)


def strokes_of(document):
    return [s.tolist() for line in document.lines for s in line.ink.strokes]


@pytest.mark.parametrize("suffix", [".json", ".inkml", ".svg"])
def test_pages_of_ours_come_back(tmp_path, suffix):
    rng = np.random.default_rng(1)
    red = (rng.uniform((5, 5), (90, 8), (7, 2)), np.array([[12.5, 4]]))
    ink = (rng.uniform((5, 25), (90, 28), (5, 2)), rng.uniform((5, 45), (90, 48), (9, 2)))
    guide = Layer("ruling", (np.array([[0.0, 9], [20, 9]]),), plotted=False)
    page = Page(100, 50, (guide, Layer("red", red, "red"), Layer("ink", ink)), "a é\n\nb\nc", {"text": "a"})
    export(page, tmp_path / f"a{suffix}")
    found = read_ink(tmp_path / f"a{suffix}")
    assert found.unit_mm == 1 and [line.text for line in found.lines] == ["a é", "b", "c"]
    assert [len(line.ink) for line in found.lines] == [2, 1, 1]
    for a, b in zip((*red, *ink), (s for line in found.lines for s in line.ink.strokes), strict=True):
        np.testing.assert_allclose(b, a, atol=6e-4)


def test_the_schema_names_what_a_file_needs():
    assert {"format", "version", "unit", "pages"} <= set(JSON_SCHEMA["$defs"]["JsonInk"]["required"])


def test_inkml_differences_are_those_of_the_recommendation(tmp_path):
    trace = "<trace>1125 18432,'23'43,\"7\"-8,3-5,7 -3,6 2,6 8,3 6</trace>"
    found = strokes_of(read(tmp_path, "a.inkml", INKML.format(trace)))[0]
    x = [1125, 1148, 1178, 1211, 1251, 1297, 1349, 1404]
    y = [18432, 18475, 18510, 18540, 18567, 18596, 18633, 18676]
    assert found == [list(p) for p in zip(x, y, strict=True)]
    again = "<trace>10 0,'1'1,!5!5,6 7</trace>"
    assert strokes_of(read(tmp_path, "a.inkml", INKML.format(again))) == [[[10, 0], [11, 1], [5, 5], [6, 7]]]


def test_inkml_channels_groups_and_texts(tmp_path):
    channels = (
        '<traceFormat><channel name="T"/><channel name="Y" units="mm" orientation="-ve"/>'
        '<channel name="F"/><channel name="X" units="mm"/></traceFormat>'
    )
    body = (
        channels
        + '<traceGroup><traceGroup><annotation type="truth">one</annotation><trace>0 1 9 2,1 3 9 4</trace>'
        + "<traceGroup><trace>0 5 * 6</trace></traceGroup></traceGroup>"
        + '<traceGroup><annotation type="truth">two</annotation><trace>0 7 ? 8</trace>'
        + '<trace type="penUp">0 0 0 0</trace></traceGroup></traceGroup>'
    )
    found = read(tmp_path, "a.inkml", INKML.format(body))
    assert found.text == "one\ntwo" and found.unit_mm == 1
    assert strokes_of(found) == [[[2, -1], [4, -3]], [[6, -5]], [[8, -7]]]


@pytest.mark.parametrize(
    ("root", "body", "expected"),
    [
        (
            'width="20mm" height="10mm" viewBox="0 0 200 100"',
            '<polyline points="10,20 30 40"/>',
            [[1, 2], [3, 4]],
        ),
        ('width="1in" height="1in" viewBox="5 0 96 96"', '<line x1="5" x2="101"/>', [[0, 0], [25.4, 0]]),
        (
            'width="10mm" height="10mm" viewBox="0 0 10 10"',
            '<g transform="translate(1 2)"><g transform="scale(2) rotate(90)"><path d="m1,0 h1 v1"/></g></g>',
            [[1, 4], [1, 6], [-1, 6]],
        ),
        (
            'width="20mm" height="10mm" viewBox="0 0 10 10"',  # aspect kept, in the middle
            '<polygon points="0 0 1 0 1 1"/>',
            [[5, 0], [6, 0], [6, 1], [5, 0]],
        ),
        ("", '<polyline points="96 0 0 96"/>', [[25.4, 0], [0, 25.4]]),
        (
            'width="9mm" height="9mm" viewBox="0 0 9 9"',
            (
                '<defs><path d="M0 0h9"/></defs><g inkscape:label="%guides"><path d="M0 0h9"/></g>'
                '<path style="display: none" d="M0 0h9"/><path d="M1 1L2 2"/>'
            ),
            [[1, 1], [2, 2]],
        ),
    ],
)
def test_svg_of_others_in_millimetres(tmp_path, root, body, expected):
    found = strokes_of(read(tmp_path, "a.svg", SVG.format(root, body)))
    assert len(found) == 1
    np.testing.assert_allclose(found[0], expected, atol=1e-4)


@pytest.mark.parametrize(
    "hidden",
    [
        'visibility="hidden"',
        'style="fill:none; visibility : hidden"',
        'opacity="0.0"',
        'style="display:none!important"',
    ],
)
def test_what_is_not_seen_is_left_out(tmp_path, hidden):
    body = f'<g {hidden}><path d="M0 0h9"/></g><path d="M1 1L2 2"/><path opacity="0.05" d="M3 3L4 4"/>'
    assert len(strokes_of(read(tmp_path, "a.svg", SVG.format("", body)))) == 2


def test_a_child_of_what_is_hidden_may_be_visible(tmp_path):
    body = '<g visibility="hidden"><path d="M0 0h9"/><path style="visibility:visible" d="M0 0v4L2 2"/></g>'
    (stroke,) = strokes_of(read(tmp_path, "a.svg", SVG.format("", body)))
    assert len(stroke) == 3


def test_curves_and_arcs_are_flattened(tmp_path):
    root = 'width="100mm" height="100mm" viewBox="0 0 100 100"'
    arc = np.array(
        strokes_of(read(tmp_path, "a.svg", SVG.format(root, '<path d="M20,50 a30,30 0 0 1 60 0"/>')))[0]
    )
    radii = np.hypot(*(arc - (50, 50)).T)
    assert abs(radii - 30).max() < 0.05 and arc[:, 1].min() == pytest.approx(20, abs=0.05)
    assert np.hypot(*np.diff(arc, axis=0).T).max() < 5
    body = '<path d="M0,0 q10,20 20,0 M50 50 c0,10 20,10 20,0"/>'
    curves = strokes_of(read(tmp_path, "a.svg", SVG.format(root, body)))
    assert len(curves) == 2 and np.max(curves[0], axis=0)[1] == pytest.approx(10, abs=0.03)
    assert np.max(curves[1], axis=0)[1] == pytest.approx(57.5, abs=0.03)


@pytest.mark.parametrize("polyline", [False, True])
def test_svg_of_ours_comes_back_with_its_dots_and_text(tmp_path, polyline):
    t = np.linspace(0, 6, 12)
    ink = (np.stack([t + 3, 5 + np.sin(3 * t)], axis=1), np.array([[4.0, 2.5]]), np.array([[8.0, 4], [9, 7]]))
    guide = Layer("ruling", (np.array([[0.0, 9], [20, 9]]),), plotted=False)
    page = Page(20, 10, (guide, Layer("ink", ink)), "some text", {"text": "some text"})
    export(page, tmp_path / "a.svg", polyline=polyline)
    found = read_ink(tmp_path / "a.svg")
    (line,) = found.lines
    assert found.unit_mm == 1 and line.text == "some text" and len(line.ink) == 3
    for a, b in zip(ink, line.ink.strokes, strict=True):
        if polyline:
            np.testing.assert_allclose(b[[0, -1]], a[[0, -1]], atol=2e-3)
        else:
            np.testing.assert_allclose(b, a, atol=2e-3)
    assert len(line.ink.strokes[1]) == 1


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.txt", "", "no ink is read from .txt"),
        ("a.json", "{", "damaged"),
        ("a.json", JSON.format(2, "[[0, 0]]"), "version"),
        ("a.json", JSON.format(1, "[[0, 1e300]]"), "<= 1000000"),
        ("a.json", JSON.format(1, "[]"), "length >= 1"),
        ("a.json", '{"format":"strokes-ink","version":1,"unit":"mm","pages":[]}', "no ink"),
        ("a.svg", "<svg", "damaged XML"),
        ("a.svg", "<html/>", "not SVG"),
        ("a.svg", "<svg/>", "no ink"),
        ("a.svg", '<svg><polyline points="1e300 0"/></svg>', "a coordinate"),
        ("a.svg", '<svg><line x1="nan"/></svg>', "a coordinate"),
        ("a.svg", '<svg><polyline points="1e400 0"/></svg>', "a coordinate"),
        ("a.svg", '<svg><line x1="x"/></svg>', "damaged"),
        ("a.svg", '<!DOCTYPE s [<!ENTITY e "x">]><svg>&e;</svg>', "entities"),
        ("a.inkml", "<svg/>", "not InkML"),
        ("a.inkml", "<ink><trace>1 2, a</trace></ink>", "no number of InkML"),
        ("a.inkml", "<ink><trace>1</trace></ink>", "no x and y"),
        ("a.inkml", '<ink><traceFormat><channel name="X"/></traceFormat></ink>', "no channels X and Y"),
    ],
)
def test_what_is_no_ink_is_one_sentence(tmp_path, name, text, says):
    with pytest.raises(InputError, match=says) as e:
        read(tmp_path, name, text)
    assert "\n" not in str(e.value) and name in str(e.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match="none.svg: cannot be read"):
        read_ink(tmp_path / "none.svg")


MARKS = st.text(alphabet="MmLlCcQqAaZzHhVvSsTt0123456789.-+eE, '\"!*?#", max_size=40)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    MARKS.map(lambda s: s.replace('"', "&quot;")),
    st.sampled_from(["d", "points", "transform", "trace", "json"]),
)
def test_anything_is_read_or_refused(tmp_path, text, place):
    bodies = {
        "d": ("a.svg", f'<svg><path d="{text}"/></svg>'),
        "points": ("a.svg", f'<svg viewBox="{text}"><polyline points="{text}"/></svg>'),
        "transform": ("a.svg", f'<svg><g transform="matrix({text})"><path d="M0 0L1 1"/></g></svg>'),
        "trace": ("a.inkml", f"<ink><trace>{text}</trace></ink>"),
        "json": ("a.json", JSON.format(1, f"[[{text}]]")),
    }
    said, found = "", None
    try:
        found = read(tmp_path, *bodies[place])
    except InputError as e:
        said = str(e)
    assert "\n" not in said
    assert found is None or all(np.isfinite(line.ink.points).all() for line in found.lines)
