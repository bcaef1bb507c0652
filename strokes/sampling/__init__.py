"""Drawing lines of ink from a model."""

from .options import SamplingOptions
from .quality import QualityReport
from .sampler import Sample, Sampler

__all__ = ["QualityReport", "Sample", "Sampler", "SamplingOptions"]
