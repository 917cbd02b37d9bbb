"""Which rows of a table does a source take, and what do their columns say?"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from cytoshift.intake.columns import find_column
from cytoshift.intake.notebook import Notebook
from cytoshift.intake.tabular import Grid
from cytoshift.intake.words import canonical, canonical_series
from cytoshift.study.problem import Problems, did_you_mean

_SHOWN = 12


def take_rows(grid: Grid, where: Mapping[str, list[str]], key: str, notebook: Notebook) -> Grid | None:
    """The rows whose columns hold one of the values of `where`; None (a problem is noted) where that cannot be said.

    A value the column does not hold is a problem: it is a misspelling, or the wrong file.
    """
    keep = pd.Series(True, index=grid.frame.index)
    complete = True
    for named, values in where.items():
        try:
            texts = canonical_series(grid.frame[find_column(grid, named, f"{key}.where")])
        except Problems as problems:
            notebook.add(problems)
            return None
        present = sorted(set(texts) - {""})
        for value in values:
            if canonical(value) not in present:
                shown = ", ".join(present[:_SHOWN]) + (f", … ({len(present)} in all)" if len(present) > _SHOWN else "")
                hint = did_you_mean(value, present)
                message = f"no row has {value!r} in column {named!r}; it holds {shown or 'nothing'}{hint}"
                notebook.problem(grid.where, f"{key}.where", message)
                complete, notebook.unread = False, True
        keep &= texts.isin([canonical(value) for value in values])
    return grid.rows(keep) if complete else None


def note_repeated_headers(grid: Grid, used: Mapping[str, str], notebook: Notebook) -> None:
    """Note that a header in use occurs again, and in how many rows the copies differ."""
    for named in used.values():
        written = grid.headers[named]
        for name, other in grid.headers.items():
            if name != named and other == written:
                differ = int((grid.frame[name] != grid.frame[named]).sum())
                notebook.finding(
                    "repeated_header",
                    f"{grid.where} has the header {written!r} more than once; the first is used"
                    + (f", and {differ} rows say something else in the other." if differ else "; both say the same."),
                    severity="warning" if differ else "note",
                    action="flagged",
                    numbers={"rows": len(grid.frame), "different": differ},
                )
