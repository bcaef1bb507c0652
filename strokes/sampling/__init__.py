"""Drawing lines of ink from a model."""

from .sample import Sample, Sampler, SamplingOptions

__all__ = ["Sample", "Sampler", "SamplingOptions"]
