"""Characters that a model lacks, composed of letters that it draws and strokes of the pen. No torch."""

from .composer import Composed, Composer, Part
from .drawing import apply, trace

__all__ = ["Composed", "Composer", "Part", "apply", "trace"]
