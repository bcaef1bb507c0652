"""How legible and how lively what a model writes is: a protocol for any handwriting synthesis."""

from .contexts import character_contexts
from .options import EvaluationOptions
from .report import CharacterCount, Legibility, Shapes, WritingReport
from .writing import evaluate_writing, line_count, packaged_texts

__all__ = [
    "CharacterCount",
    "EvaluationOptions",
    "Legibility",
    "Shapes",
    "WritingReport",
    "character_contexts",
    "evaluate_writing",
    "line_count",
    "packaged_texts",
]
