"""The variational autoencoders: layers, bounds against formulas written out, one style from several images."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from strokes.characters.kinds.cvae import ConditionalVAE, ConditionalVAESizes
from strokes.characters.kinds.ssvae import SemiSupervisedVAE, SemiSupervisedVAESizes
from strokes.characters.kinds.variational import Posterior, combine, divergence

CLASSES = 5


def numbers(low: float, high: float) -> st.SearchStrategy[float]:
    """Also where another test has left denormal numbers flushed to 0."""
    return st.floats(low, high, allow_subnormal=False)


def semi(**sizes) -> SemiSupervisedVAE:
    torch.manual_seed(0)
    chosen = SemiSupervisedVAESizes(**{"latent": 3, "channels": 4, "hidden": 6, **sizes})
    network = SemiSupervisedVAE(CLASSES, chosen).double()
    with torch.no_grad():  # a class head that is sure of nothing would make every class count the same
        network.class_head[-1].weight.mul_(30)
    return network


def conditional() -> ConditionalVAE:
    torch.manual_seed(0)
    return ConditionalVAE(CLASSES, ConditionalVAESizes(hidden=8, latent=3)).double()


def pictures(count: int = 6) -> torch.Tensor:
    return torch.rand(count, 1, 28, 28, generator=torch.Generator().manual_seed(5), dtype=torch.float64)


def seeded(seed: int = 7) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def drawn_z(posterior: Posterior, seed: int = 7) -> torch.Tensor:
    noise = torch.randn(posterior.mean.shape, generator=seeded(seed), dtype=torch.float64)
    return posterior.mean + noise * torch.sqrt(torch.exp(posterior.log_var))


def one_of(label: int) -> torch.Tensor:
    vector = torch.zeros(1, CLASSES, dtype=torch.float64)
    vector[0, label] = 1
    return vector


def surprise(logits: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
    """-log of the Bernoulli likelihood of all pixels."""
    p = 1 / (1 + torch.exp(-logits))
    return -(image * torch.log(p) + (1 - image) * torch.log(1 - p)).sum()


def kl_by_torch(posterior: Posterior) -> torch.Tensor:
    q = torch.distributions.Normal(posterior.mean, torch.exp(posterior.log_var / 2))
    p = torch.distributions.Normal(torch.zeros_like(posterior.mean), torch.ones_like(posterior.mean))
    return torch.distributions.kl_divergence(q, p).sum(1)


def leaf_shapes(module: nn.Module, *inputs) -> list[tuple[int, ...]]:
    """Shapes without the batch of what each layer gives, in order."""
    shapes: list[tuple[int, ...]] = []
    hooks = [
        m.register_forward_hook(lambda _m, _i, o: shapes.append(tuple(o.shape[1:])))
        for m in module.modules()
        if not list(m.children())
    ]
    module(*inputs)
    for hook in hooks:
        hook.remove()
    return shapes


# -- Gaussians ------------------------------------------------------------------------------------


def test_the_divergence_is_that_of_two_gaussians():
    generator = seeded()
    posterior = Posterior(
        *(torch.randn(7, 4, generator=generator, dtype=torch.float64) * 2 for _ in range(2))
    )
    assert torch.allclose(divergence(posterior), kl_by_torch(posterior), rtol=1e-12)
    assert divergence(Posterior(torch.zeros(1, 4), torch.zeros(1, 4))).item() == 0


def test_the_divergence_is_its_integral():
    mean, log_var = 0.7, -1.1
    z = np.linspace(-12, 12, 200_001)
    q = np.exp(-((z - mean) ** 2) / (2 * np.exp(log_var))) / np.sqrt(2 * np.pi * np.exp(log_var))
    p = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    inside = q > 0
    numeric = np.trapezoid(q[inside] * np.log(q[inside] / p[inside]), z[inside])
    found = divergence(Posterior(torch.tensor([[mean]]).double(), torch.tensor([[log_var]]).double()))
    assert found.item() == pytest.approx(numeric, rel=1e-6)


def test_z_is_drawn_from_its_posterior():
    posterior = Posterior(
        torch.tensor([[1.0, -2.0]]).expand(40_000, 2), torch.tensor([[-2.0, 1.0]]).expand(40_000, 2)
    )
    z = posterior.sample(seeded())
    assert torch.allclose(z.mean(0), posterior.mean[0], atol=0.05)
    assert torch.allclose(z.var(0), posterior.log_var[0].exp(), rtol=0.05)
    assert torch.equal(z, posterior.sample(seeded())) and not torch.equal(z, posterior.sample(seeded(8)))


NARROW = st.lists(st.tuples(numbers(-2, 2), numbers(-4, -0.1)), min_size=1, max_size=4)


def posteriors(pairs) -> Posterior:
    mean, log_var = zip(*pairs, strict=True)
    return Posterior(torch.tensor(mean).double()[:, None], torch.tensor(log_var).double()[:, None])


@settings(max_examples=25, deadline=None)
@given(NARROW)
def test_several_posteriors_are_combined_as_bayes_does(pairs):
    """p(z) times the product of q_i(z) / p(z), normalised, on a grid."""
    z = np.linspace(-30, 30, 120_001)
    log_prior = -(z**2) / 2
    log_p = log_prior + sum(-((z - m) ** 2) / (2 * np.exp(v)) - log_prior for m, v in pairs)
    weight = np.exp(log_p - log_p.max())
    weight /= weight.sum()
    mean = (weight * z).sum()
    variance = (weight * (z - mean) ** 2).sum()
    found = combine(posteriors(pairs))
    assert found.mean.shape == found.log_var.shape == (1, 1)
    assert found.mean.item() == pytest.approx(mean, abs=1e-6, rel=1e-6)
    assert found.log_var.exp().item() == pytest.approx(variance, rel=1e-5)


@settings(max_examples=20, deadline=None)
@given(NARROW, st.randoms(use_true_random=False))
def test_the_order_of_images_does_not_matter(pairs, random):
    other = list(pairs)
    random.shuffle(other)
    for a, b in zip(combine(posteriors(pairs)), combine(posteriors(other)), strict=True):
        assert torch.allclose(a, b, rtol=1e-12, atol=1e-12)


@settings(max_examples=20, deadline=None)
@given(NARROW, numbers(-3, 3), numbers(0.01, 3), st.integers(0, 4))
def test_a_posterior_wider_than_the_prior_changes_nothing(pairs, mean, log_var, at):
    wide = [*pairs[:at], (mean, log_var), *pairs[at:]]
    for a, b in zip(combine(posteriors(pairs)), combine(posteriors(wide)), strict=True):
        assert torch.allclose(a, b, rtol=1e-12, atol=1e-12)


def test_one_posterior_gives_itself_back_and_each_latent_is_its_own():
    generator = seeded()
    mean = torch.randn(1, 6, generator=generator).double()
    log_var = -torch.rand(1, 6, generator=generator).double() * 4 - 0.01
    found = combine(Posterior(mean, log_var))
    assert torch.allclose(found.mean, mean) and torch.allclose(found.log_var, log_var)
    # one latent wider than the prior: the prior's; the others stay
    log_var[0, 2] = 0.5
    found = combine(Posterior(mean, log_var))
    others = [0, 1, 3, 4, 5]
    assert (found.mean[0, 2], found.log_var[0, 2]) == (0, 0)
    assert torch.allclose(found.mean[0, others], mean[0, others])
    assert torch.allclose(found.log_var[0, others], log_var[0, others])


# -- the semi-supervised one ----------------------------------------------------------------------


def test_layers_are_as_described():
    network = SemiSupervisedVAE(10)
    image = torch.rand(2, 1, 28, 28)
    assert leaf_shapes(network.convolutions, image)[::2] == [(32, 14, 14), (32, 7, 7), (1568,)]
    features = network.convolutions(image)
    assert leaf_shapes(network.class_head, features) == [(128,), (128,), (10,)]
    assert leaf_shapes(network.posterior_head, features) == [(128,)]
    assert leaf_shapes(network.from_class, torch.zeros(2, 10)) == [(128,), (128,), (1568,)]
    assert leaf_shapes(network.from_latent, torch.zeros(2, 64)) == [(1568,)]
    assert [s for s in leaf_shapes(network.draw, torch.zeros(2, 32, 7, 7)) if s[0] != 32 or s[1] != 7] == [
        (32, 14, 14),
        (32, 14, 14),
        (1, 28, 28),
    ]
    logits, posterior = network.encode(image)
    assert logits.shape == (2, 10) and posterior.mean.shape == posterior.log_var.shape == (2, 64)
    assert torch.allclose(network(image), logits)
    assert all(
        m.stride == (2, 2) for m in network.modules() if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d))
    )
    # what the class gives and what z gives are added
    y, z = torch.eye(10)[[3, 7]], torch.randn(2, 64)
    both = (network.from_class(y) + network.from_latent(z)).reshape(2, 32, 7, 7)
    assert torch.allclose(network.decode(y, z), network.draw(both))
    with pytest.raises(ValueError, match=r"class_input is 'labels'; it must be one of label, logits"):
        SemiSupervisedVAESizes(class_input="labels")


WEIGHTS = {"pixel_weight": 0.7, "class_weight": 5.0, "kl_weight": 1.3}


def expected_unknown(
    network, images, *, top: int, pixel_weight=1.0, kl_weight=1.0, **_
) -> list[torch.Tensor]:
    """The loss of each image without a label: all classes in turn, the `top` likeliest renormalised."""
    logits, posterior = network.encode(images)
    z, kl = drawn_z(posterior), kl_by_torch(posterior)
    found = []
    for i in range(len(images)):
        q = torch.exp(logits[i]) / torch.exp(logits[i]).sum()
        likeliest = sorted(range(CLASSES), key=lambda y: -q[y].item())[:top]
        share = {y: q[y] / sum(q[k] for k in likeliest) for y in likeliest}
        expected = 0
        for y, s in share.items():
            pixels = surprise(network.decode(one_of(y), z[i : i + 1])[0], images[i])
            expected = expected + s * (pixel_weight * pixels + kl_weight * kl[i] + torch.log(s))
        found.append(expected)
    return found


def expected_known(
    network, images, labels, *, pixel_weight=1.0, class_weight=1.0, kl_weight=1.0
) -> list[torch.Tensor]:
    logits, posterior = network.encode(images)
    z, kl = drawn_z(posterior), kl_by_torch(posterior)
    found = []
    for i, y in enumerate(labels):
        pixels = surprise(network.decode(one_of(y), z[i : i + 1])[0], images[i])
        cross = torch.log(torch.exp(logits[i]).sum()) - logits[i, y]
        found.append(pixel_weight * pixels + kl_weight * kl[i] + class_weight * cross)
    return found


@pytest.mark.parametrize("weights", [{}, WEIGHTS])
@pytest.mark.parametrize("top", [0, 1, 2, 5, 99])
def test_without_a_label_all_classes_are_summed_over(top, weights):
    network, images = semi(), pictures()
    shares = network(images).softmax(1).max(1).values
    assert shares.min() < 0.9  # or the other classes would not show
    found = network.losses(images, torch.full((6,), -1), seeded(), marginalise=top, **weights)
    expected = expected_unknown(network, images, top=min(top or CLASSES, CLASSES), **weights)
    assert found["loss"].item() == pytest.approx(torch.stack(expected).mean().item(), rel=1e-10)
    assert found["cross_entropy"] == 0 and found["accuracy"] == 0


@pytest.mark.parametrize("weights", [{}, WEIGHTS])
def test_with_a_label_the_loss_is_the_bound_and_the_cross_entropy(weights):
    network, images = semi(), pictures()
    labels = torch.arange(6) % CLASSES
    found = network.losses(images, labels, seeded(), **weights)
    expected = expected_known(network, images, labels.tolist(), **weights)
    assert found["loss"].item() == pytest.approx(torch.stack(expected).mean().item(), rel=1e-10)
    logits, posterior = network.encode(images)
    assert found["kl"].item() == pytest.approx(kl_by_torch(posterior).mean().item())
    cross = -torch.log_softmax(logits, 1)[torch.arange(6), labels].mean()
    assert found["cross_entropy"].item() == pytest.approx(cross.item())
    assert found["accuracy"].item() == pytest.approx(sum(logits.argmax(1) == labels).item() / 6)
    best = network.losses(images, logits.argmax(1), seeded())
    assert best["accuracy"] == 1


def test_a_mixed_batch_is_the_sum_of_its_parts():
    network, images = semi(), pictures()
    labels = torch.tensor([2, -1, 0, -1, -1, 4])
    known = labels >= 0
    found = network.losses(images, labels, seeded(), marginalise=3, **WEIGHTS)
    a = torch.stack(expected_known(network, images, labels.clamp(min=0).tolist(), **WEIGHTS))[known]
    b = torch.stack(expected_unknown(network, images, top=3, **WEIGHTS))[~known]
    assert found["loss"].item() == pytest.approx((a.sum() + b.sum()).item() / 6, rel=1e-10)


def test_a_mixed_batch_is_the_mean_of_separate_ones(monkeypatch):
    monkeypatch.setattr(Posterior, "sample", lambda self, generator=None: self.mean)
    network, images = semi(), pictures()
    labels = torch.tensor([-1, 2, 0, -1, 1, 4])
    known = labels >= 0
    mixed = network.losses(images, labels)
    a, b = (network.losses(images[part], labels[part]) for part in (known, ~known))
    for name in ("loss", "pixels", "kl"):
        assert mixed[name].item() == pytest.approx((4 * a[name] + 2 * b[name]).item() / 6, rel=1e-10), name
    for name in ("cross_entropy", "accuracy"):  # of those that have a label
        assert mixed[name].item() == pytest.approx(a[name].item(), rel=1e-10), name


def test_the_logits_stand_for_the_class_if_so_told():
    network, images = semi(class_input="logits"), pictures()
    labels = torch.tensor([-1, 2, 0, -1, 1, 4])
    found = network.losses(images, labels, seeded(), **WEIGHTS)
    logits, posterior = network.encode(images)
    z, kl = drawn_z(posterior), kl_by_torch(posterior)
    expected = 0
    for i, y in enumerate(labels.tolist()):
        expected += (
            0.7 * surprise(network.decode(logits[i : i + 1], z[i : i + 1])[0], images[i]) + 1.3 * kl[i]
        )
        if y >= 0:
            expected -= 5.0 * torch.log_softmax(logits[i], 0)[y]
    assert found["loss"].item() == pytest.approx(expected.item() / 6, rel=1e-10)


@pytest.mark.parametrize("class_input", ["label", "logits"])
def test_gradients_are_the_losss_slopes(class_input):
    network, images = semi(class_input=class_input), pictures(3)
    labels = torch.tensor([1, -1, -1])

    def loss() -> torch.Tensor:
        return network.losses(images, labels, seeded(), marginalise=3, **WEIGHTS)["loss"]

    loss().backward()
    assert all(p.grad.isfinite().all() for p in network.parameters())
    for name, p in network.named_parameters():
        at = p.grad.abs().argmax().item()  # where the slope is plain
        slope = p.grad.flatten()[at].item()
        values = p.data.view(-1)
        kept, ends = values[at].item(), []
        for step in (1e-6, -1e-6):
            values[at] = kept + step
            ends.append(loss().item())
        values[at] = kept
        assert slope != 0, name
        assert (ends[0] - ends[1]) / 2e-6 == pytest.approx(slope, rel=1e-3, abs=1e-6), name


def test_a_single_unlabelled_image_may_be_sure_of_its_class():
    """A class head without doubt has no entropy, and gives no NaN."""
    network, images = semi(), pictures(2)
    with torch.no_grad():
        network.class_head[-1].weight.mul_(1e4)
    found = network.losses(images, torch.tensor([-1, -1]), seeded())
    found["loss"].backward()
    assert found["loss"].isfinite() and all(p.grad.isfinite().all() for p in network.parameters())
    best = network(images).argmax(1)
    sure = network.losses(images, best, seeded())
    assert found["loss"].item() == pytest.approx((sure["pixels"] + sure["kl"]).item(), rel=1e-9)


def test_the_bound_of_each_image_is_what_the_loss_averages():
    network, images = semi(), pictures()
    labels = torch.arange(6) % CLASSES
    each = network.bound(images, labels, seeded())
    together = network.losses(images, labels, seeded())
    assert each.shape == (6,)
    assert each.mean().item() == pytest.approx((together["pixels"] + together["kl"]).item(), rel=1e-10)


def test_the_bound_knows_the_class_by_its_label_alone():
    """The head's logits would tell the decoder more of the image than its label, at no price."""
    network, images = semi(class_input="logits"), pictures()
    before = network.bound(images, torch.zeros(6, dtype=torch.int64), seeded())
    with torch.no_grad():
        for p in network.class_head.parameters():
            p.mul_(3)
    assert torch.equal(network.bound(images, torch.zeros(6, dtype=torch.int64), seeded()), before)
    assert not torch.allclose(network.bound(images, torch.ones(6, dtype=torch.int64), seeded()), before)


