"""Pictures of one character as MNIST would have them: whatever their size, colours, light and paper."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from strokes.characters.image import load_image, normalise_image
from strokes.characters.scaling import BOX, SIZE, conform, draw_strokes
from strokes.files import InputError

#: Drawn in a unit square.
SHAPES = {
    "A": [[(0.1, 1), (0.5, 0), (0.9, 1)], [(0.25, 0.65), (0.75, 0.65)]],
    "7": [[(0, 0), (0.6, 0), (0.2, 1)]],
    "L": [[(0, 0), (0, 1), (0.7, 1)]],
    "1": [[(0, 0), (0.05, 1)]],
    "Z": [[(0, 0), (1, 0), (0, 0.8), (1, 0.8)]],
}


def picture(name: str = "A", size: int = 160, pen: int = 14, margin: int = 40) -> np.ndarray:
    """A character with crisp edges, ink 255 on 0, (size + 2 margin) squared."""
    fine = 4
    canvas = Image.new("L", ((size + 2 * margin) * fine,) * 2)
    draw = ImageDraw.Draw(canvas)
    for stroke in SHAPES[name]:
        path = [((margin + x * size) * fine, (margin + y * size) * fine) for x, y in stroke]
        draw.line(path, fill=255, width=pen * fine)
        for x, y in path:
            r = pen * fine / 2
            draw.ellipse((x - r, y - r, x + r, y + r), fill=255)
    return np.asarray(canvas.reduce(fine))


def paper(ink: np.ndarray, dark: float = 40, light: float = 220) -> np.ndarray:
    """Dark ink on light paper, (H, W) float64."""
    return light + (dark - light) * (ink / 255.0)


def grey(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def likeness(a: np.ndarray, b: np.ndarray) -> float:
    """Correlation, where one may be a pixel off."""
    shifts = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1)]
    return max(np.corrcoef(np.roll(a, s, (0, 1)).ravel(), b.ravel())[0, 1] for s in shifts)


def box(image: np.ndarray, over: int = 0) -> tuple[int, int]:
    """(height, width) of what is brighter than `over`."""
    rows, columns = np.flatnonzero((image > over).any(axis=1)), np.flatnonzero((image > over).any(axis=0))
    return int(rows[-1] - rows[0] + 1), int(columns[-1] - columns[0] + 1)


def centre(image: np.ndarray) -> tuple[float, float]:
    values = image.astype(float)
    index = np.arange(SIZE)
    return values.sum(axis=1) @ index / values.sum(), values.sum(axis=0) @ index / values.sum()


# -- scale, place and polarity ---------------------------------------------------------------------


@pytest.mark.parametrize("name", SHAPES)
def test_ink_fills_20_pixels_centred_by_mass_on_pixel_14(name):
    image = normalise_image(picture(name))
    assert image.shape == (28, 28) and image.dtype == np.uint8
    assert image.max() == 255 and np.median(image) == 0  # white on black, whole strokes white
    assert max(box(image)) == BOX and max(box(image, 128)) >= BOX - 1
    y, x = centre(image)
    assert abs(y - 14) < 0.55 and abs(x - 14) < 0.55


def test_the_picture_is_upright_and_keeps_its_proportions():
    image = normalise_image(picture("L"))
    height, width = box(image, 60)
    rows, columns = image.sum(axis=1).astype(int), image.sum(axis=0).astype(int)
    assert np.argmax(rows) > 18 and np.argmax(columns) < 13  # the foot below, the stem to the left
    assert 0.65 < width / height < 0.8
    wide = normalise_image(picture("Z")[:, 20:-20])
    assert box(wide)[1] == BOX and 15 <= box(wide)[0] <= 18


stretches = st.tuples(st.sampled_from(sorted(SHAPES)), st.integers(20, 200), st.floats(0.05, 0.2))


@settings(max_examples=40, deadline=None)
@given(stretches)
def test_light_on_dark_is_dark_on_light(drawn):
    name, size, pen = drawn
    ink = picture(name, size, max(2, round(pen * size)), margin=size // 4 + 2)
    assert np.abs(normalise_image(ink).astype(int) - normalise_image(255 - ink)).max() <= 1


@settings(max_examples=40, deadline=None)
@given(stretches, st.tuples(*[st.integers(0, 150)] * 4))
def test_where_it_stands_in_its_picture_says_nothing(drawn, margins):
    name, size, pen = drawn
    pen = max(2, round(pen * size))
    ink = picture(name, size, pen, margin=pen)
    top, bottom, left, right = margins
    padded = np.pad(ink, ((top, bottom), (left, right)))
    if max(padded.shape) <= 512:  # larger ones are reduced
        assert np.abs(normalise_image(padded).astype(int) - normalise_image(ink)).max() <= 2
    else:
        assert likeness(normalise_image(padded), normalise_image(ink)) > 0.95


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(sorted(SHAPES)), st.floats(0.08, 0.18), st.integers(40, 400))
def test_size_says_little(name, pen, size):
    def at(size: int) -> np.ndarray:
        return normalise_image(picture(name, size, round(pen * size), margin=size // 5))

    assert likeness(at(size), at(200)) > 0.95


def test_an_image_that_is_as_it_should_be_stays_so():
    for strokes in SHAPES.values():
        image = draw_strokes(strokes)
        assert np.abs(normalise_image(image).astype(int) - image).mean() < 1.5
        assert np.array_equal(conform(image[None])[0], image)


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("inverted", [False, True])
def test_ink_that_touches_every_side(name, inverted):
    whole = picture(name)
    rows, columns = np.flatnonzero(whole.any(axis=1)), np.flatnonzero(whole.any(axis=0))
    ink = whole[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    if name == "1":  # all ink: nothing says which of the two tones is paper
        ink = np.pad(ink, ((0, 0), (10, 10)))
    assert likeness(normalise_image(255 - ink if inverted else ink), normalise_image(whole)) > 0.95


def test_thin_and_bold_stay_thin_and_bold():
    amounts = [int(normalise_image(picture("A", 400, pen)).sum()) for pen in (30, 60, 120)]
    assert amounts[0] * 1.3 < amounts[1] < amounts[2] / 1.3


def test_a_hairline_does_not_vanish():
    image = normalise_image(picture("A", 400, 2))
    assert (image > 128).sum() > 30 and max(box(image)) == BOX
    assert image.sum() < 0.7 * normalise_image(picture("A", 400, 60)).sum()


# -- light, paper, dirt ----------------------------------------------------------------------------


def light(kind: str, size: int) -> np.ndarray:
    """(size, size), 1 where it is brightest."""
    y, x = np.mgrid[:size, :size] / size
    return {
        "even": np.ones((size, size)),
        "slope": 1 - 0.6 * (0.7 * x + 0.3 * y),
        "bow": 1 - 0.6 * ((x - 0.8) ** 2 + (y - 0.2) ** 2) / 1.3,
        "shadow": 1 - 0.5 / (1 + np.exp((x + 0.5 * y - 0.7) / 0.02)),
    }[kind]


@pytest.mark.parametrize("kind", ["even", "slope", "bow", "shadow"])
@pytest.mark.parametrize("noise", [0, 3, 10])
@pytest.mark.parametrize("name", ["A", "7", "1"])
def test_uneven_light_and_noise_change_little(kind, noise, name):
    ink = picture(name, 200, 18, 50)
    rng = np.random.default_rng(noise)
    scan = grey(paper(ink) * light(kind, 300) + rng.normal(0, noise, ink.shape))
    assert likeness(normalise_image(scan), normalise_image(ink)) > 0.9


@pytest.mark.parametrize("kind", ["even", "slope", "bow"])
@pytest.mark.parametrize("noise", [0, 2, 8])
def test_paper_without_ink_is_blank(kind, noise):
    rng = np.random.default_rng(1)
    sheet = grey(200 * light(kind, 300) + rng.normal(0, noise, (300, 300)))
    if kind != "even" or noise:
        assert np.ptp(sheet) > 8
    with pytest.raises(ValueError, match="blank"):
        normalise_image(sheet)


def test_jpeg_pencil_and_chalk():
    ink = picture("A", 300, 24, 100)
    rng = np.random.default_rng(2)
    for dark, bright in ((150, 205), (210, 40)):
        file = io.BytesIO()
        scan = paper(ink, dark, bright) * light("slope", 500) ** 0.5 + rng.normal(0, 5, ink.shape)
        Image.fromarray(grey(scan)).save(file, "JPEG", quality=60)
        assert likeness(normalise_image(Image.open(file)), normalise_image(ink)) > 0.9


def test_specks_rules_and_the_edge_of_the_page_are_left_out():
    ink = picture("A", 200, 18, 60)
    clean, sheet = normalise_image(ink), grey(paper(ink))
    dirty = sheet.copy()
    dirty[20:24, 30:34] = dirty[250:253, 300:302] = 60  # specks
    dirty[300:304] = 120  # a rule
    dirty[:14, :] = 25  # the table
    dirty[:, :9] = 25
    assert likeness(normalise_image(dirty), clean) > 0.97
    dotted = sheet.copy()
    dotted[290:310, 150:170] = 40  # a dot as large as the pen belongs to the character
    assert likeness(normalise_image(dotted), clean) < 0.97


# -- colours and formats ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ink", "sheet"),
    [
        ((30, 40, 160), (235, 230, 210)),
        ((250, 230, 60), (255, 255, 255)),  # a yellow marker
        ((255, 0, 0), (0, 130, 0)),  # of nearly the same grey
        ((255, 255, 255), (0, 60, 0)),
        ((130, 130, 130), (150, 150, 150)),
    ],
)
def test_any_two_colours(ink, sheet):
    shape = picture("A")
    share = shape[:, :, None] / 255.0
    coloured = grey(np.array(sheet) * (1 - share) + np.array(ink) * share)
    assert likeness(normalise_image(coloured), normalise_image(shape)) > 0.97
    assert likeness(normalise_image(Image.fromarray(coloured)), normalise_image(shape)) > 0.97


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (200, 30, 30)])
def test_transparent_paper(colour):
    shape = picture("A")
    drawn = np.dstack([np.broadcast_to(np.uint8(colour), (*shape.shape, 3)), shape])
    assert likeness(normalise_image(drawn), normalise_image(shape)) > 0.97
    assert likeness(normalise_image(Image.fromarray(drawn)), normalise_image(shape)) > 0.97
    card = drawn.copy()  # a sticker: opaque paper with clear corners
    card[:, :, 3] = 255
    card[:, :, :3] = np.where(shape[:, :, None] > 128, np.uint8((20, 90, 20)), np.uint8((240, 240, 255)))
    card[:4, :4, 3] = 0
    assert likeness(normalise_image(card), normalise_image(shape)) > 0.97


def test_every_kind_of_array_and_pillow_mode_says_the_same():
    shape = picture("7")
    same = normalise_image(shape)
    for array in (
        shape / 255,
        shape.astype(np.float32),
        shape.astype(np.uint16) * 257,
        shape.astype(np.int64),
        shape[:, :, None],
        np.dstack([shape] * 3),
    ):
        assert np.abs(normalise_image(array).astype(int) - same).max() <= 2, array.dtype
    picture_ = Image.fromarray(shape)
    for mode in ("RGB", "RGBA", "LA", "P", "CMYK", "YCbCr", "I", "F", "I;16"):
        image = Image.fromarray(shape.astype(np.uint16) * 257) if mode == "I;16" else picture_.convert(mode)
        assert image.mode == mode
        assert np.abs(normalise_image(image).astype(int) - same).max() <= 4, mode
    assert likeness(normalise_image(picture_.convert("1")), same) > 0.97
    assert likeness(normalise_image(shape > 128), same) > 0.97


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((5, 5, 2), np.uint8),
        np.zeros((0, 9), np.uint8),
        np.zeros(784, np.uint8),
        np.full((9, 9), np.nan),
        np.full((9, 9), -1.0),
        np.full((9, 9), 300.0),
        np.full((9, 9), "x"),
        np.full((9, 9), 70000),
    ],
)
def test_what_is_no_picture(array):
    with pytest.raises(ValueError, match="pixel|picture"):
        normalise_image(array)


@settings(max_examples=150, deadline=None)
@given(
    st.integers(1, 50),
    st.integers(1, 50),
    st.integers(0, 2**32),
    st.sampled_from(["noise", "dots", "flat", "rgba"]),
)
def test_no_picture_makes_it_fail_otherwise(height, width, seed, kind):
    rng = np.random.default_rng(seed)
    if kind == "rgba":
        array = rng.integers(0, 256, (height, width, 4), dtype=np.uint8)
    elif kind == "dots":
        array = (rng.random((height, width)) < rng.random()).astype(np.uint8) * 255
    else:
        array = rng.integers(0, 256 if kind == "noise" else 1, (height, width), dtype=np.uint8)
    said = ""
    try:
        image = normalise_image(array)
        assert kind != "flat" and image.shape == (28, 28) and image.max() == 255
    except ValueError as e:
        said = str(e)
    assert not said or "blank" in said


# -- files -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "gif", "tif", "webp"])
def test_files_of_every_format(suffix, tmp_path):
    ink = picture("A")
    Image.fromarray(255 - ink).save(tmp_path / f"a.{suffix}")
    assert likeness(load_image(tmp_path / f"a.{suffix}"), normalise_image(ink)) > 0.97


def test_a_photograph_is_turned_as_its_camera_says(tmp_path):
    ink = picture("L")
    turned = Image.fromarray(np.ascontiguousarray(np.rot90(255 - ink)))
    exif = turned.getexif()
    exif[0x0112] = 6  # shown turned by 90 degrees to the right
    turned.save(tmp_path / "l.jpg", exif=exif)
    assert likeness(load_image(tmp_path / "l.jpg"), normalise_image(ink)) > 0.97


def test_a_large_photograph_is_reduced(tmp_path):
    ink = picture("A", 700, 70, 700)
    Image.fromarray(grey(paper(ink))).save(tmp_path / "a.jpg")
    assert likeness(load_image(tmp_path / "a.jpg"), normalise_image(picture("A", 70, 7, 70))) > 0.95


def test_files_that_cannot_be_used_are_named(tmp_path, monkeypatch):
    with pytest.raises(InputError, match=r"none\.png: no such file"):
        load_image(tmp_path / "none.png")
    text = tmp_path / "text.png"
    text.write_text("no picture")
    with pytest.raises(InputError, match=r"text\.png: not a picture in a format"):
        load_image(text)
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (90, 90), dtype=np.uint8)).save(file, "PNG")
    (tmp_path / "cut.png").write_bytes(file.getvalue()[:2000])
    with pytest.raises(InputError, match=r"cut\.png: cannot be used as a picture"):
        load_image(tmp_path / "cut.png")
    Image.new("RGB", (50, 50), (250, 250, 240)).save(tmp_path / "blank.png")
    with pytest.raises(InputError, match=r"blank\.png: .* blank"):
        load_image(tmp_path / "blank.png")
    with pytest.raises(InputError, match="cannot be used"):
        load_image(tmp_path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(InputError, match=r"blank\.png: .* too many pixels"):
        load_image(tmp_path / "blank.png")


def test_formats_that_start_other_programs_are_not_read(tmp_path):
    (tmp_path / "a.png").write_bytes(
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 20 20\n%%EndComments\n0 0 moveto showpage\n%%EOF\n"
    )
    with pytest.raises(InputError, match=r"a\.png: not a picture in a format"):
        load_image(tmp_path / "a.png")
