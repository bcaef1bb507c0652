"""Measuring models: what is drawn evenly, what a judge compares with what, and the report of it all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from strokes.characters import evaluation
from strokes.characters.data import CharacterSet
from strokes.characters.evaluation import Drawn, compare, draw_evenly, evaluate, images_of, is_held_out
from strokes.characters.kinds.classifier import Classifier, ClassifierSizes
from strokes.characters.model import CharacterModel, build
from strokes.characters.options import EvaluationOptions
from strokes.characters.scores import accuracy
from strokes.files import InputError

#: Latents of 16: normal numbers come in blocks of 16, and so are the same drawn at once or image by image.
SIZES = {
    "ssvae": {"latent": 16, "channels": 4, "hidden": 8},
    "cvae": {"hidden": 16, "latent": 16},
    "gan": {"latent": 16, "hidden": 16},
    "cgan": {"latent": 16, "width": 8},
    "classifier": {"width": 4, "features": 12},
}


def model(kind: str, classes: str = "ABC") -> CharacterModel:
    torch.manual_seed(3)
    network = build(kind, len(classes), SIZES[kind]).eval().requires_grad_(False)
    return CharacterModel(network, classes)


# -- drawing --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["ssvae", "cvae", "cgan", "gan"])
def test_every_class_is_drawn_as_often_in_grey_levels_of_eight_bits(kind):
    m, seen = model(kind), []
    drawn = draw_evenly(m, "CA", 5, seed=1, tick=seen.append)
    assert drawn.labels.tolist() == [2] * 5 + [0] * 5
    assert drawn.images.shape == (10, 1, 28, 28) and sum(seen) == 10
    levels = drawn.images.double() * 255
    assert torch.allclose(levels, levels.round(), atol=1e-4) and levels.min() >= 0 and levels.max() <= 255
    assert len(levels.round().unique()) > 2
    assert torch.equal(drawn.images, draw_evenly(m, "CA", 5, seed=1).images)
    assert not torch.equal(drawn.images, draw_evenly(m, "CA", 5, seed=2).images)
    exact = m.network.sample(drawn.labels, torch.Generator().manual_seed(1))
    assert (exact - drawn.images).abs().max() <= 0.501 / 255


@pytest.mark.parametrize("kind", ["ssvae", "cvae", "cgan", "gan"])
def test_what_is_drawn_does_not_depend_on_the_size_of_a_batch(kind, monkeypatch):
    m, whole = model(kind), evaluation.batches
    wanted = draw_evenly(m, "ABC", 9)
    for size in (1, 7, 27):
        monkeypatch.setattr(evaluation, "batches", lambda count, size=size: whole(count, size))
        found = draw_evenly(m, "ABC", 9)
        assert torch.equal(found.labels, wanted.labels)
        assert (found.images - wanted.images).abs().max() <= 1.01 / 255  # a rounding may fall the other way
        assert (found.images - wanted.images).abs().mean() < 0.01 / 255


# -- comparing ------------------------------------------------------------------------------------


class ReadsCodes(Classifier):
    """A judge that remembers what it was shown: row in the first two pixels, class in the third; a fourth that is
    white makes it doubt, and take the image for the last class.
    """

    def __init__(self, classes: int) -> None:
        super().__init__(classes, ClassifierSizes(width=2, features=4))
        self.shown: list[np.ndarray] = []

    def features(self, x):
        self.shown.append((x[:, 0, 0, :3] * 255).round().long().numpy())
        return x[:, 0, 1, :5]

    def forward(self, x):
        codes = (x[:, 0, 0] * 255).round().long()
        logits = torch.nn.functional.one_hot(codes[:, 2], self.classes).float()
        logits[:, -1] += 2 * (codes[:, 3] == 255)
        return logits


def coded(labels: np.ndarray, seed: int, doubt: np.ndarray | None = None) -> np.ndarray:
    images = np.random.default_rng(seed).integers(0, 256, (len(labels), 28, 28), dtype=np.uint8)
    rows = np.arange(len(labels))
    images[:, 0, 0], images[:, 0, 1], images[:, 0, 2] = rows % 256, rows // 256, labels
    images[:, 0, 3] = 0 if doubt is None else 255 * doubt
    return images


KEYS = {"n", "frechet", "frechet_floor", "precision", "recall", "real_precision", "real_recall"}


def compared(kind: str = "cgan"):
    """A judge of five classes and a model of three of them, in another order."""
    judge = CharacterModel(ReadsCodes(5), "CABDE")
    drawing = model(kind, "BCA")
    real_labels = np.repeat([1, 2, 0], [100, 20, 31])  # 100 A, 20 B, 31 C
    labels = torch.arange(3).repeat_interleave(100)
    of_judge = np.array([2, 0, 1])[labels.numpy()]
    images = coded(of_judge, 1, np.arange(300) % 2 == 0)
    drawn = Drawn(torch.from_numpy(images)[:, None].float() / 255, labels)
    result = compare(judge, coded(real_labels, 2), real_labels, drawn, drawing)
    return result, judge.network.shown


def test_two_lots_that_share_no_image_and_one_that_was_drawn_all_with_as_many_of_each_class():
    result, (first, second, drawn) = compared()
    rows = [set((part[:, 0] + 256 * part[:, 1]).tolist()) for part in (first, second)]
    assert len(rows[0]) == len(rows[1]) == 30 == result["n"] and not rows[0] & rows[1]
    for part in (first, second, drawn):  # half of the 20 Bs, and so of the others
        assert np.bincount(part[:, 2], minlength=5).tolist() == [10, 10, 10, 0, 0]
    assert sorted(rows[0])[:10] != list(range(10))  # at random, not in the order of the file


def test_what_is_said_of_a_model_that_draws_on_demand_and_of_one_that_does_not():
    result, _ = compared()
    assert result.keys() == KEYS | {"class_asked", "among_own"}
    assert (
        result["class_asked"] == 0.5 and result["among_own"] == 1
    )  # half are taken for a class it never draws
    assert all(np.isfinite(v) for k, v in result.items() if k != "n")
    result, (first, _, drawn) = compared("gan")
    assert result.keys() == KEYS and result["n"] == 30 == len(drawn) == len(first)
    assert len(set(drawn[:, 2])) == 3


def bars(count: int, seed: int) -> np.ndarray:
    """Upright and level bars in turn, here and there, thick and thin."""
    rng = np.random.default_rng(seed)
    images = np.zeros((count, 28, 28), np.uint8)
    for i, image in enumerate(images):
        at, wide, long = rng.integers(6, 18), rng.integers(2, 6), rng.integers(12, 22)
        level = rng.integers(180, 256)
        (image if i % 2 == 0 else image.T)[3 : 3 + long, at : at + wide] = level
    return images


@pytest.fixture(scope="module")
def judge():
    """It has learned to tell upright bars from level ones."""
    m = model("classifier", "I-")
    network = m.network.train().requires_grad_(True)
    optimizer = torch.optim.Adam(network.parameters(), 3e-3)
    images, labels = torch.from_numpy(bars(400, 7))[:, None].float() / 255, torch.arange(400) % 2
    for step in range(80):
        rows = torch.arange(50) + 50 * (step % 8)
        optimizer.zero_grad()
        network.losses(images[rows], labels[rows])["loss"].backward()
        optimizer.step()
    network.eval().requires_grad_(False)
    assert accuracy(network, bars(100, 8), np.arange(100) % 2) > 0.95
    return m


def judged(judge: CharacterModel, drawn_images: np.ndarray) -> dict:
    drawn = Drawn(torch.from_numpy(drawn_images)[:, None].float() / 255, torch.arange(len(drawn_images)) % 2)
    return compare(judge, bars(400, 1), np.arange(400) % 2, drawn, model("cgan", "I-"))


def test_real_images_drawn_back_come_to_the_floor_and_noise_does_not(judge):
    good = judged(judge, bars(400, 2))
    assert good["frechet"] < 3 * good["frechet_floor"]
    assert (
        abs(good["precision"] - good["real_precision"]) < 0.15
        and abs(good["recall"] - good["real_recall"]) < 0.15
    )
    assert good["class_asked"] > 0.95
    noise = judged(judge, np.random.default_rng(3).integers(0, 256, (400, 28, 28), dtype=np.uint8))
    assert noise["frechet"] > 20 * noise["frechet_floor"] == 20 * good["frechet_floor"]
    assert noise["precision"] < 0.1 and noise["recall"] < 0.1
    assert noise["class_asked"] == pytest.approx(0.5, abs=0.1)


def test_one_image_of_each_class_drawn_again_and_again_is_seen_in_the_recall(judge):
    collapsed, good = judged(judge, bars(2, 2)[np.arange(400) % 2]), judged(judge, bars(400, 2))
    assert collapsed["recall"] < 0.05 < 0.5 < good["recall"]
    assert collapsed["frechet"] > 5 * good["frechet"]


# -- the whole report -----------------------------------------------------------------------------


def real(classes: str = "CAB", each: int = 12) -> CharacterSet:
    """So many of each class in each split of two sources, no two alike."""
    count = 6 * each * len(classes)
    rng = np.random.default_rng(5)
    return CharacterSet(
        images=rng.integers(0, 256, (count, 28, 28), dtype=np.uint8),
        labels=np.arange(count) % len(classes),
        classes=classes,
        splits=(np.arange(count) // len(classes) % 3).astype(np.uint8),
        sources=("one", "two"),
        origins=(np.arange(count) // (3 * len(classes)) % 2).astype(np.uint16),
        options={"seed": 7},
    )


def test_images_come_with_the_models_labels_from_one_split_and_source():
    characters, knows = real("CABX"), model("classifier", "ABC")
    images, labels = images_of(knows, characters, "validation", "two")
    assert len(images) == 12 * 3
    truth = {i.tobytes(): n for n, i in enumerate(characters.images)}
    for image, label in zip(images, labels, strict=True):
        n = truth[image.tobytes()]
        assert characters.classes[characters.labels[n]] == "ABC"[label]
        assert (characters.splits[n], characters.origins[n]) == (1, 1)
    assert len(images_of(knows, characters, "test")[0]) == 24 * 3
    with pytest.raises(InputError, match="--source three: the data have one, two"):
        images_of(knows, characters, "test", "three")


def test_only_the_test_images_of_the_very_set_are_known_to_be_held_out():
    characters, m = real(), model("classifier")
    trained = replace(m, info={"data": {"sources": ["one", "two"], "options": {"seed": 7}}})
    assert [is_held_out(trained, characters, s) for s in ("train", "validation", "test")] == [
        False,
        False,
        True,
    ]
    for info in ({}, {"data": 3}, {"data": {"sources": ["one"], "options": {"seed": 7}}}):
        assert is_held_out(replace(m, info=info), characters, "test") is None


@pytest.fixture
def stored_judge(tmp_path) -> str:
    model("classifier", "ABCD").save(tmp_path / "judge")
    return str(tmp_path / "judge")


@pytest.mark.parametrize("kind", SIZES)
def test_each_kind_is_measured_in_what_it_can(kind, stored_judge):
    began = {}

    def progress(what, total):
        began[what] = total
        return lambda done: began.update({what: began[what] - done})

    found = evaluate(model(kind), real(), EvaluationOptions(judge=stored_judge, each=8), progress)
    result = found.as_dict()
    assert (result["kind"], result["images"], result["held_out"]) == (kind, 72, None)
    assert ("accuracy" in result) == (kind in ("classifier", "ssvae")) == ("reading" in began)
    assert ("accuracy_letters_among_letters" in result) == ("accuracy" in result) and "styles" not in result
    assert ("negative_elbo" in result) == (kind in ("ssvae", "cvae"))
    assert ("judged" in result) == (kind != "classifier") == ("drawing" in began)
    assert set(began.values()) == {0}
    if kind != "classifier":
        assert ("class_asked" in result["judged"]) == (kind != "gan") and result["judged"]["n"] == 24


def test_classes_are_chosen_and_styles_measured_on_demand(stored_judge):
    options = EvaluationOptions(judge=stored_judge, classes="AC", styles=2)
    found = evaluate(model("ssvae"), real(), options)
    result = found.as_dict()
    assert result["images"] == 48 and result["styles"]["prompts"] == 2
    assert found.styles is not None and set(result["styles"]["measured"]) == set(found.styles.styles)


@pytest.mark.parametrize(
    ("kind", "options", "says"),
    [
        ("classifier", {"classes": "X"}, "'X' cannot be drawn"),
        ("classifier", {"source": "three"}, "--source three"),
        ("cvae", {"each": 1}, "--each 1: that is 3 images, beside 72 real ones"),
        ("cvae", {"judge": "cgan"}, "--judge cgan: a cgan is no judge"),
        ("ssvae", {"judge": "nowhere"}, "nowhere: no model there"),
    ],
)
def test_what_cannot_be_measured_is_told(kind, options, says, stored_judge):
    with pytest.raises(InputError, match=says):
        evaluate(model(kind), real(), EvaluationOptions(**{"judge": stored_judge, **options}))


def test_a_judge_must_know_all_classes_and_images_must_be_enough(stored_judge):
    with pytest.raises(InputError, match="does not know E"):
        evaluate(model("cvae", "ABE"), real("ABE"), EvaluationOptions(judge=stored_judge))
    with pytest.raises(
        InputError, match="--data: 18 images of these classes are in the split test; 20 are needed"
    ):
        evaluate(model("cvae"), real(each=3), EvaluationOptions(judge=stored_judge))
