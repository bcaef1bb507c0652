"""Writer: text in, pages of ink out. The main job, in one call."""

from __future__ import annotations

import functools
import os
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import NoReturn

from .alphabet import Transliteration
from .composing import cut_words
from .composition import Composer
from .export import export_pages, parse_color
from .files import InputError
from .model import DEFAULT_MODEL, Model, load_model
from .page import Composition, Page, PageOptions, Paragraph, Request, Word, compose, parse_text, planned_lines
from .page.flow import LONGEST_LINE
from .recognition.reader import DEFAULT_READER
from .recognition.words import WordReader
from .sampling import OnPoints, Reader, Sample, Sampler, SamplingOptions
from .sampling.engines import Precision, make_engines

__all__ = ["LONGEST_LINE", "Document", "Writer", "Written"]


@dataclass(frozen=True)
class Document:
    """A text as it will be written.

    Attributes:
        text: as it was given.
        paragraphs: with pens, tabs and lists.
        transliteration: the text as it is written, and which characters were replaced.
    """

    text: str
    paragraphs: tuple[Paragraph, ...]
    transliteration: Transliteration

    def lines(self, page: PageOptions) -> int:
        """How many lines will be drawn for it."""
        return planned_lines(self.paragraphs, page)


@dataclass(frozen=True, eq=False)
class Written:
    """What came of a text.

    Attributes:
        pages: ink on paper, in millimetres; one at least.
        samples: the lines as they were drawn.
        transliteration: the text as it was written, and which characters were replaced.
        weak: characters of it that the model often draws so that they are misread.
    """

    pages: tuple[Page, ...]
    samples: tuple[Sample, ...]
    transliteration: Transliteration
    weak: str = ""

    @property
    def page(self) -> Page:
        """The first page."""
        return self.pages[0]

    def save(self, path: str | os.PathLike[str], **options: object) -> list[Path]:
        """Write the pages as the path's suffix says: out.svg, or out-1.svg, out-2.svg and so on if there are several.

        Args:
            path: of the file.
            options: see `strokes.export.export`.

        Returns:
            The files.
        """
        return export_pages(self.pages, path, **options)

    @property
    def doubtful(self) -> tuple[Sample, ...]:
        """Lines that failed the quality checks, or were misread, in every try: look at these."""
        return tuple(s for s in self.samples if not s.clean)


