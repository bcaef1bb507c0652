"""What made a page, kept in its SVG as JSON: enough to write the same page again."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from ..documents import decode_json
from ..files import InputError

__all__ = ["metadata_element", "metadata_json", "read_metadata", "xml_text"]

_NAME = "{urn:strokes}page"
# A page of a thousand lines is far smaller.
_MOST_BYTES = 64 * 2**20


def metadata_element(metadata: Mapping[str, object]) -> ElementTree.Element:
    """The child of SVG's `<metadata>` that holds the values of a page.

    Args:
        metadata: what JSON can hold.
    """
    ElementTree.register_namespace("strokes", "urn:strokes")
    element = ElementTree.Element(_NAME)
    element.text = metadata_json(metadata)
    return element


def metadata_json(metadata: Mapping[str, object]) -> str:
    """Metadata as JSON in ASCII, which any XML can hold."""
    # UTF-8 has no place for lone surrogates, XML none for some control characters, which ASCII escapes.
    plain = json.dumps(metadata, ensure_ascii=False).encode("utf-8", "ignore")
    return json.dumps(json.loads(plain), ensure_ascii=True)


def xml_text(text: str) -> str:
    """The text without the characters that XML cannot hold."""
    return re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "", text)


def read_metadata(path: str | os.PathLike[str]) -> dict[str, Any]:
    """What made the page of an SVG file that this program wrote.

    Returns:
        `Page.metadata`, with "version" of the program and "format", the options of the file.

    Raises:
        InputError: the file cannot be read, is no SVG, or none of this program with metadata.
    """
    from lxml import etree

    try:
        if Path(path).stat().st_size > _MOST_BYTES:
            raise InputError(f"{path}: larger than {_MOST_BYTES // 2**20} MiB; it is no page of this program")
        parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
        found = etree.fromstring(Path(path).read_bytes(), parser).find(f".//{_NAME}")
    except OSError as e:
        raise InputError(f"{path}: cannot be read ({e.strerror})") from None
    except etree.XMLSyntaxError:
        raise InputError(f"{path}: not an SVG file; give one that strokes write has written") from None
    if found is None or not found.text:
        raise InputError(
            f"{path}: does not say what made it; give an SVG file that strokes write has written"
        )
    return decode_json(found.text.encode("utf-8"), dict[str, Any], str(path))
