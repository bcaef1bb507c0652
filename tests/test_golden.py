"""Golden ink: what a seed draws, stored small, compared with tolerances that hold across processors.

Rewrite the stored files with `STROKES_GOLDEN=write python -m pytest tests/test_golden.py` after a change that is meant
to change ink, and look at the pages before committing them.

Tolerances. Processors differ in the last bits of a float32 matmul. A point of ink feeds the next one, so such
differences grow along a line, to about 1e-5 standard deviations of an offset in the lines stored here; 0.02 leaves room
for that and is far below what a pen shows. Which component a point is drawn from, and whether it ends a stroke, is
discrete: a difference of 1e-5 changes one of these about once in 20,000 points, and all ink after it. So the first 100
points of every line must agree, and of three lines at least two as a whole.
Losses of training are compared to 1e-3 nats, since bfloat16 is not used and few steps are taken. Images of the
character models are compared to 2 of 255 grey levels.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_limits

from strokes.alphabet import Alphabet
from strokes.characters import load_model as load_character_model
from strokes.corpus import Corpus
from strokes.ink import Ink, Line
from strokes.model import load_model
from strokes.network import NetworkConfig
from strokes.runs.processes import Group
from strokes.sampling import Sample, Sampler, SamplingOptions
from strokes.sampling.engine import NumpyEngine
from strokes.training.config import Augmentation, TrainingConfig
from strokes.training.loop import train
from strokes.writer import Writer

GOLDEN = Path(__file__).parent / "golden"
LINES = ("You know nothing", "Zoe, 25 x?", "minimum width")
CASES = [
    (model, bias, tries) for model in ("default", "graves") for bias in (0.25, 0.5, 1.0) for tries in (1, 4)
]
PAGE = (
    "Dear Ada,\n\nna\u00efve \u2013 50 \u20ac, or \u00bd a cup of tea for us all on the next morning of May."
)


def golden(name: str, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The stored arrays of a name; `arrays` are stored first where STROKES_GOLDEN=write."""
    path = GOLDEN / f"{name}.npz"
    if os.environ.get("STROKES_GOLDEN") == "write":
        np.savez_compressed(path, **arrays)
    with np.load(path, allow_pickle=False) as stored:
        return dict(stored)


def check(name: str, arrays: dict[str, np.ndarray], tolerance: float) -> None:
    """Compare with the stored arrays, all of them."""
    stored = golden(name, arrays)
    assert sorted(stored) == sorted(arrays)
    for key, array in arrays.items():
        assert array.shape == stored[key].shape, f"{name}: {key} has another number of points"
        difference = np.abs(array.astype(np.float64) - stored[key].astype(np.float64))
        assert difference.max(initial=0) <= tolerance, f"{name}: {key} differs by {difference.max():.3g}"


def sampler(name: str) -> Sampler:
    """The reference engine, in floating-point numbers."""
    model = load_model(name)
    return Sampler(model, lambda rows: NumpyEngine(model, rows))


@pytest.fixture(autouse=True)
def one_blas_thread() -> Iterator[None]:
    with threadpool_limits(1, user_api="blas"):
        yield


def offsets(sample: Sample) -> np.ndarray:
    """What the network drew, (T, 3), in standard deviations; a last stroke that was left open is closed."""
    drawn = sample.offsets.copy()
    drawn[-1, 2] = 1.0
    return drawn


@pytest.mark.parametrize(("name", "bias", "tries"), CASES)
def test_ink_by_seed(name: str, bias: float, tries: int) -> None:
    samples = sampler(name).sample(LINES, SamplingOptions(bias=bias, seed=7, best_of=tries))
    lines = [offsets(sample) for sample in samples]
    stored = golden(f"ink-{name}-{bias}-{tries}", {str(i): line for i, line in enumerate(lines)})
    same = 0
    for i, line in enumerate(lines):
        before = stored[str(i)]
        np.testing.assert_allclose(line[:100], before[:100], rtol=0, atol=0.02)
        same += line.shape == before.shape and np.abs(line - before).max() <= 0.02
    assert same >= len(lines) - 1


