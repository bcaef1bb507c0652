"""Styles: measured on lines drawn to measure, altered, and carried over by the posterior of a few prompts."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from strokes.characters.imitation import STYLES, alter, imitate, measure, style_of, style_report
from strokes.characters.kinds.ssvae import SemiSupervisedVAE, SemiSupervisedVAESizes
from strokes.characters.kinds.variational import Posterior
from strokes.characters.model import CharacterModel, build
from strokes.characters.scaling import draw_strokes
from strokes.files import InputError

#: Drawn in any unit, y down.
SHAPES = {
    "A": [[(0.1, 1), (0.5, 0), (0.9, 1)], [(0.25, 0.65), (0.75, 0.65)]],
    "H": [[(0, 0), (0, 1)], [(0, 0.5), (0.7, 0.5)], [(0.7, 0), (0.7, 1)]],
    "L": [[(0, 0), (0, 1), (0.6, 1)]],
    "O": [[(0.5 + 0.36 * np.cos(t), 0.5 * np.sin(t)) for t in np.linspace(0, 6.3, 40)]],
}
WIDTH, THICKNESS, SLANT = range(3)


def drawn(name: str, pen: float = 2.5) -> np.ndarray:
    return draw_strokes([np.array(s) for s in SHAPES[name]], pen)


def all_shapes(pen: float = 2.5) -> np.ndarray:
    return np.stack([drawn(name, pen) for name in SHAPES])


def rectangle(width: int, height: int, left: int = 3, top: int = 3) -> np.ndarray:
    image = np.zeros((28, 28), np.uint8)
    image[top : top + height, left : left + width] = 255
    return image


def measured(image: np.ndarray) -> np.ndarray:
    return measure(image[None])[0]


# -- measuring ------------------------------------------------------------------------------------


@pytest.mark.parametrize("tangent", [-0.5, -0.2, 0.0, 0.3, 0.6])
@pytest.mark.parametrize("pen", [2.0, 3.0])
def test_the_slant_of_a_line_is_its_tangent_and_to_the_right_is_positive(tangent, pen):
    image = draw_strokes([np.array([(0, 20), (20 * tangent, 0)])], pen)
    assert measured(image)[SLANT] == pytest.approx(tangent, abs=0.03)


@pytest.mark.parametrize("thick", [2, 4])
def test_the_thickness_of_a_bar_is_its_own_whichever_way_it_lies(thick):
    bar = rectangle(thick, 20)
    for image in (bar, bar.T):
        assert measured(image)[THICKNESS] == pytest.approx(thick, rel=0.2)
    leaning = draw_strokes([np.array([(0, 1), (0.7, 0)])], thick)
    assert measured(leaning)[THICKNESS] == pytest.approx(thick, rel=0.2)
    crossed = draw_strokes([np.array([(0, 0), (1, 1)]), np.array([(1, 0), (0, 1)])], thick)
    assert measured(crossed)[THICKNESS] == pytest.approx(thick, rel=0.3)


def test_a_thickness_between_pixels_is_seen():
    fine, finer = (measured(draw_strokes([np.array([(0, 0), (0, 1)])], pen))[THICKNESS] for pen in (3.0, 2.5))
    assert fine == pytest.approx(3, abs=0.25) and finer == pytest.approx(2.5, abs=0.25)


@pytest.mark.parametrize(("width", "height"), [(20, 20), (10, 20), (20, 10), (8, 16), (5, 20)])
def test_the_width_of_a_rectangle_is_its_ratio(width, height):
    assert measured(rectangle(width, height))[WIDTH] == pytest.approx(width / height, rel=0.04)


def test_width_does_not_count_what_the_slant_makes_wider():
    upright, leaning = (draw_strokes([np.array([(0, 20), (20 * t, 0)])], 2.5) for t in (0.0, 0.5))
    box = np.ptp(np.argwhere(leaning > 128)[:, 1]) / np.ptp(np.argwhere(upright > 128)[:, 1])
    assert box > 3  # the box has grown, the width has not
    assert measured(leaning)[WIDTH] == pytest.approx(measured(upright)[WIDTH], abs=0.04)


def test_a_blank_image_has_no_style_and_spoils_no_other():
    images = np.stack([rectangle(4, 20), np.zeros((28, 28), np.uint8), rectangle(20, 4)])
    found = measure(images)
    assert np.isnan(found[1]).all() and np.isfinite(found[[0, 2]]).all()
    assert measure(images[:0]).shape == (0, 3)
    assert np.array_equal(found[0], measured(images[0]))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 12), st.integers(0, 12))
def test_style_does_not_depend_on_the_place(seed, right, down):
    patch = np.random.default_rng(seed).integers(0, 256, (12, 12), dtype=np.uint8)
    patch[2:10, 5:8] = 255  # some stroke, so that there is a middle line
    one, other = np.zeros((2, 28, 28), np.uint8)
    one[2:14, 2:14] = patch
    other[2 + down : 14 + down, 2 + right : 14 + right] = patch
    assert np.allclose(measured(one), measured(other), atol=1e-9)


# -- altering -------------------------------------------------------------------------------------


def altered(style: str, images: np.ndarray) -> np.ndarray:
    return alter(images, **STYLES[style])


def test_nothing_asked_for_changes_nothing():
    assert np.array_equal(altered("as it is", all_shapes()), all_shapes())


def test_narrow_is_narrower_and_wide_is_wider():
    before = measure(all_shapes())[:, WIDTH]
    narrow, wide = (measure(altered(style, all_shapes()))[:, WIDTH] for style in ("narrow", "wide"))
    assert narrow == pytest.approx(before * 0.7, rel=0.12)
    assert wide == pytest.approx(before * 1.35, rel=0.12)


def test_italics_lean_by_their_tangent_to_the_right():
    before, after = measure(all_shapes()), measure(altered("italic", all_shapes()))
    assert after[:, SLANT] - before[:, SLANT] == pytest.approx(0.35, abs=0.05)
    assert after[:, WIDTH] == pytest.approx(before[:, WIDTH], rel=0.12)


def test_bold_is_thicker_and_thin_is_thinner_by_about_what_it_says():
    before = measure(all_shapes())[:, THICKNESS]
    bold, thin = (measure(altered(style, all_shapes()))[:, THICKNESS] for style in ("bold", "thin"))
    assert ((bold - before > 0.7) & (bold - before < 2.1)).all()
    assert ((before - thin > 0.7) & (before - thin < 2.1)).all()


@pytest.mark.parametrize("style", STYLES)
def test_an_altered_character_is_centred_in_the_box_as_any_other(style):
    images = np.concatenate([all_shapes(), all_shapes(4.0)])
    result = altered(style, images)
    assert result.dtype == np.uint8 and result.shape == images.shape
    for image in result:
        y, x = np.nonzero(image > 25)
        assert 18 <= max(np.ptp(y), np.ptp(x)) + 1 <= 20
        mass = image.sum()
        assert (image.sum(1) @ np.arange(28)) / mass == pytest.approx(14, abs=0.55)
        assert (image.sum(0) @ np.arange(28)) / mass == pytest.approx(14, abs=0.55)
    assert not altered(style, np.zeros((2, 28, 28), np.uint8)).any()


def test_wide_keeps_all_of_a_character_whose_mass_lies_to_one_side():
    """An L as wide as high reaches the right edge, its mass being on pixel 14."""
    wide = alter(draw_strokes([np.array([(0, 0), (0, 1), (1, 1)])])[None], width=1.35)[0]
    y, x = np.nonzero(wide > 25)
    assert (np.ptp(x) + 1) / (np.ptp(y) + 1) == pytest.approx(1.35, abs=0.1)


# -- imitating ------------------------------------------------------------------------------------


def model(kind: str = "ssvae", classes: str = "ABC7") -> CharacterModel:
    sizes = {
        "ssvae": {"latent": 6, "channels": 4, "hidden": 8},
        "cvae": {"hidden": 8, "latent": 4},
        "gan": {"latent": 4, "hidden": 8},
        "cgan": {"latent": 4, "width": 4},
        "classifier": {"width": 2, "features": 4},
    }[kind]
    torch.manual_seed(2)
    return CharacterModel(build(kind, len(classes), sizes).eval().requires_grad_(False), classes)


def sure_of(log_var: float) -> CharacterModel:
    """A model whose posteriors all have this width; z matters to what it draws."""
    m = model()
    head = m.network.posterior_head
    head.weight[6:] = 0
    head.bias[6:] = log_var
    head.weight[:6] *= 20
    m.network.from_latent.weight.mul_(5)
    m.network.draw[-1].weight.mul_(5)
    return m


def test_the_same_prompts_and_seed_draw_the_same():
    m, prompts = sure_of(-2), all_shapes()
    images = imitate(m, prompts, "CAB7", variety=1, seed=3)
    assert images.shape == (4, 1, 28, 28) and images.min() >= 0 and images.max() <= 1
    assert torch.equal(images, imitate(m, prompts, "CAB7", variety=1, seed=3))
    assert not torch.equal(images, imitate(m, prompts, "CAB7", variety=1, seed=4))
    assert torch.allclose(images, imitate(m, prompts[::-1].copy(), "CAB7", variety=1, seed=3), atol=1e-5)


def test_characters_are_alike_without_variety_and_stray_with_it():
    m, prompts = sure_of(-2), all_shapes()
    same = imitate(m, prompts, "AABA", seed=5)
    assert torch.allclose(same[0], same[1], atol=1e-6) and torch.allclose(same[0], same[3], atol=1e-6)
    assert not torch.allclose(same[0], same[2], atol=1e-3)
    assert torch.equal(same, imitate(m, prompts, "AABA", seed=6))  # nothing strays, so no seed matters
    strayed = imitate(m, prompts, "AABA", variety=1, seed=5)
    assert (strayed[0] - strayed[1]).abs().max() > 0.01 and (strayed[0] - strayed[3]).abs().max() > 0.01


def test_lower_case_stands_for_the_upper_case_that_is_known():
    m = sure_of(-2)
    assert torch.equal(imitate(m, all_shapes(), "ab"), imitate(m, all_shapes(), "AB"))


@pytest.mark.parametrize("kind", ["cvae", "gan", "cgan", "classifier"])
def test_only_one_kind_can_imitate(kind):
    with pytest.raises(InputError, match=f"a {kind} cannot imitate.*ssvae"):
        imitate(model(kind), all_shapes(), "A")


def test_unknown_characters_and_no_prompt_are_told():
    m = model()
    with pytest.raises(InputError, match="'Xé' cannot be drawn.*ABC7"):
        imitate(m, all_shapes(), "AXBéX")
    with pytest.raises(InputError, match="no character to imitate"):
        imitate(m, all_shapes()[:0], "A")


def test_copies_of_a_prompt_say_no_more_than_one_that_is_sure():
    prompt = all_shapes()[:1]
    for log_var, alike in ((-12.0, True), (-0.7, False)):
        m = sure_of(log_var)
        one, five = (imitate(m, np.repeat(prompt, n, 0), "ABC") for n in (1, 5))
        assert torch.allclose(one, five, atol=1e-3) is alike, log_var


def test_posteriors_as_wide_as_the_prior_say_nothing():
    m = sure_of(0.5)
    a, h = (imitate(m, drawn(name)[None], "ABC") for name in "AH")
    prior = m.network.sample(torch.tensor([0, 1, 2]), z=torch.zeros(1, 6))
    assert torch.allclose(a, h) and torch.allclose(a, prior, atol=1e-6)
    sure = [imitate(sure_of(-5), drawn(name)[None], "ABC") for name in "AH"]
    assert not torch.allclose(*sure, atol=1e-2)


#: Sizes of networks whose methods are replaced.
SMALLEST = SemiSupervisedVAESizes(latent=3, channels=2, hidden=4)


class Remembers(SemiSupervisedVAE):
    """z is 100 for every prompt, with a standard deviation of a tenth; what is asked of it is kept."""

    def __init__(self) -> None:
        super().__init__(1, SMALLEST)
        self.prompts: list[np.ndarray] = []
        self.z: list[torch.Tensor] = []

    def encode(self, images):
        self.prompts.append((images.squeeze(1) * 255).round().byte().numpy())
        return None, Posterior(
            torch.full((len(images), 8), 100.0), torch.full((len(images), 8), 2 * float(np.log(0.1)))
        )

    def sample(self, labels, generator=None, z=None):
        self.z.append(z)
        return torch.zeros(len(labels), 1, 28, 28)


def test_variety_is_in_standard_deviations_of_what_the_prompts_agree_on():
    network = Remembers()
    m = CharacterModel(network, "A")
    for variety in (0.0, 1.0, 2.0):
        imitate(m, all_shapes(), "A" * 500, variety=variety)
    posterior = style_of(m, all_shapes())
    # Four precisions of 100, less three of the prior.
    assert torch.allclose(posterior.log_var.exp(), torch.tensor(1 / 397))
    assert torch.allclose(posterior.mean, torch.tensor(100 * 400 / 397))
    still, once, twice = (z.expand(500, -1) for z in network.z)
    assert torch.allclose(still, posterior.mean.expand(500, -1))
    assert (once - still).std() == pytest.approx(397**-0.5, rel=0.05)
    assert torch.allclose(twice - still, 2 * (once - still), atol=1e-4)


# -- the report -----------------------------------------------------------------------------------


def figure(width: float, thickness: float, slant: float) -> np.ndarray:
    """The outline of a box, leaning, of these measures or nearly."""
    y, x = (np.mgrid[:112, :112] + 0.5) / 4 - 14
    tall = 7.0
    outside = np.maximum(np.abs(x + slant * y) - tall * width, np.abs(y) - tall)
    return (np.abs(outside) <= thickness / 2).reshape(28, 4, 28, 4).mean((1, 3))


class Copies(SemiSupervisedVAE):
    """z is the style of a prompt, and what is drawn has it."""

    def __init__(self) -> None:
        super().__init__(4, SMALLEST)
        self.prompts: list[np.ndarray] = []

    def encode(self, images):
        self.prompts.append((images.squeeze(1) * 255).round().byte().numpy())
        mean = torch.from_numpy(measure(self.prompts[-1]))
        return None, Posterior(mean, torch.full_like(mean, -20.0))

    def sample(self, labels, generator=None, z=None):
        return torch.from_numpy(figure(*z[0].tolist())).float().expand(len(labels), 1, 28, 28)


class Ignores(Copies):
    """It draws in a style of its own: always the same, or any."""

    def __init__(self, rng: np.random.Generator | None = None) -> None:
        super().__init__()
        self.rng = rng

    def sample(self, labels, generator=None, z=None):
        style = (0.8, 2.5, 0.1) if self.rng is None else self.rng.uniform((0.5, 1.5, -0.4), (1.2, 3.5, 0.4))
        return super().sample(labels, z=torch.tensor(np.array([style])))


def reported(network: nn.Module, prompts: int = 10, shapes: str = "AHLO", **options):
    """Prompts of each shape with several pens."""
    images = np.stack([drawn(name, pen) for pen in (2.0, 2.5, 3.0) for name in shapes])
    labels = np.tile(np.arange(len(shapes)), 3)
    return style_report(CharacterModel(network, "AHLO"), images, labels, prompts=prompts, **options)


def test_who_draws_the_widths_of_the_prompts_keeps_their_style():
    report = reported(Copies())
    assert report.styles == tuple(STYLES) and report.count == 10
    assert report.prompts.shape == report.drawn.shape == report.errors.shape == (6, 3)
    assert report.kept.shape == (5,) and (report.kept >= 0.9).all()
    assert (report.correlation > 0.9).all()
    # The changes came through, in size as well.
    assert report.drawn[5, SLANT] - report.drawn[0, SLANT] == pytest.approx(0.35, abs=0.1)
    assert report.drawn[1, WIDTH] < 0.85 * report.drawn[0, WIDTH] < report.drawn[2, WIDTH]
    assert report.drawn[3, THICKNESS] < report.drawn[0, THICKNESS] - 0.5 < report.drawn[4, THICKNESS] - 1
    assert (report.errors >= 0).all() and (report.errors < 0.5).all()


def test_the_report_is_the_same_again_and_another_with_another_seed():
    a, b, c = (reported(Copies(), prompts=2, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(a.drawn, b.drawn) and not np.array_equal(a.prompts, c.prompts)


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_who_ignores_the_prompts_keeps_nothing():
    report = reported(Ignores(np.random.default_rng(0)))
    assert (np.abs(report.correlation) < 0.5).all() and (report.kept < 0.95).all()
    always = reported(Ignores(), prompts=4)
    assert (np.isnan(always.correlation) | (np.abs(always.correlation) < 1e-3)).all()
    assert (always.kept == 0).all()
    assert np.isfinite(always.prompts).all() and np.isfinite(always.drawn).all()


def test_the_table_has_a_line_for_every_style():
    report = reported(Copies(), prompts=3)
    lines = report.table().split("\n")
    assert len(lines) == len(STYLES) + 2
    for name, line, drawn_ in zip(STYLES, lines[1:-1], report.drawn, strict=True):
        assert line.startswith(name) and f"{drawn_[WIDTH]:.2f}" in line
        assert ("%" in line) is (name != "as it is")
    assert all(
        f"{name} {r:.2f}" in lines[-1]
        for name, r in zip(("width", "thickness", "slant"), report.correlation, strict=True)
    )


@pytest.mark.parametrize("shapes", ["AHLO", "AH"])
def test_a_prompt_is_so_many_characters_of_different_classes_or_all_there_are(shapes):
    network = Copies()
    reported(network, prompts=3, shapes=shapes)
    assert len(network.prompts) == 3 * len(STYLES)
    for prompt in network.prompts:
        assert len(prompt) == len(shapes)
    # The first three are unaltered: every class is there once, whatever the pen.
    known = {drawn(name, pen).tobytes(): name for name in shapes for pen in (2.0, 2.5, 3.0)}
    for prompt in network.prompts[:3]:
        assert sorted(known[image.tobytes()] for image in prompt) == sorted(shapes)
