"""The adversarial networks: losses against formulas, what depends on the class, whose weights a step moves."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from strokes.characters.kinds import cgan
from strokes.characters.kinds.base import Batch
from strokes.characters.kinds.cgan import ConditionalGAN, ConditionalGANSizes
from strokes.characters.kinds.gan import GAN, GANSizes

CLASSES = 4
LABELS = torch.tensor([2, 0, 3, 2, 1])


def plain() -> GAN:
    torch.manual_seed(0)
    return GAN(CLASSES, GANSizes(latent=5, hidden=12)).eval()


def conditional() -> ConditionalGAN:
    torch.manual_seed(0)
    network = ConditionalGAN(CLASSES, ConditionalGANSizes(latent=5, width=8))
    with (
        torch.no_grad()
    ):  # as after some training: norms and projections that are not the same for every class
        for norm in network.generator.norms:
            norm.scale.weight.add_(torch.randn(norm.scale.weight.shape) * 0.3)
            norm.shift.weight.add_(torch.randn(norm.shift.weight.shape) * 0.3)
        network.sample(LABELS)
    return network.eval()


def pictures(count: int = 5) -> torch.Tensor:
    return torch.rand(count, 1, 28, 28, generator=torch.Generator().manual_seed(5))


def seeded(seed: int = 7) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def undistorted(monkeypatch):
    monkeypatch.setattr(cgan, "distort", lambda images, *_: images)


def test_the_perceptrons_have_their_published_sizes():
    network = GAN(CLASSES)

    def layers(part):
        return [tuple(m.weight.shape[::-1]) if isinstance(m, nn.Linear) else type(m) for m in part]

    assert layers(network.generator) == [(64, 256), nn.ReLU, (256, 256), nn.ReLU, (256, 784), nn.Tanh]
    assert layers(network.discriminator) == [(784, 256), nn.LeakyReLU, (256, 256), nn.LeakyReLU, (256, 1)]
    assert {m.negative_slope for m in network.modules() if isinstance(m, nn.LeakyReLU)} == {0.2}


@pytest.mark.parametrize("make", [plain, conditional])
def test_images_are_in_0_to_1_and_are_their_generators(make):
    network = make()
    with torch.no_grad():
        once = network.sample(LABELS, seeded())
        assert once.shape == (5, 1, 28, 28) and once.min() >= 0 and once.max() <= 1
        assert torch.equal(once, network.sample(LABELS, seeded()))
        assert not torch.allclose(once, network.sample(LABELS, seeded(8)))
        far = network.sample(LABELS, z=torch.full((5, 5), 100.0))
        assert far.min() >= 0 and far.max() <= 1
        # each row is its own
        z = torch.randn(5, 5, generator=seeded())
        assert torch.allclose(network.sample(LABELS, z=z), once)
        for i in range(5):
            assert torch.allclose(network.sample(LABELS[i : i + 1], z=z[i : i + 1])[0], once[i], atol=1e-5)
        shared = network.sample(LABELS, z=z[:1])
        assert torch.allclose(shared[0], shared[3], atol=1e-6) and torch.allclose(
            shared[0], once[0], atol=1e-5
        )


def test_the_perceptron_works_in_minus_1_to_1():
    network, z = plain(), torch.randn(5, 5, generator=seeded())
    with torch.no_grad():
        assert torch.allclose(network.sample(LABELS, z=z).flatten(1) * 2 - 1, network.generator(z), atol=1e-6)
    seen = []
    network.discriminator.register_forward_pre_hook(lambda _m, inputs: seen.append(inputs[0]))
    images = pictures()
    network.discriminator_losses(images, LABELS, seeded())
    assert torch.allclose(seen[0].view_as(images), images * 2 - 1)


def test_the_perceptrons_losses_are_binary_cross_entropy():
    network, images = plain(), pictures()
    found = network.discriminator_losses(images, LABELS, seeded())
    drawn = network.sample(LABELS, seeded())
    real = network.discriminator(images.flatten(1) * 2 - 1).squeeze(1)
    fake = network.discriminator(drawn.flatten(1) * 2 - 1).squeeze(1)
    ones, zeros = torch.ones(5), torch.zeros(5)
    expected = F.binary_cross_entropy_with_logits(real, ones) + F.binary_cross_entropy_with_logits(
        fake, zeros
    )
    assert found["discriminator_loss"].item() == pytest.approx(expected.item(), rel=1e-5)
    assert found["score_real"].item() == pytest.approx(torch.sigmoid(real).mean().item(), rel=1e-5)
    assert found["score_drawn"].item() == pytest.approx(torch.sigmoid(fake).mean().item(), rel=1e-5)
    found = network.generator_losses(LABELS, seeded())
    assert found["generator_loss"].item() == pytest.approx(
        F.binary_cross_entropy_with_logits(fake, ones).item(), rel=1e-5
    )


def test_the_conditional_losses_are_hinges(undistorted):
    network, images = conditional(), pictures()
    with torch.no_grad():  # scores on both sides of either hinge
        network.discriminator.score.bias.fill_(0.9)
    found = network.discriminator_losses(images, LABELS, seeded())
    drawn = network.sample(LABELS, seeded())
    real, fake = network.discriminator(images, LABELS), network.discriminator(drawn, LABELS)
    expected = (
        sum(max(0.0, 1 - s) for s in real.tolist()) / 5 + sum(max(0.0, 1 + s) for s in fake.tolist()) / 5
    )
    assert found["discriminator_loss"].item() == pytest.approx(expected, rel=1e-4)
    assert found["score_real"].item() == pytest.approx(real.mean().item(), rel=1e-4)
    assert found["score_drawn"].item() == pytest.approx(fake.mean().item(), rel=1e-4)
    assert network.generator_losses(LABELS, seeded())["generator_loss"].item() == pytest.approx(
        -fake.mean().item(), rel=1e-4
    )


@pytest.mark.parametrize("bias", [-5.0, 5.0])
def test_a_hinge_that_is_satisfied_costs_nothing(bias, undistorted):
    network, images = conditional(), pictures()
    with torch.no_grad():
        network.discriminator.score.bias.fill_(bias)
    found = network.discriminator_losses(images, LABELS, seeded())
    satisfied = found["score_real"] if bias > 0 else found["score_drawn"]
    other = found["score_drawn"] if bias > 0 else -found["score_real"]
    assert satisfied.abs() > 1  # all on the right side: only the other term is left
    assert found["discriminator_loss"].item() == pytest.approx(1 + other.item(), rel=1e-4)


def test_real_and_drawn_images_are_both_distorted_before_they_are_scored(monkeypatch):
    network, images = conditional(), pictures()
    seen = []

    def black(given, ranges, generator):
        seen.append((given.detach().clone(), ranges))
        return given * 0

    monkeypatch.setattr(cgan, "distort", black)
    found = network.discriminator_losses(images, LABELS, seeded())
    drawn = network.sample(LABELS, seeded())
    assert torch.allclose(seen[0][0], torch.cat([images, drawn]), atol=1e-6)
    assert found["score_real"].item() == pytest.approx(found["score_drawn"].item(), abs=1e-6)
    network.generator_losses(LABELS, seeded())
    assert torch.allclose(seen[1][0], drawn, atol=1e-6) and seen[0][1] == seen[1][1] == cgan._DISTORTION
    assert max(vars(cgan._DISTORTION).values()) > 0


def test_the_score_depends_on_the_class_by_its_projection():
    network, images = conditional(), pictures(1)
    discriminator = network.discriminator
    with torch.no_grad():
        features = discriminator.convolutions(images * 2 - 1).sum((2, 3))
        scores = torch.stack([discriminator(images, torch.tensor([y]))[0] for y in range(CLASSES)])
        by_class = discriminator.project.weight @ features[0]
    assert torch.allclose(scores - by_class, discriminator.score(features)[0, 0].expand(CLASSES), atol=1e-5)
    assert len({round(s, 5) for s in scores.tolist()}) == CLASSES


def test_every_weight_of_the_discriminator_has_a_spectral_norm_of_1():
    network = conditional().train()
    for _ in range(60):
        network.discriminator(pictures(), LABELS)
    network.eval()
    layers = [
        m for m in network.discriminator.modules() if isinstance(m, (nn.Conv2d, nn.Linear, nn.Embedding))
    ]
    assert len(layers) == 6
    for layer in layers:
        assert torch.linalg.matrix_norm(layer.weight.flatten(1), 2).item() == pytest.approx(1, abs=0.03), (
            layer
        )


def test_a_norms_scale_and_shift_are_a_classs_own():
    norm = cgan._ConditionalNorm(3, 2)
    x = torch.randn(6, 2, 5, 5, generator=seeded()) * 3 + 1
    labels = torch.tensor([0, 1, 2, 0, 1, 2])
    flat = (x - x.mean((0, 2, 3), keepdim=True)) / torch.sqrt(
        x.var((0, 2, 3), unbiased=False, keepdim=True) + 1e-5
    )
    assert torch.allclose(norm(x, labels), flat, atol=1e-5)
    with torch.no_grad():
        norm.scale.weight[1] = torch.tensor([2.0, -3.0])
        norm.shift.weight[2] = torch.tensor([0.5, 7.0])
    expected = flat.clone()
    expected[labels == 1] *= torch.tensor([2.0, -3.0])[:, None, None]
    expected[labels == 2] += torch.tensor([0.5, 7.0])[:, None, None]
    assert torch.allclose(norm(x, labels), expected, atol=1e-5)


def test_the_image_depends_on_the_class_by_norms_and_by_embedding():
    torch.manual_seed(0)
    network = ConditionalGAN(CLASSES, ConditionalGANSizes(latent=5, width=8)).eval()
    z, labels = torch.randn(1, 5), torch.arange(CLASSES)
    with torch.no_grad():
        assert not torch.allclose(*network.sample(labels[:2], z=z))
        network.generator.embed.weight.zero_()
        drawn = network.sample(labels, z=z)
        assert torch.allclose(drawn, drawn[:1].expand_as(drawn), atol=1e-6)
        for norm in network.generator.norms:
            kept = norm.shift.weight[2].clone()
            norm.shift.weight[2] += 1
            moved = network.sample(labels, z=z)
            others = [0, 1, 3]
            assert torch.allclose(moved[others], drawn[others], atol=1e-6) and not torch.allclose(
                moved[2], drawn[2]
            )
            norm.shift.weight[2] = kept


def test_the_perceptron_ignores_the_class():
    network, z = plain(), torch.randn(5, 5, generator=seeded())
    assert torch.equal(network.sample(LABELS, z=z), network.sample(LABELS * 0, z=z))
    a, b = (
        network.discriminator_losses(pictures(), y, seeded())["discriminator_loss"]
        for y in (LABELS, LABELS * 0)
    )
    assert torch.equal(a, b)


@pytest.mark.parametrize("make", [plain, conditional])
def test_the_discriminators_loss_leaves_the_generator_alone_and_the_generators_reaches_all_of_it(make):
    network = make().train()
    network.discriminator_losses(pictures(), LABELS, seeded())["discriminator_loss"].backward()
    assert all(p.grad is None for p in network.generator.parameters())
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.discriminator.parameters())
    assert any(p.grad.abs().max() > 0 for p in network.discriminator.parameters())
    network.generator_losses(LABELS, seeded())["generator_loss"].backward()
    for name, p in network.generator.named_parameters():
        assert p.grad.isfinite().all() and p.grad.abs().max() > 0, name


@pytest.mark.parametrize("make", [plain, conditional])
def test_a_step_moves_each_by_its_own_loss_alone(make):
    """What the generator's loss leaves in the discriminator's gradients counts neither now nor in the next step."""
    one, other = make().train(), make().train()
    assert all(
        torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    )

    def optimizers(network):
        return [
            torch.optim.SGD(part.parameters(), 0.1) for part in (network.generator, network.discriminator)
        ]

    config = one.default_config()
    together = optimizers(one)
    for step in range(3):
        values = one.training_step(Batch(pictures(), LABELS), together, seeded(step), config)
        generator = seeded(step)
        for part, losses in (
            (other.discriminator, lambda g=generator: other.discriminator_losses(pictures(), LABELS, g)),
            (other.generator, lambda g=generator: other.generator_losses(LABELS, g)),
        ):
            loss = next(v for k, v in losses().items() if k.endswith("_loss"))
            gradients = torch.autograd.grad(loss, list(part.parameters()))
            with torch.no_grad():
                for p, g in zip(part.parameters(), gradients, strict=True):
                    p.sub_(0.1 * g)
        assert values["generator_loss"] == pytest.approx(loss.item(), rel=1e-4)
    before = copy.deepcopy(make().state_dict())
    for (name, a), b in zip(one.state_dict().items(), other.state_dict().values(), strict=True):
        assert torch.allclose(a, b, rtol=1e-4, atol=1e-6), name
    moved = [name for name, p in one.named_parameters() if not torch.equal(p, before[name])]
    assert len(moved) == len(list(one.parameters()))
