"""What does a table of FlowJo's table editor say: one row per tube, headed `path of gates | statistic`?"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Literal

import numpy as np
import pandas as pd

from cytoshift.findings import listed, plural
from cytoshift.intake.flowjo_headers import PopulationColumn, count_headers, population_columns
from cytoshift.intake.flowjo_readout import PopulationReadout, oversized, population_frame, sample_name
from cytoshift.intake.instruments.content import Content
from cytoshift.intake.instruments.readout import Remark
from cytoshift.intake.raw_rows import is_blank, read_rows
from cytoshift.intake.texts import SEPARATORS, Unreadable
from cytoshift.intake.values import Decimal, find_decimal, parse_cells, stop_that_may_group
from cytoshift.intake.workbooks import Typed
from cytoshift.study.problem import Problem, Problems

Percent = Literal["", "%", "fraction"]
_SUMMARIES = frozenset(
    ("mean", "sd", "stddev", "std dev", "median", "cv", "%cv", "rsd", "sem", "min", "max", "sum", "geometric mean")
)
_SNIFFED_ROWS = 30
_MEAN_TOLERANCE = 0.006  # FlowJo prints three digits of the values and of their mean


def is_table(content: Content) -> bool:
    """Does a table have headers as FlowJo writes them ("Lymphocytes/T cells | Freq. of Parent")?"""
    if content.kind not in ("text", "workbook"):
        return False
    try:
        if content.kind == "workbook":
            rows = [row for sheet in content.sheets.values() for row in sheet[:_SNIFFED_ROWS]]
            return any(_is_header([str(cell) for cell in row]) for row in rows)
        lines = content.head.splitlines()[:_SNIFFED_ROWS]
    except Unreadable:
        return False
    return any(_is_header(row) for separator in SEPARATORS for row in csv.reader(lines, delimiter=separator))


def _is_header(row: list[str]) -> bool:
    """Are at least half of the names behind the first FlowJo's? One such piece in a line of prose is chance."""
    filled = sum(bool(cell.strip()) for cell in row[1:])
    return 0 < filled <= 2 * count_headers(row)


def read_table(content: Content, sheet: str | None, decimal: Decimal | None, unit: Percent) -> PopulationReadout:
    """The counts and percentages of parents in a table.

    Parameters: `sheet`, the only one with such headers when None; `decimal`, the decimal sign if it is known; `unit`,
    what the column `Freq. of Parent` holds where neither its header nor its cells say %.
    Raises Problems for rows of another length than the header, cells that are no number, two rows of one sample that
    differ, and percentages that may be fractions.
    """
    name, rows = _pick(read_rows(content, sheet, lambda texts: max(map(count_headers, texts), default=0)), content.path)
    where = f"{content.path} [{name}]" if name else content.path
    top = next(place for place, row in enumerate(rows.rows) if count_headers(row))
    columns, remarks, problems = population_columns(rows.rows[top], where, top)
    body, more, mistakes = _body(rows, top, where)
    remarks += more
    problems += mistakes
    if not problems and not (columns and body):
        message = "has no column of Count or Freq. of Parent" if not columns else "has no samples"
        problems.append(Problem(where, f"row {top + 1}", message))
    if problems:
        raise Problems(problems)
    values = _values(rows, body, columns, decimal, unit, where)
    kept = np.array([not _summary(rows, place) for place in body])
    remarks += list(_summaries(rows, body, columns, values, kept))
    if not kept.any():
        raise Problems([Problem(where, "", "has no samples, only rows of summaries")])
    frame = population_frame(
        (sample_name(_name(rows, place)), column.path, column.path[:-1], column.measure, values[at, number],
         place + 1, column.header)
        for at, place in enumerate(body) if kept[at]
        for number, column in enumerate(columns)
    )  # fmt: skip
    _check_whole(frame, where)
    return PopulationReadout("FlowJo table", frame, remarks)


