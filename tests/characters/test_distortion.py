"""Distortion: where each change moves a drawn dot or bar, how much it may, and that the generator alone decides."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from strokes.characters.distortion import Distortion, distort, embolden, warp

ALL = Distortion(rotate=0.3, scale=0.2, aspect=0.2, shear=0.3, shift=2.0, weight=0.5)
NAMES = ("rotate", "scale", "aspect", "shear", "shift", "weight")


def numbers(low: float, high: float) -> st.SearchStrategy[float]:
    """Also where another test has left denormal numbers flushed to 0."""
    return st.floats(low, high, allow_subnormal=False)


def dot(right: float, down: float, height: int = 28, width: int = 28) -> torch.Tensor:
    """A soft dot so many pixels from the middle, (1, 1, H, W)."""
    y, x = (torch.arange(n).double() - (n - 1) / 2 for n in (height, width))
    return torch.exp(-((x[None] - right) ** 2 + (y[:, None] - down) ** 2) / (2 * 1.3**2))[None, None]


def bar(width: int = 4) -> torch.Tensor:
    """An upright bar about the middle, 16 pixels high, (1, 1, 28, 28)."""
    image = torch.zeros(1, 1, 28, 28)
    image[:, :, 6:22, 14 - width // 2 : 14 - width // 2 + width] = 1
    return image


def middle(image: torch.Tensor) -> tuple[float, float]:
    """Of the ink, in pixels right and down of the image's middle."""
    image = image.detach().double().reshape(image.shape[-2:])
    y, x = (torch.arange(n).double() - (n - 1) / 2 for n in image.shape)
    return ((image.sum(0) * x).sum() / image.sum()).item(), ((image.sum(1) * y).sum() / image.sum()).item()


def ink_of_a_row(image: torch.Tensor, row: int) -> float:
    return image[0, 0, row].sum().item()


def pictures(count: int = 8) -> torch.Tensor:
    """Blocks of noise in black margins."""
    images = torch.zeros(count, 1, 28, 28)
    images[:, :, 6:22, 6:22] = torch.rand(count, 1, 16, 16, generator=torch.Generator().manual_seed(5))
    return images


def seeded(seed: int = 7) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


# -- warp -----------------------------------------------------------------------------------------


def test_no_change_is_none():
    images = pictures()
    assert torch.allclose(warp(images), images, atol=1e-5)
    assert torch.equal(embolden(images, 0.0), images)
    assert torch.equal(distort(images, Distortion(), seeded()), images)


@settings(max_examples=25, deadline=None)
@given(
    at=st.tuples(numbers(-4, 4), numbers(-4, 4)),
    size=st.tuples(numbers(0.75, 1.3), numbers(0.75, 1.3)),
    shear=numbers(-0.4, 0.4),
    angle=numbers(-0.8, 0.8),
    move=st.tuples(numbers(-3, 3), numbers(-3, 3)),
)
def test_a_dot_goes_where_the_matrix_sends_it(at, size, shear, angle, move):
    """Scaled, then slanted, then turned clockwise (y is down), about the middle; moved last."""
    scaled = np.diag(size)
    slanted = np.array([[1, -shear], [0, 1]])
    turned = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    expected = turned @ slanted @ scaled @ np.array(at) + move
    found = middle(warp(dot(*at), *size, shear, angle, *move))
    assert found == pytest.approx(tuple(expected), abs=0.08)


def test_each_change_has_its_direction():
    # a positive slant: the top goes right, the bottom left, the middle stays
    slanted = warp(bar(), shear=0.3)
    x = torch.arange(28) - 13.5
    top, centre, bottom = (
        (slanted[0, 0, r] * x).sum() / slanted[0, 0, r].sum() for r in (8, slice(13, 15), 19)
    )
    assert top.item() == pytest.approx(0.3 * 5.5, abs=0.1)
    assert bottom.item() == pytest.approx(-0.3 * 5.5, abs=0.1)
    centre = (slanted[0, 0, 13:15] * x).sum() / slanted[0, 0, 13:15].sum()
    assert centre.item() == pytest.approx(0, abs=0.05)
    # a quarter clockwise: right becomes below
    assert middle(warp(dot(5, 0), angle=math.pi / 2)) == pytest.approx((0, 5), abs=0.05)
    assert middle(warp(dot(0, 0), right=3, down=-2)) == pytest.approx((3, -2), abs=0.05)


def test_width_and_height_are_factors():
    wide = warp(bar(4), width=2.0)
    assert ink_of_a_row(wide, 14) == pytest.approx(8, abs=0.1) and wide[
        0, 0, :, 14
    ].sum().item() == pytest.approx(16, abs=0.1)
    high = warp(bar(4), height=0.5)
    assert ink_of_a_row(high, 14) == pytest.approx(4, abs=0.1) and high[
        0, 0, :, 14
    ].sum().item() == pytest.approx(8, abs=0.1)


