"""What made a page that was written before, as defaults of the options that write it again."""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated, Any, Literal

import msgspec

from ..documents import convert
from ..export import PenOptions
from ..export.metadata import read_metadata
from ..files import InputError
from ..page import PageOptions
from ..sampling import SamplingOptions

__all__ = ["Made", "read_made"]


class Made(msgspec.Struct, frozen=True):
    """What made a page.

    Attributes:
        text: of the whole document.
        sampling, page: their options.
        model: name or folder; "" for one that had none.
        precision: of hidden states.
        reader: the recogniser that read what was written; "" for none.
        number: of the row in a merge; None for a page of its own.
        format: options of the file.
    """

    text: str
    sampling: SamplingOptions
    page: PageOptions
    model: str = "default"
    precision: Literal["int8", "fp32"] = "int8"
    reader: str = ""
    number: Annotated[int, msgspec.Meta(ge=0, le=2**31)] | None = None
    format: dict[str, Any] = {}

    def format_options(self, kind: type[PenOptions]) -> PenOptions:
        """The options of a format, as far as it shares them with the file's.

        Raises:
            InputError: a value is out of its range.
        """
        shared = {f.name: self.format[f.name] for f in fields(kind) if f.name in self.format}
        try:
            return kind(**shared)
        except ValueError as e:
            raise InputError(f"--again: {e}") from None


def read_made(path: str) -> Made:
    """What made the page in an SVG file.

    Raises:
        InputError: it cannot be read, or does not say.
    """
    metadata = read_metadata(path)
    if "cards" in metadata:
        raise InputError(f"{path}: a sheet of cards; merge them again")
    made = convert(metadata, Made, path)
    if not made.model:
        raise InputError(f"{path}: does not say which model wrote it; give --model and the text")
    return made
