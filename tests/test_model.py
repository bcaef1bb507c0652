from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

import strokes
from strokes.alphabet import Alphabet
from strokes.corpus import Statistics
from strokes.files import InputError
from strokes.model import Model, load_model
from strokes.network import NetworkConfig, StrokeNetwork

SIZES = {"hidden": 8, "window_components": 2, "mixture_components": 3, "scale_floor": 0.01, "kappa_bias": -2}


@pytest.fixture
def model():
    torch.manual_seed(0)
    alphabet = Alphabet(' "abcé')
    network = StrokeNetwork(len(alphabet), NetworkConfig(**SIZES))
    weights = {k: v.numpy() for k, v in network.state_dict().items()}
    statistics = Statistics((1.25, -0.1), (3.7, 1 / 3))
    return Model(weights, SIZES, alphabet, statistics, {"epochs": 2, "note": "ü"})


def test_round_trip_rounds_weights_to_half_precision_and_nothing_else(model, tmp_path):
    model.save(tmp_path / "deep" / "model")
    names = sorted(p.name for p in (tmp_path / "deep" / "model").iterdir())
    assert names == ["config.json", "model.safetensors"]
    again = load_model(tmp_path / "deep" / "model")
    assert (again.network, again.alphabet, again.statistics, again.info) == (
        model.network,
        model.alphabet,
        model.statistics,
        model.info,
    )
    assert again.weights.keys() == model.weights.keys()
    for name, w in model.weights.items():
        assert again.weights[name].dtype == np.float32
        np.testing.assert_array_equal(again.weights[name], w.astype(np.float16).astype(np.float32))
    # a network takes them as they are
    network = StrokeNetwork(len(again.alphabet), NetworkConfig(**again.network))
    network.load_state_dict({k: torch.from_numpy(v) for k, v in again.weights.items()})


def test_full_precision_round_trip_is_exact(model, tmp_path):
    model.save(tmp_path, dtype="float32")
    again = load_model(tmp_path)
    assert all(np.array_equal(w, again.weights[k]) for k, w in model.weights.items())


@pytest.mark.parametrize(
    ("preset", "every", "height"),
    [
        ({"scale": True, "every": 2}, 2, 1.0),
        ({"scale": False, "every": 1}, 1, 2.5 / 3),
        ({"scale": False, "every": 2}, 2, 2.5 / 6),
        ({}, 1, 2.5 / 3),
        (None, 1, 2.5 / 3),
    ],
)
def test_how_high_its_lines_are(model, preset, every, height):
    """Its steps have a deviation of 1/3 in y. One that says nothing of its data has them as they were recorded."""
    of = Model(
        model.weights,
        SIZES,
        model.alphabet,
        model.statistics,
        {"preset": preset} if preset is not None else {},
    )
    assert of.every == every and of.line_height == pytest.approx(height) and of.scaled == (height == 1)


def test_saving_again_replaces(model, tmp_path):
    model.save(tmp_path)
    other = Model({k: v + 1 for k, v in model.weights.items()}, SIZES, model.alphabet, model.statistics)
    other.save(tmp_path, dtype="float32")
    assert np.array_equal(load_model(tmp_path).weights["layer1_bias"], other.weights["layer1_bias"])
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), SafetensorError("No space left")])
def test_a_full_disk_is_said_and_leaves_the_old_model(model, tmp_path, monkeypatch, error):
    model.save(tmp_path)
    before = {p: p.read_bytes() for p in tmp_path.iterdir()}

    def full(*args):
        raise error

    monkeypatch.setattr("strokes.model.save_file", full)
    with pytest.raises(InputError, match="cannot be written.*No space left"):
        model.save(tmp_path)
    assert {p: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_a_runs_folder_stands_for_its_best_weights(model, tmp_path):
    (tmp_path / "config.json").write_text("{}")  # the run's settings
    model.save(tmp_path / "best")
    assert load_model(tmp_path).info == model.info


def test_no_model_names_the_place(tmp_path):
    with pytest.raises(InputError, match="no-such-model: no model there"):
        load_model("no-such-model")
    with pytest.raises(InputError, match="no model there"):
        load_model(tmp_path)
    with pytest.raises(InputError, match="no model there"):
        load_model(tmp_path / "missing")


def edit(folder: Path, change) -> None:
    config = json.loads((folder / "config.json").read_text())
    change(config)
    (folder / "config.json").write_text(json.dumps(config))


def drop_weight(folder):
    arrays = {"layer1_bias": np.zeros(3, np.float16)}
    save_file(arrays, folder / "model.safetensors")


def cut_weights(folder):
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-9])


