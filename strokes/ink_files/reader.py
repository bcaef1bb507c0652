"""Files of ink, by their suffix."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ..files import InputError
from .document import MOST_BYTES, InkDocument

if TYPE_CHECKING:
    from lxml.etree import _Element

__all__ = ["READABLE", "parse_xml", "read_ink"]

#: The suffixes that `read_ink` knows.
READABLE = (".svg", ".json", ".inkml")


def read_ink(path: str | os.PathLike[str]) -> InkDocument:
    """Read the ink of a file, line by line.

    Args:
        path: JSON of this program (.json), InkML (.inkml) or SVG (.svg).

    Raises:
        InputError: the file is missing, of another format, damaged, too large, or holds no ink.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in READABLE:
        raise InputError(
            f"{path}: no ink is read from {suffix or 'a file without a suffix'}; give {', '.join(READABLE)}"
        )
    try:
        with Path(path).open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as e:
        raise InputError(f"{path}: cannot be read ({getattr(e, 'strerror', None) or e})") from None
    if len(data) > MOST_BYTES:
        raise InputError(f"{path}: larger than {MOST_BYTES // 2**20} MiB; give fewer pages at a time")
    if suffix == ".json":
        from .json_files import decode_ink

        return decode_ink(data, str(path))
    root = parse_xml(data, str(path))
    if suffix == ".inkml":
        from .inkml import inkml_document

        return inkml_document(root, str(path))
    from .svg import svg_document

    return svg_document(root, str(path))


def parse_xml(data: bytes, where: str) -> _Element:
    """The root of XML, read without entities and network.

    Raises:
        InputError: it is not XML, or defines entities.
    """
    from lxml import etree

    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as e:
        raise InputError(f"{where}: damaged XML ({' '.join(str(e).split())[:200]})") from None
    if b"<!ENTITY" in data:
        raise InputError(f"{where}: defines XML entities, which are not read; save it without them")
    return root