def test_whole_pixels_move_exactly_and_black_comes_in():
    images = torch.rand(2, 1, 28, 28, generator=seeded())
    moved = warp(images, right=3.0, down=-2.0)
    assert torch.allclose(moved[:, :, :26, 3:], images[:, :, 2:, :25], atol=1e-4)
    assert moved[:, :, 26:].abs().max() < 1e-4 and moved[:, :, :, :3].abs().max() < 1e-4


def test_every_image_has_its_own_change():
    shears, rights = torch.tensor([0.3, 0.0, -0.2]), torch.tensor([0.0, 2.5, 1.0])
    together = warp(bar().expand(3, -1, -1, -1), shear=shears, right=rights, width=1.2)
    for i in range(3):
        alone = warp(bar(), shear=shears[i].item(), right=rights[i].item(), width=1.2)
        assert torch.allclose(together[i], alone[0], atol=1e-5)


def test_an_image_that_is_no_square_is_turned_in_pixels():
    """Any (N, 1, H, W): a pixel is as high as it is wide."""
    assert middle(warp(dot(6, 0, 28, 44), angle=math.pi / 2)) == pytest.approx((0, 6), abs=0.1)
    assert middle(warp(dot(0, -6, 28, 44), shear=0.5)) == pytest.approx((3, -6), abs=0.1)


# -- embolden -------------------------------------------------------------------------------------


@pytest.mark.parametrize("amount", [-1.0, -0.5, -0.2, 0.3, 0.5, 1.0])
def test_a_bar_grows_by_so_many_pixels_on_each_side(amount):
    changed = embolden(bar(4), amount)
    assert ink_of_a_row(changed, 14) == pytest.approx(4 + 2 * amount, abs=1e-5)
    assert changed[0, 0, :, 14].sum().item() == pytest.approx(16 + 2 * amount, abs=1e-5)
    assert middle(changed) == pytest.approx(middle(bar(4)), abs=1e-5)
    assert changed.min() >= 0 and changed.max() <= 1


def test_no_stroke_is_thinned_or_grown_beyond_a_pixel_each_way():
    image = bar(4)
    for amount in (-1.0, 1.0):
        changed = embolden(image, amount)
        away = torch.nn.functional.max_pool2d(image, 3, 1, 1)
        assert torch.equal(changed > 0, (changed > 0) & (away > 0))
    assert torch.equal(embolden(image, -1.0)[0, 0, 7:21, 13:15], torch.ones(14, 2))


def test_each_image_has_its_own_weight():
    amounts = torch.tensor([-0.7, 0.0, 0.4])
    images = pictures(3)
    together = embolden(images, amounts)
    for i in range(3):
        assert torch.allclose(together[i], embolden(images[i : i + 1], amounts[i].item())[0])
    assert (
        together[0].sum() < images[0].sum()
        and torch.equal(together[1], images[1])
        and together[2].sum() > images[2].sum()
    )


# -- distort --------------------------------------------------------------------------------------


def test_the_generator_alone_decides():
    images = pictures()
    once = distort(images, ALL, seeded())
    torch.manual_seed(99)
    assert torch.equal(once, distort(images, ALL, seeded()))
    assert not torch.allclose(once, distort(images, ALL, seeded(8)))
    assert once.shape == images.shape and once.min() >= 0 and once.max() <= 1 + 1e-6
    same = distort(images[:1].expand(8, -1, -1, -1), ALL, seeded())
    assert all(not torch.allclose(same[i], same[j]) for i in range(8) for j in range(i))
    before = pictures()
    assert torch.equal(images, before)  # the caller's are as they were


