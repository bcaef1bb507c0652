"""JSON ink read back: the format that `strokes.export.json_ink` writes and describes."""

from __future__ import annotations

import msgspec
import numpy as np

from ..documents import decode_json
from ..export.json_ink import JsonInk
from ..files import InputError
from ..ink import Line
from .document import InkDocument, checked_ink, text_lines

__all__ = ["JSON_SCHEMA", "decode_ink"]

#: The JSON Schema of the format.
JSON_SCHEMA = msgspec.json.schema(JsonInk)


def decode_ink(data: bytes, where: str) -> InkDocument:
    """What is plotted of the pages, their lines told by position.

    Raises:
        InputError: it is not of the schema, or holds no ink.
    """
    lines: list[Line] = []
    for page in decode_json(data, JsonInk, where).pages:
        strokes = [np.array(s, np.float64) for layer in page.layers if layer.plotted for s in layer.strokes]
        if strokes:
            lines += text_lines(checked_ink(strokes, where), page.text, where)
    if not lines:
        raise InputError(f"{where}: holds no ink; give a file with strokes of a pen in it")
    return InkDocument(tuple(lines), 1.0)
