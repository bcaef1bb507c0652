"""The engine on onnxruntime: near enough to the network, and the same bit for bit in any company."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import strokes.models
from strokes.alphabet import Alphabet
from strokes.model import Model, load_model
from strokes.network import NetworkConfig, StrokeNetwork
from strokes.preprocessing import Preprocessing
from strokes.sampling.engine import RowState
from strokes.sampling.engines import make_engines
from strokes.sampling.onnx_engine import OnnxEngine, StepSession

MODELS = ("default", "graves")
TEXT = "The quick brown fox jumped, and 2 more"


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("STROKES_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="module")
def sessions(cache):
    models = {name: load_model(name) for name in MODELS}
    return {(n, p): StepSession.from_weights(models[n].weights, p) for n in MODELS for p in ("int8", "fp32")}


def small_model(seed: int, symbols: int, hidden: int, k: int, m: int) -> Model:
    torch.manual_seed(seed)
    config = NetworkConfig(hidden=hidden, window_components=k, mixture_components=m, kappa_bias=-1.0)
    network = StrokeNetwork(symbols, config)
    weights = {
        name: w.numpy() * (10 if name == "output_weight" else 2) for name, w in network.state_dict().items()
    }
    return Model(weights, config, Alphabet("abcdefghijk"[: symbols - 1]), Preprocessing())


def points(seed: int, steps: int) -> np.ndarray:
    """Offsets (steps, 3) as a pen's: most short, some long, ends of strokes."""
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 0.5, (steps, 3))
    x[rng.random(steps) < 0.05] *= 10
    x[:, 2] = rng.random(steps) < 0.05
    return x.astype(np.float32)


