"""What does a cell of a layout say is in the well: a sample, a standard, a blank, a control, at which dilution?"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cytoshift.intake.instruments.readout import Remark
from cytoshift.intake.values import find_decimal, is_gap, parse_cells, stop_that_may_group
from cytoshift.study.problem import Problem, did_you_mean
from cytoshift.tables.calibration import WELL_TYPES

# column of a layout → what it holds where nothing is said
LAYOUT_COLUMNS: dict[str, object] = {
    "sample": "", "type": "", "level": "", "dilution": np.nan, "expected": np.nan, "guessed": False, "relative": False,
}  # fmt: skip
_TYPES = {
    "sample": ("sample", "unknown", "unk", "unkn", "x", "u", "patient"),
    "standard": ("standard", "std", "s", "calibrator", "cal"),
    "blank": ("blank", "b", "blk", "bl", "background"),
    "control": ("control", "ctrl", "qc", "c"),
}
_TYPE_OF = {word: kind for kind, words in _TYPES.items() for word in words}
_EMPTY = frozenset(("empty", "leer", "unused", "not used"))
# without a number from 1 to 16 behind it, or with a leading zero, S and C are more often a sample's id
_WORDS = (
    ("blank", re.compile(r"(?:b|bl|blk|blank|background)[ _-]?[0-9]{0,2}", re.IGNORECASE)),
    ("standard", re.compile(r"(?:s[ _-]?(?:1[0-6]|[1-9])|(?:std|standard|cal|calibrator)[ _.-]?[0-9]{1,2})", re.I)),
    ("control", re.compile(r"(?:c[ _-]?[1-9]|qc[ _-]?[0-9]{0,2}|(?:control|ctrl)[ _-]?[0-9]{0,2})", re.IGNORECASE)),
)
_SERIES = re.compile(r"1\s*[/:]\s*([0-9]+(?:\.[0-9]+)?)")
_FOLD = re.compile(r"(?:1\s*(?:[/:]|in)\s*)?([0-9.,eE]+)\s*(?:[x×]|fold)?|[x×]\s*([0-9.,]+)", re.IGNORECASE)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?: .*)?")


@dataclass(frozen=True)
class RawLayout:
    """A layout as text: `cells` has one row per well with its key and texts, "" where the file has no such column.

    Columns well, sample, type, level, dilution, expected; the same with `where_` in front say where a text stands;
    `native_dilution` and `native_expected` flag numbers, `date` a sample that is a date. `drawn`: a plate as drawn.
    """

    path: str
    cells: pd.DataFrame
    has: frozenset[str]
    drawn: bool
    unit: str = ""
    remarks: list[Remark] = field(default_factory=list)


def interpret(raw: RawLayout) -> tuple[pd.DataFrame, list[Problem]]:
    """What is in each well (LAYOUT_COLUMNS, indexed by well), and mistakes with the cell they stand in."""
    cells, problems = raw.cells, list[Problem]()
    sample = cells["sample"].map(lambda text: "" if is_gap(text) or text.casefold() in _EMPTY else text)
    for place in np.flatnonzero(cells["date"] & (sample != "")):
        message = f"{sample.iloc[place]!r} is a date: a spreadsheet may have turned 1/2 into one; write it as text"
        problems.append(Problem(raw.path, cells["where_sample"].iloc[place], message))
    kind = _types(cells, problems)
    dilution = _numbers(cells, "dilution", problems)
    expected = _numbers(cells, "expected", problems)
    series = sample.map(_series).astype(float)
    guess = sample.map(_guess) if raw.drawn and "type" not in raw.has else pd.Series("", index=cells.index)
    guess = guess.mask(series.notna() & (kind == "") & raw.drawn, "standard")
    # a list that gives a concentration and no types can only mean a standard; without anything in it, the blank
    holds = expected.notna() & (kind == "") & (guess == "") & ("type" not in raw.has)
    guess = guess.mask(holds, np.where(expected == 0, "blank", "standard"))
    guessed = (kind == "") & (guess != "")
    kind = kind.mask(guessed, guess)
    known = kind.isin(["standard", "control", "blank"])
    sample = sample.mask((sample == "") & known, cells["level"])
    sample = sample.mask((sample == "") & known, kind)
    dilution = dilution.fillna(series.where(kind == "standard"))
    relative = (kind == "standard") & expected.isna() & dilution.notna() & ~_any_expected(kind, expected)
    level = cells["level"].mask(cells["level"] == "", sample).where(kind.isin(["standard", "control"]), "")
    wells = pd.DataFrame(
        {
            "sample": sample,
            "type": kind,
            "level": level,
            "dilution": dilution,
            "expected": expected.mask(relative, 1.0 / dilution),
            "guessed": guessed,
            "relative": relative,
        }
    )
    return wells.set_axis(cells["well"].to_numpy()), problems


def _any_expected(kind: pd.Series, expected: pd.Series) -> bool:
    return bool((expected.notna() & (kind == "standard")).any())


def _guess(text: str) -> str:
    return next((kind for kind, expression in _WORDS if expression.fullmatch(text)), "")


def _series(text: str) -> float:
    match = _SERIES.fullmatch(text)
    return float(match[1]) if match and float(match[1]) > 0 else np.nan


def _types(cells: pd.DataFrame, problems: list[Problem]) -> pd.Series:
    kinds = []
    for text, where in zip(cells["type"], cells["where_type"], strict=True):
        word = text.casefold().strip()
        kind = "" if is_gap(text) or word in _EMPTY else _TYPE_OF.get(re.sub(r"(?<=.)[ _-]?[0-9]{0,3}$", "", word), "?")
        if kind == "?":
            legal = ", ".join(WELL_TYPES)
            problems.append(Problem("", where, f"{text!r} is no type; legal: {legal}{did_you_mean(text, WELL_TYPES)}"))
        kinds.append("" if kind == "?" else kind)
    return pd.Series(kinds, index=cells.index, dtype=object)


def _numbers(cells: pd.DataFrame, key: str, problems: list[Problem]) -> pd.Series:
    """Dilutions ("4", "1:4", "1/4", "4x") or concentrations as numbers; whatever is none is a problem."""
    texts = cells[key].astype(object)
    native = cells[f"native_{key}"].to_numpy(dtype=bool)
    plain = texts.map(_factor) if key == "dilution" else texts
    decimal = find_decimal(plain[~native], None)
    unclear = stop_that_may_group(plain[~native]) if decimal == "." else ""
    parsed = parse_cells(plain, decimal, native)
    low = parsed.value <= 0 if key == "dilution" else parsed.value < 0
    wrong = ~np.isin(parsed.status, ["observed", "missing"]) | low
    wrong[list(parsed.mistakes)] = True
    legal = "is no dilution; legal: 4 or 1:4" if key == "dilution" else "is no concentration; legal: 0 or more"
    for place in np.flatnonzero(wrong):
        text = texts.iloc[place]
        why = " (a spreadsheet may have turned 1/2 into a date)" if _DATE.fullmatch(text) else ""
        problems.append(Problem("", cells[f"where_{key}"].iloc[place], f"{text!r} {legal}{why}"))
    if unclear:
        first = int(np.flatnonzero((plain == unclear) & ~native)[0])
        meanings = f"{unclear!r} may mean {unclear} or {unclear.replace('.', '')}"
        message = f"{meanings}; write it without a full stop, or with one more decimal"
        problems.append(Problem("", cells[f"where_{key}"].iloc[first], message))
    return pd.Series(np.where(wrong, np.nan, parsed.value), index=cells.index)


def _factor(text: str) -> str:
    match = _FOLD.fullmatch(text.strip())
    return (match[1] or match[2]) if match else text
