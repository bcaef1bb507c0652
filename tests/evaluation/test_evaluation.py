"""Counts of an evaluation against counts by hand, contexts of characters, and the whole with made-up ink."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from strokes.cli import main
from strokes.cli.evaluate import _same_weights
from strokes.evaluation import (
    EvaluationOptions,
    character_contexts,
    evaluate_writing,
    line_count,
    packaged_texts,
)
from strokes.evaluation.report import character_counts, legibility, shapes
from strokes.ink import Ink
from strokes.model import load_model
from strokes.recognition import Reading, load_reader

ASCII = "".join(map(chr, range(32, 127)))


def test_errors_are_those_counted_by_hand():
    found = legibility(0.5, "raw", "x", ["abc de", "fgh"], ["abd de", "fg"], 0.5, 1.25)
    assert (found.lines, found.characters, found.words) == (2, 9, 3)
    assert found.cer == pytest.approx(2 / 9)
    assert found.wer == pytest.approx(2 / 3)
    assert (found.sound, found.drawn_per_kept) == (0.5, 1.25)


def test_characters_are_counted_where_they_stand():
    counts = {c.character: (c.right, c.total) for c in character_counts(["abca", "ab"], ["abxa", "b"])}
    assert counts == {"a": (2, 3), "b": (2, 2), "c": (0, 1)}


def test_every_character_has_its_contexts():
    lines = character_contexts(ASCII, each=20, seed=3)
    counts = Counter("".join(lines))
    assert all(counts[c] >= 20 for c in ASCII if c != " ")
    assert max(map(len, lines)) <= 44
    assert character_contexts(ASCII, each=20, seed=3) == lines != character_contexts(ASCII, each=20, seed=4)


def test_packaged_texts_are_writable_lines():
    for name, fewest in (("sentences", 60), ("numbers", 10)):
        lines = packaged_texts(name)
        assert len(lines) >= fewest and all(0 < len(line) <= 60 for line in lines)
        assert set("".join(lines)) <= set(ASCII)
        assert len(set(lines)) == len(lines)


def test_progress_counts_every_line_that_is_announced():
    class Blind:
        def read(self, ink):
            return [Reading("", 0.0, ()) for _ in ink]

    model, done = load_model(), []
    options, texts = EvaluationOptions(quick=True), {"x": ["at"]}
    report = evaluate_writing(model, Blind(), None, options, texts=texts, progress=done.append)
    assert sum(done) == line_count(model, False, options, texts) == 2 * (2 + 2)
    assert all(found.cer == found.wer == 1 for found in report.legibility)


def _slanted(tangent: float, width: float) -> Ink:
    bars = [np.array([[x + tangent, -1.0], [x, 0.0]]) for x in np.linspace(0, width - tangent, 5)]
    return Ink(tuple(bars))


def test_shapes_measure_slant_and_width():
    pages = [[(_slanted(t, 10), "x" * 10) for t in (s, s + 0.2)] for s in (0.0, 0.4)]
    found = shapes(0.5, pages)
    assert found.slant_within == pytest.approx(0.1, abs=1e-5)
    assert found.slant_between == pytest.approx(0.2, abs=1e-5)
    assert found.width_within == pytest.approx(0, abs=1e-5)


def test_the_command_evaluates_the_packaged_model(tmp_path, capsys):
    texts = tmp_path / "texts.txt"
    texts.write_text("A warm day\nfive boats\n")
    out, figure = tmp_path / "r.json", tmp_path / "r.png"
    argv = ["evaluate", "--quick", "--texts", str(texts), "-o", str(out), "--figure", str(figure)]
    assert main(argv) == 0
    report = json.loads(out.read_text())
    assert {(r["bias"], r["mode"]) for r in report["legibility"]} == {
        (b, m) for b in (0.5, 1.0) for m in ("raw", "checked", "corrected")
    }
    assert all(r["characters"] == 20 and r["lines"] == 2 for r in report["legibility"])
    assert report["independent"] is False and report["reader"] == "reader"
    assert figure.read_bytes().startswith(b"\x89PNG")
    assert "corrected" in capsys.readouterr().out


def test_ink_of_another_program_is_read(tmp_path, capsys):
    assert main(["write", "five boats", "-o", str(tmp_path / "a.svg"), "--seed", "1"]) == 0
    (tmp_path / "a.txt").write_text("five boats\n")
    capsys.readouterr()
    assert main(["evaluate", "--ink", str(tmp_path)]) == 0
    report = json.loads(capsys.readouterr().out)
    (found,) = report["legibility"]
    assert report["reader"] is None and report["independent"] is None
    assert found["mode"] == "ink" and found["characters"] == 10 and found["cer"] <= 0.2


def test_a_copy_of_the_reader_is_no_independent_judge(tmp_path):
    reader = load_reader()
    reader.save(tmp_path / "copy")
    other = dict(reader.weights)
    other["output.bias"] = np.asarray(other["output.bias"]) + 1
    assert _same_weights(reader, load_reader(tmp_path / "copy"))
    assert not _same_weights(reader, replace(reader, weights=other))


def test_a_file_of_ink_is_read_line_by_line(tmp_path, capsys):
    file = tmp_path / "a.svg"
    assert main(["write", "five boats\nwarm rain", "-o", str(file), "--seed", "1"]) == 0
    capsys.readouterr()
    assert main(["read", str(file)]) == 0
    assert capsys.readouterr().out.splitlines() == ["five boats", "warm rain"]
    assert main(["read", str(file), "--json"]) == 0
    first, second = json.loads(capsys.readouterr().out)["lines"]
    assert first["text"] == "five boats" and first["bounds"][3] < second["bounds"][3]
    x0, y0, x1, y1 = first["bounds"]
    for character in first["characters"]:
        a, b, c, d = character["bounds"]
        assert x0 <= a <= c <= x1 and y0 <= b <= d <= y1


def test_files_without_text_or_ink_are_named(tmp_path, capsys):
    assert main(["evaluate", "--ink", str(tmp_path)]) == 2
    assert str(tmp_path) in capsys.readouterr().err
    (tmp_path / "e.txt").write_text("\n")
    assert main(["evaluate", "--texts", str(tmp_path / "e.txt")]) == 2
    assert "holds no text" in capsys.readouterr().err
