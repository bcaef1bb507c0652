"""UNIPEN -> lines of ink with text, writer and split -> a corpus.

Ink of a corpus is deskewed, its baseline at y = 0 and one x-height of its writer = 1, y down.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from data_prep.cleaning import amounts, misfits
from strokes.corpus import Corpus
from strokes.files import InputError, atomic_path
from strokes.ink import Ink, Line
from strokes.ink_resampling import evened, simplify

from . import geometry
from .assembly import Piece, compose, word_space
from .characters import group, placed
from .labels import ambiguous, joined, spelled
from .measuring import Measured, measure, writer_heights
from .options import UnipenOptions
from .segments import Dataset, Item, Remark, read
from .sources import Progress

__all__ = ["SPLITS", "Prepared", "prepare", "split_of"]

#: A writer belongs to one of them.
SPLITS = ("train", "validation", "test")

_CATEGORIES = {"texts": ("8",), "words": ("7",), "characters": ("1a", "1b", "1c", "1d")}
# No letter of a line stands wholly as far from its baseline, in x-heights.
_ABOVE, _BELOW = 5.0, 4.0
# However coarse a tablet is, letters keep their corners.
_MOST_ROUNDS = 24
# No single character is wider.
_WIDEST = 5.0
# Points are rounded to multiples of this many x-heights.
_UNIT = 1 / 128


def split_of(writer: str, validation: float, test: float) -> str:
    """The split of a writer, `source/id`: by a hash of the id's letters and digits, so that one who wrote for two
    sources is in one split."""
    identity = "".join(c for c in writer.partition("/")[2].lower() if c.isalnum()) or writer
    share = int.from_bytes(hashlib.sha256(identity.encode()).digest()[:8]) / 2**64
    return "test" if share < test else "validation" if share < test + validation else "train"


@dataclass(frozen=True)
class Prepared:
    """A corpus and the account of how it came about.

    Attributes:
        corpus: its lines.
        counts: per kind ("texts", "words", "characters"), segments "read", "kept" and rejected by each rule.
        remarks: one for each broken archive, rejected segment, and file that was refused.
        broken: the first of these.
    """

    corpus: Corpus
    counts: Mapping[str, Counter[str]]
    remarks: Sequence[Remark]
    broken: Sequence[Remark]

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the corpus, and beside it CORPUS.report.tsv (name, rule, detail; a row a remark); its path.

        Raises:
            InputError: the folder does not exist or cannot be written to.
        """
        self.corpus.save(path)
        report = Path(path).with_suffix(".report.tsv")
        rows = [("name", "rule", "detail"), *((r.name, r.rule, r.detail) for r in self.remarks)]
        with atomic_path(report) as tmp:
            tmp.write_text("".join("\t".join(map(_printable, row)) + "\n" for row in rows), "utf-8")
        return report

    def table(self) -> str:
        """Segments read, kept and rejected by which rule; lines, characters, points and writers per split."""
        total: Counter[str] = sum(self.counts.values(), Counter())
        rules = sorted(set(total) - {"read", "kept"}, key=lambda rule: (-total[rule], rule))
        rows = [("segments", *self.counts)]
        for rule in ("read", "kept", *rules):
            label = rule if rule in ("read", "kept") else f"rejected: {rule}"
            rows.append((label, *(f"{c[rule]:,}" for c in self.counts.values())))
        corpus = self.corpus
        of = {s: [i for i, split in enumerate(corpus.splits) if split == s] for s in SPLITS}
        lengths = corpus.lengths()
        second = [("corpus", *SPLITS, "all")]
        figures = {
            "lines": lambda rows: len(rows),
            "characters": lambda rows: sum(len(corpus.texts[i]) for i in rows),
            "points": lambda rows: int(lengths[rows].sum()),
            "writers": lambda rows: len({corpus.writers[i] for i in rows}),
        }
        everything = list(range(len(corpus)))
        for name, figure in figures.items():
            second.append((name, *(f"{figure(r):,}" if r else "0" for r in (*of.values(), everything))))
        characters = sum(map(len, corpus.texts))
        return "\n".join(
            [
                *_aligned(rows),
                "",
                *_aligned(second),
                "",
                f"{corpus.point_count / characters:.1f} points a character; "
                f"{len(corpus.alphabet) - 1} characters: {corpus.alphabet.characters}",
            ]
        )


@dataclass
class _Writer:
    """What one writer wrote."""

    texts: list[tuple[str, Measured]] = field(default_factory=list)
    words: list[tuple[str, Measured]] = field(default_factory=list)
    characters: list[Item] = field(default_factory=list)


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    out = []
    for first, *others in rows:
        cells = [f"{cell:>{width}}" for cell, width in zip(others, widths[1:], strict=True)]
        out.append("  ".join([f"{first:<{widths[0]}}", *cells]).rstrip())
    return out


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)