def test_the_swap_term_is_added_and_teaches_all_but_the_head_that_judges():
    network, images = semi(), pictures()
    labels = torch.arange(6) % CLASSES
    plain, swapped = (network.losses(images, labels, seeded(), swap_weight=w) for w in (0.0, 2.0))
    assert "swapped" not in plain and swapped["swapped"] > 0
    assert swapped["loss"].item() == pytest.approx((plain["loss"] + 2 * swapped["swapped"]).item(), rel=1e-10)
    z = torch.randn(6, network.latent, dtype=images.dtype, requires_grad=True)
    network._swapped(z, seeded()).backward()
    for name, p in network.named_parameters():
        drawing = name.startswith(("from_class", "from_latent", "draw"))
        assert (p.grad is not None and p.grad.abs().sum() > 0) if drawing else p.grad is None, name
    assert (z.grad[::2].abs().sum(1) > 0).all() and (z.grad[1::2] == 0).all()  # every second z is the prior's


def test_class_vectors_say_the_class():
    labels = torch.tensor([4, 0, 2])
    assert torch.equal(semi().class_vectors(labels).double(), torch.eye(CLASSES).double()[labels])
    logits = semi(class_input="logits").class_vectors(labels)
    assert torch.equal(logits.argmax(1), labels) and torch.allclose(
        logits.mean(1), torch.zeros(3).to(logits), atol=1e-5
    )
    assert (logits.softmax(1).max(1).values > 0.99).all()


