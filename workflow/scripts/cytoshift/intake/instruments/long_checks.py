"""Which rows of a vendor's long table say the same, which disagree, and which values are absent?"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pandas as pd

from cytoshift.findings import listed, plural
from cytoshift.intake.instruments.long_table import LongTable
from cytoshift.intake.instruments.readout import Remark
from cytoshift.intake.instruments.table_rows import PROBLEMS_SHOWN
from cytoshift.study.problem import Problem, Problems


def combine(columns: Sequence[np.ndarray]) -> np.ndarray:
    """One code per row for the combination of several columns, numbered as they first occur."""
    codes = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        more, unique = pd.factorize(column)
        codes = pd.factorize(codes * (len(unique) + 1) + more)[0]
    return codes


def drop_repeated(
    table: LongTable, key: Sequence[str], named: Sequence[str], free: np.ndarray | None = None
) -> tuple[LongTable, list[Remark]]:
    """Without rows that say again what an earlier row says.

    Parameters: `key`, columns that identify a value; `named`, those of them that a message names; `free`, flags of
    rows that may share a key (replicates of a control). Raises Problems for two rows with one key and other cells.
    """
    codes = combine([table.text(name) for name in key])
    doubled = pd.Series(codes).duplicated(keep=False).to_numpy()
    if not doubled.any():
        return table, []
    places = np.flatnonzero(doubled)
    frame = pd.DataFrame({name: cells[places] for name, cells in table.texts.items()}).assign(_key=codes[places])
    same = frame.duplicated().to_numpy()
    left = frame[~same]
    left_places = places[~same]
    clash = left["_key"].duplicated().to_numpy()
    if free is not None:
        clash = clash & ~free[left_places]
    if clash.any():
        raise Problems(_clashes(table, left["_key"].to_numpy(), left_places, clash, named))
    remarks = []
    keep = np.ones(len(table), dtype=bool)
    if same.any():
        keep[places[same]] = False
        rows = [str(row) for row in table.rows[places[same]]]
        message = f"row {listed(rows)} says again what an earlier row says; read once"
        remarks.append(Remark("repeated_lines", message, "warning", "excluded", {"rows": float(same.sum())}))
    return table.take(keep), remarks


def _clashes(
    table: LongTable, codes: np.ndarray, places: np.ndarray, clash: np.ndarray, named: Sequence[str]
) -> list[Problem]:
    first = dict(zip(codes[::-1].tolist(), places[::-1].tolist(), strict=True))
    problems = []
    for code, place in itertools.islice(
        zip(codes[clash].tolist(), places[clash].tolist(), strict=True), PROBLEMS_SHOWN
    ):
        what = ", ".join(
            f"{table.headers[name]} {table.text(name)[place]}" for name in named if table.text(name)[place]
        )
        message = f"row {table.rows[first[code]]} has other values for the same {what}; keep the right row only"
        problems.append(Problem(table.where, f"row {table.rows[place]}", message))
    if clash.sum() > PROBLEMS_SHOWN:
        problems.append(Problem(table.where, "rows", f"and {clash.sum() - PROBLEMS_SHOWN} more rows that disagree"))
    return problems


def note_extent(
    groups: Sequence[np.ndarray], units: Sequence[np.ndarray], analytes: np.ndarray, words: tuple[str, str]
) -> list[Remark]:
    """How much was read, since nothing marks the end of such a table, and what a complete one would also hold.

    Parameters: per row the columns of the group within which every unit should have every analyte (plate, panel),
    those of the unit (well or sample; the first names it) and the analyte; `words`, what unit and analyte are called.
    """
    group, unit, analyte = combine(groups), combine([*groups, *units]), combine([*groups, analytes])
    parts: list[str] = []
    absent = 0
    lacking: list[str] = []
    order = np.argsort(group, kind="stable")
    for own in np.split(order, np.flatnonzero(np.diff(group[order])) + 1) if len(group) else []:
        of_unit, first_units = pd.factorize(unit[own])
        of_analyte, first_analytes = pd.factorize(analyte[own])
        grid = np.zeros((len(first_units), len(first_analytes)), dtype=bool)
        grid[of_unit, of_analyte] = True
        name = " ".join(str(column[own[0]]) for column in groups if column[own[0]])
        size = f"{plural(grid.shape[0], words[0])} × {plural(grid.shape[1], words[1])}"
        parts.append(f"{name}: {size}" if name else size)
        if not grid.all():
            absent += int((~grid).sum())
            row_of_unit = pd.Series(own).groupby(of_unit).first().to_numpy()
            short = np.flatnonzero(~grid.all(axis=1))
            lacking += [f"{units[0][row_of_unit[at]]} ({int((~grid[at]).sum())})" for at in short]
    read = plural(len(group), "row")
    extent = f"read {read}: {listed(parts)}; nothing in this format marks its end, so compare with what was run"
    remarks = [Remark("extent", extent, "note", "nothing", {"rows": float(len(group))})]
    if absent:
        message = f"{plural(absent, 'value')} absent that others of the plate have: {listed(lacking)}"
        remarks.append(Remark("incomplete_grid", message, "warning", "flagged", {"values": float(absent)}))
    return remarks


def join_reasons(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Texts of several columns in one, "a; b", without the empty ones."""
    codes = combine(parts)
    _, first = np.unique(codes, return_index=True)
    words = np.array(["; ".join(str(part[row]) for part in parts if part[row]) for row in first], dtype=object)
    return words[codes] if len(codes) else np.zeros(0, dtype=object)
