"""UNIPEN train_r01_v07 -> a corpus of lines in x-heights, resampled by shape.

Guyon, Schomaker, Plamondon, Liberman and Janet, "UNIPEN project of on-line data exchange and recognizer
benchmarks", ICPR 1994.
"""

from .options import UnipenOptions
from .prepare import prepare, split_of
from .report import SPLITS, Prepared

__all__ = ["SPLITS", "Prepared", "UnipenOptions", "prepare", "split_of"]
