"""The option --model, which most commands of characters have."""

from __future__ import annotations

from ..parser import Parser

__all__ = ["add_model"]


def add_model(parser: Parser, default: str, what: str) -> None:
    """The option --model."""
    parser.add_argument(
        "--model", default=default, metavar="M", help=f"{what}: packaged, or a folder (default: {default})"
    )
