"""The training loop of the character models: what it reads and writes, and that resuming changes nothing."""

from __future__ import annotations

import copy
import itertools
import json
import math
import os
import shutil
import signal
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from strokes.characters import training
from strokes.characters.arrays import as_tensor, batches
from strokes.characters.config import CharacterTrainingConfig, Sizes
from strokes.characters.data import TEST, TRAIN, VALIDATION, CharacterSet
from strokes.characters.distortion import Distortion
from strokes.characters.examples import Examples
from strokes.characters.kinds import KINDS, CharacterNetwork
from strokes.characters.kinds.base import Batch, descend
from strokes.characters.kinds.cgan import ConditionalGAN
from strokes.characters.kinds.classifier import Classifier, ClassifierSizes
from strokes.characters.kinds.cvae import ConditionalVAE, ConditionalVAEConfig
from strokes.characters.kinds.ssvae import SemiSupervisedVAE
from strokes.characters.model import build, load_model
from strokes.characters.scaling import draw_strokes
from strokes.characters.training import CharacterProgress, config_of_run, default_config, train
from strokes.files import InputError
from strokes.runs import checkpoints

SIZES = {
    "ssvae": {"latent": 3, "channels": 3, "hidden": 6},
    "cvae": {"latent": 2, "hidden": 10},
    "gan": {"latent": 3, "hidden": 10},
    "cgan": {"latent": 3, "width": 6},
    "classifier": {"width": 4, "features": 8},
}
TINY = CharacterTrainingConfig(epochs=3, batch=16, precision="fp32")

#: How the made-up hand draws its four letters.
LETTERS = {
    "A": [[(0, 0), (0, 10)]],
    "B": [[(0, 0), (10, 0)]],
    "C": [[(0, 0), (10, 10)]],
    "D": [[(0, 10), (10, 0)]],
}


def drawn(counts: dict[str, tuple[int, int, int]]) -> CharacterSet:
    """So many of each letter in each split, each a little different, in an order that is not sorted."""
    rng = np.random.default_rng(0)
    classes = "".join(counts)
    rows = [
        (label, split)
        for label, c in enumerate(classes)
        for split, n in enumerate(counts[c])
        for _ in range(n)
    ]
    rows = [rows[i] for i in rng.permutation(len(rows))]
    images = np.stack(
        [
            draw_strokes(
                [np.array(s) + rng.normal(0, 0.5, (len(s), 2)) for s in LETTERS[classes[label]]], 3.0
            )
            for label, _ in rows
        ]
    )
    images[:, 0, 0] = rng.permutation(len(images))  # no two are the same
    return CharacterSet(
        images=images,
        labels=np.array([label for label, _ in rows], np.int64),
        classes=classes,
        splits=np.array([split for _, split in rows], np.uint8),
        sources=("made up",),
        origins=np.zeros(len(rows), np.uint16),
        options={"seed": 0},
    )


@pytest.fixture(autouse=True)
def _denormals():
    """Training flushes them to 0, for the whole process; other tests (and hypothesis) want them."""
    yield
    torch.set_flush_denormal(False)


@pytest.fixture(scope="module")
def characters() -> CharacterSet:
    """Four letters, 10 of each to train on and 4 to validate on, and some for a test that training must not see."""
    made = drawn(dict.fromkeys("ABCD", (10, 4, 1)))
    assert len({image.tobytes() for image in made.images}) == len(made) == 60
    return made


@pytest.fixture(scope="module")
def uneven() -> CharacterSet:
    return drawn({"A": (40, 2, 0), "B": (4, 2, 0)})


def of_kind(kind: str, config: CharacterTrainingConfig = TINY, **changes) -> CharacterTrainingConfig:
    """The settings as the kind's own, with sizes of the smallest and changes."""
    settings = type(KINDS[kind].default_config())
    if type(config.sizes) is Sizes:
        changes = {"sizes": KINDS[kind].sizes_type(**SIZES[kind]), **changes}
    return settings(**{**vars(config), **changes})


def go(kind: str, characters: CharacterSet, run: Path, config=TINY, **options):
    run.mkdir(exist_ok=True)
    return train(kind, characters, run, of_kind(kind, config), **options)


def rows(run: Path, event: str | None = None) -> list[dict]:
    """Rows of the log without what depends on the clock; each is strict JSON."""
    found = [
        json.loads(line, parse_constant=lambda c: pytest.fail(f"{c} is not JSON"))
        for line in (run / "metrics.jsonl").read_text().splitlines()
    ]
    return [
        {k: v for k, v in row.items() if k != "seconds"} for row in found if event in (None, row["event"])
    ]


def steps_of(run: Path) -> list[int]:
    return sorted(int(p.name.removeprefix("checkpoint-")) for p in run.glob("checkpoint-*"))


def last_checkpoint(run: Path) -> checkpoints.Checkpoint[CharacterProgress]:
    return checkpoints.latest(run, CharacterProgress)[0]