def _pick(sheets: dict[str, Typed], path: str) -> tuple[str, Typed]:
    fitting = {name: rows for name, rows in sheets.items() if any(map(count_headers, rows.rows[:_SNIFFED_ROWS]))}
    if len(fitting) != 1:
        several = f"has FlowJo tables in the sheets {listed(fitting)}; name one with `sheet`"
        none = 'has no header such as "Lymphocytes/T cells | Freq. of Parent"'
        raise Problems([Problem(path, "", several if fitting else none)])
    return next(iter(fitting.items()))


def _name(rows: Typed, place: int) -> str:
    return rows.rows[place][0]


def _body(rows: Typed, top: int, where: str) -> tuple[list[int], list[Remark], list[Problem]]:
    """Places of the rows of tubes and summaries; a row that is there twice counts once."""
    width = len(rows.rows[top])
    seen: dict[str, int] = {}
    body, repeated, problems = [], list[int](), list[Problem]()
    for place in range(top + 1, len(rows.rows)):
        row = rows.rows[place]
        if is_blank(row):
            continue
        if len(row) != width:
            message = f"has {len(row)} cells where the header has {width}: a decimal comma that separates, or cut off?"
            problems.append(Problem(where, f"row {place + 1}", message))
        elif not row[0]:
            problems.append(Problem(where, f"row {place + 1}", "has values and names no sample in its first column"))
        elif (known := seen.setdefault(sample_name(row[0]), place)) == place:
            body.append(place)
        elif rows.rows[known] == row:
            repeated.append(place + 1)
        else:
            message = f"{row[0]!r} is there already (row {known + 1}), with other values"
            problems.append(Problem(where, f"row {place + 1}", message))
    remarks = []
    if repeated:
        message = f"{plural(len(repeated), 'row')} are there twice, word for word (rows {listed(repeated)})."
        remarks.append(Remark("repeated_line", message, "note", "nothing", {"rows": len(repeated)}))
    if top:
        before = [place + 1 for place in range(top) if not is_blank(rows.rows[place])]
        if before:
            message = f"rows above the header are not read: {listed(before)}."
            remarks.append(Remark("text_beside", message, "note", "nothing", {"rows": len(before)}))
    return body, remarks, problems


def _values(
    rows: Typed, body: list[int], columns: list[PopulationColumn], decimal: Decimal | None, unit: Percent, where: str
) -> np.ndarray:
    """Numbers (rows, columns), fractions between 0 and 1; NaN for gaps."""
    texts = np.array([[rows.rows[place][column.place] for column in columns] for place in body], dtype=object)
    native = np.array([[rows.native[place][column.place] for column in columns] for place in body], dtype=bool)
    percent = np.vectorize(lambda text: text.endswith("%"), otypes=[bool])(texts)
    plain = np.vectorize(lambda text: text.removesuffix("%").strip(), otypes=[object])(texts)
    sign = find_decimal(plain[~native], decimal)
    parsed = parse_cells(plain.ravel(), sign, native.ravel())
    value = parsed.value.reshape(texts.shape)
    status = parsed.status.reshape(texts.shape)
    is_fraction = np.array([column.measure == "fraction" for column in columns])
    tubes = np.array([not _summary(rows, place) for place in body], dtype=bool)[:, None]
    of_tubes = is_fraction & tubes & (unit == "")
    mixed = ~percent & of_tubes & (value > 0) & (value <= 1) & bool((percent & of_tubes).any())
    grouped = np.vectorize(lambda text: bool(stop_that_may_group([text])), otypes=[bool])(texts)
    grouped &= ~native & ~is_fraction & tubes & (decimal is None)
    problems = []
    for at, number in np.ndindex(texts.shape):
        advice = parsed.mistakes.get(at * len(columns) + number, "")
        if status[at, number] not in ("observed", "missing"):
            advice = "is no number of cells; legal: a number, or a gap (blank, n/a)"
        elif value[at, number] < 0:
            advice = "is negative"
        elif columns[number].measure == "events" and value[at, number] % 1 > 0 and tubes[at, 0]:
            advice = "is no whole number of events"
        elif grouped[at, number]:
            text = str(texts[at, number])
            advice = f"may mean {text} or {text.replace('.', '')}; write events without a thousands separator"
        elif mixed[at, number]:
            advice = (
                "has no % where other shares have one: a percentage or a fraction of 1? Write all alike, or set `unit`"
            )
        elif percent[at, number] and not is_fraction[number]:
            advice = "is a percentage where the header says a count"
        if advice:
            key = f'row {body[at] + 1}, column "{columns[number].header}"'
            problems.append(Problem(where, key, f"{texts[at, number]!r} {advice}"))
    if problems:
        raise Problems(problems)
    # a spreadsheet shows 0.45 as 45 % under any header
    shown = any("%" in column.header.rpartition("|")[2] for column in columns) and not native[:, is_fraction].all()
    scale = _scale(columns, value, bool(percent.any()) or shown, is_fraction, unit, where)
    return np.where(is_fraction, value * scale, value)


