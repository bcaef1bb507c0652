from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strokes.files import InputError
from strokes.runs.log import Log


def rows(path):
    return [json.loads(line, parse_constant=pytest.fail) for line in path.read_text().splitlines()]


def test_rows_are_appended_and_a_new_log_is_empty(tmp_path):
    path = tmp_path / "metrics.jsonl"
    for _ in range(2):
        log = Log(path)
        log.write("train", step=20, loss=0.1 + 0.2)
        log.write("validation", step=25, nats=float("nan"))
        assert rows(path) == [
            {"event": "train", "step": 20, "loss": 0.1 + 0.2},
            {"event": "validation", "step": 25, "nats": None},
        ]


def test_resuming_keeps_rows_up_to_the_checkpoint(tmp_path):
    path = tmp_path / "metrics.jsonl"
    log = Log(path)
    for step in (1, 2, 3):
        log.write("train", step=step)
    before = path.read_bytes().splitlines(keepends=True)
    Log(path, step=2).write("train", step=9)
    assert path.read_bytes().splitlines(keepends=True)[:2] == before[:2]
    assert [row["step"] for row in rows(path)] == [1, 2, 9]
    path.unlink()
    Log(path, step=2)
    assert rows(path) == []


def test_one_row_cut_off_is_no_news_and_more_are_counted(tmp_path, capsys):
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"event": "train", "step": 1}\n{"event": "tra')
    Log(path, step=5)
    assert len(rows(path)) == 1 and capsys.readouterr().err == ""
    odd = [
        "[1]",
        "{}",
        '{"event": "x", "step": "1"}',
        '{"event": "x", "step": NaN}',
        "[" * 100_000,
        "\udcff",
        "7",
    ]
    path.write_text('{"event": "train", "step": 1}\n' + "\n".join(odd), errors="surrogateescape")
    Log(path, step=5)
    assert rows(path) == [{"event": "train", "step": 1}]
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and f"{len(odd)} rows that cannot be read are removed" in err


@given(
    st.binary(max_size=60) | st.text(max_size=60).map(lambda t: json.dumps({"event": t, "step": 1}).encode())
)
@settings(max_examples=200, deadline=None)
def test_any_bytes_leave_a_log_whose_rows_have_steps(tmp_path_factory, junk):
    path = tmp_path_factory.mktemp("log") / "metrics.jsonl"
    path.write_bytes(b'{"event": "a", "step": 3}\n' + junk + b'\n{"event": "b", "step": 4}\n')
    Log(path, step=3)
    kept = rows(path)
    assert kept[0] == {"event": "a", "step": 3} and all(row["step"] <= 3 for row in kept)


def test_a_log_that_cannot_be_written_or_read_is_said_with_the_way_out(tmp_path):
    path = tmp_path / "metrics.jsonl"
    log = Log(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(InputError, match=r"metrics\.jsonl: cannot be written.*--resume"):
        log.write("train", step=1)
    with pytest.raises(InputError, match=r"metrics\.jsonl: cannot be read"):
        Log(path, step=1)
