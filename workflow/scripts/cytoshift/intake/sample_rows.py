"""What do the sample sheet, or the data files themselves, say about who was measured when?

One row per row of a file, as written; samples.py decides what it means.
"""

from __future__ import annotations

import re

import pandas as pd

from cytoshift.findings import listed
from cytoshift.intake.columns import find_column, find_columns
from cytoshift.intake.flowjo import read_population_files
from cytoshift.intake.instrument_files import read_plate_files
from cytoshift.intake.notebook import Notebook
from cytoshift.intake.rows import note_repeated_headers, take_rows
from cytoshift.intake.tabular import Grid
from cytoshift.intake.words import Words
from cytoshift.study.problem import Problems, did_you_mean
from cytoshift.study.sources import CellSource, CytokineSource, Samples
from cytoshift.study.study import IntakePlan

KEYS = ("sample", "subject", "visit", "arm")
EXTRAS = ("sequence", "period", "type", "specimen", "date", "cohort")


def sheet_rows(plan: IntakePlan, notebook: Notebook) -> pd.DataFrame | None:
    """Rows of the sample sheet: sample, subject, visit, arm, the extras and covariates, `where`, `row`, `native_date`.

    None where it cannot be read (problems are noted).
    """
    samples = plan.samples
    if samples.file is None:
        notebook.problem("study file", "samples", "names neither `file` nor `from`")
        return None
    grids = notebook.grids([samples.file], samples.sheet)
    if len(grids) != 1:
        if grids:
            notebook.problem(samples.file, "samples.file", f"is {len(grids)} files; the sample sheet is one file")
        return None
    grid = grids[0]
    named = {key: getattr(samples.columns, key) for key in (*KEYS, *EXTRAS)}
    if named["arm"] is None and len(plan.arms) > 1:
        notebook.problem("study file", "samples.columns.arm", "is needed: the plan has more than one arm")
        return None
    return _rows(grid, named, samples, notebook, "samples.columns")


def source_rows(plan: IntakePlan, visits: Words, arms: Words, notebook: Notebook) -> pd.DataFrame | None:
    """The same rows from the sources that `samples.from` names; covariates and extras are of the first of them."""
    sources: dict[str, CytokineSource | CellSource] = {source.id: source for source in plan.cytokines}
    sources |= {source.id: source for source in plan.cells}
    pieces: list[pd.DataFrame] = []
    complete = True
    for position, source_id in enumerate(plan.samples.from_):
        source = sources.get(source_id)
        if source is None:
            hint = did_you_mean(source_id, sources)
            message = f"{source_id!r} is no source; legal: {', '.join(sources)}{hint}"
            notebook.problem("study file", "samples.from", message)
            return None
        pattern = plan.samples.pattern
        if not source.is_readable:
            complete = False
            continue
        if source.format != "table":
            rows = _named_in_files(source, notebook)
            if isinstance(source, CytokineSource) and pattern:
                _note_names_like_controls(source, _expression(pattern, visits, arms), pattern, notebook)
            complete = complete and rows is not None
            if rows is not None:
                rows = _parse_ids(rows, pattern or "", visits, arms, notebook)
                pieces.append(rows.assign(source=source_id))
            continue
        section = f"{source_id}.columns"
        named = {key: getattr(source.table_columns, key) for key in KEYS}
        missing = [] if pattern else _missing_keys(named, len(plan.arms) > 1)
        if missing or (pattern and named["sample"] is None):
            message = f"names no {' and no '.join(missing) or 'sample'}; `samples.from` needs it"
            notebook.problem("study file", section, message)
            complete = False
            continue
        if position == 0:
            named |= {key: getattr(plan.samples.columns, key) for key in EXTRAS}
        for grid in notebook.grids(source.files, source.sheet):
            taken = take_rows(grid, source.where, source_id, notebook)
            covariates = plan.samples if position == 0 else None
            rows = None if taken is None else _rows(taken, named, covariates, notebook, section)
            if rows is None:
                complete = False
                continue
            if pattern:
                rows = _parse_ids(rows, pattern, visits, arms, notebook)
            pieces.append(rows.assign(source=source_id))
    return pd.concat(pieces, ignore_index=True) if pieces and complete else None


