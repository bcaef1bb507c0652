"""Writer: text in, a page of ink out. The main job, in one call."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Callable
from dataclasses import dataclass

from .alphabet import Transliteration
from .composition import Composer, apply
from .export import export
from .files import InputError
from .model import DEFAULT_MODEL, Model, load_model
from .page import Page, PageOptions, fit_page
from .sampling import OnPoints, Reader, Sample, Sampler, SamplingOptions
from .sampling.engines import Precision, make_engines

__all__ = ["Writer", "Written"]

#: Characters in a line before it is wrapped. The data have 29 a line and at most 64.
LONGEST_LINE = 60


@dataclass(frozen=True, eq=False)
class Written:
    """What came of a text.

    Attributes:
        page: ink on paper, in millimetres.
        samples: the lines as they were drawn.
        transliteration: the text as it was written, and which characters were replaced.
        weak: characters of it that the model often draws so that they are misread.
    """

    page: Page
    samples: tuple[Sample, ...]
    transliteration: Transliteration
    weak: str = ""

    def save(self, path: str | os.PathLike[str], **options: object) -> None:
        """Write the page as the path's suffix says; see `strokes.export.export` for options."""
        export(self.page, path, **options)

    @property
    def doubtful(self) -> tuple[Sample, ...]:
        """Lines that failed the quality checks, or were misread, in every try: look at these."""
        return tuple(s for s in self.samples if not s.clean)


class Writer:
    """Writes text.

    Args:
        model: a packaged model's name, the folder of one, or a loaded one.
        precision: "int8" or, slower, "fp32"; see `strokes.sampling.engines`.
        reader: reads what was drawn, so that words that read wrong are written again; None for none.

    Raises:
        InputError: there is no such model.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | Model = DEFAULT_MODEL,
        precision: Precision = "int8",
        reader: Reader | None = None,
    ) -> None:
        self.model = model if isinstance(model, Model) else load_model(model)
        self._sampler = Sampler(self.model, make_engines(self.model, precision), reader=reader)
        self._composer = Composer(self.model.alphabet)

    def write(
        self,
        text: str,
        options: SamplingOptions | None = None,
        page: PageOptions | None = None,
        *,
        progress: Callable[[int], object] | None = None,
        on_points: OnPoints | None = None,
    ) -> Written:
        """Write text on a page that fits it, all its lines to one scale.

        Line breaks are kept; longer lines are wrapped at `LONGEST_LINE` characters.

        Args:
            text: any text; what the pen has not learned is transliterated.
            options: bias, seed and how often a word may be written.
            page: line height and margin.
            progress: called with the number of lines done each time some are.
            on_points: called as points are drawn; see `strokes.sampling.OnPoints`.

        Raises:
            InputError: nothing in the text can be written.
            TypeError: the text or the options are of another type.
        """
        _check_types(options, SamplingOptions)
        _check_types(page, PageOptions)
        lines, transliteration = self.lines(text)
        composed = [self._composer.compose(line) for line in lines if line]
        texts = [line.text for line in composed]
        samples = self._sampler.sample(texts, options, progress=progress, on_points=on_points)
        seed = (options or SamplingOptions()).seed
        inks = iter(
            apply(line, s.ink, s.window, (seed, i))
            for i, (line, s) in enumerate(zip(composed, samples, strict=True))
        )
        rows = [next(inks) if line else None for line in lines]
        weak = "".join(c for c in self.model.weak if any(c in line for line in texts))
        return Written(fit_page(rows, page, text=text), tuple(samples), transliteration, weak)

    def sample(self, line: str, options: SamplingOptions | None = None) -> Sample:
        """One line as it is drawn, with the window that drew it. `line` is one of `lines(text)`."""
        _check_types(options, SamplingOptions)
        return self._sampler.sample([self._composer.compose(line).text], options)[0]

    def lines(self, text: str) -> tuple[list[str], Transliteration]:
        """Text as the lines it will be written in ("" for a blank one), transliterated.

        Raises:
            InputError: nothing in the text can be written.
            TypeError: it is no text.
        """
        if not isinstance(text, str):
            raise TypeError(f"a text is written, not {type(text).__name__}; give a str")
        rows: list[str] = []
        replaced: dict[str, str] = {}
        for paragraph in text.splitlines():
            changed = self._composer.transliterate(paragraph)
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


def _check_types(value: object, kind: type) -> None:
    if value is not None and not isinstance(value, kind):
        raise TypeError(f"give {kind.__name__}(...), not {type(value).__name__}")
