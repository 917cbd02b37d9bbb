"""Between which bounds does a value lie that was not detected, and where do the bounds come from?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cytoshift.intake.columns import find_column
from cytoshift.intake.names import NameBook
from cytoshift.intake.notebook import Notebook
from cytoshift.intake.tabular import Grid
from cytoshift.intake.values import find_decimal, parse_cells
from cytoshift.intake.words import canonical_series
from cytoshift.study.problem import Problems
from cytoshift.study.sources import CytokineSource, is_log_unit

LARGEST_LOG = 64  # of a base-2 logarithm: 2^64 of anything is no amount in a tube
_SEPARATE_FINDINGS = 40


def read_limits(source: CytokineSource, names: NameBook, notebook: Notebook) -> pd.DataFrame | None:
    """The limits file of a source: analyte (id), plate ("" for all), lower, upper, one row each.

    None where there is no such file or it cannot be read (problems are noted).
    """
    grids = notebook.grids([source.limits], None) if source.limits else []
    if not grids:
        return None
    grid, section = grids[0], f"{source.id}.limits"
    table = pd.DataFrame(index=grid.frame.index)
    try:
        written = grid.frame[find_column(grid, "analyte", section)]
        bounds = {
            key: find_column(grid, key, section) for key in ("lower", "upper") if key in grid.headers or key == "lower"
        }
    except Problems as problems:
        notebook.add(problems)
        return None
    table["analyte"] = [names.find(name, "cytokine").id for name in written]
    table["plate"] = canonical_series(grid.frame["plate"]) if "plate" in grid.headers else ""
    for key in ("lower", "upper"):
        table[key] = _numbers(grid, bounds[key], source, notebook) if key in bounds else np.nan
    repeated = table.duplicated(["analyte", "plate"])
    for row in table.index[repeated]:
        plate = f" on plate {table.loc[row, 'plate']!r}" if table.loc[row, "plate"] else ""
        notebook.problem(grid.where, f"row {row}", f"{written[row]!r}{plate} has a limit already", "limits")
    return table[~repeated].reset_index(drop=True)


def _numbers(grid: Grid, column: str, source: CytokineSource, notebook: Notebook) -> np.ndarray:
    texts, native = grid.frame[column], grid.native[column].to_numpy()
    parsed = parse_cells(texts, find_decimal(texts[~native], source.decimal), native, -np.inf)
    for place in np.flatnonzero(~np.isin(parsed.status, ["observed", "missing"])).tolist():
        parsed.mistakes.setdefault(place, "is no plain number")
    for place, advice in parsed.mistakes.items():
        key = f'row {grid.frame.index[place]}, column "{column}"'
        notebook.problem(grid.where, key, f"{texts.iloc[place]!r} {advice}", "limits")
    return parsed.value


def apply_limits(
    frame: pd.DataFrame, limits: pd.DataFrame | None, source: CytokineSource, notebook: Notebook
) -> pd.DataFrame:
    """Give every bound without a number its limit, and say where it comes from.

    Parameters: `frame`, one row per well × analyte with analyte, plate, dilution, value, lower, upper, status,
    open_limit, and the limits of a column in column_lower, column_upper; `limits`, of `read_limits`.
    The order is: the number written with the value; the column; the limits file; the lowest (highest) standard of
    that analyte and plate (standard_lower, standard_upper, where the frame has them); the smallest (largest)
    non-extrapolated value of that analyte and plate, flagged; otherwise the value is missing. Dilution multiplies the
    limits of column, file and standards. Zero and negative concentrations, and concentrations under a known limit, are
    non-detects, flagged; values above a known upper limit are extrapolated; NPX under its limit is kept, flagged.
    Where the standards may be fitted again, findings say that they concern the instrument's own values.
    """
    frame = frame.copy()
    log_unit = is_log_unit(source.unit)
    floor = -np.inf if log_unit else 0.0
    frame["limit_source"] = np.where(frame["status"].isin(["below", "above"]) & ~frame["open_limit"], "written", "")
    known = known_limits(frame, limits)
    if not log_unit:
        _censor(frame, frame["value"] <= 0, "not_positive", "zero or negative", source, notebook)
        under = frame["value"] < known["lower"]
        _set_below(frame, under, known["lower"], known["lower_source"], floor)
        _note(frame, under, "under_limit", "under the limit of detection, read as non-detects", source, notebook)
    else:
        _check_log_values(frame, source, notebook)
        under = frame["value"] < known["lower"]
        _note(frame, under, "under_limit", f"{source.unit} under the limit of detection, kept", source, notebook)
    frame.loc[(frame["value"] > known["upper"]) & (frame["status"] == "observed"), "status"] = "extrapolated"
    lowest, highest = _observed_range(frame)
    for status, side, spare, spare_source in (
        ("below", "lower", lowest, "lowest_observed"),
        ("above", "upper", highest, "highest_observed"),
    ):
        is_open = frame["open_limit"] & (frame["status"] == status)
        limit, origin = known[side], known[f"{side}_source"]
        if f"standard_{side}" in frame:
            standard = frame[f"standard_{side}"] * frame["dilution"].fillna(1.0)
            name = "lowest_standard" if side == "lower" else "highest_standard"
            origin = origin.where(limit.notna(), name)
            limit = limit.fillna(standard)
        origin = origin.where(limit.notna(), spare_source)
        limit = limit.where(limit.notna(), spare)
        has_limit = is_open & limit.notna()
        frame.loc[has_limit, "upper" if status == "below" else "lower"] = limit[has_limit]
        frame.loc[has_limit, "limit_source"] = origin[has_limit]
        words = f"{status} a limit that no file states; the {spare_source.replace('_', ' ')} value stands for it"
        _note(frame, has_limit & (origin == spare_source), f"limit_from_{spare_source}", words, source, notebook)
        lost = is_open & limit.isna()
        frame.loc[lost, ["value", "lower", "upper"]] = np.nan
        frame.loc[lost, "status"] = "missing"
        _note(frame, lost, "no_limit", f"{status} a limit that nothing states; read as missing", source, notebook)
    return frame


def known_limits(frame: pd.DataFrame, limits: pd.DataFrame | None) -> pd.DataFrame:
    """Limits of column and file per row, times dilution, and which of the two it was ("" without a limit).

    Parameters as in `apply_limits`. Returns lower, lower_source, upper, upper_source, one row per row of `frame`.
    """
    dilution = frame["dilution"].fillna(1.0)
    known = pd.DataFrame(index=frame.index)
    for side in ("lower", "upper"):
        of_file = pd.Series(np.nan, index=frame.index)
        if limits is not None:
            by_key = limits.set_index(["analyte", "plate"])[side]
            plates = canonical_series(frame["plate"])
            for plate in (plates, pd.Series("", index=frame.index)):  # its plate's limit before the one for all plates
                of_file = of_file.fillna(_look_up(by_key, frame["analyte"], plate))
        column = frame[f"column_{side}"]
        known[side] = column.where(column.notna(), of_file) * dilution
        origin = np.where(column.notna(), "column", "limits_file")
        known[f"{side}_source"] = np.where(known[side].notna(), origin, "")
    return known


def _look_up(by_key: pd.Series, analyte: pd.Series, plate: pd.Series) -> pd.Series:
    keys = pd.MultiIndex.from_arrays([analyte, plate])
    return pd.Series(by_key.reindex(keys).to_numpy(), index=analyte.index)


def _observed_range(frame: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    grouped = frame["value"].where(frame["status"] == "observed").groupby([frame["analyte"], frame["plate"]])
    return grouped.transform("min"), grouped.transform("max")


def _may_be_refitted(frame: pd.DataFrame, source: CytokineSource) -> bool:
    """May calibrate put other concentrations in the place of these? It needs signals and standards."""
    if source.concentration == "instrument" or "standard_lower" not in frame:
        return False
    return bool(frame["standard_lower"].notna().any() and frame["signal"].notna().any())


def _censor(
    frame: pd.DataFrame, where: pd.Series, check: str, words: str, source: CytokineSource, notebook: Notebook
) -> None:
    frame.loc[where, "status"] = "below"
    frame.loc[where, "open_limit"] = True
    frame.loc[where, ["value", "upper"]] = np.nan
    frame.loc[where, "lower"] = 0.0
    _note(frame, where, check, f"{words}, read as non-detects", source, notebook)


def _set_below(frame: pd.DataFrame, where: pd.Series, limit: pd.Series, origin: pd.Series, floor: float) -> None:
    frame.loc[where, "status"] = "below"
    frame.loc[where, "value"] = np.nan
    frame.loc[where, "lower"] = floor
    frame.loc[where, "upper"] = limit[where]
    frame.loc[where, "limit_source"] = origin[where]


def _note(
    frame: pd.DataFrame, where: pd.Series, check: str, words: str, source: CytokineSource, notebook: Notebook
) -> None:
    severity, values = "warning", "values"
    if _may_be_refitted(frame, source):
        severity, values = "note", "of the instrument's own values"
        words += "; this holds only where they are used"
    counts = frame.loc[where, "analyte"].value_counts(sort=False)
    if len(counts) > _SEPARATE_FINDINGS:
        numbers: dict[str, float | str] = {"values": int(counts.sum()), "analytes": len(counts)}
        message = f"{source.id}: {int(counts.sum())} {values}, of {len(counts)} analytes, are {words}."
        notebook.finding(check, message, severity=severity, action="flagged", numbers=numbers)
        return
    for analyte, count in counts.items():
        total = int((frame["analyte"] == analyte).sum())
        message = f"{source.id}, {analyte}: {count} of {total} {values} are {words}."
        numbers = {"values": count, "of": total}
        notebook.finding(check, message, severity=severity, action="flagged", numbers=numbers, feature=str(analyte))


def _check_log_values(frame: pd.DataFrame, source: CytokineSource, notebook: Notebook) -> None:
    """Note a problem for each number that no logarithm of an amount can be."""
    for path, rows in frame[frame["value"].abs() > LARGEST_LOG].groupby("source_file", sort=False):
        if notebook.has_problem_about(str(path), "units"):
            continue  # that says why
        for row, column, value in rows[["source_row", "source_column", "value"]].itertuples(index=False):
            message = f"{value:g} is no {source.unit}, which is a logarithm: a decimal sign lost, or another unit?"
            notebook.problem(str(path), f'row {row}, column "{column}"', message, f"{source.unit} values")
