"""Why a line or a file is not used."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["RejectedError", "Remark"]


@dataclass(frozen=True)
class Remark:
    """Why a line or a file is not used: one row of the report.

    Attributes:
        name: the line (a01-000u-01), form, archive member or file.
        rule: a short name to count by.
        detail: one sentence.
    """

    name: str
    rule: str
    detail: str


class RejectedError(ValueError):
    """A file cannot be used; has the `rule` and `detail` of a `Remark`."""

    def __init__(self, rule: str, detail: str) -> None:
        super().__init__(f"{rule}: {detail}")
        self.rule, self.detail = rule, detail

    def remark(self, name: str) -> Remark:
        return Remark(name, self.rule, self.detail)
