"""The style of each training line, from other lines of its writer."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..corpus import Corpus
from ..files import InputError
from ..npz import read_npz, save_npz

__all__ = ["LineStyles", "WriterStyles"]

# Lines whose mean makes a style, at most.
_MOST = 4


@dataclass(frozen=True, eq=False)
class LineStyles:
    """A vector for every line of a corpus, near those of other lines of its writer.

    Attributes:
        names: of the lines, as the corpus has them.
        vectors: (L, S) float32.
    """

    names: tuple[str, ...]
    vectors: np.ndarray

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write one .npz without pickled objects.

        Raises:
            InputError: the file cannot be written there.
        """
        save_npz(path, {"names": np.array(self.names, np.str_), "vectors": self.vectors})

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> LineStyles:
        """Read a file that `save` wrote.

        Raises:
            InputError: it is missing or damaged.
        """
        try:
            arrays = read_npz(path, {"names": ("U", 1), "vectors": ("f4", 2)})
            names, vectors = tuple(arrays["names"].tolist()), arrays["vectors"]
            if len(names) != len(vectors) or not np.isfinite(vectors).all():
                raise ValueError("its arrays do not fit together")
        except FileNotFoundError:
            raise InputError(f"{path}: no such file; make one with scripts/embed_lines.py") from None
        except ValueError as e:
            raise InputError(f"{path}: not a file of line styles, or damaged ({e})") from None
        return cls(names, vectors)

    @property
    def size(self) -> int:
        """Numbers in a style."""
        return int(self.vectors.shape[1])

    def of_corpus(self, corpus: Corpus) -> WriterStyles:
        """For the lines of a corpus.

        Raises:
            InputError: a line has no vector.
        """
        place = {name: i for i, name in enumerate(self.names)}
        missing = next((name for name in corpus.names if name not in place), None)
        if missing is not None:
            raise InputError(f"the line styles have no line {missing!r}; make them of the same corpus")
        order = [place[name] for name in corpus.names]
        return WriterStyles(self.vectors[order], corpus.writers, corpus.splits)


class WriterStyles:
    """Styles of lines from the other lines of their writers.

    Args:
        vectors: (L, S), of each line.
        writers: of each line; "" if unknown.
        splits: of each line: a style is made of lines of the same split.
    """

    def __init__(self, vectors: np.ndarray, writers: Sequence[str], splits: Sequence[str]) -> None:
        self.vectors = vectors.astype(np.float32)
        self._own: dict[tuple[str, str], list[int]] = {}
        self._key = list(zip(writers, splits, strict=True))
        for i, key in enumerate(self._key):
            if key[0]:
                self._own.setdefault(key, []).append(i)

    def draw(self, line: int, seed: Sequence[int], without: float) -> np.ndarray:
        """The mean of one to four other lines of the writer, (S,); zeros where there are none.

        Args:
            line: which one.
            seed: decides which lines.
            without: chance of zeros, so that the network learns to write without a style, too.
        """
        rng = np.random.default_rng([*seed, 5])
        others = [i for i in self._own.get(self._key[line], []) if i != line]
        if not others or rng.random() < without:
            return np.zeros(self.vectors.shape[1], np.float32)
        chosen = rng.choice(others, min(len(others), int(rng.integers(1, _MOST + 1))), replace=False)
        mean: np.ndarray = self.vectors[chosen].mean(axis=0)
        return mean
