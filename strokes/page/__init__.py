"""Pages: paper in millimetres, and where lines of ink go on it. No torch."""

from .document import Page
from .layout import MM_PER_UNIT, fit_page

__all__ = ["MM_PER_UNIT", "Page", "fit_page"]