def averaged_in(tensors: dict) -> dict[str, torch.Tensor]:
    """The averaged weights of a checkpoint, by their names in the network."""
    return {k.removeprefix("module."): v for k, v in tensors["mean"].items() if k != "n_averaged"}


def assert_same_end(a: Path, b: Path) -> None:
    """The last checkpoints of two runs are the same to the bit, and so are their logs and best models."""
    one, other = last_checkpoint(a), last_checkpoint(b)
    for name in ("network", "mean", "optimizer"):
        assert one.tensors[name].keys() == other.tensors[name].keys() != set()
        for key, value in one.tensors[name].items():
            assert torch.equal(value, other.tensors[name][key]), (name, key)
    assert replace(one.progress, seconds=0.0) == replace(other.progress, seconds=0.0)
    assert rows(a) == rows(b) != []
    assert (a / "best" / "model.safetensors").read_bytes() == (b / "best" / "model.safetensors").read_bytes()


class Reader:
    """Stands in for a step: keeps what it would have been given, and learns nothing."""

    def __init__(self, monkeypatch) -> None:
        self.batches: list[tuple[torch.Tensor, torch.Tensor]] = []
        self.rates: list[list[float]] = []

        def training_step(network, batch, optimizers, *rest):
            return self.read(network, batch, optimizers)

        monkeypatch.setattr(CharacterNetwork, "training_step", training_step)

    def read(self, network, batch, optimizers):
        assert network.training
        self.batches.append((batch.images.clone(), batch.labels.clone()))
        self.rates.append([o.param_groups[0]["lr"] for o in optimizers])
        return {"loss": 0.0}

    @property
    def images(self) -> list[bytes]:
        return [(i * 255).round().byte().numpy().tobytes() for x, _ in self.batches for i in x]

    @property
    def labels(self) -> list[int]:
        return [label for _, y in self.batches for label in y.tolist()]


# -- whole runs -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_writes_its_settings_its_numbers_its_best_model_and_checkpoints(kind, characters, tmp_path):
    config = replace(TINY, epochs=5, validate_every=2)
    shown = []
    result = go(kind, characters, tmp_path, config, draw=lambda model, path: shown.append((model, path)))
    assert result.finished and result.skipped == 0 and result.seconds > 0
    assert (result.epoch, result.step) == (5, 15)  # 40 images in batches of 16
    written = json.loads((tmp_path / "config.json").read_text())
    assert (written["kind"], written["epochs"]) == (kind, 5)
    assert written["sizes"] == asdict(KINDS[kind].sizes_type(**SIZES[kind]))
    assert written["distortion"]["rotate"] == 0
    assert [(row["epoch"], row["step"]) for row in rows(tmp_path, "train")] == [
        (e, 3 * e) for e in range(1, 6)
    ]
    assert all(math.isfinite(v) for row in rows(tmp_path, "train") for k, v in row.items() if k != "event")
    assert steps_of(tmp_path) == [12, 15]
    assert not list(tmp_path.rglob("*.tmp*"))
    validations = rows(tmp_path, "validation")
    model = load_model(tmp_path)
    assert (model.kind, model.classes, asdict(model.sizes)) == (kind, "ABCD", written["sizes"])
    assert model.info["data"] == {"sources": ["made up"], "images": 40, "options": {"seed": 0}}
    if kind in ("gan", "cgan"):
        assert validations == [] and result.best is None and model.info["epochs"] == 5
        assert {"generator_loss", "discriminator_loss"} < rows(tmp_path, "train")[0].keys()
    else:
        assert [row["epoch"] for row in validations] == [2, 4, 5]
        best = min(validations, key=lambda row: row["loss"])
        assert result.best == best["loss"] == model.info["validation"]["loss"]
        assert model.info["epochs"] == best["epoch"]
    assert [path.name for _, path in shown] == ["samples-0002.png", "samples-0004.png", "samples-0005.png"]
    assert all(m.kind == kind and path.parent == tmp_path for m, path in shown)
    # what is saved is the running mean (here, without one, the network itself)
    final = last_checkpoint(tmp_path).tensors
    mean = averaged_in(final)
    assert all(torch.equal(v, mean[k]) for k, v in final["network"].items())
    for name, weight in shown[-1][0].network.state_dict().items():
        assert torch.equal(weight, mean[name]), name


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("kind", KINDS)
def test_stopped_and_resumed_is_never_stopped_bit_for_bit(kind, precision, characters, tmp_path):
    config = replace(
        TINY,
        epochs=4,
        batch=15,
        precision=precision,
        balance=0.5,
        labelled=0.5 if kind == "ssvae" else 1.0,
        ema=0.9,
        final_rate=0.1,
        distortion=Distortion(rotate=0.2, scale=0.1, shear=0.2, shift=1.0, weight=0.5),
    )
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    result = go(kind, characters, whole, config)
    assert result.step == 12 and result.skipped == 0
    for stop in (2, 6, 7):  # within an epoch, at its end, after one batch of the next
        result = go(kind, characters, parts, config, resume=stop > 2, stop_after=stop)
        assert not result.finished and result.step == stop == steps_of(parts)[-1]
    assert go(kind, characters, parts, config, resume=True).finished
    assert_same_end(whole, parts)


