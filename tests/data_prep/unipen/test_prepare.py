"""UNIPEN to a corpus: texts, words and characters, what is left out and why, splits, the command, the real data."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unipen_files import Distribution, X, block, ink, segments, strokes_of

from data_prep.unipen import SPLITS, Prepared, UnipenOptions, prepare, split_of
from strokes.cli import main
from strokes.corpus import Corpus
from strokes.files import InputError
from strokes.ink.metrics import LineMetrics

#: Strokes of the line that many tests use.
N = len(strokes_of("no lion on iron"))
#: Made-up sets have a handful of writers: all are trained on, and every character counts.
PLAIN = UnipenOptions(min_count=1, validation=0, test=0)


def rules(prepared: Prepared) -> dict[str, str]:
    return {r.name: r.rule for r in prepared.remarks}


def texts(prepared: Prepared) -> set[str]:
    return set(prepared.corpus.texts)


@pytest.fixture
def made() -> Distribution:
    out = Distribution()
    out.add("8", "aaa", "one", ["no lion on iron", "going on till noon", "til noon, no lion"])
    out.add("7", "bbb", "two", ["lion", "noon", "going", "till", "on", "no"] * 3, "bob")
    return out


def test_texts_stand_as_written_and_words_make_lines(made, tmp_path):
    corpus = prepare(made.folder(tmp_path), PLAIN).corpus
    at = {name: i for i, name in enumerate(corpus.names)}
    one = at[f"8/aaa/one:0-{N - 1}"]
    assert corpus.texts[one] == "no lion on iron" and corpus.writers[one] == "aaa/ann"
    assert corpus.splits[one] == "train"
    lines = [i for i, w in enumerate(corpus.writers) if w == "bbb/bob"]
    words = Counter(" ".join(corpus.texts[i] for i in lines).split())
    assert words == dict.fromkeys(["lion", "noon", "going", "till", "on", "no"], 3)
    assert all(len(corpus.texts[i]) >= 20 for i in lines[:-1])
    assert corpus.preprocessing.scale == "x_height" and corpus.preprocessing.tolerance == 0.03
    assert corpus.options["data"] == "UNIPEN train_r01_v07"


def test_lines_are_upright_on_their_baseline_and_one_x_height_tall(made, tmp_path):
    corpus = prepare(made.folder(tmp_path), PLAIN).corpus
    for i in range(len(corpus)):
        line = corpus.line(i)
        metrics = LineMetrics.of(line.ink)
        assert metrics.x_height == pytest.approx(1, abs=0.25)
        if line.text.startswith("no lion"):  # the dot of the i is above, though y was up in the file
            dots = [s for s in line.ink.strokes if len(s) == 1]
            assert len(dots) == line.text.count("i") + line.text.count(".")
            assert all(metrics.baseline - dot[0, 1] > 1.3 for dot in dots)
    assert corpus.point_count < 0.4 * sum(len(s) for t in corpus.texts for s in strokes_of(t))


def test_a_writers_lines_keep_their_sizes_and_another_pen_is_left_out(made, tmp_path):
    strokes = [s for i in range(6) for s in strokes_of("no lion on iron", y=-6 * X * i)]
    strokes += strokes_of("no lion on iron", y=-60 * X, size=1.3 * X)
    strokes += strokes_of("no lion on iron", y=-90 * X, size=3 * X)
    made.files["include/ccc/a.dat"] = ink(strokes, "carl")
    rows = [f'TEXT {N * i}-{N * i + N - 1} OK "no lion on iron"' for i in range(8)]
    made.files["data/8/ccc/a.dat"] = segments("ccc/a.dat", *rows)
    prepared = prepare(made.folder(tmp_path), PLAIN)
    corpus = prepared.corpus
    heights = {
        n: LineMetrics.of(corpus.line(i).ink).x_height for i, n in enumerate(corpus.names) if "ccc" in n
    }
    assert heights[f"8/ccc/a:{6 * N}-{7 * N - 1}"] == pytest.approx(
        1.3 * heights[f"8/ccc/a:0-{N - 1}"], rel=0.1
    )
    assert rules(prepared)[f"8/ccc/a:{7 * N}-{8 * N - 1}"] == "size"


def test_everything_that_is_left_out_is_named_and_counted(made, tmp_path):
    whole = strokes_of("no lion on iron")
    below = strokes_of("noon", y=-4 * X)
    flat = [[(0.0, 0.0), (50.0, 0.0)]]
    made.files["include/ddd/a.dat"] = ink([*whole, *below, *flat], "dora") + block([(0, 0)], ".PEN_UP")
    made.files["data/8/ddd/a.dat"] = segments(
        "ddd/a.dat",
        f'TEXT 0-{N - 1} BAD "no lion on iron"',
        f'TEXT 0-{N + len(below) - 1} OK "no lion on iron noon"',
        f'TEXT 0-{N - 1} OK "n\xe9 lion on iron"',
        f'TEXT 0-{N - 1} OK " "',
        'TEXT 990-999 OK "no lion on iron"',
        'TEXT 5-2 OK "no lion on iron"',
        f'TEXT {N + len(below)} OK "---------------"',
        f'TEXT {N + len(below) + 1} OK "no lion on iron"',
        f'TEXT 0-{N - 1} OK "{"no lion on iron " * 10}"',
        "TEXT 0-1 OK unquoted",
    )
    made.files["data/8/ddd/b.dat"] = segments("ddd/gone.dat", 'TEXT 0-3 OK "no lion on iron"')
    prepared = prepare(made.folder(tmp_path), PLAIN)
    assert Counter(rules(prepared).values()) == {
        "quality BAD": 1, "several rows": 1, "label": 2, "missing ink": 2, "components": 1, "flat": 1, "no ink": 1,
        "too long": 1, "not a segment": 1, "missing include": 1,
    } or dict(prepared.corpus.rejected)  # fmt: skip
    found = [(r.rule, r.detail) for r in prepared.remarks]
    assert ("missing include", "ddd/gone.dat is not in the distribution") in found
    assert any("ddd/gone.dat is missing" in detail for rule, detail in found if rule == "missing ink")
    counts = prepared.counts["texts"]
    assert counts["read"] == 3 + 9 + 1 and counts["kept"] == 3
    assert counts["read"] == sum(n for rule, n in counts.items() if rule != "read")
    assert dict(prepared.corpus.rejected) == {k: v for k, v in counts.items() if k not in ("read", "kept")}


def test_each_trap_is_an_option(made, tmp_path):
    made.add("8", "tok", "a", ["no lion , going on .", "no lion on iron ."], "tim")
    made.add("7", "kai", "b", ["g@o@o@n@"] * 6, "kim")
    made.add("7", "pcl", "c", ["noon"] * 6, "pam")
    root = made.folder(tmp_path)
    options = replace(PLAIN, tokens=("tok",))
    prepared = prepare(root, options)
    assert {"no lion, going on.", "no lion on iron."} <= texts(prepared)
    assert any(t.startswith("goon goon") for t in texts(prepared))
    assert {r.rule for r in prepared.remarks} == {"mislabelled source"}
    kept = prepare(root, replace(options, tokens=(), joins=(), mislabelled=()))
    assert "no lion , going on ." in texts(kept) and any("g@o@o@n@" in t for t in texts(kept))
    assert any("noon noon noon" in t for t in texts(kept))
    few = prepare(root, replace(options, most_characters=20))
    assert few.corpus.rejected["enough of its writer"] > 0 and len(few.corpus) < len(prepared.corpus)
    only = prepare(root, replace(options, words=False))
    assert set(only.counts) == {"texts", "characters"} and {w[:3] for w in only.corpus.writers} == {
        "aaa",
        "tok",
    }
    assert {w[:3] for w in prepare(root, options, sources=["bbb"]).corpus.writers} == {"bbb"}


def test_ink_is_used_once(made, tmp_path):
    made.files["data/7/aaa/one.dat"] = segments(
        "aaa/data/one.dat", 'WORD 0-1 OK "no"', f'WORD 2-{N - 1} OK "x"'
    )
    made.files["data/1c/aaa/one.dat"] = segments("aaa/data/one.dat", 'CHARACTER 0 OK "n"')
    prepared = prepare(made.folder(tmp_path), PLAIN)
    assert prepared.counts["words"]["in use"] == 2 and prepared.counts["characters"]["in use"] == 1


def test_single_characters_are_set_in_groups(made, tmp_path):
    made.add("1a", "eee", "d", ["7"] * 20, "eve")
    made.add("1b", "eee", "c", ["A"] * 10, "eve")
    made.add("1d", "eee", "s", ["#", "#", ",", ".", "'"], "eve")
    made.add("1c", "eee", "w", ["on", "n", "o"], "eve")
    prepared = prepare(made.folder(tmp_path), PLAIN)
    counts = prepared.counts["characters"]
    own = [t for t, w in zip(prepared.corpus.texts, prepared.corpus.writers, strict=True) if w == "eee/eve"]
    assert counts["label"] == 1  # `on` is no character
    assert sum(len(t.replace(" ", "")) for t in own) == counts["kept"] > 20
    assert any("#7" in t for t in own)


def test_short_texts_are_words(made, tmp_path):
    made.add("8", "fff", "a", ["no", "on", "lion", "noon"] * 3, "fay")
    corpus = prepare(made.folder(tmp_path), PLAIN).corpus
    own = [t for t, w in zip(corpus.texts, corpus.writers, strict=True) if w == "fff/fay"]
    assert len(own) < 4 and min(map(len, own[:-1])) >= 12


def test_two_preparations_are_the_same_and_archives_as_folders(made, tmp_path):
    a = prepare(made.folder(tmp_path / "f"), PLAIN).corpus
    b = prepare(made.archive(tmp_path / "a.tar.xz"), PLAIN).corpus
    for name in ("steps", "ends", "starts", "texts", "names", "writers", "splits"):
        assert np.array_equal(getattr(a, name), getattr(b, name)), name


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=12), st.sampled_from(["aaa", "bbb"]))
def test_a_writer_is_in_one_split_whichever_source_it_wrote_for(identity, source):
    split = split_of(f"{source}/{identity}", 0.2, 0.3)
    assert split in SPLITS
    if any(c.isalnum() for c in identity):
        assert split == split_of(f"zzz/{identity.upper()}", 0.2, 0.3) or not identity.isascii()
        assert split == split_of(f"zzz/ {identity}_", 0.2, 0.3)


def test_splits_have_their_shares():
    counts = Counter(split_of(f"aaa/writer {i}", 0.06, 0.06) for i in range(4000))
    assert counts["validation"] == pytest.approx(240, abs=60) and counts["test"] == pytest.approx(240, abs=60)
    assert split_of("aaa/x", 0, 0) == "train"


def test_options_are_checked():
    for wrong in (
        {"misfit": 0.5},
        {"tolerance": 0.0},
        {"validation": 0.6, "test": 0.5},
        {"longest": 0},
        {"step": 1e9},
    ):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            UnipenOptions(**wrong)


def test_nothing_left_says_what_became_of_all(made, tmp_path):
    made.files = {k: v for k, v in made.files.items() if "aaa" in k}
    with pytest.raises(InputError, match=r"3 x read.*3 x too long") as e:
        prepare(made.folder(tmp_path), replace(PLAIN, longest=5, words=False))
    assert "\n" not in str(e.value)


def test_hostile_numbers_and_labels_do_no_harm(made, tmp_path):
    big = [[(999_999.0, 5.0), (-999_999.0, 7.0), (0.0, 999_999.0)], *strokes_of("no lion on iron")]
    made.files["include/ggg/a.dat"] = (
        ink(big, "\x1b[31m\tgus" * 50) + ".PEN_DOWN\n1e999 1\n" + "\x00\xff" * 99
    )
    made.files["data/8/ggg/a.dat"] = segments(
        "ggg/a.dat", 'TEXT 0-18 OK "no lion on iron"', 'TEXT 19 OK "no lion on iron"', r'TEXT 0 OK "\\\""'
    )
    made.files["data/8/ggg/b.dat"] = bytes(range(256)) * 200
    made.files["include/ggg/loop.dat"] = ".INCLUDE ggg/loop.dat\n"
    made.files["data/8/ggg/c.dat"] = segments("ggg/loop.dat", 'TEXT 0 OK "a"')
    prepared = prepare(made.folder(tmp_path / "in"), PLAIN)
    assert rules(prepared)["data/8/ggg/c.dat"] == "circular include"
    report = prepared.save(tmp_path / "out.npz").read_text("utf-8")
    assert all(line.count("\t") == 2 for line in report.splitlines()) and "\x1b" not in report
    assert len(Corpus.load(tmp_path / "out.npz")) == len(prepared.corpus)


# -- the command ---------------------------------------------------------------------------------


def test_the_command_writes_a_corpus_and_a_report(made, tmp_path, capsys):
    made.files["data/8/aaa/gone.dat"] = segments("aaa/gone.dat", 'TEXT 0 OK "a"')
    archive, out = made.archive(tmp_path / "u.tar.xz"), tmp_path / "out.npz"
    argv = [
        "prepare",
        "unipen",
        str(archive),
        "-o",
        str(out),
        "--validation",
        "0",
        "--test",
        "0",
        "--min-count",
        "1",
    ]
    assert main([*argv, "--joins", "kai", "--tolerance", "0.05"]) == 0
    shown = capsys.readouterr().out
    assert "rejected: missing ink" in shown and str(tmp_path / "out.report.tsv") in shown
    corpus = Corpus.load(out)
    assert corpus.options["tolerance"] == 0.05 and "no lion on iron" in corpus.texts
    rows = [row.split("\t") for row in (tmp_path / "out.report.tsv").read_text().splitlines()]
    assert rows[0] == ["name", "rule", "detail"] and ["8/aaa/gone:0", "missing ink"] in [r[:2] for r in rows]


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (["nowhere.tar.xz"], "nowhere.tar.xz: no such file"),
        (["{here}", "--tolerance", "0"], "--tolerance"),
        (["{here}", "--misfit", "0.5"], "misfit"),
        (["{here}", "--sources", "zzz"], "zzz"),
    ],
)
def test_bad_use_is_one_sentence(more, why, made, tmp_path, capsys):
    root = made.folder(tmp_path / "set")
    argv = [a.format(here=root) for a in more]
    assert main(["prepare", "unipen", *argv, "-o", str(tmp_path / "o.npz")]) == 2
    err = capsys.readouterr().err
    assert why in err and err.count("\n") == 1 and not (tmp_path / "o.npz").exists()


# -- the real data -------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def real() -> Path:
    given = os.environ.get("STROKES_UNIPEN")
    root = Path(given) if given else Path(__file__).parents[3] / "../shared/data/unipen"
    archive = root / "train_r01_v07.tar.xz" if root.is_dir() else root
    if not archive.exists():
        pytest.skip("UNIPEN is not here: name its folder or archive in STROKES_UNIPEN")
    return archive


def test_real_sources(real):
    """Five sources with a trap each: pressure, tokens, boxes, a missing file, texts in several rows."""
    prepared = prepare(real, UnipenOptions(min_count=1), sources=["atu", "dar", "att", "apc", "scr"])
    texts_, words = prepared.counts["texts"], prepared.counts["words"]
    # The distribution's own table: atu 92, dar 36, att 819, apc 444, scr 211.
    assert texts_["read"] == 92 + 36 + 819 + 444 + 211
    assert words["read"] == 316 + 2253 + 1798
    missing = [r for r in prepared.remarks if r.rule == "missing include"]
    assert {r.detail.split()[0] for r in missing} == {"att/data/att0/41412304.dat"}
    assert texts_["missing ink"] == 395 and words["quality BAD"] == 0
    rows = [r.name for r in prepared.remarks if r.rule == "several rows"]
    assert sum(name.startswith("8/apc") for name in rows) >= 440
    corpus = prepared.corpus
    assert "In my freshman year, I almost failed physics." in corpus.texts
    assert 10 < corpus.point_count / sum(map(len, corpus.texts)) < 15
    writers: dict[str, set[str]] = {s: set() for s in SPLITS}
    for writer, split in zip(corpus.writers, corpus.splits, strict=True):
        writers[split].add(writer)
    assert not writers["train"] & (writers["validation"] | writers["test"])
    heights = [LineMetrics.of(corpus.line(i).ink).x_height for i in range(0, len(corpus), 5)]
    assert np.median(heights) == pytest.approx(0.95, abs=0.12)
    assert np.quantile(heights, 0.95) / np.quantile(heights, 0.05) < 2.6
