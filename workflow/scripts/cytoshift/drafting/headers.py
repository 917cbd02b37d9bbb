"""How do labs head the columns that say whose, when, where and how much? The list is headers.tsv beside this module."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

ROLES = (
    *("sample", "subject", "visit", "arm", "well", "plate", "unit", "type", "specimen", "date", "dilution"),
    *("cohort", "sequence", "period", "layout", "file"),
)


def headers_of(meaning: str) -> tuple[str, ...]:
    """Headers with this meaning, packed (letters and digits, lower case), most telling first."""
    return _read()[meaning]


@cache
def _read() -> dict[str, tuple[str, ...]]:
    with Path(__file__).with_name("headers.tsv").open(encoding="utf-8", newline="") as file:
        _, *rows = csv.reader(file, delimiter="\t")
    return {meaning: tuple(headers.split()) for meaning, headers in rows}
