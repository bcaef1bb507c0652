"""UNIPEN -> lines of ink with text, writer and split -> a corpus."""

from __future__ import annotations

import hashlib
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from data_prep.cleaning import amounts, misfits
from strokes.corpus import Corpus
from strokes.files import InputError
from strokes.ink import Ink, Line

from ..reports import Remark
from . import geometry
from .assembly import Piece, compose, word_space
from .canonical import canonical, canonical_character, word_height
from .characters import group
from .labels import ambiguous, joined, spelled
from .measuring import Measured, measure, writer_heights
from .options import UnipenOptions
from .report import SPLITS, Prepared
from .segments import Dataset, Item, read
from .sources import Progress

__all__ = ["prepare", "split_of"]

# Kind of segment -> UNIPEN's categories.
_CATEGORIES = {"texts": ("8",), "words": ("7",), "characters": ("1a", "1b", "1c", "1d")}
# Points are rounded to multiples of this many x-heights.
_UNIT = 1 / 128
# Characters of a composed line, about.
_SHORTEST, _LONGEST = 20, 50
# Words tell less of their writer's amount of ink than texts do.
_WORD_MISFIT = 1.5


def split_of(writer: str, validation: float, test: float) -> str:
    """The split of a writer, `source/id`.

    It is told by a hash of the id's letters and digits, so that one who wrote for two sources is in one split.
    """
    identity = "".join(c for c in writer.partition("/")[2].lower() if c.isalnum()) or writer
    share = int.from_bytes(hashlib.sha256(identity.encode()).digest()[:8], "big") / 2**64
    train, second, third = SPLITS
    return third if share < test else second if share < test + validation else train


def _silent(_what: str, _total: int | None) -> Callable[[int], object]:
    return lambda _done: None


def prepare(
    root: str | os.PathLike[str],
    options: UnipenOptions | None = None,
    progress: Progress = _silent,
    sources: Iterable[str] = (),
) -> Prepared:
    """Read a distribution, measure each writer, clean and resample every line, and gather a corpus.

    Args:
        root: UNIPEN's archive, or the folder that holds `data` and `include`.
        options: what is done; None for the defaults.
        progress: told of reading, measuring and cleaning.
        sources: contributors to take (three letters each); none takes all.

    Raises:
        InputError: nothing of UNIPEN is there, or no line is left.
    """
    chosen = frozenset(sources)
    data = read(Path(root), progress, chosen)
    return _Preparation(data, options or UnipenOptions(), progress, chosen).run(str(root))


@dataclass
class _Writer:
    """What one writer wrote: segments with the kind they are counted as."""

    texts: list[tuple[str, Measured]] = field(default_factory=list)
    words: list[tuple[str, Measured]] = field(default_factory=list)
    characters: list[Item] = field(default_factory=list)