def test_resuming_a_finished_run_does_nothing(characters, tmp_path):
    go("cvae", characters, tmp_path)

    def touched():
        return {
            p: p.stat().st_mtime_ns
            for p in tmp_path.rglob("*")
            if p.is_file() and p.name != "metrics.jsonl" and p != tmp_path / "config.json"
        }

    before, log = touched(), rows(tmp_path)
    result = go("cvae", characters, tmp_path, resume=True)
    assert result.finished and result.step == 9
    assert touched() == before and rows(tmp_path) == log


def test_other_seeds_are_other_runs_and_the_same_seed_the_same(characters, tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        torch.manual_seed(hash(name) % 1000)  # what was drawn before does not matter
        torch.rand(3)
        go("classifier", characters, tmp_path / name, replace(TINY, epochs=1, seed=seed))
    assert_same_end(tmp_path / "a", tmp_path / "b")
    assert rows(tmp_path / "a") != rows(tmp_path / "c")


def test_ctrl_c_ends_the_run_after_its_batch_with_a_checkpoint(characters, tmp_path):
    result = go("cvae", characters, tmp_path / "parts", draw=lambda *_: os.kill(os.getpid(), signal.SIGINT))
    assert not result.finished and result.step == 3 and steps_of(tmp_path / "parts") == [3]
    go("cvae", characters, tmp_path / "parts", resume=True)
    go("cvae", characters, tmp_path / "whole")
    assert_same_end(tmp_path / "whole", tmp_path / "parts")


def test_a_picture_that_fails_does_not_end_the_run(characters, tmp_path, capsys):
    def fails(model, path):
        raise OSError("no ink")

    assert go("cvae", characters, tmp_path, draw=fails).finished
    assert capsys.readouterr().err.count("the samples could not be drawn (OSError: no ink)") == 3


def test_checkpoints_are_written_as_often_as_told(characters, tmp_path, monkeypatch):
    written = []
    real = checkpoints.save
    monkeypatch.setattr(
        "strokes.runs.run.save", lambda run, c: (written.append(c.progress.step), real(run, c))
    )
    go("cvae", characters, tmp_path, replace(TINY, epochs=7, checkpoint_every=3))
    assert written == [9, 18, 21]


# -- what is read ---------------------------------------------------------------------------------


def test_without_balance_every_image_is_read_once_an_epoch_and_none_of_another_split(
    characters, tmp_path, monkeypatch
):
    reader = Reader(monkeypatch)
    go("classifier", characters, tmp_path, replace(TINY, epochs=3))
    assert [len(y) for _, y in reader.batches] == [16, 16, 8] * 3
    truth = dict(zip([i.tobytes() for i in characters.images], characters.labels.tolist(), strict=True))
    training_images = sorted(i.tobytes() for i in characters.images[characters.splits == TRAIN])
    epochs = [reader.images[i : i + 40] for i in (0, 40, 80)]
    assert all(sorted(epoch) == training_images for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2]
    assert [truth[i] for i in reader.images] == reader.labels
    x = reader.batches[0][0]
    assert x.shape == (16, 1, 28, 28) and x.dtype == torch.float32 and x.min() == 0 and x.max() == 1


@pytest.mark.parametrize(("balance", "share"), [(0.0, 40 / 44), (0.5, (40 / 44 + 1 / 2) / 2), (1.0, 1 / 2)])
def test_balance_draws_classes_evenly(balance, share, uneven, tmp_path, monkeypatch):
    reader = Reader(monkeypatch)
    go(
        "cvae",
        uneven,
        tmp_path,
        replace(TINY, epochs=20, balance=balance, validate_every=20, checkpoint_every=20),
    )
    assert len(reader.labels) == 20 * 44
    assert reader.labels.count(0) / len(reader.labels) == pytest.approx(share, abs=0.07)
    assert len(set(reader.images)) == 44  # every image of either class has its turn


def test_distortion_changes_the_images_anew_each_epoch(characters, tmp_path, monkeypatch):
    reader = Reader(monkeypatch)
    go("cvae", characters, tmp_path, replace(TINY, distortion=Distortion(shift=1.5)))
    originals = {i.tobytes() for i in characters.images}
    assert len(set(reader.images)) > 115 and len(originals & set(reader.images)) < 5
    assert [sorted(reader.labels[i : i + 40]) for i in (0, 40, 80)] == [sorted([0, 1, 2, 3] * 10)] * 3


@pytest.mark.parametrize("balance", [0.0, 0.5])
def test_hidden_labels_are_hidden_and_every_class_keeps_one(balance, characters, tmp_path, monkeypatch):
    reader = Reader(monkeypatch)
    config = replace(TINY, epochs=25, labelled=0.01, balance=balance, validate_every=25, checkpoint_every=25)
    go("ssvae", characters, tmp_path, config)
    truth = dict(zip([i.tobytes() for i in characters.images], characters.labels.tolist(), strict=True))
    told: dict[bytes, set[int]] = {}
    for image, label in zip(reader.images, reader.labels, strict=True):
        told.setdefault(image, set()).add(label)
    assert len(told) == 40 and all(
        len(labels) == 1 for labels in told.values()
    )  # never told once and hidden another time
    shown = {image: label for image, (label,) in told.items() if label >= 0}
    assert sorted(shown.values()) == [0, 1, 2, 3]
    assert all(truth[image] == label for image, label in shown.items())
    # every second image of a batch has its label
    for _, y in reader.batches:
        assert (y[::2] >= 0).all() and (y[1::2] < 0).any()
    # the others come as they are, none twice an epoch
    for begin in range(0, len(reader.images), 40):
        others = reader.images[begin : begin + 40][1::2]
        assert len(set(others)) == len(others) == 20


def test_a_share_of_the_labels_is_the_share_of_every_class(uneven, tmp_path, monkeypatch):
    reader = Reader(monkeypatch)
    go(
        "ssvae",
        uneven,
        tmp_path,
        replace(TINY, epochs=30, labelled=0.25, validate_every=30, checkpoint_every=30),
    )
    shown = {(image, label) for image, label in zip(reader.images, reader.labels, strict=True) if label >= 0}
    assert [sum(label == c for _, label in shown) for c in (0, 1)] == [10, 1]


def test_other_kinds_leave_out_what_has_no_label(characters, tmp_path, monkeypatch):
    reader = Reader(monkeypatch)
    result = go("classifier", characters, tmp_path, replace(TINY, labelled=0.3))
    assert result.step == 3 and len(reader.images) == 3 * 12 and len(set(reader.images)) == 12
    assert sorted(reader.labels) == sorted([0, 1, 2, 3] * 9)


def test_classes_are_those_asked_for_in_their_order(characters, tmp_path, monkeypatch):
    reader = Reader(monkeypatch)
    go("cvae", characters, tmp_path, replace(TINY, classes="DB"))
    truth = dict(zip([i.tobytes() for i in characters.images], characters.labels.tolist(), strict=True))
    assert len(set(reader.images)) == 20
    assert {(truth[i], label) for i, label in zip(reader.images, reader.labels, strict=True)} == {
        (3, 0),
        (1, 1),
    }
    assert load_model(tmp_path).classes == "DB"


def test_names_stand_for_sets_of_classes(characters, tmp_path):
    everything = replace(characters, classes="0BCD")
    for name, lacking in (("digits", "123456789"), ("letters", "AEFGHIJKLMNOPQRSTUVWXYZ")):
        with pytest.raises(
            InputError, match=f"--classes {name}: '{lacking}' is not among the classes of this file, 0BCD"
        ):
            go("cvae", everything, tmp_path, replace(TINY, classes=name))


def test_classes_that_the_file_has_not_are_refused(characters, tmp_path):
    with pytest.raises(InputError, match="--classes AxBy: 'xy' is not among the classes of this file, ABCD$"):
        go("cvae", characters, tmp_path, replace(TINY, classes="AxBy"))
    splits = np.where(characters.labels == 2, VALIDATION, characters.splits).astype(np.uint8)
    with pytest.raises(InputError, match="no image to train on of C; "):
        go("cvae", replace(characters, splits=splits), tmp_path)
    assert list(tmp_path.iterdir()) == []
    go("cvae", replace(characters, splits=splits), tmp_path, replace(TINY, classes="ABD", epochs=1))


def test_the_learning_rate_falls_as_a_cosine_and_the_discriminator_has_its_own(
    characters, tmp_path, monkeypatch
):
    reader = Reader(monkeypatch)
    config = of_kind("gan", learning_rate=0.02, final_rate=0.1, discriminator_rate=3.0)
    go("gan", characters, tmp_path, config)
    for step, (generator, discriminator) in enumerate(reader.rates):
        expected = 0.02 * (0.1 + 0.9 * (0.5 + 0.5 * math.cos(math.pi * step / 9)))
        assert generator == pytest.approx(expected) and discriminator == pytest.approx(3 * expected)
    assert len(reader.rates) == 9
    assert [row["learning_rate"] for row in rows(tmp_path, "train")] == [
        reader.rates[i][0] for i in (2, 5, 8)
    ]


# -- what is learned ------------------------------------------------------------------------------


def test_a_judge_learns_what_is_plain(characters, tmp_path):
    config = replace(
        TINY,
        epochs=12,
        batch=10,
        learning_rate=1e-2,
        final_rate=0.1,
        checkpoint_every=12,
        sizes=ClassifierSizes(width=4, features=32),
    )
    go("classifier", characters, tmp_path, config)
    validations = rows(tmp_path, "validation")
    assert validations[-1]["accuracy"] > 0.95 and validations[-1]["loss"] < 0.5 * validations[0]["loss"]
    # and so does the model that is on disk, by images that it has not seen
    model = load_model(tmp_path)
    unseen = characters.splits == TEST
    found = model.network(as_tensor(characters.images[unseen])).argmax(1)
    assert found.tolist() == characters.labels[unseen].tolist()


@pytest.mark.parametrize(("kind", "precision"), [("ssvae", "fp32"), ("ssvae", "bf16"), ("cvae", "fp32")])
def test_the_bound_falls(kind, precision, characters, tmp_path):
    sizes = KINDS[kind].sizes_type(**{**SIZES[kind], "hidden": 24})
    config = replace(TINY, epochs=8, learning_rate=1e-2, precision=precision, sizes=sizes)
    go(kind, characters, tmp_path, config)
    losses = [row["loss"] for row in rows(tmp_path, "validation")]
    assert losses[-1] < 0.7 * losses[0]


def test_only_training_images_are_learned_from(characters, tmp_path):
    """Other validation images: another validation, the same weights."""
    images = characters.images.copy()
    images[characters.splits == VALIDATION] //= 2
    images[characters.splits == TEST] = 255
    for name, c in (("a", characters), ("b", replace(characters, images=images))):
        go("cvae", c, tmp_path / name, replace(TINY, epochs=1))
    one, other = (last_checkpoint(tmp_path / name) for name in "ab")
    assert all(torch.equal(v, other.tensors["network"][k]) for k, v in one.tensors["network"].items())
    assert one.progress.best != other.progress.best


def test_nothing_to_validate_on_saves_the_last_model(characters, tmp_path):
    splits = np.where(characters.splits == VALIDATION, TEST, characters.splits).astype(np.uint8)
    result = go("cvae", replace(characters, splits=splits), tmp_path)
    assert result.finished and result.best is None and rows(tmp_path, "validation") == []
    assert load_model(tmp_path).info["epochs"] == 3


def test_the_best_model_is_kept_when_later_ones_are_worse(characters, tmp_path, monkeypatch):
    values = iter([2.0, 1.0, 3.0, 1.5])
    monkeypatch.setattr(training, "validation_means", lambda *_: {"loss": next(values)})
    assert go("cvae", characters, tmp_path, replace(TINY, epochs=4)).best == 1.0
    assert load_model(tmp_path).info["epochs"] == 2


def test_a_first_validation_that_is_not_a_number_is_not_the_best(characters, tmp_path, monkeypatch):
    values = iter([math.nan, 3.0])
    monkeypatch.setattr(training, "validation_means", lambda *_: {"loss": next(values)})
    assert go("cvae", characters, tmp_path, replace(TINY, epochs=2)).best == 3.0
    assert load_model(tmp_path).info["epochs"] == 2


def test_validation_is_the_mean_over_all_images_however_they_are_cut(characters):
    """501 images: the loop takes them in 500 and 1."""
    network = build("classifier", 4, SIZES["classifier"]).eval()
    images = np.resize(characters.images, (501, 28, 28))
    labels = np.resize(characters.labels, 501)
    examples = Examples(images[:0], labels[:0], images, labels, "ABCD")
    found = training.validation_means(network, examples, TINY, "cpu")
    expected = network.losses(as_tensor(images), torch.from_numpy(labels))
    assert found["loss"] == pytest.approx(expected["loss"].item(), rel=1e-4)
    assert found["accuracy"] == pytest.approx(expected["accuracy"].item(), rel=1e-4)


def test_the_running_mean_follows_the_weights(characters, tmp_path):
    """After n steps, with decay 0.9 but (1 + n) / (10 + n) at first."""
    config = replace(TINY, ema=0.3, epochs=1)
    states = []
    for steps in (1, 2, 3):
        go("classifier", characters, tmp_path / str(steps), config, stop_after=steps)
        states.append(last_checkpoint(tmp_path / str(steps)).tensors)
    torch.manual_seed(config.seed)
    mean = dict(build("classifier", 4, SIZES["classifier"]).named_parameters())
    for n, state in enumerate(states, 1):
        decay = min(0.3, (1 + n) / (10 + n))
        mean = {k: decay * m + (1 - decay) * state["network"][k] for k, m in mean.items()}
        for name, value in mean.items():
            assert torch.allclose(averaged_in(state)[name], value, atol=1e-6), (n, name)
        for name in set(state["network"]) - set(mean):  # the norms' statistics, as they are
            assert torch.equal(averaged_in(state)[name], state["network"][name])
    assert not torch.equal(averaged_in(states[2])["head.weight"], states[2]["network"]["head.weight"])


def test_weights_of_the_terms_are_passed_on(characters, tmp_path, monkeypatch):
    seen = {}

    def losses(self, images, labels, generator=None, **options):
        seen[type(self)] = options if self.training else seen[type(self)]
        return {"loss": sum(p.sum() for p in self.parameters()) * 0}

    for network in (SemiSupervisedVAE, ConditionalVAE):
        monkeypatch.setattr(network, "losses", losses)
    weights = {"pixel_weight": 0.5, "kl_weight": 2.0}
    go("cvae", characters, tmp_path / "cvae", of_kind("cvae", epochs=1, **weights))
    weights |= {"class_weight": 7.0, "swap_weight": 3.0, "marginalise": 2}
    go("ssvae", characters, tmp_path / "ssvae", of_kind("ssvae", epochs=1, **weights))
    assert seen == {
        SemiSupervisedVAE: {
            "pixel_weight": 0.5,
            "kl_weight": 2.0,
            "class_weight": 7.0,
            "swap_weight": 3.0,
            "marginalise": 2,
        },
        ConditionalVAE: {"pixel_weight": 0.5, "kl_weight": 2.0},
    }


# -- what goes wrong ------------------------------------------------------------------------------


def poisoned(monkeypatch, network, name: str, bad) -> None:
    """Makes the loss of step n (counted over all runs) not a number where `bad(n)`."""
    real, calls = getattr(network, name), []

    def losses(self, *args, **kwargs):
        found = real(self, *args, **kwargs)
        if self.training:
            calls.append(1)
            if bad(len(calls) - 1):
                return {k: v * math.nan for k, v in found.items()}
        return found

    monkeypatch.setattr(network, name, losses)


@pytest.mark.parametrize(
    ("kind", "network", "name"),
    [
        ("classifier", Classifier, "losses"),
        ("cgan", ConditionalGAN, "discriminator_losses"),
        ("cgan", ConditionalGAN, "generator_losses"),
    ],
)
def test_a_step_that_is_not_finite_is_skipped_and_counted(
    kind, network, name, characters, tmp_path, monkeypatch
):
    poisoned(monkeypatch, network, name, lambda n: n in (1, 5))
    result = go(kind, characters, tmp_path)
    assert result.skipped == 2 and result.finished
    found = last_checkpoint(tmp_path)
    assert all(t.isfinite().all() for tensors in found.tensors.values() for t in tensors.values())
    assert [row["skipped"] for row in rows(tmp_path, "train")] == [1, 2, 2]
    assert all(math.isfinite(v) for row in rows(tmp_path, "train") for k, v in row.items() if k != "event")


def test_a_first_step_that_is_not_finite_can_be_resumed_from(characters, tmp_path, monkeypatch):
    poisoned(monkeypatch, ConditionalVAE, "losses", lambda n: n == 0)
    go("cvae", characters, tmp_path / "whole")
    monkeypatch.undo()
    poisoned(monkeypatch, ConditionalVAE, "losses", lambda n: n == 0)
    go("cvae", characters, tmp_path / "parts", stop_after=1)
    go("cvae", characters, tmp_path / "parts", resume=True)
    assert_same_end(tmp_path / "whole", tmp_path / "parts")


@pytest.mark.parametrize("kind", KINDS)
def test_a_bad_step_changes_no_weight(kind, characters, monkeypatch):
    """Nor a norm's statistics, which would stay not finite for good."""
    torch.manual_seed(0)
    network = build(kind, 4, SIZES[kind]).train()
    config = of_kind(kind)
    optimizers = network.optimizers(config)
    batch = Batch(as_tensor(characters.images[:8]), torch.from_numpy(characters.labels[:8]))

    def step():
        return network.training_step(batch, optimizers, torch.Generator().manual_seed(0), config)

    assert all(map(math.isfinite, step().values()))
    before, state = copy.deepcopy(network.state_dict()), copy.deepcopy([o.state_dict() for o in optimizers])
    poisoned(
        monkeypatch, type(network), "discriminator_losses" if "gan" in kind else "losses", lambda n: True
    )
    assert all(map(math.isnan, step().values()))
    parameters = dict(network.named_parameters())
    for name, weight in parameters.items():
        assert torch.equal(weight, before[name]), name
    for old, new in zip(state, (o.state_dict() for o in optimizers), strict=True):
        assert all(torch.equal(old["state"][i][k], v) for i, s in new["state"].items() for k, v in s.items())
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name]), name
    monkeypatch.undo()
    step()
    assert all(not torch.equal(network.state_dict()[name], before[name]) for name in list(parameters)[-2:])


