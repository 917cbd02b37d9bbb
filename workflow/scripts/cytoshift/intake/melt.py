"""One row per value: what a table, wide or long, holds of each feature."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np
import pandas as pd

from cytoshift.findings import plural
from cytoshift.intake.columns import PLACEHOLDER, WideColumn, align, find_column, is_pattern, matching, wide_columns
from cytoshift.intake.notebook import Notebook
from cytoshift.intake.tabular import Grid
from cytoshift.study.problem import Problem, Problems

CONSTANT = "="


def melt(
    grid: Grid,
    shape: str,
    value: str,
    name: str | None,
    companions: Mapping[str, str | None],
    reserved: Iterable[str],
    identify: Callable[[str], str],
    section: str,
    notebook: Notebook,
) -> pd.DataFrame:
    """Every value cell of a table, in the order of the file.

    Parameters: `shape`, wide or long; `value`, its column or pattern; `name`, the column of the feature's name in a
    long table, or "=RANKL" for a table of one feature; `companions`, further columns or patterns that belong to each
    value (mean, cv, lower, upper); `reserved`, columns with another meaning; `identify`, name → what it means.
    Returns columns source_row, source_column, written, text, native, and per companion its text and `native_<key>`.
    Raises Problems for columns that are not there.
    """
    if shape == "long":
        return _melt_long(grid, value, name, companions, section)
    if not is_pattern(value):
        message = f"a wide table needs a pattern such as '{{analyte}} Calc. Concentration', not {value!r}"
        raise Problems([Problem("study file", f"{section}.value", message)])
    longer = [other for other in companions.values() if other and len(_fixed(other)) > len(_fixed(value))]
    columns = wide_columns(grid, value, {*reserved, *matching(grid, longer)}, f"{section}.value")
    columns = _settle_repeats(grid, columns, identify, section, notebook)
    pieces = {"text": [column.column for column in columns]}
    aligned = {key: align(grid, pattern, columns, identify, f"{section}.{key}") for key, pattern in companions.items()}
    rows, width = len(grid.frame), len(columns)
    melted = pd.DataFrame(
        {
            "source_row": np.repeat(grid.frame.index.to_numpy(), width),
            "source_column": np.tile(np.array([grid.headers[c.column] for c in columns], dtype=object), rows),
            "written": np.tile(np.array([c.feature for c in columns], dtype=object), rows),
            "text": grid.frame[pieces["text"]].to_numpy(dtype=object).ravel(),
            "native": grid.native[pieces["text"]].to_numpy(dtype=bool).ravel(),
        }
    )
    for key, names in aligned.items():
        if any(names):
            melted[key] = _spread(grid.frame, names, "").ravel()
            melted[f"native_{key}"] = _spread(grid.native, names, False).ravel().astype(bool)
    return melted


def _spread(frame: pd.DataFrame, names: list[str | None], filler: str | bool) -> np.ndarray:
    block = np.full((len(frame), len(names)), filler, dtype=object)
    present = [place for place, name in enumerate(names) if name is not None]
    block[:, present] = frame[[name for name in names if name is not None]].to_numpy(dtype=object)
    return block


def _melt_long(
    grid: Grid, value: str, name: str | None, companions: Mapping[str, str | None], section: str
) -> pd.DataFrame:
    if name is None:
        message = "a long table needs the column of the feature's name, or one name for all rows, e.g. '=RANKL'"
        raise Problems([Problem("study file", f"{section}.analyte or population", message)])
    value_column = find_column(grid, value, f"{section}.value")
    constant = name.startswith(CONSTANT) and name not in grid.headers
    melted = pd.DataFrame(
        {
            "source_row": grid.frame.index.to_numpy(),
            "source_column": grid.headers[value_column],
            "written": name[1:].strip() if constant else grid.frame[find_column(grid, name, section)].to_numpy(),
            "text": grid.frame[value_column].to_numpy(),
            "native": grid.native[value_column].to_numpy(),
        }
    )
    for key, named in companions.items():
        if named is not None:
            column = find_column(grid, named, f"{section}.{key}")
            melted[key] = grid.frame[column].to_numpy()
            melted[f"native_{key}"] = grid.native[column].to_numpy()
    return melted


def _settle_repeats(
    grid: Grid, columns: list[WideColumn], identify: Callable[[str], str], section: str, notebook: Notebook
) -> list[WideColumn]:
    """The columns without copies; two that say different things of one feature are for a person to decide."""
    together: dict[str, list[WideColumn]] = {}
    for column in columns:
        together.setdefault(identify(column.feature), []).append(column)
    problems = []
    copies: set[str] = set()
    for feature, same in together.items():
        spellings = list(dict.fromkeys(column.feature for column in same))
        if len(spellings) > 1:
            message = f"columns of {' and '.join(map(repr, spellings))} both mean {feature}; say which with `names`"
            problems.append(Problem(grid.where, f"{section}.value", message))
        elif len(same) > 1:
            names = [column.column for column in same]
            header, places = grid.headers[names[0]], _places(grid, names)
            rows = _rows_that_differ(grid, names)
            if len(rows):
                message = (
                    f"the header stands {_times(len(same))} ({places}) and {plural(len(rows), 'row')} (first: row "
                    f"{rows[0]}) differ; give each its own name or take one out"
                )
                problems.append(Problem(grid.where, f'column "{header}"', message))
                continue
            message = f"{grid.where} has the header {header!r} {_times(len(same))} ({places}); the columns agree."
            notebook.finding("repeated_header", message, severity="note", action="nothing", feature=feature)
            copies |= _spare(grid, names)
    if problems:
        raise Problems(problems)
    return [column for column in columns if column.column not in copies]


def _rows_that_differ(grid: Grid, names: list[str]) -> np.ndarray:
    """Rows of the file in which two of the columns hold different texts; a blank beside a value is no difference."""
    texts = grid.frame[names].to_numpy(dtype=object)
    first = grid.frame[names].replace("", np.nan).bfill(axis=1).iloc[:, 0].to_numpy(dtype=object)
    different = ((texts != "") & (texts != first[:, None])).any(axis=1)
    return grid.frame.index.to_numpy()[different]


def _spare(grid: Grid, names: list[str]) -> set[str]:
    """Of columns that agree, those that say nothing the fullest one does not say."""
    filled = grid.frame[names] != ""
    fullest = str(filled.sum().idxmax())
    return {name for name in names if name != fullest and not (filled[name] & ~filled[fullest]).any()}


def _places(grid: Grid, names: list[str]) -> str:
    """'columns E, F', as a spreadsheet letters them."""
    order = list(grid.headers)
    return "columns " + ", ".join(_letters(order.index(name)) for name in names)


def _letters(place: int) -> str:
    letters = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def _times(count: int) -> str:
    return "twice" if count == 2 else f"{count} times"


def _fixed(pattern: str) -> str:
    return "".join(PLACEHOLDER.sub("", pattern).split())
