"""The style encoder: embeddings on the unit sphere, its training, and styles of lines."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from strokes.files import InputError
from strokes.ink import Ink, Line
from strokes.recognition.config import ReaderConfig
from strokes.recognition.features import FEATURES
from strokes.styles import load_style_encoder
from strokes.styles.encoder_network import StyleNetwork, margin_loss
from strokes.styles.encoder_training import StyleTraining, embed_lines, identified, train_style_encoder
from strokes.training.styles import LineStyles, WriterStyles

SMALL = ReaderConfig(channels=6, hidden=8, layers=1)


def test_embeddings_have_length_one_and_do_not_depend_on_padding():
    torch.manual_seed(0)
    network = StyleNetwork(SMALL, 5).eval().double()
    rows, lengths = torch.randn((3, 60, FEATURES), dtype=torch.double), torch.tensor([60, 33, 9])
    out = network(rows, lengths)
    torch.testing.assert_close(out.norm(dim=1), torch.ones(3, dtype=torch.double))
    for i, n in enumerate(lengths.tolist()):
        alone = network(rows[i : i + 1, :n], lengths[i : i + 1])[0]
        torch.testing.assert_close(out[i], alone, rtol=1e-6, atol=1e-6)


def test_margin_makes_the_loss_larger_and_is_cross_entropy_without():
    e = torch.nn.functional.normalize(torch.randn(6, 4), dim=1)
    centres, writers = torch.randn(3, 4), torch.tensor([0, 1, 2, 0, 1, 2])
    plain = torch.nn.functional.cross_entropy(
        7 * e @ torch.nn.functional.normalize(centres, dim=1).T, writers
    )
    torch.testing.assert_close(margin_loss(e, writers, centres, 0.0, 7.0), plain)
    assert margin_loss(e, writers, centres, 0.3, 7.0) > plain


def test_identified_is_1_for_apart_and_chance_for_equal():
    writers = [f"w{i // 6}" for i in range(60)]
    apart = np.repeat(np.eye(10), 6, axis=0)
    assert identified(apart, writers, among=10, rounds=50) == 1.0
    noise = np.random.default_rng(0).normal(size=(60, 8))
    assert identified(noise, writers, among=10, rounds=300) < 0.3


def _line(writer: int, rng: np.random.Generator) -> Line:
    slant, turns = (-0.9, 0.0, 0.9)[writer], rng.integers(6, 10)
    t = np.linspace(0, 2 * np.pi * turns, 30 * turns)
    y = -0.5 + 0.5 * np.cos(t)
    return Line(Ink((np.column_stack([t / 4 + 0.3 * np.sin(t) - slant * y, y]),)), "x", writer=str(writer))


def test_training_tells_slants_apart(tmp_path):
    rng = np.random.default_rng(1)
    lines = [_line(i % 3, rng) for i in range(30)]
    config = StyleTraining(
        network=SMALL, size=8, steps=40, batch=12, warmup=5, ema=0.9, learning_rate=1e-2, validate_every=40
    )
    assert not train_style_encoder(lines, lines, tmp_path / "run", config, stop_after=20)
    assert train_style_encoder(lines, lines, tmp_path / "run", config, resume=True)
    model = load_style_encoder(tmp_path / "run")
    network = StyleNetwork(model.network, model.size)
    network.load_state_dict({k: torch.from_numpy(np.array(v)) for k, v in model.weights.items()})
    embeddings = embed_lines(network.eval(), [line.ink for line in lines])
    assert identified(embeddings, [line.writer for line in lines], among=3, rounds=100) > 0.9


def test_a_style_is_made_of_other_lines_of_the_writer():
    vectors = np.eye(6, dtype=np.float32)
    styles = WriterStyles(vectors, ["a", "a", "a", "b", "", "a"], ["t", "t", "t", "t", "t", "v"])
    seen = {tuple(np.flatnonzero(styles.draw(0, (s,), 0.0)).tolist()) for s in range(60)}
    assert seen == {(1,), (2,), (1, 2)}
    for line in (3, 4, 5):  # nobody else, unknown, another split
        assert not styles.draw(line, (1,), 0.0).any()
    assert not styles.draw(0, (1,), 1.0).any()


def test_line_styles_come_back_from_disk_and_name_what_is_missing(tmp_path):
    styles = LineStyles(("a", "b"), np.arange(6, dtype=np.float32).reshape(2, 3))
    styles.save(tmp_path / "s.npz")
    back = LineStyles.load(tmp_path / "s.npz")
    assert back.names == ("a", "b") and back.size == 3
    np.testing.assert_array_equal(back.vectors, styles.vectors)
    with pytest.raises(InputError, match="no such file"):
        LineStyles.load(tmp_path / "none.npz")