# -- the conditional one --------------------------------------------------------------------------


def test_the_perceptron_has_its_published_sizes():
    network = ConditionalVAE(10)
    shapes = {tuple(m.weight.shape) for m in network.modules() if isinstance(m, nn.Linear)}
    assert shapes == {(400, 794), (40, 400), (400, 30), (784, 400)}
    posterior = network.posterior(torch.rand(3, 1, 28, 28), torch.tensor([0, 1, 9]))
    assert posterior.mean.shape == posterior.log_var.shape == (3, 20)


@pytest.mark.parametrize("weight", [1.0, 0.25])
def test_the_conditional_loss_is_its_formula(weight):
    network, images = conditional(), pictures()
    labels = [3, 0, 4, 1, 2, 3]
    found = network.losses(images, torch.tensor(labels), seeded(), kl_weight=weight)
    state = network.state_dict()
    pixels, kl, means, log_vars = [], [], [], []
    for i, y in enumerate(labels):
        x = torch.cat([images[i].flatten(), one_of(y)[0]])
        h = (state["hidden.weight"] @ x + state["hidden.bias"]).clamp(min=0)
        out = state["posterior_head.weight"] @ h + state["posterior_head.bias"]
        means.append(out[:3])
        log_vars.append(out[3:])
    posterior = Posterior(torch.stack(means), torch.stack(log_vars))
    z, kl = drawn_z(posterior), kl_by_torch(posterior)
    for i, y in enumerate(labels):
        h = (state["draw.0.weight"] @ torch.cat([z[i], one_of(y)[0]]) + state["draw.0.bias"]).clamp(min=0)
        pixels.append(surprise(state["draw.2.weight"] @ h + state["draw.2.bias"], images[i].flatten()))
    assert found["pixels"].item() == pytest.approx(torch.stack(pixels).mean().item(), rel=1e-10)
    assert found["kl"].item() == pytest.approx(kl.mean().item(), rel=1e-10)
    assert found["loss"].item() == pytest.approx((found["pixels"] + weight * found["kl"]).item(), rel=1e-10)


