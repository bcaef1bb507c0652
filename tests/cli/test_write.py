"""The command line as a person meets it: what it says, what it writes, how it refuses."""

from __future__ import annotations

import io
import sys

import numpy as np
import pytest
from lxml import etree
from PIL import Image

from strokes.cli import COMMANDS, main


def strokes(*argv: object) -> int:
    return main([str(a) for a in argv])


def one_line(err: str) -> str:
    assert err.startswith("strokes: ") and err.count("\n") == 1 and "Traceback" not in err
    return err


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_with_an_example(command, capsys):
    words = {"prepare": ["prepare", "iam"], "characters": ["characters", "sample"]}.get(command, [command])
    with pytest.raises(SystemExit) as e:
        strokes(*words, "--help")
    assert e.value.code == 0
    out = capsys.readouterr().out
    assert "example" in out and f"strokes {command}" in out


def test_the_list_of_commands_is_shown(capsys):
    assert strokes("--help") == 0
    out = capsys.readouterr().out
    assert all(name in out for name in COMMANDS)
    assert strokes() == 2  # nothing asked for


def test_write_svg_has_one_path_a_stroke_and_the_text(scribbler, tmp_path):
    out = tmp_path / "a.svg"
    assert strokes("write", "some text", "-o", out, "--model", scribbler, "--margin", 7) == 0
    root = etree.parse(str(out)).getroot()
    assert root.get("width").endswith("mm")
    assert len(root.findall(".//{*}path")) >= 1
    assert "some text" in "".join(root.itertext())


def test_same_seed_same_bytes_another_seed_others(scribbler, tmp_path):
    files = []
    for i, seed in enumerate((4, 4, 5)):
        out = tmp_path / f"{i}.svg"
        assert strokes("write", "some text", "-o", out, "--model", scribbler, "--seed", seed) == 0
        files.append(out.read_bytes())
    assert files[0] == files[1] != files[2]


def test_write_png_has_the_dpi_asked_for(scribbler, tmp_path):
    out = tmp_path / "a.png"
    assert strokes("write", "text", "-o", out, "--model", scribbler, "--dpi", 120, "--color", "#0000ff") == 0
    image = Image.open(out)
    assert image.info["dpi"] == pytest.approx((120, 120), abs=0.1)
    pixels = np.asarray(image.convert("RGB"))
    darkest = pixels[tuple(np.argwhere(pixels[..., 0] == pixels[..., 0].min())[0])]
    assert darkest[2] == 255 and darkest[0] < 100


def size(path) -> np.ndarray:
    """Width and height in millimetres."""
    root = etree.parse(str(path)).getroot()
    return np.array([float(root.get(side).removesuffix("mm")) for side in ("width", "height")])


def test_lines_wrap_and_grow_with_their_height_but_not_the_margin(scribbler, tmp_path):
    text = "one\n\n" + "word " * 30  # five lines, one of them blank
    sizes = []
    for height, margin in ((10, 0), (20, 0), (10, 30)):
        out = tmp_path / "a.svg"
        options = ["--line-height", height, "--margin", margin, "--model", scribbler]
        assert strokes("write", text, "-o", out, *options) == 0
        sizes.append(size(out))
    assert sizes[0][1] > 20  # the last but one line is three below the first
    assert sizes[1] == pytest.approx(2 * sizes[0], rel=2e-3)
    assert sizes[2] == pytest.approx(sizes[0] + 60, abs=0.01)


def test_what_cannot_be_written_is_replaced_and_named(scribbler, tmp_path, capsys):
    assert strokes("write", "naïve \u2013 50 €", "-o", tmp_path / "a.svg", "--model", scribbler) == 0
    err = one_line(capsys.readouterr().err.split("strokes: look")[0])
    assert "'ï' as 'i'" in err and "'\u2013' as '-'" in err


@pytest.mark.parametrize("text", ["", "   ", "\n\n"])
def test_nothing_to_write_is_said(text, scribbler, tmp_path, capsys):
    out = tmp_path / "a.svg"
    assert strokes("write", text, "-o", out, "--model", scribbler) == 2
    assert "empty" in one_line(capsys.readouterr().err)
    assert not out.exists()


def test_text_from_a_file_and_from_standard_input(scribbler, tmp_path, monkeypatch):
    source = tmp_path / "t.txt"
    source.write_text("from a file", encoding="utf-8")
    for i, args in enumerate((["--file", source], ["-"], ["--file", "-"], ["from a file"])):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"from a file")))
        assert strokes("write", *args, "-o", tmp_path / f"{i}.svg", "--model", scribbler) == 0
    assert len({(tmp_path / f"{i}.svg").read_bytes() for i in range(4)}) == 1


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["write", "a", "-o", "{}/a.jpeg"], "'.jpeg'"),
        (["write", "a", "-o", "{}/none/a.svg"], "none"),
        (["write", "a"], "-o"),
        (["write", "-o", "{}/a.svg"], "TEXT"),
        (["write", "a", "--file", "{}/a.txt", "-o", "{}/a.svg"], "either"),
        (["write", "--file", "{}/missing.txt", "-o", "{}/a.svg"], "missing.txt"),
        (["write", "a", "-o", "{}/a.svg", "--bias", "-1"], "bias"),
        (["write", "a", "-o", "{}/a.svg", "--bias", "x"], "--bias"),
        (["write", "a", "-o", "{}/a.svg", "--seed", "-3"], "seed"),
        (["write", "a", "-o", "{}/a.svg", "--color", "blurple"], "blurple"),
        (["write", "a", "-o", "{}/a.svg", "--pen-width", "0"], "pen"),
        (["write", "a", "-o", "{}/a.svg", "--margin", "-2"], "margin"),
        (["write", "a", "-o", "{}/a.svg", "--line-height", "0"], "line-height"),
        (["write", "a", "-o", "{}/a.png", "--dpi", "0"], "dpi"),
        (["write", "a", "-o", "{}/a.svg", "--model", "{}/nowhere"], "nowhere"),
        (["heatmap", "word " * 30, "-o", "{}/a.png"], "one line"),
        (["heatmap", "a", "-o", "{}/a.xyz"], "xyz"),
        (["evaluate", "--corpus", "{}/missing.npz"], "missing.npz"),
        (["train", "{}/missing.npz", "-o", "{}/run"], "missing.npz"),
        (["train", "{}/missing.npz", "-o", "{}/run", "--epochs", "many"], "epochs"),
        (["train", "{}/missing.npz", "-o", "{}/run", "--network.hidden", "0"], "hidden"),
        (["draw"], "draw"),
    ],
)
def test_bad_input_is_one_clear_line_and_status_2(argv, says, scribbler, tmp_path, capsys):
    argv = [a.replace("{}", str(tmp_path)) for a in argv]
    if (argv[0] in ("write", "heatmap") and "--model" not in argv) or argv[0] == "evaluate":
        argv += ["--model", str(scribbler)]
    assert main(argv) == 2
    assert says in one_line(capsys.readouterr().err)
    assert not [p for p in tmp_path.rglob("*") if p.is_file()]


def test_heatmap_is_drawn(scribbler, tmp_path):
    out = tmp_path / "h.png"
    assert strokes("heatmap", "att", "-o", out, "--model", scribbler) == 0
    assert min(Image.open(out).size) > 200