def spoil_weights(folder):
    file = folder / "model.safetensors"
    save_file({k: v * np.float16("nan") for k, v in load_file(file).items()}, file)


DAMAGE = {
    "weights cut": cut_weights,
    "weights empty": lambda f: (f / "model.safetensors").write_bytes(b""),
    "weights foreign": drop_weight,
    "weights not finite": spoil_weights,
    "weights missing": lambda f: (f / "model.safetensors").unlink(),
    "config cut": lambda f: (f / "config.json").write_text('{"format": "strokes-model-1", "net'),
    "config not utf-8": lambda f: (f / "config.json").write_bytes(b"\xff\xfe{}"),
    "config a list": lambda f: (f / "config.json").write_text("[]"),
    "config foreign": lambda f: (f / "config.json").write_text('{"model_type": "gpt2"}'),
    "no network": lambda f: edit(f, lambda c: c.pop("network")),
    "network a list": lambda f: edit(f, lambda c: c.update(network=[])),
    "other sizes": lambda f: edit(f, lambda c: c["network"].update(hidden=9)),
    "sizes not numbers": lambda f: edit(f, lambda c: c["network"].update(hidden="many")),
    "other components": lambda f: edit(f, lambda c: c["network"].update(mixture_components=2)),
    "no alphabet": lambda f: edit(f, lambda c: c.pop("alphabet")),
    "alphabet not text": lambda f: edit(f, lambda c: c.update(alphabet=7)),
    "alphabet twice": lambda f: edit(f, lambda c: c.update(alphabet="aabcde")),
    "alphabet of another size": lambda f: edit(f, lambda c: c.update(alphabet="ab")),
    "no statistics": lambda f: edit(f, lambda c: c.pop("statistics")),
    "statistics short": lambda f: edit(f, lambda c: c["statistics"].pop("std")),
    "every 0th point": lambda f: edit(f, lambda c: c["info"].update(preset={"every": 0})),
    "preset a list": lambda f: edit(f, lambda c: c["info"].update(preset=[2])),
    "statistics not numbers": lambda f: edit(f, lambda c: c["statistics"].update(mean=3)),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_and_foreign_files_are_said_in_a_sentence(model, tmp_path, damage):
    model.save(tmp_path)
    DAMAGE[damage](tmp_path)
    with pytest.raises(InputError) as caught:
        load_model(tmp_path)
    assert str(tmp_path) in str(caught.value) and "\n" not in str(caught.value)


def test_a_file_in_place_of_a_folder_is_said(tmp_path):
    (tmp_path / "model").write_text("x")
    with pytest.raises(InputError, match="model"):
        load_model(tmp_path / "model")


def test_a_model_loads_without_torch(model, tmp_path):
    model.save(tmp_path)
    code = """if True:
        import sys
        from strokes.model import load_model
        load_model(sys.argv[1])
        assert "torch" not in sys.modules
    """
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)


def test_nothing_of_ours_reads_or_writes_pickles():
    words = ("import pickle", "torch.load(", "torch.save(", "allow_pickle=True", "joblib", "cloudpickle")
    for path in Path(strokes.__file__).parent.rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        for word in words:
            assert word not in source, f"{path}: {word}"