def _silent(_what: str, _total: int | None):  # type: ignore[no-untyped-def]  # a Progress
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
        options: what is done.
        progress: told of reading and cleaning.
        sources: contributors to take (three letters each); none takes all.

    Raises:
        InputError: nothing of UNIPEN is there, or no line is left.
    """
    chosen = frozenset(sources)
    data = read(Path(root), progress, chosen)
    return _Preparation(data, options or UnipenOptions(), progress, chosen).run(str(root))


class _Preparation:
    """The work of `prepare` on what was read."""

    def __init__(self, data: Dataset, options: UnipenOptions, progress: Progress, sources: frozenset[str]) -> None:
        self.data, self.options, self.progress, self.sources = data, options, progress, sources
        self.counts: dict[str, Counter[str]] = {k: Counter() for k in _CATEGORIES if getattr(options, k)}
        self.tokens = frozenset(options.tokens.split())
        self.joins = frozenset(options.joins.split())
        self.jagged = frozenset(options.jagged.split())

    def run(self, root: str) -> Prepared:
        texts = self.measured("texts") if self.options.texts else []
        words = self.measured("words") if self.options.words else []
        characters = list(self.items("characters")) if self.options.characters else []
        heights = writer_heights([*texts, *words], characters)
        texts = self.sized("texts", texts, heights)
        used = {c for m in texts for c in m.item.components}
        words = [m for m in words if self.fresh("words", m.item, used)]
        words = self.sized("words", words, heights)
        used |= {c for m in words for c in m.item.components}
        characters = [item for item in characters if self.fresh("characters", item, used)]
        lines = self.lines(texts, words, characters, heights)
        try:
            corpus = Corpus.build(
                lines,
                unit=_UNIT,
                min_count=self.options.min_count,
                options={"data": "unipen", **self.options.as_dict()},
                training_splits=SPLITS[:1],
            )
        except InputError as e:
            total = sum(self.counts.values(), Counter())
            tally = "; ".join(f"{n} x {rule}" for rule, n in total.most_common())
            raise InputError(f"{root}: {e} ({tally})") from None
        rejected = sum(self.counts.values(), Counter())
        rejected = Counter({rule: n for rule, n in rejected.items() if rule not in ("read", "kept")})
        remarks = [*self.data.broken, *self.data.remarks]
        return Prepared(replace(corpus, rejected=rejected), self.counts, remarks, self.data.broken)

    def items(self, kind: str) -> Iterator[Item]:
        """The usable segments of a kind."""
        options, counts = self.options, self.counts[kind]
        tick = self.progress(f"measuring {kind}", None)
        wrong = frozenset(options.mislabelled.split())
        for category in _CATEGORIES[kind]:
            for item in self.data.items(category, self.sources, options.bad, counts):
                tick(1)
                if item.source in wrong:
                    self.reject(kind, item, "mislabelled source", f"labels of {item.source} are not what its ink says")
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

    def reject(self, kind: str, item: Item, rule: str, why: str) -> None:
        self.counts[kind][rule] += 1
        self.data.remarks.append(Remark(item.name, rule, why))

    def measured(self, kind: str) -> list[Measured]:
        """The usable segments of a category, each with its slope taken out and its heights measured."""
        options, out = self.options, []
        for item in self.items(kind):
            text = self.text(item)
            if item.source in self.tokens and ambiguous(item.text):
                self.reject(kind, item, "ambiguous label", f"{item.text!r} does not tell which digits make one number")
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
        if item.source in self.joins and len(text) > 1:
            text = text.replace("@", "").strip()
        if item.source not in self.tokens:
            return text
        if spelled(text):  # `A B C` as an alphabet stands apart, as an abbreviation it does not
            points = np.concatenate(item.strokes)
            wide = geometry.gaps(item.strokes, 0.6 * float(np.ptp(points[:, 1])))
            if len(wide) >= 0.7 * text.count(" "):
                return text
        return joined(text)

    def sized(self, kind: str, items: Sequence[Measured], heights: Mapping[str, float]) -> list[Measured]:
        """Those whose size and amount of ink are what their writer's others have."""
        options, kept = self.options, []
        for m in items:
            height = heights.get(m.item.writer)
            if height is None:
                self.reject(kind, m.item, "no x-height", "nothing of its writer tells how large small letters are")
            elif options.size and m.height and not 1 / options.size < m.height / height < options.size:
                self.reject(kind, m.item, "size", f"{m.height / height:.2f} times the x-height of its writer")
            else:
                kept.append(m)
        if not options.misfit or not kept:
            return kept
        values = np.array([amounts(Ink(m.strokes), m.text) for m in kept])
        limit = options.misfit if kind == "texts" else 1.5 * options.misfit
        fits = ~misfits(values, [m.item.writer for m in kept], limit)
        for m, fit in zip(kept, fits, strict=True):
            if not fit:
                why = "points, pen travel and width a letter are all far from the writer's others"
                self.reject(kind, m.item, "text and ink differ", why)
        return [m for m, fit in zip(kept, fits, strict=True) if fit]

    def lines(
        self,
        texts: Sequence[Measured],
        words: Sequence[Measured],
        characters: Sequence[Item],
        heights: Mapping[str, float],
    ) -> Iterator[Line]:
        """Writer by writer: texts as they stand, then words and short texts, then characters, composed."""
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
        """All lines of one writer."""
        options = self.options
        split = split_of(writer, options.validation, options.test)
        rng = np.random.default_rng(list(hashlib.sha256(writer.encode()).digest()[:8]))
        left = options.most_characters
        spaces: list[float] = []
        for kind, m in sorted(own.texts, key=lambda pair: (-len(pair[1].text), pair[1].item.name)):
            if self.enough(kind, m.item, left):
                continue
            left -= len(m.text)
            strokes = self.canonical(m, height, spaces)
            yield from self.line(strokes, m.text, m.item.name, writer, split)
        pieces = []
        for i in rng.permutation(len(own.words)).tolist():
            kind, m = own.words[i]
            if self.enough(kind, m.item, left):
                continue
            left -= len(m.text)
            pieces.append(Piece(m.item.name, m.text, tuple(self.canonical(m, self.word_height(m, height), []))))
        letters = [right - left for p in pieces for left, right in geometry.gaps(p.strokes, 0.0)]
        single = []
        for item in own.characters:
            strokes = self.resampled(placed(item.text, item.strokes, height), item, height)
            width, top, bottom = _extent(strokes)
            if width > _WIDEST or top < -_ABOVE or bottom > _BELOW:
                self.reject("characters", item, "size", "it is larger than any character beside its writer's letters")
                continue
            single.append(Piece(item.name, item.text, tuple(strokes)))
        groups = list(group(single, rng))
        self.counts.get("characters", Counter())["kept"] += sum(len(p.text) for p in groups)
        self.counts.get("characters", Counter())["left over"] += len(single) - sum(len(p.text) for p in groups)
        for name, text, line in compose([*pieces, *groups], word_space(spaces, letters), 20, 50, rng):
            yield from self.line(line, text, name, writer, split)

    def line(self, strokes: Sequence[np.ndarray], text: str, name: str, writer: str, split: str) -> Iterator[Line]:
        """The line, unless the pen moves further in one step than a corpus can hold: it is remarked then."""
        longest = float(np.abs(np.diff(np.concatenate(strokes), axis=0)).max(initial=0))
        if longest > 32766 * _UNIT:
            self.data.remarks.append(Remark(name, "step too long", f"a line with a step of {longest:.0f} x-heights"))
        else:
            yield Line(Ink(tuple(strokes)), text, name, writer, split)

    def enough(self, kind: str, item: Item, left: int) -> bool:
        """Whether its writer has used up its characters; it is counted either way."""
        if left > 0:
            self.counts[kind]["kept"] += 1
            return False
        self.reject(kind, item, "enough of its writer", f"{self.options.most_characters} characters of it are there")
        return True

    def word_height(self, m: Measured, height: float) -> float:
        """The x-height that a word is scaled by: its writer's, unless it is far larger or smaller.

        Words that were written apart vary in size more than the words of a line.
        """
        limit = self.options.word_size
        if not (limit and m.height):
            return height
        return float(np.clip(height, m.height / limit, m.height * limit))

    def canonical(self, m: Measured, height: float, spaces: list[float]) -> list[np.ndarray]:
        """Strokes with the baseline at 0 and the writer's x-height = 1, outliers gone, gaps narrowed, even points.

        The gaps of a line with spaces in its text are added to `spaces`.
        """
        options = self.options
        strokes = [(s - (0.0, m.base)) / height for s in m.strokes]
        if options.leap:
            strokes = [
                part for s in strokes for part in geometry.cut_leaps(geometry.without_spikes(s, options.leap), options.leap)
            ]
        strokes = geometry.without_strays(strokes, _ABOVE, _BELOW) or strokes
        blanks = m.text.count(" ")
        if blanks:
            widths = sorted(right - left for left, right in geometry.gaps(strokes, 0.3))
            spaces += widths[-blanks:]
        if options.word_gap and options.letter_gap:
            strokes = geometry.narrow(strokes, blanks, options.word_gap, options.letter_gap)
        return self.resampled(strokes, m.item, height)

    def resampled(self, strokes: Sequence[np.ndarray], item: Item, height: float) -> list[np.ndarray]:
        """Strokes in x-heights, of `height` tablet units each, with only the points that their shape needs."""
        options = self.options
        rounds = options.smoothing * (3 if item.source in self.jagged else 1)
        # evened() smooths by a Gaussian of standard deviation step * sqrt(rounds / 2).
        wanted = options.grid * geometry.grid(item.strokes) / height
        rounds = int(np.clip(np.ceil(2 * (wanted / options.step) ** 2), rounds, max(rounds, _MOST_ROUNDS)))
        return simplify(
            evened(strokes, options.step, rounds), options.tolerance, options.longest_step, 4 / 3 * options.tolerance
        )


def _extent(strokes: Sequence[np.ndarray]) -> tuple[float, float, float]:
    """Width, top and bottom (y down)."""
    points = np.concatenate(strokes)
    return float(np.ptp(points[:, 0])), float(points[:, 1].min()), float(points[:, 1].max())
