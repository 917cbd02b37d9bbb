"""From the files of one source to one row per value: the steps that cytokines and cells have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cytoshift.intake.columns import PLACEHOLDER, find_column, find_columns, is_pattern
from cytoshift.intake.exclusions import Exclusions
from cytoshift.intake.link import SampleIndex
from cytoshift.intake.melt import melt
from cytoshift.intake.names import NameBook
from cytoshift.intake.notebook import Notebook
from cytoshift.intake.rows import note_repeated_headers, take_rows
from cytoshift.intake.tabular import Grid
from cytoshift.intake.values import Parsed, find_decimal, parse_cells
from cytoshift.study.problem import Problems
from cytoshift.study.sources import CellSource, CytokineSource, Samples

LINKS = ("sample", "subject", "visit", "arm")
_VALUE_KEYS = ("value", "analyte", "population", "lower", "upper", "mean", "cv")
_GAP_TEXTS = frozenset(("", "nan", "na", "---", "***", "-"))


@dataclass(frozen=True)
class Context:
    """What reading any source needs; `index` is None when the samples themselves could not be read."""

    samples: Samples
    index: SampleIndex | None
    exclusions: Exclusions
    names: NameBook
    notebook: Notebook


@dataclass(frozen=True)
class Piece:
    """What one file of a source holds: one row per value cell, and the table it came from."""

    grid: Grid
    columns: Mapping[str, str]
    cells: pd.DataFrame


def read_pieces(
    source: CytokineSource | CellSource,
    identify: Callable[[str], str],
    companions: Mapping[str, str | None],
    context: Context,
) -> list[Piece]:
    """The value cells of every file of a source, as text; problems are noted and the file left out."""
    pieces = []
    section = f"{source.id}.columns"
    name = source.table_columns.analyte if isinstance(source, CytokineSource) else source.table_columns.population
    for grid in context.notebook.grids(source.files, source.sheet):
        taken = take_rows(grid, source.where, source.id, context.notebook)
        if taken is None:
            continue
        named = {key: text for key, text in source.table_columns.model_dump().items() if key not in _VALUE_KEYS}
        try:
            columns = find_columns(taken, named, section)
            reserved = {*columns.values(), *_other_columns(taken, source, context.samples)}
            cells = melt(
                taken, source.shape, source.table_columns.value, name, companions, reserved, identify, section,
                context.notebook,
            )  # fmt: skip
        except Problems as problems:
            context.notebook.add(problems)
            continue
        note_repeated_headers(taken, columns, context.notebook)
        if cells.empty:
            context.notebook.problem(taken.where, "", f"has no rows for {source.id}")
            continue
        pieces.append(Piece(taken, columns, cells))
    return pieces


def _other_columns(grid: Grid, source: CytokineSource | CellSource, samples: Samples) -> list[str]:
    """Columns that `where` and the samples name: "{analyte}" alone must not read a subject's age as an analyte."""
    named = [*source.where, *(covariate.column or covariate.id for covariate in samples.covariates)]
    named += [text for text in samples.columns.model_dump().values() if text]
    found = []
    for text in named:
        try:
            found.append(find_column(grid, text, ""))
        except Problems:  # this file need not have the columns of the sample sheet
            continue
    return found


def parse_values(
    piece: Piece, source: CytokineSource | CellSource, floor: float, context: Context
) -> tuple[Parsed, np.ndarray]:
    """The value cells as intervals, and which of them are values; what is none is a problem with row and column.

    Under a pattern that is a placeholder alone, a column without any number is no feature: it is left out with a
    finding.
    """
    cells = piece.cells
    native = cells["native"].to_numpy(dtype=bool)
    decimal = find_decimal(cells["text"][~native], source.decimal)
    parsed = parse_cells(cells["text"], decimal, native, floor)
    wrong = pd.Series(False, index=cells.index)
    wrong.iloc[list(parsed.mistakes)] = True
    readable = pd.Series(parsed.status != "missing", index=cells.index).groupby(cells["source_column"]).transform("any")
    pattern = source.table_columns.value
    bare = source.shape == "wide" and is_pattern(pattern) and not PLACEHOLDER.sub("", pattern).strip()
    no_feature = (wrong.groupby(cells["source_column"]).transform("any") & ~readable) if bare else wrong & False
    for column in pd.unique(cells.loc[no_feature, "source_column"]):
        message = f"{piece.grid.where}: column {column!r} holds no numbers and is not read as a feature."
        context.notebook.finding("not_a_feature", message, action="excluded")
    rows, columns, texts = (cells[key].to_numpy() for key in ("source_row", "source_column", "text"))
    context.notebook.problems(
        piece.grid.where,
        "values",
        lambda at: (f'row {rows[at]}, column "{columns[at]}"', f"{texts[at]!r} {parsed.mistakes[at]}"),
        np.flatnonzero(wrong & ~no_feature).tolist(),
    )
    return parsed, ~no_feature.to_numpy(dtype=bool)


def parse_companion(piece: Piece, key: str, source: CytokineSource, context: Context) -> np.ndarray:
    """Numbers of a companion column (mean, cv, lower, upper), NaN where it says nothing."""
    if key not in piece.cells:
        return np.full(len(piece.cells), np.nan)
    texts, native = piece.cells[key].astype(object), piece.cells[f"native_{key}"].to_numpy(dtype=bool)
    parsed = parse_cells(texts, find_decimal(texts[~native], source.decimal), native, -np.inf)
    rows, cells = piece.cells["source_row"].to_numpy(), texts.to_numpy()
    context.notebook.problems(
        piece.grid.where,
        f"{key} of values",
        lambda at: (f"row {rows[at]}, {key}", f"{cells[at]!r} {parsed.mistakes[at]}"),
        sorted(parsed.mistakes),
    )
    return parsed.value


def link_cells(piece: Piece, texts: pd.DataFrame, source_id: str, context: Context) -> pd.DataFrame:
    """Sample, subject, visit of each value cell, and `kept`: rows without a sample and without values are no rows.

    Parameters: `texts`, per row of the table what it says in the columns of LINKS.
    """
    cells = piece.cells
    blank = (texts.reindex(columns=list(LINKS), fill_value="") == "").all(axis=1)
    said = cells["text"].str.casefold().isin(_GAP_TEXTS)
    empty = said.groupby(cells["source_row"]).all().reindex(texts.index, fill_value=True)
    silent = blank & empty
    if silent.any():
        message = f"{piece.grid.where}: rows without a sample and without values are left out: {int(silent.sum())}."
        numbers = {"rows": int(silent.sum())}
        context.notebook.finding("row_without_sample", message, action="excluded", numbers=numbers)
    rows = texts[~silent]
    if context.index is None:
        linked = rows.reindex(columns=["sample", "subject", "visit"], fill_value="").assign(linked=False)
    else:
        linked = context.index.link(rows, source_id, piece.grid.where, context.notebook)
    spread = linked.reindex(cells["source_row"]).set_axis(cells.index)
    spread["kept"] = ~silent.reindex(cells["source_row"]).to_numpy()
    return spread