def _summary(rows: Typed, place: int) -> bool:
    return _name(rows, place).casefold() in _SUMMARIES


def _scale(
    columns: list[PopulationColumn],
    value: np.ndarray,
    says_percent: bool,
    is_fraction: np.ndarray,
    unit: Percent,
    where: str,
) -> float:
    """0.01 for percentages, 1 for fractions; Problems where nothing says which, or a value cannot be one."""
    shares = value[:, is_fraction]
    if not is_fraction.any() or not np.isfinite(shares).any():
        return 0.01
    if says_percent and unit == "fraction":
        raise Problems([Problem(where, "unit", "the file says % where the study file says `unit: fraction`")])
    largest = float(np.nanmax(shares))
    if not says_percent and unit == "" and 0 < largest <= 1:
        message = (
            f"no Freq. of Parent is above {largest:g}, and nothing says %: these may be fractions of 1 or very rare "
            'cells; say which with `unit: fraction` or `unit: "%"`'
        )
        raise Problems([Problem(where, "unit", message)])
    scale = 1.0 if unit == "fraction" else 0.01
    if largest * scale > 1:
        place = int(np.nanargmax(np.nanmax(np.where(is_fraction, value, -1.0), axis=0)))
        message = f"{largest:g} is more than all of the parent"
        raise Problems([Problem(where, f'column "{columns[place].header}"', message)])
    return scale


def _summaries(
    rows: Typed, body: list[int], columns: list[PopulationColumn], values: np.ndarray, kept: np.ndarray
) -> Iterator[Remark]:
    """FlowJo's own rows Mean and SD: no samples, but the mean tells whether rows were lost or changed."""
    names = [_name(rows, place) for at, place in enumerate(body) if not kept[at]]
    if not names:
        message = "the table has no rows Mean and SD at its end, so that lost rows cannot be noticed."
        yield Remark("no_summary_rows", message, "note", "nothing")
        return
    yield Remark(
        "summary_rows",
        f"rows that summarise are no samples: {listed(names)}.",
        "note",
        "excluded",
        {"rows": len(names)},
    )
    means = [at for at, place in enumerate(body) if _name(rows, place).casefold() == "mean"]
    if not means or not kept.any():
        return
    said = values[means[0]]
    known = np.isfinite(values[kept]).any(axis=0) & np.isfinite(said)
    found = pd.DataFrame(values[kept]).mean().to_numpy(dtype=float)
    off = known & (np.abs(found - said) > _MEAN_TOLERANCE * np.maximum(np.abs(said), np.abs(found)))
    if off.any():
        first = int(np.flatnonzero(off)[0])
        message = (
            f"the file's own Mean differs from the mean of its {int(kept.sum())} rows in "
            f"{plural(int(off.sum()), 'column')} ({columns[first].header!r}: {said[first]:.4g} and "
            f"{found[first]:.4g}): rows are missing, or were changed."
        )
        yield Remark(
            "mean_differs", message, "warning", "flagged", {"columns": int(off.sum()), "rows": int(kept.sum())}
        )


def _check_whole(frame: pd.DataFrame, where: str) -> None:
    over = oversized(frame)
    if over:
        raise Problems([Problem(where, f'row {row}, column "{column}"', message) for row, column, message in over])
