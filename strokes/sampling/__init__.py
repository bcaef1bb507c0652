"""Drawing lines of ink from a model."""

from .options import SamplingOptions
from .quality import QualityReport
from .reader import AlignedReader, Reader
from .sampler import OnPoints, Sample, Sampler
from .words import Word, WordReading

__all__ = [
    "AlignedReader",
    "OnPoints",
    "QualityReport",
    "Reader",
    "Sample",
    "Sampler",
    "SamplingOptions",
    "Word",
    "WordReading",
]
