"""strokes read, with a recogniser that has learned nothing: what it says is of no matter here, where it says it is."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from strokes.alphabet import Alphabet
from strokes.cli import main
from strokes.export import export
from strokes.ink_files import read_ink
from strokes.page import Layer, Page
from strokes.recognition import Recognizer
from strokes.recognition.config import ReaderConfig
from strokes.recognition.model import ReaderModel
from strokes.recognition.network import ReaderNetwork


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    torch.manual_seed(0)
    alphabet, config = Alphabet(" abc"), ReaderConfig(channels=6, hidden=10, layers=2)
    network = ReaderNetwork(len(alphabet.characters), config).eval()
    folder = tmp_path_factory.mktemp("models") / "tiny"
    ReaderModel({k: v.numpy() for k, v in network.state_dict().items()}, config, alphabet).save(folder)
    return folder


@pytest.fixture
def two_lines():
    t = np.linspace(0, 30, 200)
    wave = np.column_stack([5 + 2 * t + np.sin(t), 10 + 2 * np.sin(2 * t)])
    return Page(80, 40, (Layer("ink", (wave, wave + np.array([0, 15]))),))


@pytest.mark.parametrize("suffix", [".svg", ".json", ".inkml"])
def test_each_line_is_read(tmp_path, capsys, tiny, two_lines, suffix):
    file = tmp_path / f"a{suffix}"
    export(two_lines, file)
    readings = Recognizer.load(tiny).read([line.ink for line in read_ink(file).lines])
    assert len(readings) == 2
    assert main(["read", str(file), "--reader", str(tiny)]) == 0
    assert capsys.readouterr().out == "".join(f"{r.text}\n" for r in readings)

    assert main(["read", str(file), "--reader", str(tiny), "--json"]) == 0
    lines = json.loads(capsys.readouterr().out)["lines"]
    assert [line["text"] for line in lines] == [r.text for r in readings]
    assert [line["confidence"] for line in lines] == pytest.approx([r.confidence for r in readings])
    assert lines[1]["bounds"][1] - lines[0]["bounds"][1] == pytest.approx(15, abs=0.1)
    for line in lines:
        assert "".join(c["character"] for c in line["characters"]) == line["text"]
        x0, y0, x1, y1 = line["bounds"]
        for c in line["characters"]:
            assert 0 <= c["first"] <= c["last"]
            assert x0 <= c["bounds"][0] <= c["bounds"][2] <= x1
            assert y0 <= c["bounds"][1] <= c["bounds"][3] <= y1


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.svg", '<svg xmlns="http://www.w3.org/2000/svg"/>', "holds no ink"),
        ("a.svg", "<svg", "damaged XML"),
        ("a.png", "", "no ink is read from .png"),
    ],
)
def test_what_holds_no_ink_is_one_sentence(tmp_path, capsys, tiny, name, text, says):
    file = tmp_path / name
    file.write_text(text)
    assert main(["read", str(file), "--reader", str(tiny)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert str(file) in err and says in err and len(err.splitlines()) == 1
