"""The classifier: its layers, its features and its loss."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from strokes.characters.kinds.classifier import Classifier, ClassifierSizes


def made() -> Classifier:
    """A small one, whose norms have seen something."""
    torch.manual_seed(0)
    network = Classifier(4, ClassifierSizes(width=2, features=6, dropout=0.25))
    network.losses(pictures(), torch.arange(4))
    return network.eval()


def pictures() -> torch.Tensor:
    return torch.rand(4, 1, 28, 28, generator=torch.Generator().manual_seed(5))


def test_the_classifier_has_its_layers():
    network = Classifier(26)
    sizes = []
    for layer in network.convolutions:
        layer.register_forward_hook(
            lambda m, _i, o: sizes.append(tuple(o.shape[1:])) if isinstance(m, nn.Conv2d) else None
        )
    network(torch.rand(2, 1, 28, 28))
    assert sizes == [(24, 28, 28), (48, 14, 14), (48, 14, 14), (96, 7, 7), (96, 7, 7)]
    assert (network.hidden.in_features, network.hidden.out_features) == (96 * 49, 128)
    assert network.head.weight.shape == (26, 128) and network.dropout.p == 0.3


def test_logits_come_from_features():
    network, images = made(), pictures()
    features = network.features(images)
    assert features.shape == (4, 6) and features.min() >= 0 and features.max() > 0
    assert torch.allclose(network(images), features @ network.head.weight.T + network.head.bias, atol=1e-6)
    for i in range(4):  # each image by itself
        assert torch.allclose(network(images[i : i + 1])[0], network(images)[i], atol=1e-5)
    network.train()
    torch.manual_seed(0)
    assert not torch.allclose(network(images), network(images))  # some features are dropped


def test_the_loss_is_cross_entropy():
    network, images = made(), pictures()
    labels = torch.tensor([3, 0, 1, 1])
    found = network.losses(images, labels)
    logits = network(images).detach()
    expected = [
        math.log(sum(math.exp(v) for v in row)) - row[y]
        for row, y in zip(logits.tolist(), labels, strict=True)
    ]
    assert found["loss"].item() == pytest.approx(sum(expected) / 4, rel=1e-5)
    best = logits.argmax(1)
    assert network.losses(images, best)["accuracy"] == 1
    best[0] = (best[0] + 1) % 4
    assert network.losses(images, best)["accuracy"] == 0.75
