"""The recogniser as self-correction asks for it: loaded when something is read."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence

from ..ink import Ink
from ..sampling import AlignedReader, WordReading
from .model import load_reader
from .reader import DEFAULT_READER, Recognizer

__all__ = ["WordReader"]


class WordReader:
    """Reads the words of lines; see `strokes.sampling.Reader`.

    Args:
        where: a packaged recogniser by name, or the folder of one. It is found now and loaded when it first reads.

    Raises:
        InputError: there is no such recogniser.
    """

    def __init__(self, where: str | os.PathLike[str] = DEFAULT_READER) -> None:
        self._model = load_reader(where)
        self._reader: AlignedReader | None = None
        self._lock = threading.Lock()

    def read_words(self, inks: Sequence[Ink], texts: Sequence[str]) -> Sequence[Sequence[WordReading]]:
        """See `strokes.sampling.Reader`."""
        with self._lock:
            if self._reader is None:
                self._reader = AlignedReader(Recognizer(self._model, threads=1))
        return self._reader.read_words(inks, texts)
