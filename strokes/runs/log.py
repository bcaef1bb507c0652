"""The log of a run: rows of JSON in metrics.jsonl."""

from __future__ import annotations

import json
from pathlib import Path

from ..files import InputError, atomic_path

__all__ = ["Log"]


class Log:
    """Rows of JSON, appended; when resuming, rows later than the checkpoint are taken out first."""

    def __init__(self, path: Path, step: int | None, first: bool = True) -> None:
        self.path = path
        if not first:
            return
        kept = []
        if step is not None and path.exists():
            for row in path.read_text(encoding="utf-8").splitlines():
                try:
                    if json.loads(row)["step"] <= step:
                        kept.append(row + "\n")
                except ValueError:
                    pass  # a row that was cut off by a crash
        with atomic_path(path) as tmp:
            tmp.write_text("".join(kept), encoding="utf-8")

    def write(self, event: str, **values: object) -> None:
        """Append one row; `values` has the step.

        Raises:
            InputError: the disk is full.
        """
        try:
            with open(self.path, "a", encoding="utf-8") as f:
                f.write(json.dumps({"event": event, **values}) + "\n")
        except OSError as e:
            raise InputError(
                f"{self.path}: cannot be written ({e.strerror}); make room and go on from the last checkpoint "
                "with --resume"
            ) from None
