"""`strokes prepare iam`: options, exit statuses, one-line errors, nothing half-written."""

from __future__ import annotations

import contextlib
import subprocess
import sys

import iam_files as made
import numpy as np
import pytest

from strokes.cli import main
from strokes.corpus import Corpus


@pytest.fixture
def root(tmp_path):
    return made.write_archives(made.data_set(), tmp_path / "iam")


def run(*argv: object) -> int:
    return main(["prepare", *map(str, argv)])


def one_line(capsys) -> str:
    """The error a person sees: one line on standard error, nothing on standard output."""
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("strokes: ") and err.count("\n") == 1
    return err


def test_prepares_a_corpus_a_table_and_a_report(root, tmp_path, capsys):
    output = tmp_path / "iam.npz"
    assert run("iam", root, "-o", output, "--preset", "half", "--min-count", 1) == 0
    out, err = capsys.readouterr()
    rows = {line[:24].strip(): line.split() for line in out.splitlines()}
    assert rows["read"][-1] == rows["kept"][-1] == "16"
    assert int(rows["points"][-1].replace(",", "")) > 500 and "alphabet: " in out and str(output) in out
    assert err == ""  # no progress bar where nobody looks
    corpus = Corpus.load(output)
    assert len(corpus) == 16 + 12 and corpus.options["every"] == 2
    assert (tmp_path / "iam.report.tsv").read_text() == "name\trule\tdetail\n"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["iam", "iam.npz", "iam.report.tsv"]


def test_presets_and_single_options(root, tmp_path, capsys):
    output = tmp_path / "c.npz"
    assert run("iam", root, "-o", output, "--preset", "graves") == 0
    graves = Corpus.load(output)
    assert len(graves) == 16 and graves.unit == 1.0 and graves.options["longest_step"] == 1000
    assert run("iam", root, "-o", output, "--preset", "graves", "--every", 3, "--text", "--scale") == 0
    mixed = Corpus.load(output)
    assert mixed.options == {**graves.options, "every": 3, "text": True, "scale": True}
    assert mixed.point_count < graves.point_count and "by the wall. It's late," in mixed.texts
    assert (
        run(
            "iam",
            root,
            "-o",
            output,
            "--preset",
            "half",
            "--every",
            1,
            "--no-slope",
            "--no-scale",
            "--spike",
            0,
        )
        == 0
    )
    raw = Corpus.load(output)
    assert raw.options["phases"] == 1 and np.array_equal(raw.steps, graves.steps)


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["mnist"], "there is no data set 'mnist'"),
        (["iam", "ROOT"], "-o"),
        (["iam", "ROOT", "-o", "OUT", "--every", "0"], "every"),
        (["iam", "ROOT", "-o", "OUT", "--every", "two"], "--every"),
        (["iam", "ROOT", "-o", "OUT", "--every", "2", "--phases", "3"], "phases must be 1 to 2"),
        (["iam", "ROOT", "-o", "OUT", "--spike", "nan"], "spike"),
        (["iam", "ROOT", "-o", "OUT", "--preset", "none"], "--preset"),
        (["iam", "ROOT", "-o", "OUT", "--sloppy"], "--sloppy"),
        (["iam", "NOWHERE", "-o", "OUT"], "no such folder"),
        (["iam", "EMPTY", "-o", "OUT"], "split files"),
        (["iam", "ROOT", "-o", "NOWHERE/c.npz"], "does not exist"),
        (["iam", "ROOT", "-o", "EMPTY"], "this is a folder"),
    ],
)
def test_bad_usage_is_one_line_and_status_2(argv, says, root, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    places = {"ROOT": root, "OUT": tmp_path / "c.npz"}
    places |= {"EMPTY": tmp_path / "empty", "NOWHERE": tmp_path / "nowhere"}
    for word, place in places.items():
        argv = [a.replace(word, str(place)) for a in argv]
    assert run(*argv) == 2
    assert says in one_line(capsys)
    assert not list(tmp_path.glob("*.npz")) and not list(tmp_path.glob("*.tsv"))


def test_without_a_data_set_the_list_of_them_is_shown(capsys):
    assert run() == 2
    out = capsys.readouterr().out
    assert "  iam " in out and "  characters " in out


def test_nothing_prepared_is_an_error_that_counts_why(tmp_path, capsys):
    files = made.data_set()
    files = {p: made.line_xml([]) if p.startswith("lineStrokes") else c for p, c in files.items()}
    assert run("iam", made.write_folders(files, tmp_path / "iam"), "-o", tmp_path / "c.npz") == 2
    assert "16 x no ink" in one_line(capsys)
    assert not (tmp_path / "c.npz").exists()


def test_a_truncated_archive_is_a_warning_and_the_rest_is_prepared(root, tmp_path, capsys):
    path = root / "lineStrokes-all.tar.gz"
    path.write_bytes(path.read_bytes()[: int(0.8 * path.stat().st_size)])
    assert run("iam", root, "-o", tmp_path / "c.npz") == 0
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and "warning" in err and "lineStrokes-all.tar.gz" in err
    assert 0 < len(Corpus.load(tmp_path / "c.npz")) < 28
    report = (tmp_path / "c.report.tsv").read_text().splitlines()
    assert report[1].startswith("lineStrokes-all.tar.gz\tbroken archive\t")


def test_interrupted_it_leaves_the_old_file_and_no_half_of_a_new_one(root, tmp_path, capsys, monkeypatch):
    output = tmp_path / "c.npz"
    output.write_bytes(b"old")

    def half(file, **_):
        file.write(b"half of it")
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "savez_compressed", half)
    assert run("iam", root, "-o", output) == 130
    assert output.read_bytes() == b"old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["c.npz", "iam"]


@pytest.mark.parametrize("argv", [["-h"], ["iam", "--help"]])
def test_help_has_an_example_and_every_option_with_its_reason(argv, capsys):
    with contextlib.suppress(SystemExit):  # argparse's way to end
        assert run(*argv) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "strokes prepare iam" in out
    if argv[0] == "iam":
        assert "example:" in out and "default: 1, half: 2, graves: 1" in out and "# or %%" in out
        flags = "--unreadable --misfit --no-text --spike --longest-step --no-slope --no-scale --phases"
        assert all(flag in out for flag in flags.split())


def test_the_command_starts_without_torch(root, tmp_path):
    code = (
        "import sys; from strokes.cli import main; "
        f"main(['prepare', 'iam', {str(root)!r}, '-o', {str(tmp_path / 'c.npz')!r}]); "
        "sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
