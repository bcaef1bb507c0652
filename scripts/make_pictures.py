"""Draw the pictures of README.md and of the cards of the packaged pen models.

python scripts/make_pictures.py
"""

from __future__ import annotations

from pathlib import Path

from strokes.export import export
from strokes.figures import attention_heatmap, samples_sheet
from strokes.page import PageOptions, fit_page
from strokes.sampling import SamplingOptions
from strokes.writer import Writer

ROOT = Path(__file__).resolve().parent.parent
MODELS = ("default", "graves")
BIASES = (0.5, 0.75, 1.0)
SENTENCE = "You know nothing Jon Snow"
EVERY_CHARACTER = (
    "Crème brûlée für zwei: 2 × 7,50 € – señor Łukasz",
    "Ça où naïve Ångström Škoda Žižek Őrség weiß",
    "“quotes” are not „low“ or «ici» … ¿No? ¡Sí!",
    "me@home.com, a=b, [a] {y}, 2½ cups at 20 °C, 3 m²",
)
CARD = (
    "The morning train was late again and nobody cared.",
    "Please remember to water the plants on Tuesday.",
    "Can you help me find the key to this old door?",
    "Quite a few people prefer tea without any milk.",
    "It costs 25 pounds, or 40 if you want two of them.",
    "Victor and Kate live next to the old brewery.",
    "Zebras and foxes rarely share the same valley.",
    "Yours sincerely, Margaret and Tom",
)


def main() -> None:
    """Write docs/biases.png, docs/attention.png, docs/every-character.png and the cards' samples.png."""
    writer = Writer()
    options = [SamplingOptions(bias=bias, seed=seed) for bias in BIASES for seed in (2, 3)]
    # A blank line between two, so that descenders do not reach the next line's capitals.
    rows = [row for o in options for row in (writer.sample(SENTENCE, o).ink, None)]
    page = fit_page(rows, PageOptions(line_height=6.5))
    export(page, ROOT / "docs" / "biases.png", dpi=330, pen_width_mm=0.25)
    sample = writer.sample(SENTENCE, SamplingOptions(seed=1))
    attention_heatmap(sample.text, sample.window, sample.ink, ROOT / "docs" / "attention.png")
    written = writer.write(
        "\n".join(EVERY_CHARACTER), SamplingOptions(bias=0.75, seed=7), PageOptions(line_height=9)
    )
    export(written.page, ROOT / "docs" / "every-character.png", dpi=200, pen_width_mm=0.35)
    for model in MODELS:
        writer = Writer(model)
        lines = [
            (text, writer.sample(text, SamplingOptions(seed=seed)).ink) for seed, text in enumerate(CARD)
        ]
        sheet = ROOT / "strokes" / "models" / model / "samples.png"
        samples_sheet(lines, sheet, "default bias, seeds 0 to 7, no selection")


if __name__ == "__main__":
    main()
