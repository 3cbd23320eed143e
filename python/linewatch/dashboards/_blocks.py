"""What a page is made of besides figures."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any


@dataclass(frozen=True)
class Tile:
    """A figure of its own: what, how much, and a word on it."""

    label: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Rows:
    """A table of which a row can be chosen.

    `keys` say what a row stands for, such as a cell and a KPI; figures are drawn for a key.
    """

    title: str
    columns: list[str]
    rows: list[list[Any]]
    keys: list[dict[str, str]]
    total: int
    right: frozenset[int] = field(default_factory=frozenset)

    @property
    def note(self) -> str:
        """Says what is left out."""
        shown = len(self.rows)
        return "" if shown == self.total else f"{shown:,} of {self.total:,} rows"