class _Preparation:
    """The work of `prepare` on what was read."""

    def __init__(
        self, data: Dataset, options: UnipenOptions, progress: Progress, sources: frozenset[str]
    ) -> None:
        self.data, self.options, self.progress, self.sources = data, options, progress, sources
        self.counts: dict[str, Counter[str]] = {k: Counter() for k in _CATEGORIES if getattr(options, k)}

    def run(self, root: str) -> Prepared:
        """Choose, measure and compose lines, and build the corpus of them."""
        options = self.options
        texts = self.measured("texts") if options.texts else []
        words = self.measured("words") if options.words else []
        characters = list(self.items("characters")) if options.characters else []
        heights = writer_heights([*texts, *words], characters)
        texts = self.fitting("texts", texts, heights)
        used = {c for m in texts for c in m.item.components}
        words = [m for m in words if self.fresh("words", m.item, used)]
        words = self.fitting("words", words, heights)
        used |= {c for m in words for c in m.item.components}
        characters = [item for item in characters if self.fresh("characters", item, used)]
        try:
            corpus = Corpus.build(
                self.lines(texts, words, characters, heights),
                unit=_UNIT,
                preprocessing=options.preprocessing,
                min_count=options.min_count,
                options={"data": "UNIPEN train_r01_v07", **options.as_dict()},
                training_splits=SPLITS[:1],
            )
        except InputError as e:
            tally = "; ".join(f"{n} x {rule}" for rule, n in self.total().most_common())
            broken = f"; {self.data.broken[0].name} is broken" if self.data.broken else ""
            raise InputError(f"{root}: {e} ({tally}{broken})") from None
        rejected = {rule: n for rule, n in self.total().items() if rule not in ("read", "kept")}
        remarks = [*self.data.broken, *self.data.remarks]
        return Prepared(replace(corpus, rejected=rejected), self.counts, remarks, self.data.broken)

    def total(self) -> Counter[str]:
        """The counts of all kinds together."""
        return sum(self.counts.values(), Counter())

    def reject(self, kind: str, item: Item, rule: str, why: str) -> None:
        """Count a segment and name it in the report."""
        self.counts[kind][rule] += 1
        self.data.remarks.append(Remark(item.name, rule, why))

    # -- choosing -----------------------------------------------------------------------------

    def items(self, kind: str) -> Iterator[Item]:
        """The usable segments of a kind."""
        tick = self.progress(f"measuring {kind}", None)
        for category in _CATEGORIES[kind]:
            for item in self.data.items(category, self.sources, self.options.bad, self.counts[kind]):
                tick(1)
                if item.source in self.options.mislabelled:
                    self.reject(
                        kind, item, "mislabelled source", f"labels of {item.source} are not what its ink says"
                    )
                elif kind == "characters" and len(item.text) != 1:
                    self.reject(kind, item, "label", f"{item.text!r} is not one character")
                else:
                    yield item

    def fresh(self, kind: str, item: Item, used: set[tuple[str, int]]) -> bool:
        """Whether no other line has any of its ink; else it is rejected."""
        if item.components.isdisjoint(used):
            return True
        self.reject(kind, item, "in use", "its ink is part of a text or word that is used")
        return False

    def measured(self, kind: str) -> list[Measured]:
        """The usable segments of a kind, each with its slope taken out and its heights measured."""
        options, out = self.options, []
        for item in self.items(kind):
            text = self.text(item)
            if item.source in options.tokens and ambiguous(item.text):
                self.reject(
                    kind, item, "ambiguous label", f"{item.text!r} does not tell which digits make one number"
                )
            elif not text:
                self.reject(kind, item, "label", f"{item.text!r} has nothing to see")
            elif len(text) > options.longest:
                self.reject(kind, item, "too long", f"{len(text)} characters")
            elif options.rows and geometry.has_several_rows(item.strokes):
                self.reject(kind, item, "several rows", "its ink stands in several rows one below another")
            elif (found := measure(item, text)) is None:
                self.reject(kind, item, "flat", "its pen never turns, so nothing tells where it stands")
            else:
                out.append(found)
        return out

    def text(self, item: Item) -> str:
        """The label of an item as its ink has it."""
        text = item.text
        if item.source in self.options.joins and len(text) > 1:
            text = text.replace("@", "").strip()
        if item.source not in self.options.tokens:
            return text
        # `A B C` as an alphabet stands apart, as an abbreviation it does not.
        return (
            text if spelled(text) and geometry.stands_apart(item.strokes, text.count(" ")) else joined(text)
        )

    def fitting(self, kind: str, items: Sequence[Measured], heights: Mapping[str, float]) -> list[Measured]:
        """Those whose size and amount of ink are what their writer's others have."""
        options, kept = self.options, []
        for m in items:
            height = heights.get(m.item.writer)
            if height is None:
                self.reject(
                    kind, m.item, "no x-height", "nothing of its writer tells how large small letters are"
                )
            elif options.size and m.height and not 1 / options.size < m.height / height < options.size:
                self.reject(kind, m.item, "size", f"{m.height / height:.2f} times the x-height of its writer")
            else:
                kept.append(m)
        if not (options.misfit and kept):
            return kept
        values = np.array([amounts(Ink(m.strokes), m.text) for m in kept])
        limit = options.misfit * (1 if kind == "texts" else _WORD_MISFIT)
        wrong = misfits(values, [m.item.writer for m in kept], limit)
        for m in (m for m, out in zip(kept, wrong, strict=True) if out):
            why = "points, pen travel and width a letter are all far from the writer's others"
            self.reject(kind, m.item, "text and ink differ", why)
        return [m for m, out in zip(kept, wrong, strict=True) if not out]

    # -- composing ----------------------------------------------------------------------------

    def lines(
        self,
        texts: Sequence[Measured],
        words: Sequence[Measured],
        characters: Sequence[Item],
        heights: Mapping[str, float],
    ) -> Iterator[Line]:
        """Writer by writer: texts as they stand, then words, short texts and characters composed."""
        of: dict[str, _Writer] = defaultdict(_Writer)
        for m in texts:
            own = of[m.item.writer]
            (own.texts if len(m.text) >= self.options.shortest else own.words).append(("texts", m))
        for m in words:
            of[m.item.writer].words.append(("words", m))
        for item in characters:
            of[item.writer].characters.append(item)
        tick = self.progress("cleaning", len(of))
        for writer in sorted(of):
            yield from self.lines_of(writer, of[writer], heights[writer])
            tick(1)

    def lines_of(self, writer: str, own: _Writer, height: float) -> Iterator[Line]:
        """All lines of one writer, those too long for a corpus left out."""
        options = self.options
        rng = np.random.default_rng(list(hashlib.sha256(writer.encode()).digest()[:8]))
        split = split_of(writer, options.validation, options.test)
        made: list[tuple[str, str, Sequence[np.ndarray]]] = []
        spaces: list[float] = []
        texts = sorted(own.texts, key=lambda pair: (-len(pair[1].text), pair[1].item.name))
        taken, left = self.enough(texts, options.most_characters)
        for m in taken:
            strokes, widths = canonical(m, height, options)
            spaces += widths
            made.append((m.item.name, m.text, strokes))
        words = [own.words[i] for i in rng.permutation(len(own.words)).tolist()]
        pieces = [
            Piece(m.item.name, m.text, canonical(m, word_height(m, height, options.word_size), options)[0])
            for m in self.enough(words, left)[0]
        ]
        letters = [right - left for p in pieces for left, right in geometry.gaps(p.strokes, 0.0)]
        pieces += self.groups(own.characters, height, rng)
        made += compose(pieces, word_space(spaces, letters), _SHORTEST, _LONGEST, rng)
        for name, text, line in made:
            longest = float(np.abs(np.diff(np.concatenate(line), axis=0)).max(initial=0))
            if longest > 32766 * _UNIT:
                why = f"a step of {longest:.0f} x-heights is more than a corpus can hold"
                self.data.remarks.append(Remark(name, "step too long", why))
            else:
                yield Line(Ink(tuple(line)), text, name, writer, split)

    def enough(self, segments: Sequence[tuple[str, Measured]], most: int) -> tuple[list[Measured], int]:
        """The first of these segments, until they have `most` characters; how many more there may be."""
        taken = []
        for kind, m in segments:
            if most <= 0:
                why = f"{self.options.most_characters} characters of it are there"
                self.reject(kind, m.item, "enough of its writer", why)
                continue
            most -= len(m.text)
            self.counts[kind]["kept"] += 1
            taken.append(m)
        return taken, most

    def groups(self, characters: Sequence[Item], height: float, rng: np.random.Generator) -> list[Piece]:
        """Words made of single characters."""
        single = []
        for item in characters:
            strokes = canonical_character(item, height, self.options)
            if strokes is None:
                why = "it is larger than any character beside its writer's letters"
                self.reject("characters", item, "size", why)
            else:
                single.append(Piece(item.name, item.text, strokes))
        groups = list(group(single, rng))
        kept = sum(len(p.text) for p in groups)
        if characters:
            self.counts["characters"]["kept"] += kept
            self.counts["characters"]["left over"] += len(single) - kept
        return groups
