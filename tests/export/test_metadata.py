from __future__ import annotations

from dataclasses import replace
from importlib.metadata import version

import numpy as np
import pytest

from strokes.export import SvgOptions, export
from strokes.export.metadata import read_metadata
from strokes.files import InputError
from strokes.page import Layer, Page

PAGE = Page(20, 10, (Layer("ink", (np.array([[2.0, 5], [18, 5]]),)),), "a line")


def test_what_made_a_page_is_read_back(tmp_path):
    made = {
        "text": 'Zoë & <b> ]]> "\x07\x00" \u2028 🖋 \ud800',
        "sampling": {"bias": 0.1, "seed": 2**63 - 1},
        "page": {"margin": None, "ruled": False},
        "sheet": 1,
    }
    export(replace(PAGE, metadata=made), tmp_path / "a.svg", pen_width_mm=0.7, color="navy", sort=True)
    found = read_metadata(tmp_path / "a.svg")
    assert found.pop("version") == version("strokes")
    assert SvgOptions(**found.pop("format")) == SvgOptions(pen_width_mm=0.7, color="navy", sort=True)
    assert found == {**made, "text": made["text"].removesuffix("\ud800")}


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"no xml", "not an SVG file"),
        (b"", "not an SVG file"),
        (b"<svg/>", "does not say what made it"),
        (b'<svg><metadata><page xmlns="urn:strokes"/></metadata></svg>', "does not say"),
        (b'<svg><metadata><page xmlns="urn:strokes">[1]</page></metadata></svg>', "damaged"),
        (b'<svg><metadata><page xmlns="urn:strokes">{"a":</page></metadata></svg>', "damaged"),
        (
            b'<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/hostname">]><svg><page xmlns="urn:strokes">&e;</page></svg>',
            "does not say|damaged",
        ),
    ],
)
def test_files_of_others_are_refused_in_one_sentence(content, match, tmp_path):
    (tmp_path / "a.svg").write_bytes(content)
    with pytest.raises(InputError, match=match) as e:
        read_metadata(tmp_path / "a.svg")
    assert "a.svg" in str(e.value) and "\n" not in str(e.value)
    with pytest.raises(InputError, match=r"missing\.svg: cannot be read"):
        read_metadata(tmp_path / "missing.svg")
    export(PAGE, tmp_path / "b.svg")
    with pytest.raises(InputError, match="does not say"):
        read_metadata(tmp_path / "b.svg")
