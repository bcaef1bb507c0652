"""The recogniser: features that do not depend on size, decoding, one network in torch and in onnxruntime."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from strokes.alphabet import Alphabet
from strokes.files import InputError
from strokes.ink import Ink
from strokes.recognition.augmentation import composed
from strokes.recognition.config import ReaderConfig
from strokes.recognition.decoding import greedy, log_likelihood
from strokes.recognition.features import FEATURES, STEP, line_frame, path_features
from strokes.recognition.model import ReaderModel, load_reader
from strokes.recognition.network import ReaderNetwork
from strokes.recognition.reader import Recognizer
from strokes.recognition.training import ReaderLine, ReaderTraining, train_reader

SMALL = ReaderConfig(channels=6, hidden=10, layers=2)
ALPHABET = Alphabet(" abc")


def waves(letters: int = 6, points: int = 40) -> Ink:
    """Something like a word: loops along a baseline, and a dot."""
    t = np.linspace(0, 2 * np.pi * letters, points * letters)
    loops = np.column_stack([t / 3 + 0.4 * np.sin(t), -0.5 + 0.5 * np.cos(t)])
    return Ink((loops, np.array([[2.0, -1.6]]), loops[: points // 2] + np.array([letters * 2.5, 0])))


def network(seed: int = 0) -> ReaderNetwork:
    torch.manual_seed(seed)
    return ReaderNetwork(len(ALPHABET.characters), SMALL).eval()


def model(seed: int = 0) -> ReaderModel:
    weights = {k: v.numpy() for k, v in network(seed).state_dict().items()}
    return ReaderModel(weights, SMALL, ALPHABET)


@given(st.floats(0.01, 300), st.floats(-20, 20), st.floats(-20, 20))
def test_size_and_place_do_not_matter(size, x, y):
    ink = waves()
    moved = ink.transformed(np.eye(2) * size, (x * size, y * size))
    a, b = (path_features(i, line_frame(i)).rows for i in (ink, moved))
    # Rounding of float32 may add a row to a stroke.
    assert abs(len(a) - len(b)) <= len(ink)
    if len(a) == len(b):
        np.testing.assert_allclose(a, b, atol=0.05)


def test_sampling_rate_does_not_matter():
    dense = waves(points=400)
    sparse = waves(points=60)
    a, b = (path_features(i, line_frame(i)).rows for i in (dense, sparse))
    assert abs(len(a) - len(b)) <= 0.02 * len(a)


def test_rows_are_equal_steps_and_strokes_are_told_apart():
    ink = waves()
    features = path_features(ink, line_frame(ink))
    rows, down = features.rows, features.rows[:, 3] == 0
    assert rows.shape[1] == FEATURES and np.isfinite(rows).all()
    lengths = np.hypot(rows[:, 0], rows[:, 1])
    assert lengths[down].max() <= 1.0001 and (lengths[~down] == 0).all()
    assert rows[:, 4].sum() == len(ink)  # one row is the first of each stroke
    firsts = np.concatenate([[0], np.flatnonzero(ink.ends)[:-1] + 1])
    np.testing.assert_array_equal(features.points[rows[:, 4] == 1], firsts)
    assert (np.diff(features.points) >= 0).all()


def test_the_length_of_the_path_is_that_of_the_ink():
    ink = waves()
    frame = line_frame(ink)
    rows = path_features(ink, frame).rows
    drawn = sum(np.hypot(*np.diff(s.astype(float) @ frame[:, :2].T, axis=0).T).sum() for s in ink.strokes)
    assert STEP * np.hypot(rows[:, 0], rows[:, 1]).sum() == pytest.approx(drawn, rel=0.02)


def test_empty_ink_is_refused():
    with pytest.raises(ValueError, match="empty"):
        path_features(Ink(), np.eye(2, 3))


def test_a_line_does_not_depend_on_its_padding():
    net = network().double()
    rows = torch.randn((3, 90, FEATURES), dtype=torch.double)
    lengths = torch.tensor([90, 41, 7])
    together = net(rows, lengths)
    for i, n in enumerate(lengths.tolist()):
        alone = net(rows[i : i + 1, :n], lengths[i : i + 1])[0]
        torch.testing.assert_close(together[i, : len(alone)], alone)


def test_onnxruntime_computes_what_torch_does():
    ink, net = waves(), network()
    recognizer = Recognizer(model())
    scores, begins = recognizer.scores(ink)
    rows = torch.from_numpy(path_features(ink, line_frame(ink)).rows)[None]
    expected = net(rows, torch.tensor([rows.shape[1]]))[0].detach().numpy()
    np.testing.assert_allclose(scores, expected, atol=1e-5)
    assert len(begins) == len(scores) + 1 and begins[0] == 0 and begins[-1] == ink.point_count


def test_log_likelihood_is_torchs_ctc_loss():
    rng = np.random.default_rng(1)
    for text in ([1], [1, 1], [2, 1, 3, 3, 1], [3] * 5):
        scores = torch.from_numpy(rng.normal(size=(14, 4))).log_softmax(dim=1)
        loss = torch.nn.functional.ctc_loss(
            scores[:, None],
            torch.tensor([text]),
            torch.tensor([14]),
            torch.tensor([len(text)]),
            reduction="sum",
        )
        assert log_likelihood(scores.numpy(), np.array(text)) == pytest.approx(-loss.item())


def test_log_likelihood_of_a_text_that_does_not_fit():
    scores = np.log(np.full((3, 3), 1 / 3))
    assert log_likelihood(scores, np.array([1, 1, 1])) == -np.inf


def test_greedy_joins_runs_and_drops_blanks():
    best = [0, 1, 1, 0, 1, 2, 2, 0]
    scores = np.full((8, 3), -9.0)
    scores[np.arange(8), best] = 0.0
    assert greedy(scores) == [(1, 1, 2), (1, 4, 4), (2, 5, 6)]


def test_what_is_read_does_not_depend_on_the_other_lines():
    recognizer = Recognizer(model())
    inks = [waves(n) for n in (2, 9, 4)]
    assert recognizer.read(inks) == [recognizer.read(ink) for ink in inks]
    assert recognizer.read(inks[::-1]) == recognizer.read(inks)[::-1]


def test_places_of_characters_are_in_the_ink_and_in_order():
    ink = waves()
    reading = Recognizer(model(3)).read(ink)
    assert "".join(c.character for c in reading.characters) == reading.text
    firsts = [c.first for c in reading.characters]
    assert firsts == sorted(firsts)
    assert all(0 <= c.first <= c.last < ink.point_count for c in reading.characters)


def test_score_is_a_log_probability_a_character():
    recognizer, ink = Recognizer(model()), waves()
    assert recognizer.score(ink, "ab") < 0
    assert recognizer.score(ink, "aé") == -np.inf
    with pytest.raises(ValueError, match="empty"):
        recognizer.score(ink, "")


def test_a_model_comes_back_from_disk(tmp_path):
    model(2).save(tmp_path / "reader", dtype="float32")
    back = load_reader(tmp_path / "reader")
    assert back.alphabet.characters == " abc" and back.network == SMALL
    assert Recognizer(back).read(waves()) == Recognizer(model(2)).read(waves())


def test_damaged_weights_are_named(tmp_path):
    model().save(tmp_path / "reader")
    (tmp_path / "reader" / "model.safetensors").write_bytes(b"{}")
    with pytest.raises(InputError, match="damaged"):
        Recognizer.load(tmp_path / "reader")


def _lines() -> list[ReaderLine]:
    bar, hook = np.array([[0, 0], [0, -2.0]]), np.array([[0, -2.0], [0, 0], [0.8, 0]])
    dash = np.array([[0, -0.5], [0.9, -0.5]])
    shapes = {"a": bar, "b": hook, "c": dash}
    rng = np.random.default_rng(0)
    lines = []
    for _ in range(24):
        text = "".join(rng.choice(list("abc"), 4))
        ink = Ink(tuple(shapes[c] + [1.6 * i, 0] + rng.normal(0, 0.03, 2) for i, c in enumerate(text)))
        lines.append(ReaderLine(ink, text, "made"))
    return lines


def test_training_learns_three_shapes_and_resumes_bit_for_bit(tmp_path):
    lines = _lines()
    config = ReaderTraining(
        network=ReaderConfig(channels=8, hidden=16, layers=1),
        epochs=70,
        batch=8,
        learning_rate=1e-2,
        warmup=5,
        ema=0.9,
        dropout=0.0,
        validate_every=1000,
        checkpoint_every=1000,
        precision="fp32",
    )
    assert train_reader(lines, lines, ALPHABET, tmp_path / "whole", config)
    assert not train_reader(lines, lines, ALPHABET, tmp_path / "parts", config, stop_after=60)
    assert train_reader(lines, lines, ALPHABET, tmp_path / "parts", config, resume=True)
    whole, parts = (load_reader(tmp_path / name / "best").weights for name in ("whole", "parts"))
    for name in whole:
        np.testing.assert_array_equal(whole[name], parts[name])
    recognizer = Recognizer.load(tmp_path / "whole")
    read = [recognizer.read(line.ink).text for line in lines]
    assert sum(a == line.text for a, line in zip(read, lines, strict=True)) >= 20


def test_a_change_comes_after_the_frame():
    rng = np.random.default_rng(4)
    change, frame, point = rng.normal(size=(2, 3)), rng.normal(size=(2, 3)), rng.normal(size=2)
    framed = frame[:, :2] @ point + frame[:, 2]
    both = composed(change, frame)
    np.testing.assert_allclose(both[:, :2] @ point + both[:, 2], change[:, :2] @ framed + change[:, 2])
