"""The UNIPEN format: components, segments and includes, as written and as damaged."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unipen_files import block, segments

from data_prep.unipen.ink_files import Reference, parse_components, parse_ink, parse_segments
from data_prep.unipen.tape import MissingInkError, join


def test_blocks_without_points_are_no_components_and_pen_up_is_one_without_ink():
    content = (
        ".WRITER_ID ann\n.PEN_DOWN\n.PEN_UP\n.PEN_DOWN\n1 2 100\n3 4 105\n"
        ".PEN_UP\n5 6 110\n.DT 250\n.PEN_DOWN\n\n.PEN_DOWN\n7 8 115\n"
    )
    ink = parse_ink(content.encode())
    assert ink.down.tolist() == [True, False, True]
    assert ink.points.tolist() == [[1, 2], [3, 4], [5, 6], [7, 8]] and ink.starts.tolist() == [0, 2, 3, 4]
    tape = join(["a.dat"], {"a.dat": ink})
    found = list(tape.strokes([Reference(0, 2)]))
    assert [(n, p.tolist()) for _, n, p in found] == [(0, [[1, 2], [3, 4]]), (2, [[7, 8]])]


def test_ranges_lists_and_points_within_components():
    assert parse_components("7") == [Reference(7, 7)]
    assert parse_components("0-19") == [Reference(0, 19)]
    assert parse_components("3-5,7") == [Reference(3, 5), Reference(7, 7)]
    assert parse_components("4:10-6:31") == [Reference(4, 6, 10, 31)]
    assert parse_components("2:5") == [Reference(2, 2, 5, 5)]
    for wrong in ("", "5-3", "a", "1-2-3", "1,,2", "-1", "1.5", "9" * 30, "1-2,", "٣"):
        with pytest.raises(ValueError, match="components|backwards"):
            parse_components(wrong)


def test_part_of_a_component_is_cut_out():
    ink = parse_ink((block([(i, 0) for i in range(10)]) + block([(i, 1) for i in range(10)])).encode())
    tape = join(["a"], {"a": ink})
    parts = [p[:, 0].tolist() for _, _, p in tape.strokes(parse_components("0:7-1:2"))]
    assert parts == [[7, 8, 9], [0, 1, 2]]
    assert [len(p) for _, _, p in tape.strokes(parse_components("0:3-0:5"))] == [3]
    assert not list(tape.strokes(parse_components("0:30-0:40")))  # no such points


def test_labels_are_unescaped():
    content = segments(
        "x/a.dat",
        r'TEXT 0-3 OK "Press \"off\""',
        r'CHARACTER 4 ? "\\"',
        r'WORD 5 BAD "t\@h\@e"',
        "TEXT 6 OK no label",
        'TEXT 7 OK "open',
    )
    found = parse_segments(content.encode())
    assert [s.label for s in found.segments] == ['Press "off"', "\\", "t@h@e"]
    assert [s.quality for s in found.segments] == ["OK", "?", "BAD"] and found.unread == 2
    assert found.includes == ("x/a.dat",)


def test_a_row_without_pressure_lifts_the_pen():
    content = ".COORD X Y T P\n.PEN_DOWN\n0 0 1 9\n1 0 2 9\n2 0 3 0\n3 0 4 9\n"
    assert np.isnan(parse_ink(content.encode()).points[:, 0]).tolist() == [False, False, True, False]
    other = ".COORD X Y T\n.PEN_DOWN\n0 0 0\n1 0 0\n"  # zero is a time here
    assert not np.isnan(parse_ink(other.encode()).points).any()


def test_units_of_an_axis_each():
    head = ".X_POINTS_PER_INCH 856.7\n.Y_POINTS_PER_INCH 979.3\n"
    assert parse_ink(head.encode()).aspect == pytest.approx(856.7 / 979.3)
    for wrong in (".X_POINTS_PER_INCH 1e300\n.Y_POINTS_PER_INCH 2\n", ".X_POINTS_PER_MM ?\n", ""):
        assert parse_ink(wrong.encode()).aspect is None


@pytest.mark.parametrize(
    "rows", ["1 2\n3\n", "1\n2\n", "a b\n", "1 2\n3 x\n", "1e9 2\n", "inf 1\n", "nan 1\n"]
)
def test_what_is_no_coordinate_spoils_its_component_alone(rows):
    ink = parse_ink(f".PEN_DOWN\n{rows}.PEN_DOWN\n5 6\n".encode())
    assert ink.valid.tolist() == [False, True] and len(ink) == 2
    tape = join(["a"], {"a": ink})
    assert len(list(tape.strokes([Reference(1, 1)]))) == 1
    with pytest.raises(MissingInkError, match="component 0"):
        list(tape.strokes([Reference(0, 0)]))


def test_includes_are_followed_in_place_and_number_on():
    files = {
        "outer.dat": parse_ink(
            (
                block([(0, 0)])
                + ".INCLUDE writer.doc\n.INCLUDE inner.dat\n"
                + ".WRITER_ID bob\n"
                + block([(3, 3)])
            ).encode()
        ),
        "writer.doc": parse_ink(b".WRITER_ID ann\n.X_POINTS_PER_MM 10\n.Y_POINTS_PER_MM 20\n"),
        "inner.dat": parse_ink((block([(1, 1)]) + block([(2, 2)])).encode()),
    }
    tape = join(["outer.dat"], files)
    assert [p.tolist() for _, _, p in tape.strokes([Reference(0, 3)])] == [[[i, i]] for i in range(4)]
    assert [tape.writer(i) for i in range(4)] == ["ann", "ann", "ann", "bob"]
    assert tape.aspect == 0.5 and tape.missing == ()


def test_missing_circular_and_outside_includes():
    files = {
        "a": parse_ink(b".INCLUDE b\n.PEN_DOWN\n1 1\n"),
        "b": parse_ink(b".INCLUDE a\n"),
        "up": parse_ink(b".INCLUDE ../../etc/passwd\n.INCLUDE /etc/passwd\n.PEN_DOWN\n1 1\n"),
    }
    with pytest.raises(MissingInkError, match="includes itself"):
        join(["a"], files)
    tape = join(["gone", "up"], files)
    assert tape.missing == ("gone", "../../etc/passwd", "/etc/passwd")
    with pytest.raises(MissingInkError, match="component 4 is not among the 1 of its ink; gone is missing"):
        list(tape.strokes([Reference(4, 4)]))
    chain = {str(i): parse_ink(f".INCLUDE {i + 1}\n".encode()) for i in range(40)}
    with pytest.raises(MissingInkError, match="nested"):
        join(["0"], chain)
    wide = {"w": parse_ink(b".INCLUDE p\n" * 3000), "p": parse_ink(b".PEN_DOWN\n1 1\n")}
    with pytest.raises(MissingInkError, match="files long"):
        join(["w"], wide)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=40),
            st.sampled_from(
                [
                    b".PEN_DOWN\n",
                    b".PEN_UP\n",
                    b"1 2\n",
                    b'.SEGMENT TEXT 0-1 OK "a"\n',
                    b".INCLUDE x\n",
                    b".COORD X P Y\n",
                    b".WRITER_ID\n",
                    b".X_POINTS_PER_MM\n",
                    b"1e400 2\n",
                    b'\\"',
                    b"\x00\xff",
                ]
            ),
        ),
        max_size=12,
    )
)
def test_junk_is_read_without_a_word(parts):
    content = b"".join(parts)
    ink, found = parse_ink(content), parse_segments(content)
    assert len(ink.starts) == len(ink) + 1 and ink.starts[-1] == len(ink.points)
    for segment in found.segments:
        with suppress(ValueError):  # a sentence, and nothing else
            list(join(["x"], {"x": ink}).strokes(parse_components(segment.components)))
