"""The log of a run: rows of JSON in metrics.jsonl."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ..documents import decode_json
from ..files import InputError, write_whole

__all__ = ["Log"]


@dataclass(frozen=True)
class _Row:
    event: str
    step: int


class Log:
    """Rows of JSON, appended to a file.

    Args:
        path: the file; it is emptied, or
        step: of the checkpoint that a resumed run goes on from: rows up to it are kept, later ones removed. A row
            that cannot be read, as a crash leaves one, is removed too.
    """

    def __init__(self, path: Path, step: int | None = None) -> None:
        self.path = path
        write_whole(path, b"" if step is None else self._up_to(step))

    def write(self, event: str, *, step: int, **values: object) -> None:
        """Append one row; numbers that are not finite become null.

        Raises:
            InputError: the disk is full.
        """
        row = msgspec.json.encode({"event": event, "step": step, **values})
        try:
            with open(self.path, "ab") as f:
                f.write(row + b"\n")
        except OSError as e:
            raise InputError(
                f"{self.path}: cannot be written ({e.strerror}); make room and go on from the last checkpoint "
                "with --resume"
            ) from None

    def _up_to(self, step: int) -> bytes:
        kept: list[bytes] = []
        damaged = 0
        for line in self._lines():
            try:
                if decode_json(line, _Row, str(self.path)).step <= step:
                    kept.append(line + b"\n")
            except InputError:
                damaged += 1
        if damaged > 1:  # one may be the row that a crash cut off
            print(f"strokes: {self.path}: {damaged} rows that cannot be read are removed", file=sys.stderr)
        return b"".join(kept)

    def _lines(self) -> list[bytes]:
        try:
            return [line for line in self.path.read_bytes().split(b"\n") if line.strip()]
        except FileNotFoundError:
            return []
        except OSError as e:
            raise InputError(
                f"{self.path}: cannot be read ({e.strerror}); remove it to go on without"
            ) from None