@pytest.mark.parametrize("where", ["loss", "gradient"])
def test_a_loss_or_a_gradient_that_is_not_finite_is_no_step(where):
    weight = torch.nn.Parameter(torch.tensor([0.0, 4.0]))
    optimizer = torch.optim.SGD([weight], 0.1)
    loss = {"loss": (weight * math.inf).sum(), "gradient": torch.sqrt(weight).sum()}[where]
    assert bool(loss.isfinite()) == (where == "gradient")
    assert descend(loss, optimizer) is False
    assert weight.tolist() == [0.0, 4.0]
    assert descend(weight.square().sum(), optimizer) is True
    assert weight.tolist() == pytest.approx([0.0, 3.2])  # the bad gradient is not in it


def test_a_learning_rate_that_is_far_too_large_ends_the_run_with_the_way_out(characters, tmp_path):
    with pytest.raises(
        InputError, match=r"20 steps in a row without a finite gradient.*lower --learning-rate"
    ) as caught:
        go("cvae", characters, tmp_path, replace(TINY, epochs=50, learning_rate=1000.0))
    assert str(tmp_path) in str(caught.value) and "\n" not in str(caught.value)
    assert all(math.isfinite(v) for row in rows(tmp_path, "train") for k, v in row.items() if k != "event")


def test_step_after_step_that_is_not_finite_ends_the_run_and_it_goes_on_from_before(
    characters, tmp_path, monkeypatch
):
    poisoned(monkeypatch, ConditionalVAE, "losses", lambda n: n >= 4)
    with pytest.raises(InputError, match=r"20 steps in a row.*at step 24"):
        go("cvae", characters, tmp_path / "parts", replace(TINY, epochs=8))
    monkeypatch.undo()
    # checkpoints written meanwhile hold the weights of step 4, and how many steps were lost
    found = last_checkpoint(tmp_path / "parts")
    assert all(t.isfinite().all() for tensors in found.tensors.values() for t in tensors.values())
    go("cvae", characters, tmp_path / "short", replace(TINY, epochs=8), stop_after=4)
    same = last_checkpoint(tmp_path / "short")
    assert all(torch.equal(t, same.tensors["network"][k]) for k, t in found.tensors["network"].items())
    assert found.progress.bad_steps == found.progress.skipped == found.progress.step - 4


