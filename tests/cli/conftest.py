"""Models that are too small to write or draw well, for what the command line does with them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from drawn_characters import CLASSES, LEVELS, SIZES, examples, hearing, photograph

from strokes.characters.arrays import as_tensor
from strokes.characters.data import CharacterSet
from strokes.characters.model import CharacterModel, build


@pytest.fixture(scope="session")
def reader(tmp_path_factory):
    """A classifier that has learned the four."""
    torch.manual_seed(0)
    network = build("classifier", 4, SIZES["classifier"])
    optimizer = torch.optim.Adam(network.parameters(), 4e-3)
    images, labels = examples(60, 1)
    x, y = as_tensor(images), torch.from_numpy(labels)
    order = np.random.default_rng(0)
    for _ in range(200):
        rows = torch.from_numpy(order.choice(len(y), 32))
        optimizer.zero_grad()
        network.losses(x[rows], y[rows])["loss"].backward()
        optimizer.step()
    folder = tmp_path_factory.mktemp("models") / "reader"
    CharacterModel(network, CLASSES).save(folder)
    return folder


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    """Untrained ones, a folder each; the cvae draws each class in one grey of its own."""
    torch.manual_seed(1)
    folder = tmp_path_factory.mktemp("untrained")
    for kind, sizes in SIZES.items():
        network = build(kind, 4, sizes)
        if kind == "cvae":
            for p in network.draw.parameters():
                p.data.zero_()
            for i in range(4):  # a unit a class, and for the whole image a level
                network.draw[0].weight.data[i, 3 + i] = 1
                network.draw[2].weight.data[:, i] = LEVELS[i]
        CharacterModel(network, CLASSES).save(folder / kind)
    hearing(CLASSES).save(folder / "ssvae")
    return folder


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """A set of characters: 40 of each to train on, 2 to validate, 12 to test."""
    parts = [examples(each, seed) for each, seed in ((40, 2), (2, 3), (12, 4))]
    count = sum(len(p[1]) for p in parts)
    path = tmp_path_factory.mktemp("data") / "characters.npz"
    CharacterSet(
        images=np.concatenate([p[0] for p in parts]),
        labels=np.concatenate([p[1] for p in parts]),
        classes=CLASSES,
        splits=np.repeat(np.arange(3), [len(p[1]) for p in parts]).astype(np.uint8),
        sources=("drawn",),
        origins=np.zeros(count, np.uint16),
    ).save(path)
    return path


@pytest.fixture(scope="session")
def photographs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photographs")
    return [photograph(folder / f"{c}.png", c, seed=i) for i, c in enumerate(CLASSES)]
