"""Evaluation of what a model writes, read by a recogniser."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from importlib import resources
from typing import Protocol

from ..ink import Ink
from ..model import Model
from ..sampling import Reader, Sample, Sampler, SamplingOptions
from .contexts import character_contexts
from .options import EvaluationOptions
from .report import (
    CharacterCount,
    Legibility,
    Shapes,
    WritingReport,
    character_counts,
    legibility,
    shapes,
)

__all__ = ["Judge", "evaluate_writing", "line_count", "packaged_texts"]

# Lines of a page and pages whose shapes are compared.
_PAGE_LINES, _PAGES = 6, 6
_QUICK_LINES = 12


class _Reading(Protocol):
    @property
    def text(self) -> str: ...


class Judge(Protocol):
    """Reads lines, as `strokes.recognition.Recognizer` does."""

    def read(self, ink: Sequence[Ink], /) -> Sequence[_Reading]: ...


def packaged_texts(name: str) -> list[str]:
    """The lines of "sentences" or "numbers", which no training saw."""
    return (resources.files("strokes.evaluation") / f"{name}.txt").read_text("utf-8").splitlines()


def evaluate_writing(
    model: Model,
    judge: Judge,
    reader: Reader | None,
    options: EvaluationOptions,
    *,
    texts: dict[str, list[str]] | None = None,
    names: tuple[str, str, str | None] = ("", "", None),
    independent: bool = False,
    progress: Callable[[int], object] = lambda lines: None,
) -> WritingReport:
    """Write texts at every bias, raw, checked and corrected, and have them read; nothing is selected by hand.

    Args:
        model: that writes.
        judge: that reads.
        reader: that corrects; None leaves corrected lines out.
        options: see there.
        texts: lines by name; the packaged sentences and numbers if None.
        names: of model, judge and reader, for the report.
        independent: whether judge and reader have different weights.
        progress: called with the number of lines done each time some are.
    """
    biases = _biases(options)
    chosen = _chosen(model, options, texts)
    found: list[Legibility] = []
    differences: list[Shapes] = []
    for bias in biases:
        for mode, sampler, best_of in _modes(model, reader):
            for name, lines in chosen.items():
                sampling = SamplingOptions(bias=bias, seed=options.seed, best_of=best_of)
                samples = sampler.sample(lines, sampling, progress=progress)
                read = [reading.text for reading in judge.read([s.ink for s in samples])]
                found.append(legibility(bias, mode, name, lines, read, *_effort(samples)))
        first = next(iter(chosen.values()))[:_PAGE_LINES]
        pages = []
        for page in range(_pages(options)):
            sampling = SamplingOptions(bias=bias, seed=options.seed + 1 + page)
            samples = Sampler(model, reader=reader).sample(first, sampling, progress=progress)
            pages.append([(s.ink, s.text) for s in samples])
        differences.append(shapes(bias, pages))
    characters: tuple[CharacterCount, ...] = ()
    if options.contexts and not options.quick:
        lines = character_contexts(model.alphabet.characters, options.contexts, options.seed)
        samples = Sampler(model, reader=reader).sample(
            lines, SamplingOptions(seed=options.seed), progress=progress
        )
        characters = character_counts(lines, [r.text for r in judge.read([s.ink for s in samples])])
    return WritingReport(*names, independent, options.seed, tuple(found), characters, tuple(differences))


def line_count(
    model: Model, corrected: bool, options: EvaluationOptions, texts: dict[str, list[str]] | None = None
) -> int:
    """How many lines `evaluate_writing` keeps.

    Args:
        model, options, texts: as there.
        corrected: whether there is a reader.
    """
    chosen = _chosen(model, options, texts)
    page = len(next(iter(chosen.values()))[:_PAGE_LINES]) * _pages(options)
    count = len(_biases(options)) * ((2 + corrected) * sum(map(len, chosen.values())) + page)
    if options.contexts and not options.quick:
        count += len(character_contexts(model.alphabet.characters, options.contexts, options.seed))
    return count


def _chosen(
    model: Model, options: EvaluationOptions, texts: dict[str, list[str]] | None
) -> dict[str, list[str]]:
    given = texts or {name: packaged_texts(name) for name in ("sentences", "numbers")}
    most = _QUICK_LINES if options.quick else None
    return {
        name: [model.alphabet.transliterate(line).text for line in lines[:most]]
        for name, lines in given.items()
    }


def _biases(options: EvaluationOptions) -> tuple[float, ...]:
    return (0.5, 1.0) if options.quick else options.biases


def _pages(options: EvaluationOptions) -> int:
    return 2 if options.quick else _PAGES


def _modes(model: Model, reader: Reader | None) -> Iterator[tuple[str, Sampler, int]]:
    plain, best_of = Sampler(model), SamplingOptions().best_of
    yield "raw", plain, 1
    yield "checked", plain, best_of
    if reader is not None:
        yield "corrected", Sampler(model, reader=reader), best_of


def _effort(samples: Sequence[Sample]) -> tuple[float, float]:
    """The share of sound lines, and points drawn for each that is kept."""
    kept = sum(len(s.offsets) for s in samples)
    drawn = sum(max(s.points_drawn, len(s.offsets)) for s in samples)
    return sum(s.sound for s in samples) / len(samples), drawn / max(1, kept)