def test_the_label_matters_at_both_ends():
    network, images = conditional(), pictures(1)
    z = torch.zeros(1, 3, dtype=torch.float64)
    labels = [torch.tensor([c]) for c in range(CLASSES)]
    for a, b in itertools.combinations(labels, 2):
        assert not torch.allclose(network.posterior(images, a).mean, network.posterior(images, b).mean)
        assert not torch.allclose(network.pixel_logits(a, z), network.pixel_logits(b, z))


def test_the_conditional_bound_of_each_image_is_what_the_loss_averages():
    network, images = conditional(), pictures()
    labels = torch.arange(6) % CLASSES
    each = network.bound(images, labels, seeded())
    assert each.shape == (6,)
    assert each.mean().item() == pytest.approx(
        network.losses(images, labels, seeded())["loss"].item(), rel=1e-10
    )


# -- drawing with either --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "network", [semi(), semi(class_input="logits"), conditional()], ids=["label", "logits", "cvae"]
)
def test_a_sample_is_its_generators_and_each_row_is_its_own(network):
    labels = torch.tensor([1, 4, 0, 1])
    with torch.no_grad():
        once = network.sample(labels, seeded())
        assert once.shape == (4, 1, 28, 28) and once.min() >= 0 and once.max() <= 1
        assert torch.equal(once, network.sample(labels, seeded()))
        assert not torch.allclose(once, network.sample(labels, seeded(8)))
        assert not torch.allclose(once[0], once[3])  # the same class, another z
        z = torch.randn(4, 3, generator=seeded())
        given_z = network.sample(labels, z=z)
        assert torch.allclose(once, given_z)
        for i in range(4):
            assert torch.allclose(network.sample(labels[i : i + 1], z=z[i : i + 1])[0], given_z[i])
        shared = network.sample(labels, z=z[:1])
        assert torch.allclose(shared[0], shared[3]) and not torch.allclose(shared[0], shared[1])
        assert torch.allclose(shared[0], given_z[0])


def test_a_sample_is_what_the_decoder_makes_of_the_class():
    z = torch.randn(2, 3, generator=seeded()).double()
    network = semi()
    pixels = network.decode(torch.cat([one_of(3), one_of(1)]), z)
    assert torch.allclose(network.sample(torch.tensor([3, 1]), z=z), 1 / (1 + torch.exp(-pixels)))
    network = conditional()
    pixels = network.pixel_logits(torch.tensor([3, 1]), z)
    assert torch.allclose(network.sample(torch.tensor([3, 1]), z=z), 1 / (1 + torch.exp(-pixels)))
