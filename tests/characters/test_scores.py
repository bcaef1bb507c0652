"""Scores of characters: distances, coverage and bounds against formulas written out."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import linalg
from torch import nn

from strokes.characters.model import CharacterModel, build
from strokes.characters.scores import accuracy, features, frechet_distance, negative_elbo, precision_recall

SIZES = {
    "ssvae": {"latent": 16, "channels": 4, "hidden": 8},
    "cvae": {"hidden": 16, "latent": 16},
    "classifier": {"width": 4, "features": 12},
}


def model(kind: str, classes: str = "ABC") -> CharacterModel:
    torch.manual_seed(3)
    network = build(kind, len(classes), SIZES[kind]).eval().requires_grad_(False)
    return CharacterModel(network, classes)


def gaussian(mean, deviations, count: int, seed: int) -> np.ndarray:
    """Rows whose mean and covariance (diagonal) are exactly these."""
    x = np.random.default_rng(seed).normal(size=(count, len(mean)))
    x -= x.mean(0)
    x = x @ np.linalg.inv(np.linalg.cholesky(np.atleast_2d(np.cov(x, rowvar=False)))).T
    return x * deviations + mean


# -- the Frechet distance -------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 6), st.integers(10, 40), st.integers(10, 40))
def test_the_frechet_distance_is_that_of_the_formula(seed, size, n, m):
    rng = np.random.default_rng(seed)
    a = rng.normal(size=(n, size)) @ rng.normal(size=(size, size))
    b = rng.normal(size=(m, size)) @ rng.normal(size=(size, size)) + rng.normal(size=size)
    c1, c2 = (np.cov(x, rowvar=False).reshape(size, size) for x in (a, b))
    mean = a.mean(0) - b.mean(0)
    wanted = mean @ mean + np.trace(c1 + c2 - 2 * linalg.sqrtm(c1 @ c2).real)
    scale = np.trace(c1 + c2)
    assert frechet_distance(a, b) == pytest.approx(wanted, rel=1e-5, abs=1e-5 * scale)
    assert frechet_distance(b, a) == pytest.approx(frechet_distance(a, b), rel=1e-6, abs=1e-7 * scale)
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-7 * scale)


def test_gaussians_along_the_axes_have_a_closed_form():
    m1, m2 = np.array([1.0, -2.0, 0.5]), np.array([0.0, 1.0, 0.5])
    s1, s2 = np.array([2.0, 0.1, 1.0]), np.array([0.5, 3.0, 1.0])
    a, b = gaussian(m1, s1, 30, 1), gaussian(m2, s2, 50, 2)
    assert frechet_distance(a, b) == pytest.approx(10 + 1.5**2 + 2.9**2, rel=1e-9)
    one, other = gaussian(np.zeros(1), np.ones(1), 9, 1), gaussian(np.full(1, 3.0), np.full(1, 5.0), 9, 2)
    assert frechet_distance(one, other) == pytest.approx(9 + 16, rel=1e-9)


def test_features_that_do_not_fill_their_space_have_a_distance_all_the_same():
    a, b = (
        gaussian(np.zeros(2), np.array([1.0, 2.0]), 40, 1),
        gaussian(np.ones(2), np.array([3.0, 1.0]), 40, 2),
    )
    inside = np.linalg.qr(np.random.default_rng(0).normal(size=(20, 20)))[0][:2]
    assert frechet_distance(a @ inside, b @ inside) == pytest.approx(2 + 4 + 1, rel=1e-6)
    few, others = np.random.default_rng(1).normal(size=(4, 20)), np.random.default_rng(2).normal(size=(5, 20))
    assert 0 < frechet_distance(few, others) == pytest.approx(frechet_distance(others, few), rel=1e-6)
    assert frechet_distance(few, few) == pytest.approx(0, abs=1e-5)
    still = np.ones((3, 4))
    assert frechet_distance(still, still) == 0
    assert frechet_distance(still, still + 2) == pytest.approx(16)


def test_one_row_has_no_covariance():
    rows = np.random.default_rng(0).normal(size=(5, 3))
    for a, b in ((rows, rows[:1]), (rows[:1], rows), (rows, rows[:0])):
        with pytest.raises(ValueError, match="two rows"):
            frechet_distance(a, b)


# -- precision and recall -------------------------------------------------------------------------


def by_loops(centres: np.ndarray, points: np.ndarray, neighbours: int, slack: float = 0.0) -> float:
    inside = 0
    for p in points:
        for i, c in enumerate(centres):
            others = sorted(((c - o) ** 2).sum() for j, o in enumerate(centres) if j != i)
            if ((c - p) ** 2).sum() <= others[neighbours - 1] + slack:
                inside += 1
                break
    return inside / len(points)


@settings(max_examples=20, deadline=None)
@given(
    st.integers(0, 10**6),
    st.integers(1, 3),
    st.integers(5, 14),
    st.integers(5, 14),
    st.integers(1, 4),
    st.booleans(),
)
def test_precision_and_recall_are_those_of_a_double_loop(seed, size, n, m, neighbours, whole):
    rng = np.random.default_rng(seed)
    real, drawn = rng.normal(size=(n, size)) * 2, rng.normal(size=(m, size)) * 2 + 1
    if whole:  # ties, and doubles
        real, drawn = real.round(), drawn.round()
    precision, recall = precision_recall(real, drawn, neighbours)
    for found, centres, points in ((precision, real, drawn), (recall, drawn, real)):
        # What lies on the edge of a ball, but for rounding, may be in or out.
        least, most = (by_loops(centres, points, neighbours, slack) for slack in (-1e-9, 1e-9))
        assert least <= found <= most
        assert whole or least == most


def test_more_points_than_a_batch_are_all_looked_at():
    real = np.random.default_rng(0).normal(size=(60, 2))
    near = real[np.arange(1100) % 60]
    far = near + 1000
    assert precision_recall(real, np.concatenate([near[:1099], far[:1]]))[0] == pytest.approx(1099 / 1100)


def test_a_generator_that_draws_one_image_is_precise_and_recalls_nothing():
    rng = np.random.default_rng(0)
    real = rng.normal(size=(200, 4))
    alike = np.repeat(real.mean(0, keepdims=True), 100, 0)
    assert precision_recall(real, alike) == (1.0, 0.0)
    precision, recall = precision_recall(real, alike + rng.normal(0, 0.01, (100, 4)))
    assert precision == 1 and recall <= 0.02


def test_half_of_the_modes_is_half_of_the_recall():
    rng = np.random.default_rng(0)
    modes = rng.normal(size=(200, 3)) + np.repeat([[0.0], [1000.0]], 100, 0)
    precision, recall = precision_recall(modes, rng.normal(size=(200, 3)))
    assert precision > 0.8 and 0.4 < recall <= 0.5


def test_sets_apart_cover_nothing_of_each_other_and_a_set_all_of_itself():
    x = np.random.default_rng(0).normal(size=(50, 5))
    assert precision_recall(x, x + 100) == (0.0, 0.0)
    assert precision_recall(x, x) == (1.0, 1.0)


def test_coverage_of_features_that_are_often_0_survives_what_training_does_to_the_processor():
    """Training flushes denormal numbers to 0, for good; a k-d tree that splits next to 0 then never ends."""
    program = (
        "import numpy as np, torch\n"
        "from strokes.characters.scores import precision_recall\n"
        "torch.set_flush_denormal(True)\n"
        "x = np.maximum(np.random.default_rng(0).normal(-1, 1, (200, 12)), 0)\n"
        "assert precision_recall(x, x) == (1.0, 1.0)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-300:]


# -- accuracy, features ---------------------------------------------------------------------------


class FirstPixels(nn.Module):
    """The first pixels, in grey levels, are the logits."""

    def forward(self, x):
        return x.flatten(1)[:, :4] * 255


@pytest.mark.parametrize("count", [1, 1003])
def test_accuracy_is_the_share_of_likeliest_classes_that_are_right(count):
    rng = np.random.default_rng(1)
    images = np.zeros((count, 28, 28), np.uint8)
    images[:, 0, :4] = rng.permuted(np.tile([10, 40, 90, 200], (count, 1)), axis=1)
    labels = rng.integers(0, 4, count)
    logits = images[:, 0, :4].astype(float)
    seen = []
    assert accuracy(FirstPixels(), images, labels, tick=seen.append) == pytest.approx(
        (logits.argmax(1) == labels).mean()
    )
    assert sum(seen) == count
    labels = rng.choice([3, 1], count)
    own = np.where(logits[:, 3] > logits[:, 1], 3, 1)
    for among in ([1, 3], [3, 1]):
        assert accuracy(FirstPixels(), images, labels, np.array(among)) == pytest.approx(
            (own == labels).mean()
        )
    assert accuracy(FirstPixels(), images, np.full(count, 2), np.array([2])) == 1


def test_no_image_is_never_right():
    assert accuracy(FirstPixels(), np.zeros((0, 28, 28), np.uint8), np.zeros(0, np.int64)) == 0


def test_features_are_the_penultimate_layer_of_bytes_and_of_tensors():
    judge = model("classifier").network
    images = np.random.default_rng(0).integers(0, 256, (503, 28, 28), dtype=np.uint8)
    x = torch.from_numpy(images)[:, None].float() / 255
    wanted = torch.relu(judge.hidden(judge.convolutions(x).flatten(1))).numpy()
    for given_ in (images, x):
        found = features(judge, given_)
        assert found.dtype == np.float64 and found.shape == (503, 12)
        assert np.allclose(found, wanted, atol=1e-5)


# -- bounds ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["ssvae", "cvae"])
def test_the_bound_is_the_mean_of_a_plain_loop(kind):
    m, rng = model(kind), np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (507, 28, 28), dtype=np.uint8), rng.integers(0, 3, 507)
    generator = torch.Generator().manual_seed(4)
    total = 0.0
    for image, label in zip(images, labels, strict=True):
        x = torch.from_numpy(image)[None, None].float() / 255
        total += m.network.bound(x, torch.tensor([label]), generator).item()
    assert negative_elbo(m.network, images, labels, seed=4) == pytest.approx(total / 507, rel=1e-5)
    assert negative_elbo(m.network, images, labels, seed=5) != negative_elbo(
        m.network, images, labels, seed=4
    )