def _named_in_files(source: CytokineSource | CellSource, notebook: Notebook) -> pd.DataFrame | None:
    """One row per sample that instruments' files name, a layout's names included; None where none can be read."""
    if isinstance(source, CellSource):
        named = [(path, read.frame) for path, read in read_population_files(source, notebook)]
    else:
        read_files = read_plate_files(source, notebook)
        named = [(path, read.wells[read.wells["type"] == "sample"]) for path, read in read_files]
    rows = [
        frame.loc[frame["written"] != "", ["written", "source_row"]]
        .drop_duplicates("written")
        .set_axis(["sample", "row"], axis=1)
        .assign(where=path)
        for path, frame in named
    ]
    return pd.concat(rows, ignore_index=True) if rows else None


def _note_names_like_controls(
    source: CytokineSource, expression: re.Pattern[str], pattern: str, notebook: Notebook
) -> None:
    """Say which controls, standards and blanks by name alone are named as the samples are: subjects may be lost."""
    for path, read in read_plate_files(source, notebook):
        others = read.wells[(read.wells["type"] != "sample") & ~read.wells["type_stated"]]
        expected = set(others.loc[others["expected"].notna(), "written"])
        names = [name for name in pd.unique(others["written"]) if name not in expected and expression.fullmatch(name)]
        if not names:
            continue
        message = (
            f"{path}: {listed(map(repr, names))} {'is' if len(names) == 1 else 'are'} named like samples of the study "
            f"({pattern!r}) and like standards, blanks or controls, and left out of the samples. Where they are "
            "samples, name them in a sample sheet (`samples.file`)."
        )
        notebook.finding(
            "names_like_controls", message, severity="warning", action="excluded", numbers={"names": len(names)}
        )


def _missing_keys(named: dict[str, str | None], several_arms: bool) -> list[str]:
    needed = ("subject", "visit", "arm") if several_arms else ("subject", "visit")
    return [key for key in needed if named[key] is None]


def _rows(
    grid: Grid, named: dict[str, str | None], samples: Samples | None, notebook: Notebook, section: str
) -> pd.DataFrame | None:
    try:
        columns = find_columns(grid, named, section)
    except Problems as problems:
        notebook.add(problems)
        columns = {}
    covariates: dict[str, str] = {}
    for covariate in samples.covariates if samples else []:
        try:
            covariates[covariate.id] = find_column(grid, covariate.column or covariate.id, "samples.covariates")
        except Problems as problems:
            notebook.add(problems)
            columns = {}
    if not columns:
        return None
    note_repeated_headers(grid, columns, notebook)
    rows = pd.DataFrame({key: grid.frame[column] for key, column in (columns | covariates).items()}, dtype=object)
    if "date" in columns:
        rows["native_date"] = grid.native[columns["date"]]
    return rows.assign(where=grid.where, row=grid.frame.index)


def _parse_ids(rows: pd.DataFrame, pattern: str, visits: Words, arms: Words, notebook: Notebook) -> pd.DataFrame:
    """Subject, visit and arm out of the sample id; "{subject}{visit}" works because the visits' spellings are known."""
    strict, loose = _expression(pattern, visits, arms), _expression(pattern, None, None)
    parts: dict[str, dict[str, str]] = {}
    for sample in pd.unique(rows["sample"]):
        match = strict.fullmatch(sample) or loose.fullmatch(sample)
        parts[sample] = match.groupdict() if match else {}
    for sample, row, where in zip(rows["sample"], rows["row"], rows["where"], strict=True):
        if sample and not parts[sample]:
            notebook.problem(where, f"row {row}", f"sample {sample!r} is not {pattern!r}", "samples.pattern")
    fields = [field for field in ("subject", "visit", "arm") if f"{{{field}}}" in pattern]
    parsed = {field: [parts[sample].get(field, "") for sample in rows["sample"]] for field in fields}
    readable = [bool(parts[sample]) or not sample for sample in rows["sample"]]
    return rows.assign(**parsed)[readable]


def _expression(pattern: str, visits: Words | None, arms: Words | None) -> re.Pattern[str]:
    expression = ""
    for piece in re.split(r"(\{(?:subject|visit|arm)\})", pattern):
        words = {"{visit}": visits, "{arm}": arms}.get(piece)
        if words is not None and words.ids:
            spellings = sorted(words.written(), key=len, reverse=True)
            expression += f"(?P<{piece[1:-1]}>(?i:{'|'.join(map(re.escape, spellings))}))"
        elif piece.startswith("{") and piece.endswith("}"):
            expression += f"(?P<{piece[1:-1]}>.+)" if piece == "{subject}" else f"(?P<{piece[1:-1]}>.+?)"
        else:
            expression += re.escape(piece)
    return re.compile(expression)