@pytest.mark.parametrize(("name", "bias"), [("default", 0.5), ("default", 1.0), ("graves", 0.5)])
def test_ink_by_seed_in_integers(name: str, bias: float) -> None:
    """As `strokes write` draws it: sums are of integers, so that processors differ in exp and tanh alone."""
    samples = Sampler(load_model(name)).sample(LINES, SamplingOptions(bias=bias, seed=7))
    lines = [offsets(sample) for sample in samples]
    stored = golden(f"ink-int8-{name}-{bias}", {str(i): line for i, line in enumerate(lines)})
    same = 0
    for i, line in enumerate(lines):
        np.testing.assert_allclose(line[:100], stored[str(i)][:100], rtol=0, atol=0.02)
        same += line.shape == stored[str(i)].shape and np.abs(line - stored[str(i)]).max() <= 0.02
    assert same >= len(lines) - 1


def test_window_of_the_heatmap() -> None:
    sample = sampler("default").sample(["You know"], SamplingOptions(bias=1.0, seed=1, best_of=1))[0]
    check("window", {"phi": sample.window.astype(np.float16)}, 0.01)


def test_page_with_blank_line_and_transliteration() -> None:
    written = Writer(reader=None).write(PAGE, SamplingOptions(bias=1.0, seed=3, best_of=2))
    replaced = dict(written.transliteration.replaced)
    assert replaced == {}
    arrays = {f"{i:03}": stroke for i, stroke in enumerate(written.page.strokes)}
    arrays["size"] = np.array([written.page.width, written.page.height])
    check("page", arrays, 0.05)  # mm


def corpus() -> Corpus:
    """Forty lines of a made-up script: a wave and a dot a letter, by a seed."""
    rng = np.random.default_rng(5)
    lines = []
    for i in range(40):
        text = "".join(rng.choice(list("abc "), rng.integers(3, 8))).strip() or "a"
        strokes, x = [], 0.0
        for c in text:
            t = np.linspace(0, 2 * np.pi, 9)
            strokes.append(
                np.stack([x + 12 * t, 60 * np.sin(t * (1 + "abc ".index(c))) + rng.normal(0, 2, 9)], axis=1)
            )
            x += 100.0
        split = "trainset" if i < 32 else "testset_v"
        lines.append(Line(Ink((*strokes, np.array([[x, 0.0]]))), text, f"line{i}", "w", split))
    return Corpus.build(lines)


def test_a_few_steps_of_training(tmp_path: Path) -> None:
    config = TrainingConfig(
        network=NetworkConfig(hidden=20, window_components=3, mixture_components=4),
        epochs=2,
        batch=8,
        chunk=30,
        precision="fp32",
        rare=4,
        regularise_after=1,
        validate_every=1,
        augmentation=Augmentation(subsample=0.2),
        warmup=4,
    )
    torch.set_num_threads(1)
    (tmp_path / "run").mkdir()
    result = train(corpus(), tmp_path / "run", config, group=Group(0, 1, torch.device("cpu")))
    weights = load_model(tmp_path / "run").weights
    arrays = {name: np.array([w.mean(), np.abs(w).mean()]) for name, w in weights.items()}
    arrays["best"] = np.array([result.progress.best])
    arrays["counters"] = np.array([result.progress.step, result.progress.points])
    check("training", arrays, 1e-3)


@pytest.mark.parametrize("kind", ["ssvae", "cvae", "gan", "cgan"])
def test_drawing_of_a_character_model(kind: str) -> None:
    model = load_character_model(kind)
    labels = torch.tensor([2, 5]) if kind == "gan" else model.labels("25")
    drawn = model.draw(labels, torch.Generator().manual_seed(4))
    check(f"characters-{kind}", {"images": (drawn * 255).round().to(torch.uint8).numpy()}, 2)


def test_alphabet_of_the_packaged_models() -> None:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    for name in ("default", "graves"):
        assert set(letters + "0123456789 .,?'\"-") <= set(load_model(name).alphabet.characters)
    assert load_model().alphabet == Alphabet(" !\"'()+,-./0123456789:;?" + letters)