def test_resuming_with_what_does_not_fit_is_refused(characters, tmp_path):
    go("cvae", characters, tmp_path, stop_after=4)
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}

    def refused(says: str, change: dict, kind: str = "cvae", among: CharacterSet = characters) -> None:
        with pytest.raises(
            InputError, match=f"it was begun with another ({says}) .*; resume with the one that it began with"
        ) as caught:
            go(kind, among, tmp_path, replace(TINY, **change), resume=True)
        assert str(tmp_path) in str(caught.value) and "\n" not in str(caught.value)

    for name, value in {"seed": 2, "batch": 8, "balance": 0.5}.items():
        refused(name, {name: value})
    refused("images|labelled", {"labelled": 0.5})
    refused("classes", {"classes": "ABC"})
    refused("classes", {"classes": "ABDC"})
    refused("sizes", {"sizes": KINDS["cvae"].sizes_type(latent=3, hidden=10)})
    refused("kind", {}, "gan")
    refused("images", {}, among=drawn(dict.fromkeys("ABCD", (9, 4, 1))))
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before
    go("cvae", characters, tmp_path, resume=True)
    go("cvae", characters, tmp_path / "whole")
    shutil.move(tmp_path / "whole", tmp_path.parent / f"{tmp_path.name}-whole")
    assert_same_end(tmp_path.parent / f"{tmp_path.name}-whole", tmp_path)


