"""A table as the page shows it: headings, cells, and what a cell sorts by."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd


@dataclass(frozen=True)
class Cell:
    """Text, the value it sorts by where that is not the text, and whether it stands out."""

    text: str
    sort: str = ""
    strong: bool = False


@dataclass(frozen=True)
class Heading:
    """A column's heading; numbers are set to the right."""

    text: str
    number: bool = False
    title: str = ""


@dataclass(frozen=True)
class Grid:
    """A table ready to be set; `note` stands under it, `caption` is read aloud before it."""

    headings: Sequence[Heading]
    rows: Sequence[Sequence[Cell]] = field(default_factory=list)
    caption: str = ""
    note: str = ""

    def __bool__(self) -> bool:
        """Has it any rows?"""
        return bool(self.rows)


def text(value: object, strong: bool = False) -> Cell:
    """A cell that sorts by what it shows."""
    return Cell("" if value is None else str(value), strong=strong)


def figure(words: str, value: float, strong: bool = False) -> Cell:
    """A cell that shows a number in words and sorts by the number; missing numbers sort last."""
    return Cell(words, "" if pd.isna(value) else f"{float(value):.9g}", strong)


def records(frame: pd.DataFrame) -> Iterator[Any]:
    """The rows of a frame, their columns as attributes."""
    return iter(frame.itertuples())
