"""What value, or which bounds, does each sample well pass on to the panel?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from cytoshift.calibrate.bounds import Bounds, find_bounds, stated_signal_limits
from cytoshift.calibrate.standards import Bench
from cytoshift.frames import conform
from cytoshift.study.settings import RangeLimits
from cytoshift.study.sources import is_log_unit
from cytoshift.tables import MEASUREMENTS

WELL = ["source", "plate", "well", "analyte", "source_file", "source_row"]
# bounds that no cell and no limits file states, so that the plate's own limit comes before them
GUESSED = ("lowest_observed", "highest_observed", "lowest_standard", "highest_standard")


@dataclass(frozen=True)
class Values:
    """The interval of each well (m,): `value`, `lower`, `upper`, `status` and where a bound comes from."""

    value: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    status: np.ndarray
    limit_source: np.ndarray

    def where(self, condition: np.ndarray, other: Values) -> Values:
        """These values where the condition holds, the others elsewhere."""
        return Values(*(np.where(condition, vars(self)[name], vars(other)[name]) for name in vars(self)))

    def differ(self, other: Values) -> np.ndarray:
        """Where the two say different things (m,)."""
        numbers = (
            ~np.isclose(vars(self)[name], vars(other)[name], rtol=0, atol=0, equal_nan=True)
            for name in ("value", "lower", "upper")
        )
        words = (vars(self)[name] != vars(other)[name] for name in ("status", "limit_source"))
        return np.any([*numbers, *words], axis=0)


def well_status(bench: Bench, status: np.ndarray) -> np.ndarray:
    """What each well is (m,): as the curve reads it; without a signal, above or below where the file says so."""
    told = bench.wells["status"].to_numpy(dtype=object)
    silent = (status == "missing") & ~np.isfinite(bench.signal) & np.isin(told, ["below", "above"])
    return np.where(silent, told, status)


def refit_values(
    bench: Bench, read: np.ndarray, status: np.ndarray, curves: pd.DataFrame, limits: RangeLimits
) -> Values:
    """The refitted concentration of each well times its dilution, or the interval it lies in.

    Parameters: `read` (m,), before dilution; `status` (m,), as from `well_status`: observed, below, above (past an
    asymptote, or without a signal and said to be) or missing; `curves`, K rows of the table CURVES; `limits`, the
    plan's.
    Below the limit that a column or the limits file states, else the LOD, else the lowest standard (`limits.below:
    lloq`: the LLOQ where that is higher than a stated one) a value is (0, limit]; past the upper asymptote it is
    [limit, ∞) of the stated upper limit, else the ULOQ, else the highest standard. What can be read outside LLOQ–ULOQ
    or over a stated limit is extrapolated; with `limits.extrapolated: censor` it is a bound there instead. Where the
    dilution is not known the value is missing.
    """
    bounds = find_bounds(bench, curves, limits.below)
    value = read * bounds.factor
    low, low_source, high, high_source = bounds.low, bounds.low_source, bounds.high, bounds.high_source
    with np.errstate(invalid="ignore"):
        below = (status == "below") | ((status == "observed") & (value < low))
        above = status == "above"
        readable = (status == "observed") & ~below
        under, over = readable & (value < bounds.lloq), readable & (value > bounds.edge)
    no_range = readable & np.isnan(bounds.lloq)
    if limits.extrapolated == "censor":
        low, low_source = np.where(under, bounds.lloq, low), np.where(under, "lloq", low_source)
        high, high_source = np.where(over, bounds.edge, high), np.where(over, bounds.edge_source, high_source)
        below, above, readable = below | under, above | over, readable & ~under & ~over
    kind = np.select(
        [np.isnan(bounds.factor), below & np.isfinite(low), above & np.isfinite(high),
         readable & (under | over | no_range), readable],
        ["missing", "below", "above", "extrapolated", "observed"],
        "missing",
    ).astype(object)  # fmt: skip
    return _interval(kind, value, low, high, low_source, high_source)


def signal_values(bench: Bench, lod_signal: np.ndarray) -> Values:
    """The background-subtracted signal of each well; at or below zero, or under its limit, a non-detect.

    Parameters: `lod_signal` (K,), how far above their mean the blanks reach (3 SD), NaN where there are too few.
    The file's own net signal, else signal minus the mean blank, else the signal. The limit is that of the limits file,
    else how far the blanks reach; without one a non-detect lies below the smallest positive signal of its plate and
    analyte. Dilution is not applied.
    """
    net = bench.wells["net_signal"].to_numpy(dtype=float)
    raw = bench.wells["signal"].to_numpy(dtype=float)
    value = np.where(np.isfinite(net), net, raw - np.nan_to_num(bench.blank)[bench.curve])
    has_raw = bench.per_curve(bench.curve[np.isfinite(raw)])[bench.curve] > 0
    no_beads = bench.wells["beads"].to_numpy(dtype=float) == 0
    value = np.where(np.isnan(raw) & (has_raw | no_beads), np.nan, value)  # a net signal of nothing
    stated, reach = stated_signal_limits(bench), np.where(lod_signal > 0, lod_signal, np.nan)[bench.curve]
    limit = np.where(np.isfinite(stated), stated, reach)
    with np.errstate(invalid="ignore"):
        below = (value <= 0) | (value < limit)
    smallest = _extreme(bench, np.where(value > 0, value, np.nan), "min")
    source = np.select([np.isfinite(stated), np.isfinite(reach)], ["limits_file", "lod"], "lowest_observed")
    limit = np.where(np.isfinite(limit), limit, smallest)
    kind = np.select([below & np.isnan(limit), below, np.isfinite(value)], ["missing", "below", "observed"], "missing")
    return _interval(kind.astype(object), value, limit, np.full(len(value), np.nan), source, source)


def instrument_values(bench: Bench, curves: pd.DataFrame, stated: Values, limits: RangeLimits) -> Values:
    """The instrument's own values as `stated`, with a limit for bounds that the file leaves open ("OOR <").

    Parameters: `curves`, K rows of the table CURVES; `limits`, the plan's.
    The limit is the LOD, else the lowest standard (above: the highest), times dilution; else the smallest (largest)
    number of that plate and analyte. Bounds that intake has filled stay where the plate has no limit of its own.
    Where a curve was fitted here, extrapolated values under the limit are (0, limit]; `limits.below: lloq` and
    `limits.extrapolated: censor` hold for every number, as for refitted ones.
    """
    filled = _fill(bench, find_bounds(bench, curves, "lod"), stated)
    bounds = find_bounds(bench, curves, limits.below)
    fitted = (curves["model"] != "").to_numpy(dtype=bool)[bench.curve]
    number = fitted & np.isin(filled.status, ["observed", "extrapolated"])
    low, low_source = bounds.low, bounds.low_source
    with np.errstate(invalid="ignore"):
        below = number & (filled.value < low)
        below &= (filled.status == "extrapolated") | (low_source == "lloq")
        above = np.zeros(len(below), dtype=bool)
        if limits.extrapolated == "censor":
            under = number & ~below & (filled.value < bounds.lloq)
            low, low_source = np.where(under, bounds.lloq, low), np.where(under, "lloq", low_source)
            below, above = below | under, number & (filled.value > bounds.edge)
    kind = np.where(below, "below", "above").astype(object)
    censored = _interval(kind, filled.value, low, bounds.edge, low_source, bounds.edge_source)
    return censored.where(below | above, filled)


def _fill(bench: Bench, bounds: Bounds, stated: Values) -> Values:
    """The stated values with the limits that they leave open or that intake could only guess."""
    log_unit = np.array([is_log_unit(unit) for unit in bench.keys["unit"]], dtype=bool)[bench.curve]
    observed = (stated.status == "observed") & ((stated.value > 0) | log_unit)
    numbers = np.where(observed, stated.value, np.nan)
    guessed = np.isin(stated.limit_source, GUESSED)
    ends, fill, lost = [], np.zeros(len(log_unit), dtype=bool), np.zeros(len(log_unit), dtype=bool)
    sides: tuple[tuple[str, np.ndarray, np.ndarray, np.ndarray, Literal["min", "max"], str], ...] = (
        ("below", stated.upper, bounds.low, bounds.low_source, "min", "lowest_observed"),
        ("above", stated.lower, bounds.highest, bounds.highest_source, "max", "highest_observed"),
    )
    for side, end, limit, source, extreme, name in sides:
        known = np.isfinite(limit)
        here = (stated.status == side) & (np.isnan(end) | (guessed & known))
        ends.append(np.where(known, limit, _extreme(bench, numbers, extreme)))
        ends.append(np.where(known, source, name))
        fill, lost = fill | here, lost | (here & np.isnan(ends[-2]))
    status = stated.status.copy()
    status[lost] = "missing"
    floor = np.where(log_unit, -np.inf, 0.0)
    return _interval(status, stated.value, ends[0], ends[2], ends[1], ends[3], floor).where(fill, stated)


def stated_values(bench: Bench, measurements: pd.DataFrame, wells_of: np.ndarray) -> Values:
    """What the measurements say of each well, wells without a measurement as the file says it.

    `wells_of`: for each measurement the position of its well, −1 where it has none.
    """
    fields = {name: bench.wells[name].to_numpy().copy() for name in ("value", "lower", "upper")}
    fields["status"] = bench.wells["status"].to_numpy(dtype=object).copy()
    fields["limit_source"] = np.full(len(bench.wells), "", dtype=object)
    known = wells_of >= 0
    for name, array in fields.items():
        array[wells_of[known]] = measurements[name].to_numpy(dtype=array.dtype)[known]
    return Values(**fields)


def find_wells(bench: Bench, measurements: pd.DataFrame) -> np.ndarray:
    """For each measurement the position of its well, −1 for those of sources without wells (rows,)."""
    key = [name for name in WELL if name in measurements.columns]
    wells = bench.wells.loc[bench.wells["sample"] != "", key].reset_index(names="position")
    ours = measurements[key].reset_index(drop=True)
    for frame in (wells, ours):
        frame["again"] = frame.groupby(key, sort=False, dropna=False).cumcount()
    merged = ours.merge(wells, on=[*key, "again"], how="left", sort=False)
    return merged["position"].fillna(-1).to_numpy(dtype=int)


def put(
    measurements: pd.DataFrame, wells_of: np.ndarray, values: Values, changed: np.ndarray, origin: np.ndarray
) -> pd.DataFrame:
    """The measurements with the values of their wells where `changed` (m,) says so, and `origin` (m,) of each.

    The software's mean and CV of replicates stay only with its own concentrations. Rows without a well stay as they
    were.
    """
    known = np.flatnonzero(wells_of >= 0)
    if not len(known):
        return measurements
    here = known[changed[wells_of[known]]]
    fresh = measurements.reset_index(drop=True).copy()
    fresh["concentration"] = fresh["concentration"].astype(object)
    fresh.loc[known, "concentration"] = origin[wells_of[known]]
    fresh.loc[known[origin[wells_of[known]] != "instrument"], ["reported_mean", "reported_cv"]] = np.nan
    for name, array in vars(values).items():
        column = fresh[name].to_numpy(dtype=object if name in ("status", "limit_source") else float).copy()
        column[here] = array[wells_of[here]]
        fresh[name] = column
    return conform(fresh, MEASUREMENTS)


def _extreme(bench: Bench, values: np.ndarray, which: Literal["min", "max"]) -> np.ndarray:
    """Smallest or largest number among the sample wells of each well's plate and analyte (m,)."""
    sample = np.where(bench.wells["type"] == "sample", values, np.nan)
    return pd.Series(sample).groupby(bench.curve).transform(which).to_numpy(dtype=float)


def _interval(
    kind: np.ndarray, value: np.ndarray, low: np.ndarray, high: np.ndarray, low_source: np.ndarray,
    high_source: np.ndarray, floor: np.ndarray | float = 0.0,
) -> Values:  # fmt: skip
    """Intervals from kinds: a point, (floor, low], [high, ∞) or nothing."""
    point, below, above = np.isin(kind, ["observed", "extrapolated"]), kind == "below", kind == "above"
    number = np.where(point, value, np.nan)
    return Values(
        value=number,
        lower=np.select([point, below, above], [number, np.broadcast_to(floor, len(kind)), high], np.nan),
        upper=np.select([point, below, above], [number, low, np.full(len(kind), np.inf)], np.nan),
        status=kind,
        limit_source=np.select([below, above], [low_source, high_source], "").astype(object),
    )
