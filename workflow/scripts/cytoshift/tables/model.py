"""What a table between stages is made of: columns with type, unit, legal values and meaning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "number", "integer", "flag"]

STATUS = ("observed", "below", "above", "extrapolated", "missing")
LAYERS = ("cytokine", "cell", "index", "outcome")
SCALES = ("log2", "logit", "identity")


@dataclass(frozen=True)
class Column:
    """One column: `kind` is its type, `unit` empty where it has none, `allowed` empty where any value is legal."""

    name: str
    kind: Kind
    meaning: str
    unit: str = ""
    allowed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """One table; `open_text` permits further text columns (covariates) after the declared ones."""

    name: str
    meaning: str
    columns: tuple[Column, ...]
    open_text: bool = False

    def names(self) -> list[str]:
        """Declared column names, in order."""
        return [column.name for column in self.columns]


def text(name: str, meaning: str, *allowed: str) -> Column:
    """A column of text, with its legal values where not any is legal."""
    return Column(name, "text", meaning, allowed=allowed)


def number(name: str, meaning: str, unit: str = "") -> Column:
    """A column of numbers that may be empty."""
    return Column(name, "number", meaning, unit)


def count(name: str, meaning: str) -> Column:
    """A column of whole numbers that may be empty."""
    return Column(name, "integer", meaning)


INTERVAL = (
    number("value", "the number written; empty for a non-detect", "as in `unit`"),
    number("lower", "the true value is at least this", "as in `unit`"),
    number("upper", "the true value is at most this", "as in `unit`"),
    text("status", "what kind of value it is", *STATUS),
)
DETECTED = Column("detected", "flag", "more than half of the wells have a number or lie above the range")
SOURCE_CELL = (
    text("source_file", "file it was read from"),
    count("source_row", "row in that file, the header being row 1"),
    text("source_column", "column in that file, as written"),
)
