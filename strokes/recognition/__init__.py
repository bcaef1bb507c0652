"""Reading ink back. No torch until it is trained."""

from .model import ReaderModel, load_reader
from .reader import ReadCharacter, Reading, Recognizer

__all__ = ["ReadCharacter", "ReaderModel", "Reading", "Recognizer", "load_reader"]