def reference(model: Model, ids: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Outputs (T, 1 + 6M) and phi (T, U + 1) of the network in float64."""
    network = StrokeNetwork.from_model(model).double()
    text = network.encode(torch.from_numpy(ids)[None], torch.tensor([len(ids)]))
    with torch.no_grad():
        out = network(torch.from_numpy(x).double()[None], text)
    alpha, beta, kappa = (p[0].numpy()[..., None] for p in out.window)
    u = np.arange(1, len(ids) + 2)
    return out.outputs[0].numpy(), (alpha * np.exp(-beta * (kappa - u) ** 2)).sum(axis=1)


def run(engine: OnnxEngine, row: int, x: np.ndarray, width: int, noise: int | None = None) -> np.ndarray:
    """Outputs and phi (T, ...) of a row that reads x, with noise in the others."""
    rng = None if noise is None else np.random.default_rng(noise)
    seen = []
    for point in x:
        offsets = np.zeros((engine.rows, 3)) if rng is None else rng.normal(0, 5, (engine.rows, 3))
        offsets[row] = point
        mixtures = engine.step(offsets)
        seen.append(np.concatenate([mixtures.outputs[row], mixtures.phi[row, :width]]))
    return np.array(seen)


@pytest.mark.parametrize("name", MODELS)
def test_fp32_is_the_network(name, sessions):
    model, x = load_model(name), points(0, 200)
    ids = model.alphabet.encode(TEXT)
    outputs, phi = reference(model, ids, x)
    engine = OnnxEngine(sessions[name, "fp32"], 1)
    engine.load(0, ids)
    seen = run(engine, 0, x, len(ids) + 1)
    np.testing.assert_allclose(seen[:, : outputs.shape[1]], outputs, atol=5e-4)
    np.testing.assert_allclose(seen[:, outputs.shape[1] :], phi, atol=5e-4)
    assert np.abs(seen[:, : outputs.shape[1]] - outputs).mean() < 1e-5


@pytest.mark.parametrize("name", MODELS)
def test_int8_is_the_network_nearly(name, sessions):
    """Raw outputs are logits, means in standard deviations, and logarithms: errors of some hundredths."""
    model, x = load_model(name), points(0, 200)
    ids = model.alphabet.encode(TEXT)
    outputs, phi = reference(model, ids, x)
    engine = OnnxEngine(sessions[name, "int8"], 1)
    engine.load(0, ids)
    seen = run(engine, 0, x, len(ids) + 1)
    error = np.abs(seen[:, : outputs.shape[1]] - outputs)
    assert error.mean() < 0.025
    assert np.quantile(error, 0.99) < 0.15
    assert np.abs(seen[:, outputs.shape[1] :] - phi).mean() < 0.005


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 9), st.integers(1, 35), st.integers(1, 9), st.integers(1, 5))
def test_networks_of_any_size(seed, symbols, hidden, k, m):
    model, x = small_model(seed, symbols, hidden, k, m), points(seed, 25)
    rng = np.random.default_rng(seed)
    ids = rng.integers(0, symbols, rng.integers(1, 40))
    outputs, phi = reference(model, ids, x)
    for precision, tolerance in (("fp32", 2e-4), ("int8", 0.2)):
        engine = OnnxEngine(StepSession.from_weights(model.weights, precision), 2)
        engine.load(1, ids)
        seen = run(engine, 1, x, len(ids) + 1, noise=seed)
        np.testing.assert_allclose(seen[:, : outputs.shape[1]], outputs, atol=tolerance)
        np.testing.assert_allclose(seen[:, outputs.shape[1] :], phi, atol=tolerance / 5)


@pytest.mark.parametrize("precision", ["int8", "fp32"])
@pytest.mark.parametrize("rows", [1, 2, 3, 8, 13, 32, 50])
def test_a_row_is_the_same_in_any_company(rows, precision, sessions):
    """Bit for bit: in an engine of any size, in any row, beside texts of any length and points of any kind."""
    session, x = sessions["default", precision], points(1, 40)
    rng = np.random.default_rng(rows)
    ids = rng.integers(0, session.symbols, 30)
    alone = OnnxEngine(session, 1)
    alone.load(0, ids)
    expected = run(alone, 0, x, 31)
    for row in {0, rows // 2, rows - 1}:
        engine = OnnxEngine(session, rows)
        order = rng.permutation(rows)
        for r in order:
            engine.load(r, ids if r == row else rng.integers(0, session.symbols, rng.integers(0, 90)))
        np.testing.assert_array_equal(run(engine, row, x, 31, noise=row), expected)


@pytest.mark.parametrize("precision", ["int8", "fp32"])
@pytest.mark.parametrize("hidden", [7, 16, 100])
def test_small_networks_have_no_odd_ends(hidden, precision):
    """Vectorised functions have other code for what is left over at the end of an array; nothing may be."""
    model, x = small_model(0, 5, hidden, 3, 2), points(2, 30)
    session = StepSession.from_weights(model.weights, precision)
    ids = np.array([1, 2, 3, 4, 1])
    alone = OnnxEngine(session, 1)
    alone.load(0, ids)
    expected = run(alone, 0, x, 6)
    for rows, row in ((2, 0), (3, 1), (9, 8)):
        engine = OnnxEngine(session, rows)
        for r in range(rows):
            engine.load(r, ids if r == row else np.zeros(20, np.int64))
        np.testing.assert_array_equal(run(engine, row, x, 6, noise=1), expected)


@pytest.mark.parametrize("precision", ["int8", "fp32"])
def test_nonsense_stays_in_its_row(precision, sessions):
    session, x = sessions["default", precision], points(3, 10)
    ids = np.arange(20)
    engine = OnnxEngine(session, 4)
    engine.load(2, ids)
    expected = run(engine, 2, x, 21)
    for row in range(4):
        engine.load(row, ids)
    seen = []
    for point in x:
        offsets = np.array([[np.nan] * 3, [np.inf, -np.inf, 0], point, [1e38, -1e38, 1e30]])
        mixtures = engine.step(offsets)
        seen.append(np.concatenate([mixtures.outputs[2], mixtures.phi[2, :21]]))
    np.testing.assert_array_equal(seen, expected)


@pytest.mark.parametrize("precision", ["int8", "fp32"])
def test_threads_share_a_session(precision, sessions):
    session, x = sessions["default", precision], points(4, 150)
    texts = [np.random.default_rng(i).integers(0, session.symbols, 10 + 13 * i) for i in range(4)]

    def line(i: int) -> np.ndarray:
        engine = OnnxEngine(session, (1, 4, 8, 3)[i])
        engine.load(engine.rows - 1, texts[i])
        return run(engine, engine.rows - 1, x, len(texts[i]) + 1, noise=i)

    one_by_one = [line(i) for i in range(4)]
    together: dict[int, np.ndarray] = {}
    start = threading.Barrier(4)

    def work(i: int) -> None:
        start.wait()
        together[i] = line(i)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i, expected in enumerate(one_by_one):
        np.testing.assert_array_equal(together[i], expected)


@pytest.mark.parametrize("precision", ["int8", "fp32"])
def test_a_line_goes_on_from_a_snapshot(precision, sessions):
    session, x = sessions["default", precision], points(5, 60)
    ids = np.arange(40) % session.symbols
    engine = OnnxEngine(session, 3)
    engine.load(1, ids)
    run(engine, 1, x[:25], 41, noise=1)
    middle = engine.snapshot(1)
    copies = [a.copy() for a in middle.arrays]
    expected = run(engine, 1, x[25:], 41, noise=2)
    for kept, copy in zip(middle.arrays, copies, strict=True):
        np.testing.assert_array_equal(kept, copy)  # what goes on changes no snapshot
    engine.restore(1, middle)
    np.testing.assert_array_equal(run(engine, 1, x[25:], 41, noise=3), expected)
    elsewhere = OnnxEngine(session, 8)
    elsewhere.step(np.ones((8, 3)))  # the other of its two states
    elsewhere.load(5, ids, state=middle)
    np.testing.assert_array_equal(run(elsewhere, 5, x[25:], 41), expected)


def test_loading_begins_anew_and_leaves_the_other_rows(sessions):
    session, x = sessions["default", "int8"], points(6, 40)
    first, second = np.arange(30), np.arange(12)
    engine = OnnxEngine(session, 2)
    engine.load(0, first)
    expected = run(engine, 0, x, 31)
    engine.load(0, first)
    begun = run(engine, 0, x[:17], 31)
    engine.load(1, np.arange(77))  # room for a longer text
    longer = run(engine, 0, x[17:25], 31)
    engine.load(1, second)  # and less again
    rest = run(engine, 0, x[25:], 31)
    np.testing.assert_array_equal(np.concatenate([begun, longer, rest]), expected)


def test_phi_has_a_position_past_the_longest_text(sessions):
    engine = OnnxEngine(sessions["default", "int8"], 3)
    assert engine.step(np.zeros((3, 3))).phi.shape == (3, 1)
    for length in (5, 15, 16, 17, 64):
        engine.load(1, np.ones(length, np.int64))
        assert engine.step(np.zeros((3, 3))).phi.shape == (3, length + 1)


def test_what_does_not_fit_is_refused_and_changes_nothing(sessions):
    session = sessions["default", "int8"]
    engine, x = OnnxEngine(session, 2), points(7, 10)
    ids = np.arange(9)
    engine.load(0, ids)
    run(engine, 0, x, 10)
    before = engine.snapshot(0)
    foreign = OnnxEngine(sessions["default", "fp32"], 1).snapshot(0)
    for text in (np.array([session.symbols]), np.array([-1]), np.zeros((2, 2), np.int64)):
        with pytest.raises(ValueError, match="characters from 0 to"):
            engine.load(0, text)
    for state in (foreign, RowState(before.arrays[:-1]), RowState(tuple(a[:1] for a in before.arrays))):
        with pytest.raises(ValueError, match="not one of this network"):
            engine.load(0, ids, state=state)
        with pytest.raises(ValueError, match="not one of this network"):
            engine.restore(0, state)
    with pytest.raises(ValueError, match="no styles"):
        engine.load(0, ids, style=np.zeros(3))
    for row in (-1, 2):
        with pytest.raises(IndexError):
            engine.load(row, ids)
        with pytest.raises(IndexError):
            engine.snapshot(row)
    with pytest.raises(ValueError, match="at least 1"):
        OnnxEngine(session, 0)
    after = engine.snapshot(0)
    for kept, now in zip(before.arrays, after.arrays, strict=True):
        np.testing.assert_array_equal(kept, now)


def refuse() -> dict[str, np.ndarray]:
    raise AssertionError("the graph was built again")


def first_outputs(session: StepSession) -> np.ndarray:
    engine = OnnxEngine(session, 1)
    engine.load(0, np.array([1, 2]))
    return engine.step(np.ones((1, 3))).outputs.copy()


def test_a_graph_is_built_once(tmp_path, monkeypatch):
    monkeypatch.setenv("STROKES_CACHE", str(tmp_path / "cache"))
    model = small_model(0, 5, 8, 2, 2)
    model.save(tmp_path / "model")
    path = tmp_path / "model" / "model.safetensors"
    built = StepSession.from_file(path, lambda: model.weights)
    again = StepSession.from_file(path, refuse)
    np.testing.assert_array_equal(first_outputs(built), first_outputs(again))
    with pytest.raises(AssertionError, match="built again"):
        StepSession.from_file(path, refuse, "fp32")
    other = small_model(1, 5, 8, 2, 2)
    other.save(tmp_path / "model")
    with pytest.raises(AssertionError, match="built again"):
        StepSession.from_file(path, refuse)
    # in memory
    StepSession.from_weights(model.weights, cache=True)
    names = {p.name for p in (tmp_path / "cache").iterdir()}
    StepSession.from_weights({k: w.copy() for k, w in reversed(model.weights.items())}, cache=True)
    assert {p.name for p in (tmp_path / "cache").iterdir()} == names
    changed = {k: w.copy() for k, w in model.weights.items()}
    changed["output_bias"][3] += 0.5
    assert (first_outputs(StepSession.from_weights(changed, cache=True)) != first_outputs(built)).any()


def test_a_damaged_graph_is_built_again(tmp_path, monkeypatch):
    monkeypatch.setenv("STROKES_CACHE", str(tmp_path))
    model = small_model(0, 5, 8, 2, 2)
    expected = first_outputs(StepSession.from_weights(model.weights, cache=True))
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    for damaged in (whole[:-100], whole[:2000] + b"\0" + whole[2001:] + b"!", b"something else"):
        path.write_bytes(damaged)
        np.testing.assert_array_equal(
            first_outputs(StepSession.from_weights(model.weights, cache=True)), expected
        )
        assert path.read_bytes() == whole


def test_models_in_memory_are_not_kept(tmp_path, monkeypatch):
    """As those that a training draws samples from: they would push out the packaged ones."""
    monkeypatch.setenv("STROKES_CACHE", str(tmp_path))
    make_engines(small_model(0, 5, 8, 2, 2))(1)
    assert not list(tmp_path.iterdir())


def test_no_cache_can_be_kept(tmp_path, monkeypatch, capfd):
    (tmp_path / "file").write_text("in the way")
    model = small_model(0, 5, 8, 2, 2)
    expected = first_outputs(StepSession.from_weights(model.weights, cache=True))
    monkeypatch.setenv("STROKES_CACHE", str(tmp_path / "file"))
    np.testing.assert_array_equal(
        first_outputs(StepSession.from_weights(model.weights, cache=True)), expected
    )
    assert capfd.readouterr() == ("", "")


def test_the_packaged_models_are_known_by_their_files(cache):
    for name in MODELS:
        path = Path(strokes.models.__file__).parent / name / "model.safetensors"
        built = StepSession.from_file(path, lambda name=name: load_model(name).weights)
        assert built.symbols == len(load_model(name).alphabet)
        StepSession.from_file(path, refuse)


def test_an_unknown_precision_is_refused():
    with pytest.raises(ValueError, match="'int8' or 'fp32'"):
        StepSession.from_weights(small_model(0, 5, 8, 2, 2).weights, "int4")