def test_there_must_be_a_checkpoint_to_resume_from(characters, tmp_path):
    with pytest.raises(InputError, match="no checkpoint yet"):
        go("cvae", characters, tmp_path, resume=True)


def test_a_damaged_checkpoint_is_passed_over_with_a_word(characters, tmp_path, capsys):
    go("cgan", characters, tmp_path / "whole")
    run = tmp_path / "run"
    go("cgan", characters, run, stop_after=8)
    assert steps_of(run) == [6, 8]
    newest = run / "checkpoint-00000008"
    content = bytearray((newest / "mean.safetensors").read_bytes())
    content[-9] ^= 1  # one bit of one weight
    (newest / "mean.safetensors").write_bytes(content)
    capsys.readouterr()
    go("cgan", characters, run, resume=True)
    assert f"strokes: {newest} is damaged; going on from the one before it" in capsys.readouterr().err
    assert_same_end(tmp_path / "whole", run)


def test_log_rows_later_than_the_checkpoint_are_removed_on_resuming(characters, tmp_path):
    config = replace(TINY, epochs=4, checkpoint_every=2)
    go("cvae", characters, tmp_path / "whole", config)
    run = tmp_path / "run"
    go("cvae", characters, run, config, stop_after=9)
    shutil.rmtree(run / "checkpoint-00000009")  # as if killed in the fourth epoch
    assert [row["step"] for row in rows(run, "train")] == [3, 6, 9]
    go("cvae", characters, run, config, resume=True)
    assert_same_end(tmp_path / "whole", run)


