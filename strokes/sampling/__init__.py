"""Drawing lines of ink from a model."""

from .options import SamplingOptions
from .quality import QualityReport
from .sampler import OnPoints, Sample, Sampler

__all__ = ["OnPoints", "QualityReport", "Sample", "Sampler", "SamplingOptions"]
