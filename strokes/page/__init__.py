"""Pages: paper in millimetres, and where lines of ink go on it. No torch."""

from .compose import Composition, compose, planned_lines
from .document import Layer, Page
from .layout import fit_page
from .options import PageOptions
from .paper import Paper, find_paper, paper_names
from .sheet import cards_a_sheet, sheets_of
from .text import Paragraph, parse_text
from .words import Request, Word

__all__ = [
    "Composition",
    "Layer",
    "Page",
    "PageOptions",
    "Paper",
    "Paragraph",
    "Request",
    "Word",
    "cards_a_sheet",
    "compose",
    "find_paper",
    "fit_page",
    "paper_names",
    "parse_text",
    "planned_lines",
    "sheets_of",
]
