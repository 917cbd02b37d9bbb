"""Which columns of a table does the study file mean?

Whitespace matters nowhere in a column name, letters in upper and lower case do: "{analyte} Calc. Concentration" finds
"GM-CSFCalc. Concentration" as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from cytoshift.intake.tabular import Grid
from cytoshift.study.problem import Problem, Problems, did_you_mean

PLACEHOLDER = re.compile(r"\{(analyte|population)\}")
_SHOWN = 15


@dataclass(frozen=True)
class WideColumn:
    """A value column of a wide table: its name in the frame and the feature's name as written."""

    column: str
    feature: str


def is_pattern(text: str) -> bool:
    """Does a column name stand for many columns?"""
    return PLACEHOLDER.search(text) is not None


def find_column(grid: Grid, named: str, key: str) -> str:
    """The column a study file names, in the frame's naming: exact first, then with any whitespace.

    A header that occurs several times means its first. Raises Problems with the header and the nearest name.
    """
    if named in grid.headers:
        return named
    matches = [name for name, written in grid.headers.items() if written and _packed(written) == _packed(named)]
    if matches:
        return matches[0]
    raise Problems([_missing(grid, named, key)])


def find_columns(grid: Grid, named: Mapping[str, str | None], section: str) -> dict[str, str]:
    """`find_column` for each key that is given: key → column; all that are missing in one Problems."""
    found: dict[str, str] = {}
    problems: list[Problem] = []
    for key, name in named.items():
        if name is None:
            continue
        try:
            found[key] = find_column(grid, name, f"{section}.{key}")
        except Problems as missing:
            problems += missing.problems
    if problems:
        raise Problems(problems)
    return found


def wide_columns(grid: Grid, pattern: str, reserved: Iterable[str], key: str) -> list[WideColumn]:
    """Columns that match a pattern such as "{analyte} Calc. Concentration", in the file's order.

    Parameters: `reserved`, columns with another meaning, never matched; `key`, for the message.
    Raises Problems when nothing matches.
    """
    expression, taken = _expression(pattern), set(reserved)
    found = []
    for name, written in grid.headers.items():
        match = expression.fullmatch(written) if written and name not in taken else None
        if match and match[1].strip():
            found.append(WideColumn(name, match[1].strip()))
    if not found:
        raise Problems([_missing(grid, pattern, key)])
    return found


def matching(grid: Grid, patterns: Iterable[str | None]) -> set[str]:
    """Columns that match any of the patterns that are more than a placeholder."""
    expressions = [_expression(p) for p in patterns if p and is_pattern(p) and PLACEHOLDER.sub("", p).strip()]
    return {name for name, written in grid.headers.items() if any(e.fullmatch(written) for e in expressions)}


def align(
    grid: Grid, pattern: str | None, values: list[WideColumn], identify: Callable[[str], str], key: str
) -> list[str | None]:
    """The companion column (mean, cv, limit) of each value column, or None where it has none.

    Parameters: `pattern`, a pattern, or one plain column for all; `identify`, name as written → what it means, so
    that "VEGF Calc. Conc. CV" belongs to "VGEF Calc. Concentration". Raises Problems when the pattern finds nothing.
    """
    if pattern is None:
        return [None] * len(values)
    if not is_pattern(pattern):
        return [find_column(grid, pattern, key)] * len(values)
    companions: dict[str, list[str]] = {}
    for companion in wide_columns(grid, pattern, {value.column for value in values}, key):
        companions.setdefault(identify(companion.feature), []).append(companion.column)
    aligned: list[str | None] = []
    seen: dict[str, int] = {}
    for value in values:
        feature = identify(value.feature)
        options = companions.get(feature, [])
        # the second "IL-6" value column goes with the second "IL-6" companion, if there is one
        place = min(seen.get(feature, 0), len(options) - 1)
        seen[feature] = seen.get(feature, 0) + 1
        aligned.append(options[place] if options else None)
    return aligned


def _expression(pattern: str) -> re.Pattern[str]:
    before, _, after = PLACEHOLDER.split(pattern, maxsplit=1)
    return re.compile(rf"{loose(before)}\s*(\S.*?)\s*{loose(after)}")


def loose(text: str) -> str:
    """A regular expression for a text in which whitespace matters nowhere."""
    return r"\s*".join(re.escape(letter) for letter in text if not letter.isspace())


def _packed(text: str) -> str:
    return "".join(text.split())


def _missing(grid: Grid, named: str, key: str) -> Problem:
    written = list(dict.fromkeys(name for name in grid.headers.values() if name))
    shown = ", ".join(map(repr, written[:_SHOWN])) + (f", … ({len(written)} in all)" if len(written) > _SHOWN else "")
    if is_pattern(named):
        return Problem(grid.where, key, f"no column matches {named!r}; the header has {shown}{_near(named, written)}")
    hint = did_you_mean(named, written)
    return Problem(grid.where, key, f"column {named!r} is missing; the header has {shown}{hint}")


def _near(pattern: str, written: list[str]) -> str:
    fixed = _packed(PLACEHOLDER.sub("", pattern)).casefold()
    for name in written:
        if fixed and fixed in _packed(name).casefold():
            return f"; {name!r} differs in upper and lower case or in the place of the name"
    return did_you_mean(pattern, written)