def test_a_folder_that_holds_a_run_is_not_written_over(characters, tmp_path):
    go("cvae", characters, tmp_path, replace(TINY, epochs=1))
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    with pytest.raises(InputError, match="in use; go on with --resume"):
        go("cvae", characters, tmp_path)
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before


def test_two_trainings_do_not_share_a_folder(characters, tmp_path):
    refusals = []

    def intrude(model, path):
        with pytest.raises(InputError, match="another training is writing here") as caught:
            go("cvae", characters, tmp_path, resume=True)
        refusals.append(caught)

    assert go("cvae", characters, tmp_path, replace(TINY, epochs=1), draw=intrude).finished
    assert len(refusals) == 1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda d: d["progress"].update(batch=-1), "batch"),
        (lambda d: d["progress"].update(batch=99), "batch"),
        (lambda d: d["progress"].update(epoch="two"), "epoch"),
        (lambda d: d["progress"].update(sums={"loss": "x"}), "sums"),
        (lambda d: d["progress"].pop("identity"), "identity"),
        (lambda d: d["progress"]["identity"].update(sizes=3), "sizes"),
    ],
)
def test_a_checkpoint_whose_counters_are_nonsense_is_refused(change, says, characters, tmp_path):
    go("cvae", characters, tmp_path, stop_after=1)
    counters = tmp_path / "checkpoint-00000001" / "progress.json"
    document = json.loads(counters.read_text())
    change(document)
    counters.write_text(json.dumps(document))
    with pytest.raises(InputError, match=says) as caught:
        go("cvae", characters, tmp_path, resume=True)
    assert "\n" not in str(caught.value)