class Writer:
    """Writes text.

    Args:
        model: a packaged model's name, the folder of one, or a loaded one.
        precision: "int8" or, slower, "fp32"; see `strokes.sampling.engines`.
        reader: reads what was drawn, so that words that read wrong are written again: a packaged recogniser's name, the
            folder of one, or a `Reader`; None for none.

    Raises:
        InputError: there is no such model or recogniser.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | Model = DEFAULT_MODEL,
        precision: Precision = "int8",
        reader: str | os.PathLike[str] | Reader | None = DEFAULT_READER,
    ) -> None:
        self.model = model if isinstance(model, Model) else load_model(model)
        self._name = "" if isinstance(model, Model) else os.fspath(model)
        self._precision = precision
        self._reader = os.fspath(reader) if isinstance(reader, str | os.PathLike) else ""
        words = WordReader(reader) if isinstance(reader, str | os.PathLike) else reader
        self._sampler = Sampler(self.model, make_engines(self.model, precision), reader=words)
        self._composer = Composer(self.model.alphabet)

    @property
    def description(self) -> dict[str, object]:
        """What of the writer decides what is written, as JSON has it."""
        names = {"model": self._name, "precision": self._precision, "reader": self._reader}
        return {**names, "version": _version()}

    def write(
        self,
        text: str,
        options: SamplingOptions | None = None,
        page: PageOptions | None = None,
        *,
        progress: Callable[[int], object] | None = None,
        on_points: OnPoints | None = None,
    ) -> Written:
        """Write text on pages, all its lines to one scale.

        Line breaks are kept; longer lines are wrapped at the measured width of the page, or at `LONGEST_LINE`
        characters on a page that fits the ink. `[[red]]...[[/]]` changes the pen (`strokes.page.text`).

        Args:
            text: any text; what the pen has not learned is transliterated.
            options: bias, seed and how often a word may be written.
            page: paper, margins, alignment and the like.
            progress: called with the number of lines done each time some are.
            on_points: called as points are drawn; see `strokes.sampling.OnPoints`.

        Raises:
            InputError: nothing in the text can be written, or something in it does not fit on the page.
            TypeError: the text or the options are of another type.
        """
        _check_types(options, SamplingOptions)
        _check_types(page, PageOptions)
        document = self.document(text)
        return self._write([document], None, options, page, progress, on_points)[0]

    def write_many(
        self,
        documents: Sequence[Document],
        options: SamplingOptions | None = None,
        page: PageOptions | None = None,
        *,
        numbers: Sequence[int] | None = None,
        progress: Callable[[int], object] | None = None,
    ) -> list[Written]:
        """Write several documents, the lines of all drawn side by side.

        A document depends on its number, not on what else is written.

        Args:
            documents: see `document`.
            options: bias, seed and how often a word may be written.
            page: paper, margins, alignment and the like, of every document.
            numbers: of each document, seeds it together with the seed; its place if None.
            progress: called with the number of lines done each time some are.

        Raises:
            InputError: something in a text does not fit on the page.
            TypeError: the options are of another type.
        """
        _check_types(options, SamplingOptions)
        _check_types(page, PageOptions)
        chosen = list(range(len(documents)) if numbers is None else numbers)
        return self._write(documents, chosen, options, page, progress, None)

    def document(self, text: str) -> Document:
        """A text as it will be written, checked before anything is drawn.

        Raises:
            InputError: nothing in it can be written, or a mark of it names no colour.
            TypeError: it is no text.
        """
        if not isinstance(text, str):
            raise TypeError(f"a text is written, not {type(text).__name__}; give a str")
        replaced: dict[str, str] = {}

        def transliterate(piece: str) -> str:
            changed = self._composer.transliterate(piece)
            replaced.update(changed.replaced)
            return changed.text

        paragraphs = parse_text(text, transliterate, parse_color)
        if not paragraphs:
            _refuse_empty(text)
        said = "\n".join(paragraph.text for paragraph in paragraphs)
        return Document(text, tuple(paragraphs), Transliteration(said, tuple(replaced.items())))

    def _write(
        self,
        documents: Sequence[Document],
        numbers: Sequence[int] | None,
        options: SamplingOptions | None,
        page: PageOptions | None,
        progress: Callable[[int], object] | None,
        on_points: OnPoints | None,
    ) -> list[Written]:
        """Drive the compositions of documents in step: what they ask for at a time is drawn together."""
        sampling, setting = options or SamplingOptions(), page or PageOptions()
        count = len(documents)
        prefixes: list[tuple[int, ...]] = [(n,) for n in numbers] if numbers is not None else [()] * count
        compositions: list[Composition] = []
        for document, prefix in zip(documents, prefixes, strict=True):
            seed = sampling.seed + 1_000_003 * sum(prefix)
            compositions.append(compose(document.paragraphs, setting, document.text, seed))
        samples: list[list[Sample]] = [[] for _ in documents]
        pages: dict[int, list[Page]] = {}
        replies: dict[int, list[tuple[Word, ...]] | None] = dict.fromkeys(range(count))
        while replies:
            asked: dict[int, list[Request]] = {}
            for n, reply in replies.items():
                try:
                    asked[n] = next(compositions[n]) if reply is None else compositions[n].send(reply)
                except StopIteration as end:
                    pages[n] = end.value
            keyed = [(n, (*prefixes[n], *request.key), request) for n in asked for request in asked[n]]
            drawn = iter(self._draw(keyed, sampling, progress, on_points))
            replies = {n: [] for n in asked}
            for n, _, _ in keyed:
                sample, words = next(drawn)
                samples[n].append(sample)
                replies[n].append(words)  # type: ignore[union-attr]  # it is a list
        return [
            Written(
                self._with_metadata(pages[n], document, sampling, setting, prefixes[n]),
                tuple(samples[n]),
                document.transliteration,
                "".join(c for c in self.model.weak if any(c in s.text for s in samples[n])),
            )
            for n, document in enumerate(documents)
        ]

    def _draw(
        self,
        asked: Sequence[tuple[int, tuple[int, ...], Request]],
        options: SamplingOptions,
        progress: Callable[[int], object] | None,
        on_points: OnPoints | None,
    ) -> list[tuple[Sample, tuple[Word, ...]]]:
        """The lines that were asked for, and their words."""
        if not asked:
            return []
        composed = [self._composer.compose(request.text) for _, _, request in asked]
        keys = [key for _, key, _ in asked]
        samples = self._sampler.sample(
            [line.text for line in composed], options, progress=progress, on_points=on_points, keys=keys
        )
        return [
            (sample, cut_words(request, line, sample, (options.seed, *key)))
            for sample, line, (_, key, request) in zip(samples, composed, asked, strict=True)
        ]

    def _with_metadata(
        self,
        pages: Sequence[Page],
        document: Document,
        sampling: SamplingOptions,
        setting: PageOptions,
        prefix: tuple[int, ...],
    ) -> tuple[Page, ...]:
        """Pages that say what makes them again."""
        metadata: Mapping[str, object] = {
            "text": document.text,
            **self.description,
            "number": prefix[0] if prefix else None,
            "sampling": asdict(sampling),
            "page": asdict(setting),
            "pages": len(pages),
        }
        return tuple(replace(page, metadata={**metadata, "sheet": n + 1}) for n, page in enumerate(pages))

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
            _refuse_empty(text)
        return rows, Transliteration("\n".join(rows), tuple(replaced.items()))


def _check_types(value: object, kind: type) -> None:
    if value is not None and not isinstance(value, kind):
        raise TypeError(f"give {kind.__name__}(...), not {type(value).__name__}")


def _refuse_empty(text: str) -> NoReturn:
    raise InputError(
        "there is nothing to write: the text is empty"
        if not text.strip()
        else f"there is nothing to write: no character of {text.strip()[:40]!r} can be written"
    )


@functools.cache
def _version() -> str:
    from importlib.metadata import version

    return version("strokes")
