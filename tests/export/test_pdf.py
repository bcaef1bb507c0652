"""PDF as poppler's programs read it."""

from __future__ import annotations

import re
import shutil
import subprocess

import numpy as np
import pytest
from PIL import Image

from strokes.export import PdfOptions, PngOptions, export, export_pages
from strokes.export.pdf import render, render_pages
from strokes.export.raster import draw
from strokes.files import InputError
from strokes.page import Layer, Page

needs_poppler = pytest.mark.skipif(
    not (shutil.which("pdfinfo") and shutil.which("pdftoppm")), reason="poppler-utils is not installed"
)


def page(width=148.0, height=105.0, text="loops & <dots> é"):
    """Loops, a sharp corner and dots in two pens, and a guide."""
    t = np.arange(0, 6 * np.pi, 0.4)
    loops = np.stack([2 * t + 10 + 4 * np.sin(t), 6 * np.cos(t) + 30], axis=1)
    layers = (
        Layer("ruling", (np.array([[10.0, 44], [138, 44]]),), "black", 9, plotted=False),
        Layer("ink", (loops, np.array([[70.0, 35]]), np.array([[10.0, 60], [20, 50], [30, 60]]))),
        Layer("red", (np.array([[40.0, 60], [90, 50]]), np.array([[70.5, 61]])), "red", 1.5),
    )
    return Page(width, height, layers, text)


def pdfinfo(path, *options):
    out = subprocess.run(["pdfinfo", *options, path], check=True, capture_output=True, text=True).stdout
    return dict(re.findall(r"^(.*?):\s+(.*)$", out, re.MULTILINE))


@needs_poppler
def test_each_page_is_as_large_as_its_paper(tmp_path):
    made = [page(), page(210, 297), page(54.25, 16.5)]
    assert export_pages(made, tmp_path / "a.pdf") == [tmp_path / "a.pdf"]
    found = pdfinfo(tmp_path / "a.pdf", "-l", "9")
    assert found["Pages"] == "3" and found["Title"] == " ".join(["loops & <dots> é"] * 3)
    for n, ours in enumerate(made, 1):
        size = re.findall(r"[\d.]+", found[f"Page    {n} size"])[:2]
        mm = np.array(size, float) / 72 * 25.4
        np.testing.assert_allclose(mm, (ours.width, ours.height), atol=0.01)


@needs_poppler
def test_another_renderer_sees_what_we_draw(tmp_path):
    export(page(), tmp_path / "a.pdf", pen_width_mm=0.6)
    subprocess.run(["pdftoppm", "-r", "300", "-png", tmp_path / "a.pdf", tmp_path / "a"], check=True)
    (png,) = tmp_path.glob("a*.png")
    theirs = 1 - np.asarray(Image.open(png).convert("RGB"), float) / 255
    ours = 1 - np.asarray(draw(page(), PngOptions(pen_width_mm=0.6)), float) / 255
    assert np.abs(np.subtract(theirs.shape, ours.shape)).max() <= 1
    height, width = np.minimum(theirs.shape, ours.shape)[:2]
    theirs, ours = theirs[:height, :width], ours[:height, :width]
    assert ours.sum() == pytest.approx(theirs.sum(), rel=0.05)
    assert np.abs(ours - theirs).sum() < 0.08 * theirs.sum()
    assert np.abs(np.roll(ours, 3, axis=0) - theirs).sum() > 0.2 * theirs.sum()  # the measure notices a shift


def test_the_same_pages_give_the_same_bytes_and_any_text_is_held():
    assert render(page()) == render(page()) != render(page(text="another"))
    for text in ("", "\ud800 \x00 ]]>", "x" * 10_000, "שלום 🖋"):
        assert render_pages([page(text=text)] * 2, PdfOptions()).startswith(b"%PDF")
    assert render(Page(10, 10)).startswith(b"%PDF")


def test_a_page_that_pdf_cannot_hold_is_refused(tmp_path):
    with pytest.raises(InputError, match="6000 x 10 mm is larger than PDF allows"):
        export(Page(6000, 10), tmp_path / "a.pdf")
    assert list(tmp_path.iterdir()) == []
