"""The recogniser: reads a line of ink back. No torch."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, overload

import numpy as np

from ..artifacts import TensorFile
from ..ink import Ink
from .decoding import greedy, log_likelihood
from .features import line_frame, path_features
from .model import ReaderModel, load_reader

if TYPE_CHECKING:
    import onnxruntime

__all__ = ["DEFAULT_READER", "ReadCharacter", "Reading", "Recognizer"]

#: The packaged recogniser.
DEFAULT_READER = "reader"


@dataclass(frozen=True)
class ReadCharacter:
    """A character that was read.

    Attributes:
        character: it.
        confidence: the probability of its frames, 0 to 1.
        first, last: indices into `Ink.points`, about where it was drawn.
    """

    character: str
    confidence: float
    first: int
    last: int


@dataclass(frozen=True)
class Reading:
    """What was read in a line.

    Attributes:
        text: the line.
        confidence: how sure, 0 to 1: the probability of the best path, as a mean a character.
        characters: one by one.
    """

    text: str
    confidence: float
    characters: tuple[ReadCharacter, ...]


class Recognizer:
    """Reads lines of ink: size, slope and sampling rate do not matter.

    Each line is read by itself, so that what is read in it does not depend on the others.

    Args:
        model: weights; the packaged ones if None.
        threads: lines read at once; as many as there are cores if None.
    """

    def __init__(self, model: ReaderModel | None = None, threads: int | None = None) -> None:
        self.model = model or load_reader(DEFAULT_READER)
        self._session = _session(self.model)
        self._threads = threads or _cores()

    @classmethod
    def load(cls, where: str | os.PathLike[str] = DEFAULT_READER) -> Recognizer:
        """A packaged recogniser by name, or one from a folder.

        Raises:
            InputError: there is no such model, or it is damaged.
        """
        return cls(load_reader(where))

    @overload
    def read(self, ink: Ink) -> Reading: ...

    @overload
    def read(self, ink: Sequence[Ink]) -> list[Reading]: ...

    def read(self, ink: Ink | Sequence[Ink]) -> Reading | list[Reading]:
        """Read one line, or several, greedily, without a language model.

        Raises:
            ValueError: a line is empty.
        """
        if isinstance(ink, Ink):
            return self._reading(ink)
        if len(ink) < 2 or self._threads < 2:
            return [self._reading(line) for line in ink]
        with ThreadPoolExecutor(self._threads) as pool:
            return list(pool.map(self._reading, ink))

    def score(self, ink: Ink, text: str) -> float:
        """Log-probability of a text given a line, in nats a character (Graves et al. 2006, eq. 8).

        -inf where the ink is too short for the text or the recogniser does not know a character.

        Raises:
            ValueError: the line or the text is empty.
        """
        if not text:
            raise ValueError("an empty text has no score")
        ids = self.model.alphabet.encode(text)
        if not ids.all():
            return float("-inf")
        return log_likelihood(self.scores(ink)[0], ids) / len(text)

    def scores(self, ink: Ink) -> tuple[np.ndarray, np.ndarray]:
        """Log-probabilities of a line.

        Returns:
            (frames, symbols + 1) float32, the blank at 0; and (frames + 1,) int64, where each frame begins in
            `Ink.points`.
        """
        features = path_features(ink, line_frame(ink))
        rows = np.ascontiguousarray(features.rows.T[None])
        (scores,) = self._session.run(["scores"], {"rows": rows})
        begins = np.append(features.points[:: self.model.network.stride], ink.point_count)
        return scores, begins

    def _reading(self, ink: Ink) -> Reading:
        scores, begins = self.scores(ink)
        found, likelihoods = [], []
        for symbol, first, last in greedy(scores):
            likelihoods.append(float(scores[first : last + 1, symbol].max()))
            place = int(begins[first]), max(int(begins[first]), int(begins[last + 1]) - 1)
            character = self.model.alphabet.characters[symbol - 1]
            found.append(ReadCharacter(character, float(np.exp(likelihoods[-1])), *place))
        best = scores.max(axis=1)
        confidence = float(np.exp(best.sum() / max(1, len(found))))
        return Reading("".join(c.character for c in found), confidence, tuple(found))


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _session(model: ReaderModel) -> onnxruntime.InferenceSession:
    """The graph compiled, taken from the cache where it was built before."""
    import onnxruntime

    from ..sampling.cache import cached, keep

    digest = hashlib.blake2b(digest_size=16)
    if isinstance(model.weights, TensorFile):  # its content is not needed if the graph is there
        digest.update(model.weights.path.read_bytes())
    else:
        for name in sorted(model.weights):
            digest.update(name.encode() + np.ascontiguousarray(model.weights[name]).tobytes())
    name = f"reader1-{digest.hexdigest()}"
    graph = cached(name)
    if graph is None:
        from .graph import build_reader_graph

        graph = build_reader_graph(model.weights, model.network)
        keep(name, graph)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # To look for improvements takes longer than to read a line.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
