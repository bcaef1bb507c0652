"""A document for each row: the same whatever else is merged, whole or not there, resumed where it stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from strokes import InputError, PageOptions, SamplingOptions, Writer
from strokes.cli import main
from strokes.merge import JOURNAL, Merge
from strokes.page import find_paper
from strokes.tables import Template, parse_table

CARD = PageOptions(page="200x120mm", margin=1.0, x_height=0.5, line_height=5.0)
TEMPLATE = Template("dear {name},\nthanks", "t.txt")


@pytest.fixture(scope="module")
def writer(scribbler) -> Writer:
    return Writer(str(scribbler))


def rows(*names: str) -> str:
    return "name,gift\n" + "".join(f'"{name}",a\n' for name in names)


def merge(writer, folder, table, **options) -> Merge:
    sampling = options.pop("sampling", SamplingOptions(best_of=1))
    options.setdefault("page", CARD)
    return Merge(writer, TEMPLATE, parse_table(table, "r.csv"), folder, sampling=sampling, **options)


def contents(folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.suffix == ".svg"}


def test_a_row_does_not_depend_on_the_others_but_on_its_number(writer, tmp_path):
    first = merge(writer, tmp_path / "a", rows("ann", "bob", "ann"), name="name").run()
    assert [path.name for path in first.files] == ["ann.svg", "bob.svg", "ann-2.svg"]
    ink = contents(tmp_path / "a")
    assert ink["ann.svg"] != ink["ann-2.svg"]  # another seed for every row
    merge(writer, tmp_path / "b", rows("ann", "zed", "ann"), name="name").run()
    other = contents(tmp_path / "b")
    assert other["ann.svg"] == ink["ann.svg"] and other["ann-2.svg"] == ink["ann-2.svg"]
    merge(writer, tmp_path / "c", rows("ann"), name="name", sampling=SamplingOptions(seed=1, best_of=1)).run()
    assert contents(tmp_path / "c")["ann.svg"] != ink["ann.svg"]


def test_files_that_are_done_are_kept_and_changed_ones_made_again(writer, tmp_path):
    table = rows("ann", "bob", "cyd")
    done = merge(writer, tmp_path, table).run()
    assert [path.name for path in done.files] == ["1.svg", "2.svg", "3.svg"] and not done.kept
    stamps = {path: path.stat().st_mtime_ns for path in done.files}
    (tmp_path / "2.svg").unlink()
    again = merge(writer, tmp_path, table)
    assert again.waiting == 2
    result = again.run()
    assert [path.name for path in result.files] == ["2.svg"] and len(result.kept) == 2
    assert (tmp_path / "1.svg").stat().st_mtime_ns == stamps[tmp_path / "1.svg"]
    changed = merge(writer, tmp_path, rows("ann", "bob", "dee")).run()
    assert [path.name for path in changed.files] == ["3.svg"]
    assert len(merge(writer, tmp_path, table, page=PageOptions()).run().files) == 3


def test_bad_rows_are_named_together_before_anything_is_drawn(writer, tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "write_many", None)
    table = "name,gift\nann,a\nbob\n" + "\n" + f"{'x' * 200},a\n...,b\n"
    with pytest.raises(InputError) as e:
        merge(writer, tmp_path / "out", table, name="name")
    said = str(e.value)
    assert said.startswith("r.csv: 3 bad rows: line 3: it has 1 fields") and said.isprintable()
    assert "line 5: the word 'xxx" in said and "line 6: 'name' is '...'" in said
    assert not (tmp_path / "out").exists()
    for options, says in (({"name": "none"}, "no column 'none'"), ({"suffix": ".doc"}, "'.doc'")):
        with pytest.raises(InputError, match=says):
            merge(writer, tmp_path, rows("ann"), **options)
    with pytest.raises(InputError, match="no rows"):
        merge(writer, tmp_path, "name\n")
    with pytest.raises(InputError, match="need a size"):
        merge(writer, tmp_path, rows("ann"), page=PageOptions(), sheet=find_paper("a4"))


def test_cards_share_sheets(writer, tmp_path):
    page = PageOptions(page="100x140mm", margin=1, x_height=0.3, line_height=5)
    result = merge(writer, tmp_path, rows(*"abcdef"), page=page, sheet=find_paper("a4")).run()
    assert [path.name for path in result.files] == ["sheet-1.svg", "sheet-2.svg"]
    first = (tmp_path / "sheet-1.svg").read_text(encoding="utf-8")
    assert 'width="210mm"' in first and " cutting" in first and first.count("1 ink") == 1


def test_a_damaged_journal_is_refused(writer, tmp_path):
    (tmp_path / JOURNAL).write_text("{")
    with pytest.raises(InputError, match="damaged"):
        merge(writer, tmp_path, rows("ann")).run()


def test_a_merge_that_is_killed_leaves_whole_files_and_goes_on(scribbler, tmp_path):
    (tmp_path / "t.txt").write_text("dear {name}, thanks for the {gift}")
    (tmp_path / "r.csv").write_text(rows(*(f"{a}{b}" for a in "abcdefgh" for b in "abcdefgh")))
    command = [sys.executable, "-m", "strokes", "merge", "t.txt", "r.csv", "-o", "out", "--name", "name"]
    command += ["--model", str(scribbler), "--best-of", "1"]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(command, cwd=tmp_path, env=env, stderr=subprocess.DEVNULL)
    folder = tmp_path / "out"
    while process.poll() is None and not (folder / JOURNAL).exists():
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = contents(folder)
    assert before and all(
        data.rstrip().endswith(b"</svg>") for name, data in before.items() if name[0] != "."
    )
    ended = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert ended.returncode == 0 and " kept in out" in ended.stderr
    after = contents(folder)
    assert len([name for name in after if name[0] != "."]) == 64
    assert all(after[name] == data for name, data in before.items() if name[0] != ".")


def test_a_row_is_written_again_from_its_file(writer, tmp_path):
    merge(writer, tmp_path, rows("ann", "bob"), name="name", format_options={"color": "navy"}).run()
    assert main(["write", "--again", str(tmp_path / "bob.svg"), "-o", str(tmp_path / "again.svg")]) == 0
    assert (tmp_path / "again.svg").read_bytes() == (tmp_path / "bob.svg").read_bytes()
