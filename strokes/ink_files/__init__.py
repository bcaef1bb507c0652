"""Ink read back from files: our JSON, InkML and SVG, ours or others'. Formats are imported when they are read."""

from .document import InkDocument
from .lines import split_lines
from .reader import READABLE, read_ink

__all__ = ["READABLE", "InkDocument", "read_ink", "split_lines"]
