"""Which columns of the files did nobody ask for, and is one of them a value in another unit?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from cytoshift.findings import listed
from cytoshift.intake.columns import PLACEHOLDER, find_column, is_pattern, loose, matching, wide_columns
from cytoshift.intake.names import NameBook
from cytoshift.intake.notebook import Notebook
from cytoshift.intake.tabular import Grid, find_files
from cytoshift.study.problem import Problems
from cytoshift.study.sources import CellSource, CytokineSource
from cytoshift.study.study import IntakePlan

_UNIT = re.compile(r"(?:[fpnumµμ]?g|[fpnumµμ]?mol|[kmuµμ]?I?U)\s*/\s*[dmunµμ]?[lL]\b|[fpnumµμ]M\b")
_TRACE = re.compile(r"[fpnuµμ]g")  # amounts in which nothing but proteins are given
_MOST = 30

Source = CytokineSource | CellSource


def report_unread(plan: IntakePlan, names: NameBook, notebook: Notebook) -> None:
    """Note a problem for each analyte's column in another unit than its pattern, and list what else nobody reads.

    A column is asked for when the plan names it anywhere, or a pattern of a source of the same file matches it.
    Call it when all sources are read.
    """
    read: dict[str, tuple[Grid, list[Source]]] = {}
    for grid, source in _wide_tables(plan, notebook):
        read.setdefault(grid.where, (grid, []))[1].append(source)
    named = list(_named(plan))
    for grid, sources in read.values():
        patterns = [text for source in sources for text in source.table_columns.model_dump().values() if text]
        if not all(matching(grid, [source.table_columns.value]) for source in sources):
            continue  # a bare pattern takes every column, and one that matches nothing is a problem already
        known = matching(grid, patterns) | set(_present(grid, [*named, *patterns]))
        known_headers = {grid.headers[name] for name in known}
        rest = [name for name, header in grid.headers.items() if header and header not in known_headers]
        panels = [source for source in sources if isinstance(source, CytokineSource)]
        taken = {names.companion_key(name, "cytokine") for panel in panels for name in _features(grid, panel)}
        for panel in panels:
            rest = [name for name in rest if not _is_in_another_unit(grid, name, panel, taken, names, notebook)]
        if rest:
            message = f"{grid.where}: columns that no part of the study file names are not read: "
            message += f"{listed((grid.headers[name] for name in rest), _MOST)}."
            notebook.finding("columns_not_read", message, numbers={"columns": len(rest)})


def _tables(plan: IntakePlan) -> list[Source]:
    sources: list[Source] = [*plan.cytokines, *plan.cells]
    return [source for source in sources if source.format == "table" and source.is_readable]


def _wide_tables(plan: IntakePlan, notebook: Notebook) -> Iterator[tuple[Grid, Source]]:
    for source in _tables(plan):
        if not is_pattern(source.table_columns.value):
            continue
        for pattern in source.files:
            try:
                paths = find_files(pattern)
            except Problems:  # noted where the source was read
                continue
            grids = [notebook.grid(path, source.sheet) for path in paths]
            yield from ((grid, source) for grid in grids if grid is not None)


def _named(plan: IntakePlan) -> Iterator[str]:
    """Every text of the plan that can be a plain column."""
    yield from (text for text in plan.samples.columns.model_dump().values() if text)
    yield from (covariate.column or covariate.id for covariate in plan.samples.covariates)
    for outcome in plan.outcomes:
        yield from (text for text in outcome.columns.model_dump().values() if text)
    for source in _tables(plan):
        yield from (text for text in source.table_columns.model_dump().values() if text)
        yield from source.where


def _present(grid: Grid, named: list[str]) -> Iterator[str]:
    for text in dict.fromkeys(named):
        try:
            yield find_column(grid, text, "")
        except Problems:  # a column of another file
            continue


def _is_in_another_unit(
    grid: Grid, name: str, source: CytokineSource, taken: set[str], names: NameBook, notebook: Notebook
) -> bool:
    """Does a header match the pattern but for the unit in it, and is its analyte not `taken`? Then say so."""
    pattern, header = source.table_columns.value, grid.headers[name]
    units = list(_UNIT.finditer(pattern))
    if not units:
        return False
    before, after = pattern[: units[-1].start()], pattern[units[-1].end() :]
    match = re.fullmatch(f"{_fill(before)}\\s*(?P<unit>{_UNIT.pattern})\\s*{_fill(after)}", header)
    if match is None:
        return False
    written, expected, unit = match["feature"].strip(), units[-1][0], match["unit"]
    if names.find(written, "cytokine").how == "unknown" and not _TRACE.match(unit):
        return False  # haemoglobin in g/dL beside a panel
    if names.companion_key(written, "cytokine") in taken:
        return False
    message = (
        f"is not read: {source.id}.columns.value is {pattern!r}, and this column says {unit!r} where that says "
        f"{expected!r}; give it a source of its own with unit: {unit}, or convert it and rename it"
    )
    notebook.problem(grid.where, f'column "{header}"', message, "columns in another unit")
    return True


def _features(grid: Grid, source: CytokineSource) -> list[str]:
    """Names of the analytes that a source's pattern finds."""
    return [column.feature for column in wide_columns(grid, source.table_columns.value, (), "")]


def _fill(part: str) -> str:
    pieces = PLACEHOLDER.split(part)[::2]
    return r"\s*(?P<feature>\S.*?)\s*".join(loose(piece) for piece in pieces)
