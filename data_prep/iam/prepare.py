"""From the data set to a corpus, with an account of every line that is left out."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from strokes.corpus import TRAINING_SPLITS, Corpus
from strokes.files import InputError
from strokes.ink import Line
from strokes.ink.cleaning import subsample

from ..cleaning import PRESETS, CleaningOptions, amounts, clean, clean_text, misfits, unreadable
from ..reports import PreparedCorpus, Remark
from .dataset import read
from .files import Progress, silent
from .parsing import SPLITS

__all__ = ["Prepared", "prepare"]

# What the recording program puts where nobody typed a transcription.
_PLACEHOLDER = "please enter transcription"

# Corpora hold steps as 16-bit whole numbers of their unit.
_LONGEST_STEP = 32766


class Prepared(PreparedCorpus):
    """A corpus and the account of how it came about.

    A line is there once for each phase, with "~p" in its name for phase p > 0; `counts` are of distinct lines per
    split ("" for none).
    """

    def table(self) -> str:
        """Lines read, kept and rejected by which rule, points and writers, per split; the alphabet."""
        splits = [*SPLITS, *([""] if "" in self.counts else [])]
        total = sum(self.counts.values(), Counter())
        rejections = sorted(set(total) - {"read", "kept"}, key=lambda rule: (-total[rule], rule))
        rows = [("lines", *(s or "in no split" for s in splits), "all")]
        for rule in ("read", "kept", *rejections):
            label = rule if rule in ("read", "kept") else f"rejected: {rule}"
            rows.append((label, *(f"{self.counts[s][rule]:,}" for s in splits), f"{total[rule]:,}"))
        corpus = self.corpus
        points: Counter[str] = Counter()
        copies: Counter[str] = Counter()
        writers: defaultdict[str, set[str]] = defaultdict(set)
        for name, split, writer, length in zip(
            corpus.names, corpus.splits, corpus.writers, corpus.lengths().tolist(), strict=True
        ):
            (copies if "~" in name else points)[split] += length
            writers[split].add(writer)
        rows.append(("points", *(f"{points[s]:,}" for s in splits), f"{points.total():,}"))
        if copies:
            rows.append(("points, other phases", *(f"{copies[s]:,}" for s in splits), f"{copies.total():,}"))
        known = {s: w - {""} for s, w in writers.items()}
        everyone = set().union(*known.values())
        rows.append(("writers known", *(f"{len(known.get(s, ())):,}" for s in splits), f"{len(everyone):,}"))
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = []
        for row in rows:
            cells = [cell.rjust(w) for cell, w in zip(row, widths, strict=True)]
            lines.append("  ".join([row[0].ljust(widths[0]), *cells[1:]]))
        characters = corpus.alphabet.characters
        return "\n".join([*lines, f"alphabet: {len(characters)} characters  {characters}"])


def prepare(
    root: str | os.PathLike[str],
    options: CleaningOptions = PRESETS["default"],
    progress: Progress = silent,
) -> Prepared:
    """Read the data set in `root`, clean every line and gather what is good into a corpus.

    Training lines come once a phase, others once. Lines of no split are kept: nothing trains on them.

    Raises:
        InputError: the data set is not there, or no training line of it can be used.
    """
    data = read(root, progress)
    tally = _Tally()
    for split, remark in data.rejected:
        tally.counts[split]["read"] += 1
        tally.reject(split, remark)
    written = _with_text(data.lines, options, tally)
    try:
        corpus = Corpus.build(
            _cleaned(written, options, tally, progress),
            unit=options.unit,
            preprocessing=options.preprocessing,
            min_count=options.min_count * options.phases,  # each training line is there once a phase
            options=options.as_dict(),
        )
    except InputError as e:
        total = tally.total()
        parts = [f"{total['read']} lines read"]
        parts += [f"{n} x {rule}" for rule, n in total.most_common() if rule != "read"]
        parts += [f"{r.name} is broken" for r in data.broken]
        raise InputError(f"{root}: {e} ({'; '.join(parts)})") from None
    rejected = {rule: n for rule, n in tally.total().items() if rule not in ("read", "kept")}
    remarks = [*data.broken, *tally.remarks, *data.remarks]
    return Prepared(replace(corpus, rejected=rejected), tally.counts, remarks, data.broken)


@dataclass
class _Tally:
    """Lines read, kept and rejected by rule, for each split, and the remarks on the rejected ones."""

    counts: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    remarks: list[Remark] = field(default_factory=list)

    def reject(self, split: str, remark: Remark) -> None:
        self.counts[split][remark.rule] += 1
        self.remarks.append(remark)

    def total(self) -> Counter[str]:
        return sum(self.counts.values(), Counter())


def _with_text(lines: Sequence[Line], options: CleaningOptions, tally: _Tally) -> list[Line]:
    """The lines that have a readable transcription, with it cleaned."""
    written = []
    for line in lines:
        tally.counts[line.split]["read"] += 1
        text = clean_text(line.text) if options.text else line.text
        if not text:
            remark = Remark(line.name, "no text", "there is no transcription of this line")
        elif text.lower().startswith(_PLACEHOLDER):
            remark = Remark(line.name, "text and ink differ", f"the transcription is {text!r}")
        elif options.unreadable and unreadable(text):
            remark = Remark(line.name, "unreadable word", "the transcription has # or %% in it")
        else:
            written.append(replace(line, text=text))
            continue
        tally.reject(line.split, remark)
    return written


def _cleaned(
    lines: Sequence[Line], options: CleaningOptions, tally: _Tally, progress: Progress
) -> Iterator[Line]:
    """The lines whose text fits their ink, cleaned, once for each phase."""
    fits = np.ones(len(lines), bool)
    if options.misfit and lines:
        values = np.array([amounts(line.ink, line.text) for line in lines])
        fits = ~misfits(values, [line.name.rpartition("-")[0] for line in lines], options.misfit)
    whole = replace(options, every=1, phases=1)
    tick = progress("cleaning", len(lines))
    for line, fit in zip(lines, fits, strict=True):
        tick(1)
        if not fit:
            why = "points, pen travel and width a letter are all far from the other lines' of the form"
            tally.reject(line.split, Remark(line.name, "text and ink differ", why))
            continue
        try:
            ink = clean(line.ink, whole)
        except ValueError as e:
            tally.reject(line.split, Remark(line.name, "flat", str(e)))
            continue
        phases = options.phases if line.split in TRAINING_SPLITS else 1
        inks = [subsample(ink, options.every, phase) for phase in range(phases)]
        longest = max(float(np.abs(np.diff(i.points, axis=0)).max(initial=0)) for i in inks)
        if longest > _LONGEST_STEP * options.unit:
            why = f"a step of {longest:.0f} ink units"
            tally.reject(line.split, Remark(line.name, "step too long", why))
            continue
        tally.counts[line.split]["kept"] += 1
        for phase, phase_ink in enumerate(inks):
            yield replace(line, ink=phase_ink, name=f"{line.name}~{phase}" if phase else line.name)
