"""What does a column look like: its header in comparable form, how many different values, how many numbers?"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cytoshift.drafting.opening import Table
from cytoshift.intake.values import find_decimal, parse_cells

_UNUSABLE = re.compile(r"[{}\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
_MOST_TEXTS = 400
NUMERIC_SHARE = 0.7


@dataclass(frozen=True)
class Column:
    """A column of a table: `name` in the frame, `packed` header (letters and digits only), `texts` that are not blank,
    `distinct` of them, the share of `numeric` cells among those that say something, and `numbers` of a sample."""

    name: str
    packed: str
    texts: pd.Series
    distinct: int
    numeric: float
    numbers: np.ndarray

    @property
    def is_numeric(self) -> bool:
        """Do its cells hold numbers (bounds such as <3.2 included)?"""
        return self.numeric >= NUMERIC_SHARE

    @property
    def is_empty(self) -> bool:
        """Has it neither a text nor a number?"""
        return not len(self.texts)


def pack(text: str) -> str:
    """Letters and digits of a header, lower case: "Sample ID" and "sample_id" are one."""
    return "".join(character for character in text.casefold() if character.isalnum())


def describe_columns(table: Table) -> tuple[dict[str, Column], list[str]]:
    """The columns a study file can name, by their name in the frame, and those it cannot.

    A repeated header stands for its first column alone; a header with braces or unprintable characters cannot be named.
    """
    usable: dict[str, Column] = {}
    unusable: list[str] = []
    for name, written in table.grid.headers.items():
        if not written or _UNUSABLE.search(written):
            unusable.append(name)
        elif name == written:
            usable[name] = describe_column(name, table.grid.frame[name])
    return usable, unusable


def is_writable(text: str) -> bool:
    """Can a study file hold this text?"""
    return not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]", text) and len(text) <= 200


def describe_column(name: str, cells: pd.Series) -> Column:
    """Describe one column; numbers are looked for in its first few hundred different texts."""
    texts = cells[cells != ""]
    unique = np.asarray(pd.unique(texts), dtype=object)
    parsed = parse_cells(unique[:_MOST_TEXTS], find_decimal(unique[:_MOST_TEXTS], None), floor=-np.inf)
    wrong = np.zeros(len(parsed.status), dtype=bool)
    wrong[list(parsed.mistakes)] = True
    said = int(wrong.sum() + (parsed.status != "missing").sum())
    numeric = float((parsed.status != "missing").sum() / said) if said else 0.0
    return Column(name, pack(name), texts, len(unique), numeric, parsed.value[np.isfinite(parsed.value)])


def decimal_of(columns: Iterable[Column]) -> str | None:
    """The decimal sign that has to be declared: a comma that is proven by the numbers themselves, otherwise None."""
    texts = [text for column in columns for text in pd.unique(column.texts)[:_MOST_TEXTS]]
    return "," if find_decimal(texts, None) == "," else None
