"""One row per value: what a table, wide or long, holds of each feature."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np
import pandas as pd

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
    _refuse_two_spellings(grid, columns, identify, section, notebook)
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


def _refuse_two_spellings(
    grid: Grid, columns: list[WideColumn], identify: Callable[[str], str], section: str, notebook: Notebook
) -> None:
    """The same header twice is a replicate; two names for one feature side by side are for a person to decide."""
    spellings: dict[str, list[str]] = {}
    for column in columns:
        spellings.setdefault(identify(column.feature), []).append(column.feature)
    problems = []
    for feature, written in spellings.items():
        different = list(dict.fromkeys(written))
        if len(different) > 1:
            message = f"columns of {' and '.join(map(repr, different))} both mean {feature}; say which with `names`"
            problems.append(Problem(grid.where, f"{section}.value", message))
        elif len(written) > 1:
            message = f"{grid.where} has {len(written)} columns of {written[0]!r}; they are read as replicates."
            notebook.finding("repeated_header", message, severity="warning", action="flagged", feature=feature)
    if problems:
        raise Problems(problems)


def _fixed(pattern: str) -> str:
    return "".join(PLACEHOLDER.sub("", pattern).split())
