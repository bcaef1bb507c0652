"""Pages: paper in millimetres, and where lines of ink go on it. No torch."""

from .document import Layer, Page
from .layout import PageOptions, fit_page

__all__ = ["Layer", "Page", "PageOptions", "fit_page"]
