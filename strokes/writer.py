"""Writer: text in, a page of ink out. The main job, in one call."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .alphabet import Transliteration
from .export import export
from .files import InputError
from .ink import Ink
from .ink.cleaning import deskew
from .model import DEFAULT_MODEL, Model, load_model
from .page import MM_PER_UNIT, Page, fit_page
from .sampling import Sample, Sampler, SamplingOptions

__all__ = ["Writer", "Written"]

#: Characters in a line before it is wrapped. The data have 29 a line and at most 64.
LONGEST_LINE = 60


@dataclass(frozen=True)
class Written:
    """What came of a text.

    Attributes:
        page: ink on paper, in millimetres.
        samples: the lines as they were drawn.
        transliteration: the text as it was written, and which characters were replaced.
    """

    page: Page
    samples: tuple[Sample, ...]
    transliteration: Transliteration

    def save(self, path: str | os.PathLike[str], **options: object) -> None:
        """Write the page as the path's suffix says; see `strokes.export.export` for options."""
        export(self.page, path, **options)

    @property
    def doubtful(self) -> tuple[Sample, ...]:
        """Lines that show signs of having gone wrong in every try: look at these."""
        return tuple(s for s in self.samples if not s.sound)


class Writer:
    """Writes text by hand.

    Args:
        model: a packaged model's name, the folder of one, or a loaded one.

    Raises:
        InputError: there is no such model.
    """

    def __init__(self, model: str | os.PathLike[str] | Model = DEFAULT_MODEL) -> None:
        self.model = model if isinstance(model, Model) else load_model(model)
        self._sampler = Sampler(self.model)

    def write(
        self,
        text: str,
        options: SamplingOptions | None = None,
        *,
        scale: float = MM_PER_UNIT,
        line_height: float = 10.0,
        margin: float = 5.0,
        progress: Callable[[int], None] | None = None,
    ) -> Written:
        """Write text on a page that fits it.

        Line breaks are kept; longer lines are wrapped at `LONGEST_LINE` characters.

        Args:
            text: any text; what the pen has not learned is transliterated.
            options: bias, seed and tries.
            scale: millimetres for one unit of ink.
            line_height: millimetres from one line to the next.
            margin: millimetres around the ink.
            progress: called with the number of lines done each time some are.

        Raises:
            InputError: nothing in the text can be written.
        """
        lines, transliteration = self.lines(text)
        written = [line for line in lines if line]
        samples = self._sampler.sample(written, options, progress=progress)
        inks = iter(self.in_heights(s.ink) for s in samples)
        rows = [next(inks) if line else None for line in lines]
        page = fit_page(rows, text=text, scale=scale, line_height=line_height, margin=margin)
        return Written(page, tuple(samples), transliteration)

    def sample(self, line: str, options: SamplingOptions | None = None) -> Sample:
        """One line as it is drawn, with the window that drew it. `line` is one of `lines(text)`."""
        return self._sampler.sample([line], options)[0]

    def in_heights(self, ink: Ink) -> Ink:
        """A sample's ink level, its unit one height of the line (the standard deviation of y): as pages take it.

        Lines are level in the data, but a pen that follows itself drifts. A line of hyphens has no height of its
        own: what a step is long on average bounds it.
        """
        ink, typical = deskew(ink), self.model.line_height
        if self.model.scaled:
            return ink
        height = np.clip(float(ink.points[:, 1].std()), typical / 2, typical * 2)
        return ink.transformed(np.eye(2) / height)

    def lines(self, text: str) -> tuple[list[str], Transliteration]:
        """Text as the lines it will be written in ("" for a blank one), transliterated.

        Raises:
            InputError: nothing in the text can be written.
        """
        rows, replaced = [], {}
        for paragraph in text.splitlines():
            changed = self.model.alphabet.transliterate(paragraph)
            replaced.update(changed.replaced)
            rows += textwrap.wrap(" ".join(changed.text.split()), LONGEST_LINE) or [""]
        while rows and not rows[0]:
            rows.pop(0)
        while rows and not rows[-1]:
            rows.pop()
        if not rows:
            raise InputError(
                "there is nothing to write: the text is empty"
                if not text.strip()
                else f"there is nothing to write: no character of {text.strip()[:40]!r} can be written"
            )
        return rows, Transliteration("\n".join(rows), tuple(replaced.items()))
