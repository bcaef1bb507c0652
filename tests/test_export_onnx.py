"""What `export_onnx` writes is enough to write with, by onnxruntime and the document alone."""

from __future__ import annotations

import json
import math

import numpy as np
import onnx
import onnxruntime
import pytest

from strokes.export_onnx import export_onnx
from strokes.files import InputError
from strokes.model import load_model
from strokes.sampling import Sampler, SamplingOptions
from strokes.sampling.onnx_engine import OnnxEngine, StepSession
from strokes.sampling.stopping import StoppingRules

TYPES = {"float32": np.float32, "uint8": np.uint8}


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STROKES_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def model():
    return load_model()


@pytest.fixture(scope="module")
def folder(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("export") / "made"
    export_onnx(model, folder)
    return folder


class Step:
    """Another program: it knows step.onnx and step.json and nothing else."""

    def __init__(self, folder, text: str) -> None:
        self.document = json.loads((folder / "step.json").read_text(encoding="utf-8"))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            str(folder / "step.onnx"), options, providers=["CPUExecutionProvider"]
        )
        text += self.document["stopping"]["next_word"]
        u = 16 * (len(text) // 16 + 1)
        sizes = {"B": 1, "U": u}
        self.feeds = {
            tensor["name"]: np.full(
                [sizes.get(n, n) for n in tensor["shape"]], tensor["begin"] or 0, TYPES[tensor["type"]]
            )
            for tensor in self.document["inputs"]
        }
        for i, character in enumerate(text):
            self.feeds["text"][0, i, 1 + self.document["alphabet"].find(character)] = 1
        self.feeds["positions"][:] = np.arange(u) + 1

    def __call__(self, offset) -> tuple[np.ndarray, np.ndarray]:
        self.feeds["offsets"][0] = offset
        names = [tensor["name"] for tensor in self.document["outputs"]]
        results = dict(zip(names, self.session.run(names, self.feeds), strict=True))
        for name in names:
            if name.endswith("_next"):
                self.feeds[name.removesuffix("_next")] = results[name]
        return results["outputs"][0], results["phi"][0, 0]


def draw(
    y: np.ndarray, document: dict, bias: float, uniform: np.random.Generator, normal: np.random.Generator
) -> tuple[float, float, float]:
    """The words of "writing", with plain numbers."""
    m, floor = document["network"]["mixture_components"], document["network"]["scale_floor"]
    e, p, mx, my, lx, ly, r = np.split(y.astype(np.float64), [1, *(1 + m * np.arange(1, 6))])
    pick, end = uniform.random(2)
    u, v = normal.standard_normal(2)
    weights = np.exp((1 + bias) * (p - p.max()))
    j = int(np.searchsorted(np.cumsum(weights) / weights.sum(), pick, side="right"))
    sx, sy = (max(math.exp(s[j]), floor) * math.exp(-bias) for s in (lx, ly))
    rho = document["max_correlation"] * math.tanh(r[j])
    dx, dy = mx[j] + sx * u, my[j] + sy * (rho * u + math.sqrt(1 - rho * rho) * v)
    return dx, dy, float(end < 1 / (1 + math.exp(-e[0])))


def test_another_program_writes_the_same_ink(folder, model):
    text = "Dear Ada, I write"
    (sample,) = Sampler(model).sample([text], SamplingOptions(bias=0.7, seed=3, best_of=1))
    step = Step(folder, text)
    sequences = np.random.SeedSequence((3, 0, 0, 0)).spawn(2)
    uniform, normal = (np.random.Generator(np.random.PCG64(s)) for s in sequences)
    offsets = [(0.0, 0.0, 0.0)]
    while len(offsets) < min(len(sample.offsets), 250):
        offsets.append(draw(step(offsets[-1])[0], step.document, 0.7, uniform, normal))
    np.testing.assert_allclose(offsets, sample.offsets[: len(offsets)], atol=1e-3)
    assert len(offsets) > 150


@pytest.mark.parametrize("precision", ["int8", "fp32"])
def test_the_graph_is_the_engines_and_of_the_standard(precision, model, tmp_path):
    export_onnx(model, tmp_path, precision=precision)
    graph = onnx.load(tmp_path / "step.onnx")
    onnx.checker.check_model(graph, full_check=True)
    assert {opset.domain for opset in graph.opset_import} == {""}
    engine = OnnxEngine(StepSession.from_weights(model.weights, precision), 3)
    text = "A line"
    step = Step(tmp_path, text)
    engine.load(1, model.alphabet.encode(text + step.document["stopping"]["next_word"]))
    rng = np.random.default_rng(0)
    for _ in range(40):
        x = rng.normal(size=(3, 3)).astype(np.float32)
        outputs, phi = step(x[1])
        mixtures = engine.step(x)
        # onnxruntime rearranges the floating-point sums of a graph that it may improve
        tolerance = 0 if precision == "int8" else 1e-4
        np.testing.assert_allclose(outputs, mixtures.outputs[1], rtol=0, atol=tolerance)
        np.testing.assert_allclose(phi[:11], mixtures.phi[1], rtol=0, atol=tolerance)


def test_the_document_describes_the_model_and_the_graph(folder, model):
    document = json.loads((folder / "step.json").read_text(encoding="utf-8"))
    assert document["alphabet"] == model.alphabet.characters
    assert document["preprocessing"]["statistics"]["std"] == list(model.statistics.std)
    assert document["network"]["hidden"] == model.network.hidden
    assert document["stopping"]["next_word"] == StoppingRules().next_word
    graph = onnx.load(folder / "step.onnx").graph
    for part, values in (("inputs", graph.input), ("outputs", graph.output)):
        assert [t["name"] for t in document[part]] == [v.name for v in values]
    assert {t["name"] for t in document["inputs"] if t["begin"] is not None} == {
        t["name"].removesuffix("_next") for t in document["outputs"] if t["name"].endswith("_next")
    }
    assert all(t["meaning"] for t in document["inputs"] + document["outputs"])


def test_other_rules_of_stopping(model, tmp_path):
    export_onnx(model, tmp_path, rules=StoppingRules(late_strokes=5))
    assert json.loads((tmp_path / "step.json").read_text())["stopping"]["late_strokes"] == 5


def test_bad_input_is_refused(model, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match="cannot be made"):
        export_onnx(model, tmp_path / "file" / "folder")
    with pytest.raises(ValueError, match="'int8' or 'fp32'"):
        export_onnx(model, tmp_path / "other", precision="int4")
    assert not (tmp_path / "other").exists()
