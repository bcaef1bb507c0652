"""Draw the pictures of docs/pages.md, with the guides that plotters skip.

python scripts/make_page_pictures.py
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from PIL import Image

from strokes.export import PngOptions
from strokes.export.raster import draw
from strokes.page import Page, PageOptions, find_paper, sheets_of
from strokes.sampling import SamplingOptions
from strokes.writer import Writer

DOCS = Path(__file__).resolve().parent.parent / "docs"
DPI = 72
DESK = "#d8d4cc"
LETTER = """\
Dear Grandmother,

thank you for the parcel that came on Tuesday. The jam arrived whole, which is more than I can say for the box, and \
half of it has already gone on bread. It rained all week, but the garden looks better for it, and the beans have \
climbed past the kitchen window.

We have been busy. Tom finished the boat, painted it green, and sank it on its first afternoon; he says that this was \
part of the plan. I go to the library on Fridays, and bring back more than I can read:

- a history of lighthouses
- two novels, one of them very long, about a family that keeps bees and never speaks of anything else
- the letters of somebody I had never heard of

Could you tell me how you make the bread with walnuts? I have tried twice, and both times it came out flat and hard. \
Perhaps the oven is too hot, or I do not wait long enough. Mother says that it has to be left alone, and that I \
never leave anything alone, which is true.

I shall come in the second week of June if the trains run, and stay until Sunday. We can walk to the lake as we did \
before, and sit on the wall there, and you can tell me about the winter when the water froze and you all crossed it \
on foot, with a horse.

The cat sends her love. She brought us a mouse this morning and looked proud of it, so we thanked her, and put it out \
when she was asleep. Please do not cook too much. There will be four of us at most, and the train has a dining car in \
which they make a very good soup, as you will remember from the summer before last.

With much love from all of us,
Anna
"""
ENVELOPE = "Ada Byron\nSt James Square\nLondon\n\nMrs Hannah Winter\nThe Old Mill\nWalnut Lane\nCambridge"
CARD = "Happy birthday, dear Hannah!\n\nWith love from everybody at number nine,\nand from the cat"
SHOPPING = (
    "For Saturday: [[firebrick]]two apples[[/]], bread, [[seagreen]]walnuts[[/]] and\n"
    "a) milk\tone\nb) coffee\ttwo\nc) a [[firebrick]]very[[/]] long loaf"
)
GUESTS = ("Hannah", "Tom", "Clara", "Emil", "Frida", "Gustav")


def main() -> None:
    """Write docs/pages-letter.png, docs/pages-cards.png and docs/pages-sheet.png."""
    writer = Writer()

    def pages(text: str, seed: int, **options: object) -> tuple[Page, ...]:
        return writer.write(text, SamplingOptions(seed=seed), replace(PageOptions(), **options)).pages

    letter = pages(LETTER, 1, page="a4", ruled=True, guides=True)
    justified = pages(LETTER, 2, page="a5", align="justify", hyphenate="en_GB", indent=8)[:1]
    _save("letter", [_picture(page) for page in (*letter, *justified)])
    card = pages(CARD, 4, page="a6", landscape=True, align="center", vertical="center", x_height=2.6)
    shopping = pages(SHOPPING, 5, page="a6", landscape=True)
    envelope = pages(ENVELOPE, 3, page="dl")
    _save("cards", [_picture(page) for page in (*envelope, *card, *shopping)])
    text = "Dear {},\n\nthank you for the lamp.\nIt stands on the shelf.\n\nAda and Tom"
    documents = [writer.document(text.format(name)) for name in GUESTS]
    small = PageOptions(page="a7", landscape=True, x_height=1.6)
    cards = [written.page for written in writer.write_many(documents, SamplingOptions(seed=6), small)]
    _save("sheet", [_picture(sheet) for sheet in sheets_of(cards, find_paper("a4"))])


def _picture(page: Page) -> Image.Image:
    """A page with its guides drawn."""
    shown = tuple(replace(layer, plotted=True) for layer in page.layers)
    return draw(replace(page, layers=shown), PngOptions(dpi=DPI, color="#15305c"))


def _save(name: str, pictures: Sequence[Image.Image], gap: int = 16) -> None:
    """Pictures side by side on a desk."""
    width = sum(picture.width + gap for picture in pictures) + gap
    height = max(picture.height for picture in pictures) + 2 * gap
    desk = Image.new("RGB", (width, height), DESK)
    x = gap
    for picture in pictures:
        desk.paste(picture, (x, gap))
        x += picture.width + gap
    desk.quantize(32).save(DOCS / f"pages-{name}.png", optimize=True)


if __name__ == "__main__":
    main()
