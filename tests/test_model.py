"""Models on disk: a round trip, files of format 1, and every way in which a folder can lie."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file
from safetensors.torch import save_file as save_torch

import strokes
from strokes.alphabet import Alphabet
from strokes.files import InputError
from strokes.model import Model, load_model, weight_shapes
from strokes.network import NetworkConfig, StrokeNetwork
from strokes.preprocessing import Preprocessing, Statistics

SIZES = NetworkConfig(hidden=8, window_components=2, mixture_components=3, scale_floor=0.02, kappa_bias=-2)
GEOMETRY = Preprocessing(
    Statistics((1.25, -0.1), (3.7, 1 / 3)),
    deskew=False,
    scale="x_height",
    every=2,
    x_height=1.5,
    points_per_character=12.5,
)


@pytest.fixture
def model() -> Model:
    torch.manual_seed(0)
    alphabet = Alphabet(' "abcé')
    network = StrokeNetwork(len(alphabet), SIZES)
    weights = {k: v.numpy() for k, v in network.state_dict().items()}
    return Model(weights, SIZES, alphabet, GEOMETRY, {"epochs": 2, "note": "ü"})


# -- a round trip -------------------------------------------------------------------------------


def test_round_trip_rounds_weights_to_half_precision_and_nothing_else(model, tmp_path):
    model.save(tmp_path / "deep" / "model")
    names = sorted(p.name for p in (tmp_path / "deep" / "model").iterdir())
    assert names == ["config.json", "model.safetensors"]
    again = load_model(tmp_path / "deep" / "model")
    for name in ("network", "alphabet", "preprocessing", "statistics", "info"):
        assert getattr(again, name) == getattr(model, name)
    assert again.weights.keys() == model.weights.keys()
    for name, w in model.weights.items():
        assert again.weights[name].dtype == np.float32
        np.testing.assert_array_equal(again.weights[name], w.astype(np.float16).astype(np.float32))


def test_full_precision_round_trip_is_exact(model, tmp_path):
    model.save(tmp_path, dtype="float32")
    again = load_model(tmp_path)
    assert all(np.array_equal(w, again.weights[k]) for k, w in model.weights.items())


def test_a_network_has_the_weights_of_its_model(model, tmp_path):
    model.save(tmp_path, dtype="float32")
    network = StrokeNetwork.from_model(load_model(tmp_path))
    assert not network.training and network.config == SIZES and network.symbols == 7
    for name, w in network.state_dict().items():
        np.testing.assert_array_equal(w.numpy(), model.weights[name])
    # and can be trained without changing the model
    with torch.no_grad():
        network.layer1_bias += 1
    assert network.layer1_bias[0] != model.weights["layer1_bias"][0]


def test_the_shapes_of_weights_are_those_of_a_network():
    for sizes, symbols in (
        (SIZES, 7),
        (NetworkConfig(hidden=3, window_components=1, mixture_components=1), 2),
    ):
        expected = {k: tuple(v.shape) for k, v in StrokeNetwork(symbols, sizes).state_dict().items()}
        assert weight_shapes(sizes, symbols) == expected


def test_saving_again_replaces(model, tmp_path):
    model.save(tmp_path)
    other = replace(model, weights={k: v + 1 for k, v in model.weights.items()})
    other.save(tmp_path, dtype="float32")
    assert np.array_equal(load_model(tmp_path).weights["layer1_bias"], other.weights["layer1_bias"])
    assert len(list(tmp_path.iterdir())) == 2


def test_models_can_be_compared_and_kept_in_sets(model):
    assert model == model and model != replace(model, info={}) and len({model, model}) == 1


def test_a_runs_folder_stands_for_its_best_weights(model, tmp_path):
    (tmp_path / "config.json").write_text("{}")  # the run's settings
    model.save(tmp_path / "best")
    assert load_model(tmp_path).info == model.info


def test_no_model_names_the_place(tmp_path):
    for where in ("no-such-model", tmp_path, tmp_path / "missing"):
        with pytest.raises(InputError, match=f"{where}: no model there"):
            load_model(where)
    (tmp_path / "model").write_text("x")
    with pytest.raises(InputError, match="model"):
        load_model(tmp_path / "model")


def test_a_model_loads_without_torch(model, tmp_path):
    model.save(tmp_path)
    code = """if True:
        import sys
        from strokes.model import load_model
        assert load_model(sys.argv[1]).weights["layer1_bias"].shape == (32,)
        assert "torch" not in sys.modules
    """
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)


# -- format 1 -----------------------------------------------------------------------------------


def as_version1(folder: Path, preset: object = None, **fields: object) -> Path:
    """The config.json of a saved model as format 1 had it."""
    config = json.loads((folder / "config.json").read_text())
    old = {
        "format": "strokes-model-1",
        "network": config["network"],
        "alphabet": config["alphabet"],
        "statistics": config["preprocessing"]["statistics"],
        "info": config["info"] | ({} if preset is None else {"preset": preset}),
    }
    (folder / "config.json").write_text(json.dumps(old | fields, indent=1, ensure_ascii=False))
    return folder


@pytest.mark.parametrize(
    ("preset", "geometry", "x_height"),
    [
        (
            {"slope": True, "scale": True, "every": 2},
            Preprocessing(deskew=True, scale="spread", every=2),
            1.4,
        ),
        ({"slope": False, "scale": False, "every": 1}, Preprocessing(deskew=False), 1.4 * 2.3 / 3),
        ({"slope": True, "scale": False, "every": 2}, Preprocessing(every=2), 1.4 * 2.3 / 6),
        ({}, Preprocessing(), 1.4 * 2.3 / 3),
        (None, Preprocessing(), 1.4 * 2.3 / 3),
    ],
)
def test_geometry_of_format_1_stands_in_the_options_of_its_corpus(
    model, tmp_path, preset, geometry, x_height
):
    """Its steps have a standard deviation of 1/3 in y. One that says nothing of its data has them as recorded."""
    model.save(tmp_path)
    again = load_model(as_version1(tmp_path, preset))
    assert again.preprocessing.geometry == geometry.geometry
    assert again.statistics == model.statistics
    assert again.preprocessing.x_height == pytest.approx(x_height)
    assert again.preprocessing.points_per_character == pytest.approx(21.4 / geometry.every)
    assert again.info["note"] == "ü" and again.network == SIZES and again.alphabet == model.alphabet


@pytest.mark.parametrize(
    ("preset", "fields"),
    [
        ({"every": 0}, {}),
        ({"every": -2}, {}),
        ({"every": 10**30}, {}),
        ({"every": "two"}, {}),
        ({"every": [2]}, {}),
        ([2], {}),
        ("half", {}),
        (None, {"statistics": {"mean": [0, 0], "std": [0, 1]}}),
        (None, {"statistics": {"mean": [0, 0], "std": [1, 1e-6]}}),
        (None, {"statistics": {"mean": 3, "std": [1, 1]}}),
        (None, {"statistics": None}),
        (None, {"info": [1]}),
        (None, {"alphabet": "aabc"}),
    ],
    ids=str,
)
def test_hostile_configs_of_format_1_are_said_in_a_sentence(model, tmp_path, preset, fields):
    model.save(tmp_path)
    refusal(as_version1(tmp_path, preset, **fields))


# -- hostile folders ----------------------------------------------------------------------------


def refusal(folder: Path, *, when_read: bool = False) -> str:
    """The one sentence that a folder is refused with, at once or when its weights are read."""
    if when_read:
        weights = load_model(folder).weights
        with pytest.raises(InputError) as caught:
            weights["layer1_bias"]
    else:
        with pytest.raises(InputError) as caught:
            load_model(folder)
    message = str(caught.value)
    assert str(folder) in message and "\n" not in message and len(message) < 600
    return message


def edit(folder: Path, place: str, value: object) -> None:
    """Put a value at a place of config.json; ... takes it out."""
    config = json.loads((folder / "config.json").read_text())
    *parents, name = place.split(".")
    part = config
    for parent in parents:
        part = part[parent]
    if value is ...:
        del part[name]
    else:
        part[name] = value
    (folder / "config.json").write_text(json.dumps(config))


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("format", ...),
        ("format", "strokes-model-9"),
        ("format", "strokes-characters-1"),
        ("network", ...),
        ("network", []),
        ("network.hidden", 9),
        ("network.hidden", 0),
        ("network.hidden", -8),
        ("network.hidden", 8192),
        ("network.hidden", "many"),
        ("network.hidden", 1e400),
        ("network.mixture_components", 2),
        ("network.mixture_components", 10**9),
        ("network.window_components", None),
        ("network.scale_floor", -0.1),
        ("network.scale_floor", 2),
        ("network.scale_floor", float("nan")),
        ("network.kappa_bias", 1e400),
        ("alphabet", ...),
        ("alphabet", ""),
        ("alphabet", "ab"),
        ("alphabet", "aabcde"),
        ("alphabet", 7),
        ("alphabet", list("abcdef")),
        ("alphabet", "\ud800abcde"),
        ("alphabet", "".join(map(chr, range(0x4E00, 0x4E00 + 6000)))),
        ("preprocessing", ...),
        ("preprocessing", None),
        ("preprocessing.every", 0),
        ("preprocessing.every", 1e400),
        ("preprocessing.scale", "deviation"),
        ("preprocessing.x_height", 0),
        ("preprocessing.x_height", 1e400),
        ("preprocessing.points_per_character", 1e9),
        ("preprocessing.tolerance", -1),
        ("preprocessing.statistics.std", ...),
        ("preprocessing.statistics.std", [1.0, 1e-10]),
        ("preprocessing.statistics.std", [0.0, 1.0]),
        ("preprocessing.statistics.std", [1.0, 1e400]),
        ("preprocessing.statistics.mean", 3),
        ("preprocessing.statistics.mean", [1e300, 0.0]),
        ("preprocessing.statistics.mean", [0.0]),
        ("info", []),
    ],
    ids=str,
)
def test_hostile_configs_are_said_in_a_sentence(model, tmp_path, place, value):
    model.save(tmp_path)
    if place == "preprocessing.statistics.std" and value is ...:
        edit(tmp_path, "preprocessing.statistics", {"mean": [0, 0], "std": [1]})
    else:
        edit(tmp_path, place, value)
    refusal(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"[]",
        b'"model"',
        b'{"format": "strokes-model-2", "net',
        b'{"model_type": "gpt2"}',
        b"\xff\xfe{}",
        b"[" * 200_000,
        b'{"format": "strokes-model-2", "info": ' + b'{"a":' * 200_000,
        b'{"format": "strokes-model-2", "format": "strokes-model-1"}',
    ],
    ids=lambda c: repr(c[:30]),
)
def test_what_is_no_config_is_said_in_a_sentence(model, tmp_path, content):
    model.save(tmp_path)
    (tmp_path / "config.json").write_bytes(content)
    refusal(tmp_path)


def of_type(dtype: torch.dtype) -> Callable[[Path], None]:
    def change(file: Path) -> None:
        save_torch({k: torch.from_numpy(v).to(dtype) for k, v in load_file(file).items()}, file)

    return change


def of_weights(change: Callable[[dict[str, np.ndarray]], object]) -> Callable[[Path], None]:
    def rewrite(file: Path) -> None:
        weights = load_file(file)
        change(weights)
        save_file(weights, file)

    return rewrite


@pytest.mark.parametrize(
    ("damage", "when_read"),
    [
        (lambda f: f.write_bytes(f.read_bytes()[:-9]), False),
        (lambda f: f.write_bytes(b""), False),
        (lambda f: f.write_bytes(b"\x80\x04\x95 a pickle"), False),
        (lambda f: f.write_bytes((2**60).to_bytes(8, "little") + b"{}"), False),
        (lambda f: f.unlink(), False),
        (of_type(torch.bfloat16), False),
        (of_type(torch.bool), False),
        (of_weights(lambda w: w.pop("layer1_bias")), False),
        (of_weights(lambda w: w.update(layer4_bias=np.zeros(32, np.float16))), False),
        (of_weights(lambda w: w.update(layer1_bias=np.zeros(31, np.float16))), False),
        (of_weights(lambda w: w.update(layer1_offsets=w["layer1_offsets"].T.copy())), False),
        (of_weights(lambda w: w.update(layer1_bias=np.full(32, np.nan, np.float16))), True),
        (of_weights(lambda w: w.update(layer1_bias=np.full(32, np.inf, np.float16))), True),
        (of_weights(lambda w: w.update(layer2_bias=np.full(32, 1e300))), True),
    ],
    ids=[
        "cut",
        "empty",
        "a pickle",
        "huge header",
        "missing",
        "bfloat16",
        "bool",
        "one missing",
        "one more",
        "short",
        "transposed",
        "nan",
        "infinite",
        "too large for float32",
    ],
)
def test_hostile_weights_are_said_in_a_sentence(model, tmp_path, damage, when_read):
    model.save(tmp_path)
    damage(tmp_path / "model.safetensors")
    refusal(tmp_path, when_read=when_read)


def test_nothing_of_ours_reads_or_writes_pickles():
    words = ("import pickle", "torch.load(", "torch.save(", "allow_pickle=True", "joblib", "cloudpickle")
    for path in Path(strokes.__file__).parent.rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        for word in words:
            assert word not in source, f"{path}: {word}"