def test_the_settings_of_a_run_are_those_that_it_began_with(characters, tmp_path):
    config = of_kind(
        "cgan", replace(TINY, epochs=1, distortion=Distortion(shear=0.25)), discriminator_rate=3.0
    )
    go("cgan", characters, tmp_path, config)
    assert config_of_run("cgan", tmp_path) == config
    with pytest.raises(InputError, match=r"another kind \(cgan, now gan\)"):
        config_of_run("gan", tmp_path)
    for text in (
        "",
        "[]",
        "[" * 100_000,
        '{"kind": "cgan", "epochs": 1e400}',
        '{"kind": "cgan", "sizes": 3}',
    ):
        (tmp_path / "config.json").write_text(text)
        with pytest.raises(InputError, match=r"config\.json") as caught:
            config_of_run("cgan", tmp_path)
        assert "\n" not in str(caught.value)
    (tmp_path / "config.json").unlink()
    with pytest.raises(InputError, match=r"no config\.json"):
        config_of_run("cgan", tmp_path)


def test_an_interrupted_run_has_a_model_before_its_first_validation(characters, tmp_path):
    go("cvae", characters, tmp_path, stop_after=2)
    assert load_model(tmp_path).info["steps"] == 2
    go("cvae", characters, tmp_path, resume=True)
    assert load_model(tmp_path).info["epochs"] >= 1


# -- settings -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "values"),
    {
        "epochs": [0, -1, 10**30, math.inf, 2.5],
        "batch": [0, -4],
        "learning_rate": [0.0, -1e-3, math.nan, math.inf],
        "discriminator_rate": [0.0, -1.0],
        "labelled": [0.0, -0.1, 1.01, math.nan],
        "validate_every": [0],
        "checkpoint_every": [0],
        "final_rate": [-0.1, math.nan],
        "pixel_weight": [-1.0],
        "kl_weight": [-1.0],
        "class_weight": [-1.0],
        "swap_weight": [-1.0, math.inf],
        "marginalise": [-1],
        "seed": [-1, 2**70],
        "precision": ["fp8"],
        "balance": [-0.1, 1.1, math.nan],
        "ema": [-0.1, 1.0, math.nan],
        "beta1": [-0.1, 1.0],
    }.items(),
)
def test_settings_out_of_range_are_refused(name, values):
    kinds = [kind for kind in KINDS if hasattr(of_kind(kind), name)]
    assert kinds
    for kind, value in itertools.product(kinds, values):
        with pytest.raises(ValueError, match=rf"^{name} is .*; it must be "):
            of_kind(kind, **{name: value})


def test_every_kind_has_settings_that_suit_it():
    for kind in KINDS:
        config = default_config(kind)
        assert config == default_config(kind) and default_config(kind, epochs=7) == replace(config, epochs=7)
    # as they were published
    assert default_config("cvae") == ConditionalVAEConfig(
        classes="digits", epochs=100, validate_every=10, precision="fp32"
    )
    gan = default_config("gan")
    assert (gan.classes, gan.batch, gan.learning_rate, gan.precision) == ("letters", 64, 2e-4, "fp32")
    assert gan.distortion == Distortion() and gan.ema == 0 and gan.final_rate == 1


def test_images_become_numbers_from_0_to_1():
    images = np.array([[0, 255], [51, 102]], np.uint8)[None]
    found = as_tensor(images)
    assert found.shape == (1, 1, 2, 2) and found.dtype == torch.float32
    assert found.flatten().tolist() == pytest.approx([0, 1, 0.2, 0.4])


@pytest.mark.parametrize(("count", "size"), [(0, 5), (1, 5), (5, 5), (11, 5), (12, 1)])
def test_slices_cover_every_row_once(count, size):
    slices = list(batches(count, size))
    assert [i for s in slices for i in range(count)[s]] == list(range(count))
    assert all(0 < s.stop - s.start <= size for s in slices)
