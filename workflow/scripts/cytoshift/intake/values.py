"""What does the text in a cell say: a number, a bound, a gap, or something a person must look at?

A non-detect is an interval and stays one: `<3.2` is (0, 3.2], `OOR <` is below a limit that is found elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd

Decimal = Literal[".", ","]

PLAIN_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_COMMA_NUMBER = re.compile(r"[+-]?(?:[0-9]+,?[0-9]*|,[0-9]+)(?:[eE][+-]?[0-9]+)?")
_STOPS_GROUP = re.compile(r"[+-]?[1-9][0-9]{0,2}(?:\.[0-9]{3})+")
_THOUSANDS = re.compile(r"[+-]?[1-9][0-9]{0,2}(?:([,.' ])[0-9]{3})(?:\1[0-9]{3})*(?:[.,][0-9]+)?")
_GAPS = frozenset(
    [
        *("", "-", "--", "---", "–", "—", "*", "**", "***", ".", "?", "nan", "na", "n/a", "n.a.", "n.a", "#n/a", "#na"),
        *("nd", "n.d.", "n.d", "nr", "n.r.", "none", "null", "nil", "missing", "not available", "not done"),
    ]
)
_BELOW = frozenset(("oor<", "<oor", "<lod", "<loq", "<lloq", "<lloq.", "<min", "blq", "bloq", "blod", "bdl", "<"))
_ABOVE = frozenset(("oor>", ">oor", ">loq", ">uloq", ">max", "alq", "aloq", ">"))
_SIGNS = {"<": "below", "<=": "below", "≤": "below", ">": "above", ">=": "above", "≥": "above", "*": "extrapolated"}
_SIGNED = re.compile(r"(<=|>=|[<>≤≥*])\s*(.*)", re.DOTALL)
_SPACES = dict.fromkeys(map(ord, "\u00a0\u2007\u2009\u202f\u200b\ufeff"), " ") | {ord("−"): "-", ord("＜"): "<"}
_WITH_UNIT = re.compile(r"[0-9.,]+\s*(?:[pnuµμfm]?g\b|U\b|IU\b|%|NPX|cells)")
_DATE = re.compile(r"(?:[0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}|[0-9]{1,2}[-/.][0-9]{1,2}[-/.](?:[0-9]{4}|[0-9]{2}))\b")
_LOOKALIKES = str.maketrans({"O": "0", "o": "0", "l": "1", "I": "1", "S": "5", "B": "8"})


@dataclass(frozen=True)
class Parsed:
    """One entry per cell; `open_limit` marks a bound without a number, `mistakes` maps place → advice."""

    value: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    status: np.ndarray
    open_limit: np.ndarray
    mistakes: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Cell:
    status: str = "missing"
    number: float = np.nan
    mistake: str = ""


def is_gap(text: str) -> bool:
    """Does a cell say that there is nothing: blank, NA, n/a, a dash, "missing" and the like?"""
    return text.translate(_SPACES).strip().casefold() in _GAPS


def find_decimal(texts: Sequence[str] | pd.Series | np.ndarray, declared: Decimal | None) -> Decimal:
    """The decimal sign of cells that belong together (all value cells of one file).

    Declared, it is that. Otherwise it is the comma only where at least one number cannot be read with the comma as a
    thousands separator ("1,5", "0,123", "1234,567") and none is written with a full stop ("1.5"); in every other
    case it is the full stop, and `parse_cells` calls each number with a comma a mistake.
    """
    if declared:
        return declared
    unique = pd.unique(pd.Series(texts, dtype=object))
    if not any("," in text for text in unique):
        return "."
    bodies = [_body(text) for text in unique]
    with_comma = [body for body in bodies if "," in body and _COMMA_NUMBER.fullmatch(body)]
    proof = any(not _THOUSANDS.fullmatch(body) for body in with_comma)
    with_stop = proof and any("." in body and PLAIN_NUMBER.fullmatch(body) for body in bodies)
    return "," if proof and not with_stop else "."


def stop_that_may_group(texts: Iterable[str]) -> str:
    """The first cell of a file with a number whose full stop may be a thousands separator ("4.000"); '' where none may.

    None may where at least one number shows that the full stop is the decimal sign ("0.25", "12.5", "1234.567").
    """
    first = ""
    for text in texts:
        if "." not in text:
            continue
        body = _body(text)
        if _STOPS_GROUP.fullmatch(body):
            first = first or text
        elif PLAIN_NUMBER.fullmatch(body) and not body.endswith("."):
            return ""
    return first


def parse_cells(
    texts: Sequence[str] | pd.Series | np.ndarray,
    decimal: Decimal = ".",
    native: np.ndarray | None = None,
    floor: float = 0.0,
) -> Parsed:
    """Read cells as numbers, bounds and gaps.

    Parameters: `texts`, n cell texts; `decimal`, their decimal sign; `native`, n flags of cells that were numbers
    already (workbooks, Parquet), which have a full stop whatever the rest has; `floor`, the smallest value there can
    be, in the cells' unit (0; −inf for logarithms and scores).
    Returns arrays of n: below is (floor, limit], above [limit, inf), observed and extrapolated a point, missing NaN.
    Whatever is none of these is missing, with advice under `mistakes`. Nothing is raised.
    """
    cells = np.asarray(texts, dtype=object)
    native = np.zeros(len(cells), dtype=bool) if native is None else native
    kind = np.full(len(cells), "missing", dtype=object)
    number = np.full(len(cells), np.nan)
    mistakes: dict[int, str] = {}
    for subset, sign in ((np.flatnonzero(~native), decimal), (np.flatnonzero(native), ".")):
        if len(subset):
            _parse_subset(cells, subset, sign, kind, number, mistakes)
    return _as_intervals(kind, number, floor, mistakes)


def _parse_subset(
    cells: np.ndarray, places: np.ndarray, decimal: str, kind: np.ndarray, number: np.ndarray, mistakes: dict[int, str]
) -> None:
    codes, unique = pd.factorize(cells[places])
    plain = np.array([_plain(text) if decimal == "." else np.nan for text in unique])
    statuses = np.full(len(unique), "observed", dtype=object)
    advice: dict[int, str] = {}
    for code in np.flatnonzero(np.isnan(plain)).tolist():
        cell = _parse_one(str(unique[code]), decimal)
        statuses[code], plain[code] = cell.status, cell.number
        if cell.mistake:
            advice[code] = cell.mistake
    kind[places] = statuses[codes]
    number[places] = plain[codes]
    wrong = np.isin(codes, list(advice)) if advice else np.zeros(len(codes), dtype=bool)
    mistakes.update(zip(places[wrong].tolist(), (advice[code] for code in codes[wrong].tolist()), strict=True))


def _plain(text: str) -> float:
    """The number nearly every cell is, quickly; NaN for whatever needs a closer look."""
    if text.strip("0123456789.eE+-"):  # nothing is left of a text of these characters alone
        return np.nan
    try:
        number = float(text)
    except ValueError:
        return np.nan
    return number if np.isfinite(number) else np.nan


def _as_intervals(kind: np.ndarray, number: np.ndarray, floor: float, mistakes: dict[int, str]) -> Parsed:
    below, above = kind == "below", kind == "above"
    point = (kind == "observed") | (kind == "extrapolated")
    return Parsed(
        value=np.where(point, number, np.nan),
        lower=np.select([point | above, below], [number, np.full(len(kind), floor)], np.nan),
        upper=np.select([point | below, above], [number, np.full(len(kind), np.inf)], np.nan),
        status=kind,
        open_limit=(below | above) & np.isnan(number),
        mistakes=mistakes,
    )


def _parse_one(text: str, decimal: str) -> _Cell:
    tidy = text.translate(_SPACES).strip()
    folded = tidy.casefold()
    if folded in _GAPS:
        return _Cell()
    packed = folded.replace(" ", "")
    if packed in _BELOW or packed in _ABOVE:
        return _Cell("below" if packed in _BELOW else "above")
    signed = _SIGNED.fullmatch(tidy)
    if signed:
        return _number(signed[2], _SIGNS[signed[1]], tidy, decimal)
    return _number(tidy, "observed", tidy, decimal)


def _number(body: str, status: str, text: str, decimal: str) -> _Cell:
    pattern = PLAIN_NUMBER if decimal == "." else _COMMA_NUMBER
    if not pattern.fullmatch(body):
        return _Cell(mistake=_diagnose(body, text, decimal))
    number = float(body.replace(",", "."))
    if np.isinf(number):
        return _Cell(mistake="is larger than any concentration; check the exponent")
    return _Cell(status, number)


def _body(text: Any) -> str:
    tidy = str(text).translate(_SPACES).strip()
    signed = _SIGNED.fullmatch(tidy)
    return signed[2] if signed else tidy


def _diagnose(body: str, text: str, decimal: str) -> str:
    other = "," if decimal == "." else "."
    as_other = _COMMA_NUMBER if decimal == "." else PLAIN_NUMBER
    if text.casefold().replace(" ", "") == "oor":
        return "does not say on which side it is out of range; write OOR < or OOR >"
    if _THOUSANDS.fullmatch(body):
        return _thousands(body)
    if as_other.fullmatch(body):
        declare = "" if decimal == "," else '; declare decimal: "," if every comma is a decimal sign'
        return f"has a decimal {'comma' if other == ',' else 'point'} where the file's other numbers do not{declare}"
    repaired = body.translate(_LOOKALIKES)
    if (
        repaired != body
        and re.search("[0-9]", body)
        and any(number.fullmatch(repaired) for number in (PLAIN_NUMBER, _COMMA_NUMBER))
    ):
        letters = sorted(set(re.findall(r"[A-Za-z]", body)) - {"e", "E"})
        return f"is not a number: the letter {', '.join(letters)} stands where a digit belongs; write {repaired}"
    if _DATE.match(body):
        return "is a date, not a number: a spreadsheet may have turned the number into a date"
    if _WITH_UNIT.match(body):
        return "holds a unit as well; write the number alone and the unit in the study file"
    if re.fullmatch(r"[+-]?[0-9.,]+", body) and max(body.count("."), body.count(",")) > 1:
        return "has more than one decimal sign"
    return "is not a number; legal: a number, <3.2, >1000, OOR <, OOR >, *1.23, or a gap (blank, NaN, NA, ***, ---)"


def _thousands(body: str) -> str:
    if body.count(",") + body.count(".") == 1 and "'" not in body and " " not in body:
        plain = body.replace(",", "").replace(".", "")
        decimal = body.replace(",", ".")
        return f'may mean {plain} or {decimal}; declare decimal: "," or write it without a thousands separator'
    return "has thousands separators; write the number without them"
