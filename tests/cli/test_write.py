"""The command line as a person meets it: what it says, what it writes, how it refuses."""

from __future__ import annotations

import contextlib
import io
import sys

import numpy as np
import pytest
from lxml import etree
from PIL import Image

from strokes import writer
from strokes.artifacts import find_artifact
from strokes.cli import COMMANDS, main
from strokes.cli import write as command
from strokes.files import InputError
from strokes.model import packaged_models
from strokes.page import PageOptions


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
    assert strokes("write", "naïve \u2013 Zoë, 5 €", "-o", tmp_path / "a.svg", "--model", scribbler) == 0
    err = one_line(capsys.readouterr().err.split("strokes: look")[0])
    # The alphabet has letters to compose ï, ë and a dash of, and no C for the euro.
    assert err == "strokes: written 'Z' as 'z', '5' left out, '€' as 'EUr'\n"


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


def test_a_folder_or_file_of_its_name_does_not_hide_the_packaged_model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    loaded = []

    def load(where):
        loaded.append(find_artifact(where, packaged_models()))
        raise InputError("seen")

    monkeypatch.setattr(writer, "load_model", load)
    (tmp_path / "default").mkdir()
    (tmp_path / "graves").write_text("no model")
    for words in ([], ["--model", "default"], ["--model", "graves"]):
        assert strokes("write", "a", "-o", "a.svg", *words) == 2
    assert [folder.parent for folder in loaded] == [packaged_models()] * 3
    assert strokes("write", "a", "-o", "a.svg", "--model", "./default") == 2
    assert len(loaded) == 3  # that is the folder, which holds no model


def test_the_bar_moves_with_each_line(scribbler, tmp_path, monkeypatch):
    moves, totals = [], []

    @contextlib.contextmanager
    def bar(what, total, unit=""):
        totals.append(total)
        yield moves.append

    monkeypatch.setattr(command, "progress", bar)
    text = "one\n\ntwo words\na\nand a longer line than these\nfive"
    assert strokes("write", text, "-o", tmp_path / "a.svg", "--model", scribbler) == 0
    assert totals == [5] and sum(moves) == 5 and len(moves) >= 4


@pytest.mark.parametrize(
    ("width", "height", "options", "says"),
    [
        (283, 90, {}, "283 x 90 mm, larger than A4 (210 x 297 mm): --page a4 wraps it"),
        (150, 400, {}, "--page a4 wraps it"),
        (500, 500, {"margin": 120.0}, "give a smaller --margin"),
        (210, 297, {}, ""),
    ],
)
def test_a_page_larger_than_a4_is_said_with_the_way_out(width, height, options, says, capsys):
    command._remark_on_size(width, height, PageOptions(**options))
    err = capsys.readouterr().err
    assert says in err and bool(err) is bool(says)


def test_a_picture_that_is_too_large_for_any_ink_is_refused_before_the_writing(
    scribbler, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(writer.Writer, "write", None)
    out = tmp_path / "a.png"
    options = ["--model", scribbler, "--dpi", 10000, "--margin", 100, "--line-height", 20]
    assert strokes("write", "a\n" * 20, "-o", out, *options) == 2
    assert "give a smaller resolution" in one_line(capsys.readouterr().err)
    assert not out.exists()


def test_a_text_that_begins_with_a_dash_needs_two_more(scribbler, tmp_path, capsys):
    out = tmp_path / "a.svg"
    for words in (["-hello"], ["--hello"], ["--hello=1"], ["-e", "--seed", 1]):
        assert strokes("write", *words, "-o", out) == 2
        err = one_line(capsys.readouterr().err)
        assert f"goes to the end, after --: -- {words[0]}" in err
    assert strokes("write", "-o", out, "--model", scribbler, "--", "-hello") == 0
    assert strokes("write", "- a list", "-o", out, "--model", scribbler) == 0
    assert "- a list" in out.read_text()


def test_a_text_is_read_up_to_a_length(scribbler, tmp_path, capsys):
    (tmp_path / "t.txt").write_bytes(b"a" * (4 * 2**20 + 1))
    assert strokes("write", "--file", tmp_path / "t.txt", "-o", tmp_path / "a.svg", "--model", scribbler) == 2
    assert "t.txt: a text of more than 4 MiB" in one_line(capsys.readouterr().err)
    (tmp_path / "t.txt").write_bytes(b"caf\xe9")
    assert strokes("write", "--file", tmp_path / "t.txt", "-o", tmp_path / "a.svg", "--model", scribbler) == 2
    assert "not UTF-8 text (byte 3)" in one_line(capsys.readouterr().err)


@pytest.mark.parametrize("name", ["a.xyz", "a", "none/a.png"])
def test_a_heatmap_that_cannot_be_saved_is_refused_before_the_writing(
    name, scribbler, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(writer.Writer, "sample", None)
    assert strokes("heatmap", "att", "-o", tmp_path / name, "--model", scribbler) == 2
    assert name.split("/")[0] in one_line(capsys.readouterr().err)


def test_heatmap_is_drawn(scribbler, tmp_path):
    out = tmp_path / "h.png"
    assert strokes("heatmap", "att", "-o", out, "--model", scribbler) == 0
    assert min(Image.open(out).size) > 200


def test_a_page_is_written_again_from_what_it_says_of_itself(scribbler, tmp_path, capsys):
    first, again, other = (tmp_path / name for name in ("a.svg", "b.svg", "c.svg"))
    options = ["--page", "300x200mm", "--x-height", 0.5, "--align", "right", "--seed", 5, "--bias", 0.3]
    options += ["--model", scribbler, "--color", "navy", "--best-of", 2]
    assert strokes("write", "some\n\n[[red]]text[[/]] <&>", "-o", first, *options) == 0
    assert strokes("write", "--again", first, "-o", again) == 0
    assert first.read_bytes() == again.read_bytes()
    assert strokes("write", "--again", first, "-o", other, "--align", "left") == 0
    assert first.read_bytes() != other.read_bytes()
    assert strokes("write", "other", "--again", first, "-o", tmp_path / "d.pdf") == 0
    assert (tmp_path / "d.pdf").read_bytes().startswith(b"%PDF")
    capsys.readouterr()
    (tmp_path / "e.svg").write_text("<svg/>")
    for name in ("e.svg", "none.svg"):
        assert strokes("write", "--again", tmp_path / name, "-o", again) == 2
        assert name in one_line(capsys.readouterr().err)


def test_pages_of_a_text_get_numbers(scribbler, tmp_path, capsys):
    text = "one\n" * 12
    options = [
        "--page",
        "600x60mm",
        "--x-height",
        0.5,
        "--line-height",
        10,
        "--model",
        scribbler,
        "--best-of",
        1,
    ]
    assert strokes("write", text, "-o", tmp_path / "a.svg", *options) == 0
    names = sorted(path.name for path in tmp_path.glob("*.svg"))
    assert len(names) > 1 and names[0] == "a-1.svg" and f"{len(names)} pages" in capsys.readouterr().err
