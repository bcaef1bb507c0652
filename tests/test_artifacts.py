"""Artefacts: a round trip, and every way in which a folder can lie."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from strokes.artifacts import find_artifact, read_config, read_tensors, save_artifact
from strokes.files import InputError

SHAPES = {"w": (3, 2), "n": ()}


@dataclass(frozen=True)
class Config:
    format: str
    size: int


def tensors() -> dict[str, np.ndarray]:
    return {"w": np.arange(6, dtype=np.float32).reshape(3, 2) / 8, "n": np.array(7, np.int64)}


def saved(folder: Path) -> Path:
    save_artifact(folder, Config("test-1", 3), tensors())
    return folder


def test_a_round_trip(tmp_path: Path) -> None:
    folder = saved(tmp_path / "deep" / "model")
    assert read_config(folder, Config) == Config("test-1", 3)
    back = read_tensors(folder, SHAPES)
    assert {k: v.dtype for k, v in back.items()} == {"w": np.float32, "n": np.int64}
    for name, tensor in tensors().items():
        np.testing.assert_array_equal(back[name], tensor)


def test_a_packaged_name_wins_unless_there_is_a_separator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packaged = tmp_path / "packaged"
    saved(packaged / "default")
    here = tmp_path / "here"
    saved(here / "default")
    saved(here / "mine")
    monkeypatch.chdir(here)
    assert find_artifact("default", packaged) == packaged / "default"
    assert find_artifact("./default", packaged) == Path("default")
    assert find_artifact("mine", packaged) == Path("mine")
    with pytest.raises(InputError, match=r"nobody: no model there; .*\(default\)"):
        find_artifact("nobody", packaged)


def test_a_run_stands_for_its_best_weights_then_its_latest(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "config.json").write_text("{}")
    (run / "metrics.jsonl").write_text("")
    with pytest.raises(InputError, match="not validated"):
        find_artifact(run, tmp_path)
    saved(run / "latest")
    assert find_artifact(run, tmp_path) == run / "latest"
    saved(run / "best")
    assert find_artifact(run, tmp_path) == run / "best"


def rewrite(folder: Path, dtype: str, shape: tuple[int, ...], data: bytes) -> None:
    """model.safetensors with one tensor "w" whose header says what it likes."""
    header = json.dumps({"w": {"dtype": dtype, "shape": shape, "data_offsets": [0, len(data)]}}).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + data)


@pytest.mark.parametrize(
    ("dtype", "shape", "data"),
    [
        ("BF16", (3, 2), bytes(12)),
        ("F8_E4M3", (3, 2), bytes(6)),
        ("F16", (2, 3), bytes(12)),
        ("F16", (3, 2), bytes(11)),
        ("F32", (3, 2), np.full(6, np.nan, np.float32).tobytes()),
        ("F64", (3, 2), np.full(6, 1e300).tobytes()),
        ("F16", (2**60, 2**60), bytes(12)),
    ],
)
def test_tensors_that_are_not_what_the_config_says(
    tmp_path: Path, dtype: str, shape: tuple, data: bytes
) -> None:
    folder = saved(tmp_path)
    rewrite(folder, dtype, shape, data)
    with pytest.raises(InputError, match="the model is damaged"):
        read_tensors(folder, {"w": (3, 2)})


def test_missing_and_foreign_tensors(tmp_path: Path) -> None:
    folder = saved(tmp_path)
    with pytest.raises(InputError, match="'b' are not there"):
        read_tensors(folder, SHAPES | {"b": (1,)})
    with pytest.raises(InputError, match="'n' are unexpectedly there"):
        read_tensors(folder, {"w": (3, 2)})
    with pytest.raises(InputError, match="asks for more than"):
        read_tensors(folder, {"w": (10**6, 10**6)})
    (folder / "model.safetensors").write_bytes(b"\x80\x04 a pickle, perhaps")
    with pytest.raises(InputError, match="damaged"):
        read_tensors(folder, SHAPES)
    (folder / "model.safetensors").unlink()
    with pytest.raises(InputError, match=r"has no model\.safetensors"):
        read_tensors(folder, SHAPES)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be made"):
        save_artifact(tmp_path / "file" / "model", Config("x", 1), {})
