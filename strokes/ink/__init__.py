"""Pen strokes as values: ink, curves through it, and what can be measured on it. numpy only."""

from .ink import Ink, Line

__all__ = ["Ink", "Line"]