@pytest.mark.parametrize("name", NAMES)
def test_each_range_changes_the_image_and_others_do_not_come_with_it(name):
    ranges = Distortion(**{name: 0.5})
    images = bar().expand(200, -1, -1, -1)
    changed = distort(images, ranges, seeded())
    assert sum(not torch.allclose(c, images[0], atol=1e-2) for c in changed) > 180
    middles = np.array([middle(c) for c in changed])
    if name == "shift":
        assert np.abs(middles).max() <= 0.5 + 1e-3
        assert (middles.max(0) > 0.4).all() and (middles.min(0) < -0.4).all()
        assert abs(np.corrcoef(middles.T)[0, 1]) < 0.3  # right is not tied to down
    else:
        assert np.abs(middles).max() < 0.05  # about the middle
    if name in ("rotate", "shear"):
        assert changed.sum((1, 2, 3)).numpy() == pytest.approx(64, abs=1)
    rows, columns = (changed[:, 0, :, 12:16].mean(2).sum(1), changed[:, 0, 12:16].mean(1).sum(1))
    if name == "scale":
        assert columns.max() > 4 * 1.4 and columns.min() < 4 / 1.4
        assert (
            columns.max() <= 4 * math.exp(0.5) + 0.1 and columns.min() >= 4 / math.exp(0.5) - 0.5
        )  # it is coarse there
        area = changed.sum((1, 2, 3))
        assert area.max() > 64 * 1.4**2 and area.min() < 64 / 1.4**2
    if name == "aspect":
        # width over height varies by the range; the area stays
        assert columns.max() > 4 * math.exp(0.2) and columns.max() <= 4 * math.exp(0.25) + 0.1
        assert changed.sum((1, 2, 3)).numpy() == pytest.approx(64, abs=2)
    if name == "weight":
        assert columns.max().item() == pytest.approx(5, abs=0.1) and columns.min().item() == pytest.approx(
            3, abs=0.1
        )
        assert rows.max().item() == pytest.approx(17, abs=0.1)


@pytest.mark.parametrize("name", ["rotate", "shear"])
def test_slant_and_angle_stay_within_their_range_either_way(name):
    y, x = (torch.arange(28).double() - 13.5).view(2 * [1] + [-1, 1]), (torch.arange(28).double() - 13.5)
    changed = distort(bar(2).expand(200, -1, -1, -1), Distortion(**{name: 0.3}), seeded()).double()
    slope = (
        -(changed * x * y).sum((1, 2, 3)) / (changed * y * y).sum((1, 2, 3))
    ).numpy()  # right per pixel up
    end = math.tan(0.3) if name == "rotate" else 0.3
    assert np.abs(slope).max() <= end + 0.01
    assert slope.max() > 0.9 * end and slope.min() < -0.9 * end


def longer_sides(images: torch.Tensor) -> np.ndarray:
    ink = images[:, 0].numpy() > 0.4
    return np.array(
        [max(np.ptp(np.flatnonzero(i.any(0))), np.ptp(np.flatnonzero(i.any(1)))) + 1 for i in ink]
    )


@pytest.mark.parametrize("width", [4, 16])
def test_what_is_slanted_and_widened_to_fit_stays_as_long(width):
    images = bar(width).expand(100, -1, -1, -1)
    free, fitted = (
        distort(images, Distortion(aspect=0.5, shear=0.4, fit=fit), seeded()) for fit in (False, True)
    )
    assert longer_sides(images).tolist() == [16] * 100
    assert np.ptp(longer_sides(free)) > 4
    assert np.abs(longer_sides(fitted) - 16).max() <= 1
    # the slant is the same; nothing else is fitted, and nothing there is to fit in an empty image
    y, x = torch.arange(28).view(-1, 1) - 13.5, torch.arange(28) - 13.5
    slants = [
        (-(i[:, 0] * x * y).sum((1, 2)) / (i[:, 0] * y * y).sum((1, 2))).numpy() for i in (free, fitted)
    ]
    assert np.corrcoef(*slants)[0, 1] > 0.95
    for other in ({"scale": 0.3}, {"shift": 2.0}, {"rotate": 0.3}):
        a, b = (distort(images, Distortion(**other, fit=fit), seeded()) for fit in (False, True))
        assert torch.allclose(a, b, atol=1e-4)
    assert distort(images * 0, Distortion(aspect=0.5, shear=0.4, fit=True), seeded()).abs().max() == 0


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [-0.1, math.nan, math.inf])
def test_a_range_that_is_none_is_refused(name, value):
    with pytest.raises(ValueError, match="must be"):
        Distortion(**{name: value})


@pytest.mark.parametrize("name", ["weight", "scale", "aspect"])
def test_shares_are_at_most_1(name):
    Distortion(**{name: 1.0})
    with pytest.raises(ValueError, match="must be a number from 0 to 1"):
        Distortion(**{name: 1.01})


def test_gradients_pass_through():
    images = torch.rand(2, 1, 6, 6, generator=seeded(), dtype=torch.float64, requires_grad=True)
    ranges = Distortion(rotate=0.3, scale=0.2, aspect=0.2, shear=0.3, shift=1.0, weight=0.6, fit=True)
    assert torch.autograd.gradcheck(lambda x: distort(x, ranges, seeded()), (images,))
    (gradient,) = torch.autograd.grad(distort(images, ranges, seeded()).sum(), images)
    assert (gradient != 0).float().mean() > 0.5
    amount = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda a, k: warp(images.detach(), shear=k, angle=a), (amount, amount.detach() * 0.5)
    )
