"""What is a source, and which files belong together."""

from __future__ import annotations

import json

import numpy as np
import pytest
from character_files import (
    IMAGES,
    LABELS,
    STROKES,
    csv_lines,
    draw,
    idx,
    made_images,
    prepare,
    write_csv,
    write_idx,
)

from data_prep.characters.sources import find_data_sets
from strokes.characters.data import CLASSES, TEST
from strokes.files import InputError


def test_a_folder_may_hold_several_data_sets(tmp_path):
    write_idx(tmp_path, made_images(20), np.arange(20) % 10)
    write_csv(tmp_path / "A_Z Handwritten Data.csv.gz", csv_lines(made_images(26, 5), np.arange(26)))
    (tmp_path / "strokes.json").write_text(json.dumps(STROKES))  # only when named
    found = find_data_sets([tmp_path])
    assert [d.name for d in found] == ["a_z handwritten data", "mnist"]
    characters, report = prepare([tmp_path])
    assert (
        characters.classes == CLASSES["all"]
        and report.counts[0]["read"] == 26
        and report.counts[1]["read"] == 20
    )
    for label, origin in zip(characters.labels, characters.origins, strict=True):
        assert (label >= 10) == (origin == 0)


@pytest.mark.parametrize(
    ("made", "says"),
    [
        ([], "no source"),
        (["nowhere"], "nowhere: no such file or folder"),
        (["empty"], "empty: no idx file"),
        (["archive.zip"], r"archive\.zip: neither .* unpack archives first"),
        (["data.bin"], r"data\.bin: an idx file must be named"),
        (["both"], "both: both data files and folders of pictures"),
    ],
)
def test_what_is_no_source_is_told(made, says, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "archive.zip").write_bytes(b"PK\x03\x04" + bytes(50))
    (tmp_path / "data.bin").write_bytes(idx(IMAGES))
    write_idx(tmp_path / "both", IMAGES, LABELS)
    draw(tmp_path / "both" / "A" / "0.png", 9)
    with pytest.raises(InputError, match=says):
        prepare([tmp_path / name for name in made])


def test_links_are_known_by_their_own_names(tmp_path):
    store = tmp_path / "store"
    store.mkdir()
    (tmp_path / "links").mkdir()
    for name, content in (("images-idx3-ubyte", idx(IMAGES)), ("labels-idx1-ubyte", idx(LABELS))):
        (store / str(len(name + name[0]) * len(content))).write_bytes(content)
        (tmp_path / "links" / f"t10k-{name}").symlink_to(store / str(len(name + name[0]) * len(content)))
    assert (prepare([tmp_path / "links"])[0].splits == TEST).all()
