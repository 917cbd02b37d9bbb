"""What value, or which bounds, does each sample well pass on to the panel?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from cytoshift.calibrate.instrument import dilution_factors
from cytoshift.calibrate.standards import Bench
from cytoshift.findings import Finding, finding, listed, plural
from cytoshift.frames import conform
from cytoshift.study.settings import RangeLimits
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


def refit_values(
    bench: Bench, read: np.ndarray, status: np.ndarray, curves: pd.DataFrame, limits: RangeLimits
) -> Values:
    """The refitted concentration of each well times its dilution, or the interval it lies in.

    Parameters: `read` (m,), before dilution; `status` (m,): observed, below, above (past an asymptote) or missing;
    `curves`, K rows of the table CURVES; `limits`, the plan's.
    Below the LOD (`limits.below: lloq`: the LLOQ; without either the lowest standard) a value is (0, limit]; past the
    upper asymptote it is [ULOQ, ∞), or from the highest standard where there is no ULOQ. What can be read outside
    LLOQ–ULOQ is extrapolated; with `limits.extrapolated: censor` it is a bound at the LLOQ or ULOQ instead.
    """
    of_well = _of_wells(bench, curves)
    low, low_source = _first_known(of_well, *(["lloq"] if limits.below == "lloq" else []), "lod", "lowest_standard")
    high, high_source = _first_known(of_well, "uloq", "highest_standard")
    with np.errstate(invalid="ignore"):
        below = (status == "below") | ((status == "observed") & (read < low))
        above = status == "above"
        readable = (status == "observed") & ~below
        under, over = readable & (read < of_well["lloq"]), readable & (read > of_well["uloq"])
    no_range = readable & np.isnan(of_well["lloq"])
    if limits.extrapolated == "censor":
        low, low_source = np.where(under, of_well["lloq"], low), np.where(under, "lloq", low_source)
        high, high_source = np.where(over, of_well["uloq"], high), np.where(over, "uloq", high_source)
        below, above, readable = below | under, above | over, readable & ~under & ~over
    kind = np.select(
        [below, above, readable & (under | over | no_range), readable], ["below", "above", "extrapolated", "observed"],
        "missing",
    ).astype(object)  # fmt: skip
    factor = dilution_factors(bench.wells)
    return _interval(kind, read * factor, low * factor, high * factor, low_source, high_source)


def signal_values(bench: Bench, lod_signal: np.ndarray) -> Values:
    """The background-subtracted signal of each well; at or below zero, or under the blanks' limit, a non-detect.

    Parameters: `lod_signal` (K,), how far above their mean the blanks reach (3 SD), NaN where there are too few.
    The file's own net signal, else signal minus the mean blank, else the signal. Without a limit a non-detect lies
    below the smallest positive signal of its plate and analyte. Dilution is not applied.
    """
    net = bench.wells["net_signal"].to_numpy(dtype=float)
    raw = bench.wells["signal"].to_numpy(dtype=float)
    value = np.where(np.isfinite(net), net, raw - np.nan_to_num(bench.blank)[bench.curve])
    has_raw = bench.per_curve(bench.curve[np.isfinite(raw)])[bench.curve] > 0
    no_beads = bench.wells["beads"].to_numpy(dtype=float) == 0
    value = np.where(np.isnan(raw) & (has_raw | no_beads), np.nan, value)  # a net signal of nothing
    limit = np.where(lod_signal > 0, lod_signal, np.nan)[bench.curve]
    with np.errstate(invalid="ignore"):
        below = (value <= 0) | (value < limit)
    smallest = _extreme(bench, np.where(value > 0, value, np.nan), "min")
    source = np.where(np.isfinite(limit), "lod", "lowest_observed")
    limit = np.where(np.isfinite(limit), limit, smallest)
    kind = np.select([below & np.isnan(limit), below, np.isfinite(value)], ["missing", "below", "observed"], "missing")
    return _interval(kind.astype(object), value, limit, np.full(len(value), np.nan), source, source)


def instrument_values(bench: Bench, curves: pd.DataFrame, stated: Values) -> Values:
    """The instrument's own values as `stated`, with a limit for bounds that the file leaves open ("OOR <").

    The limit is the LOD, else the lowest standard (above: the highest), times dilution; else the smallest (largest)
    number of that plate and analyte. `curves`: K rows of the table CURVES.
    """
    of_well = _of_wells(bench, curves)
    guessed = np.isin(stated.limit_source, GUESSED)
    below = (stated.status == "below") & (np.isnan(stated.upper) | guessed)
    above = (stated.status == "above") & (np.isnan(stated.lower) | guessed)
    low, low_source = _first_known(of_well, "lod", "lowest_standard")
    high, high_source = _first_known(of_well, "highest_standard")
    factor = dilution_factors(bench.wells)
    observed = np.where((stated.status == "observed") & (stated.value > 0), stated.value, np.nan)
    sides: tuple[tuple[np.ndarray, np.ndarray, Literal["min", "max"], str], ...] = (
        (low, low_source, "min", "lowest_observed"),
        (high, high_source, "max", "highest_observed"),
    )
    ends = []
    for limit, source, extreme, name in sides:
        known = np.isfinite(limit)
        ends.append(np.where(known, limit * factor, _extreme(bench, observed, extreme)))
        ends.append(np.where(known, source, name))
    status = stated.status.copy()
    status[(below & np.isnan(ends[0])) | (above & np.isnan(ends[2]))] = "missing"
    filled = _interval(status, stated.value, ends[0], ends[2], ends[1], ends[3])
    return filled.where(below | above, stated)


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


def describe_nonpositive(bench: Bench, taken: np.ndarray) -> list[Finding]:
    """Say how many signals at or below zero became non-detects; `taken` (m,) marks wells read as signals."""
    net = bench.wells["net_signal"].to_numpy(dtype=float)
    low = taken & (bench.wells["type"] == "sample").to_numpy() & (net <= 0)
    found = []
    for source, part in bench.wells[low].groupby("source", sort=False):
        message = (
            f"{source}: {plural(len(part), 'background-subtracted signal')} of zero or less, in "
            f"{plural(part['sample'].nunique(), 'sample')}; taken as non-detects."
        )
        numbers: dict[str, Any] = {"values": len(part), "samples": part["sample"].nunique()}
        found.append(finding("calibrate", "signal_not_positive", message, numbers, severity="note"))
    return found


def describe_marked(bench: Bench) -> list[Finding]:
    """Say how many sample wells the file marks as not to be used; they are kept, the study file decides."""
    wells = bench.wells
    marked = (wells["outlier"] & ~wells["excluded"]).to_numpy(dtype=bool) & (wells["type"] == "sample").to_numpy()
    found = []
    for (source, plate), part in wells[marked].groupby(["source", "plate"], sort=False):
        message = (
            f"{source}, plate {plate}: {plural(len(part), 'sample well')} marked in the file as not to be used "
            f"({listed(part['well'].unique())}); kept, name them under `exclude` to leave them out."
        )
        numbers = {"values": len(part), "wells": part["well"].nunique()}
        found.append(finding("calibrate", "sample_marked_in_file", message, numbers, plate=str(plate)))
    return found


def describe_unread(bench: Bench, refitted: np.ndarray) -> list[Finding]:
    """Say which of the instrument's results are lost for want of a signal; `refitted` marks wells (m,)."""
    wells = bench.wells
    lost = refitted & (wells["type"] == "sample").to_numpy() & (wells["status"] != "missing").to_numpy()
    lost &= ~np.isfinite(bench.signal)
    found = []
    for (source, plate), part in wells[lost].groupby(["source", "plate"], sort=False):
        message = (
            f"{source}, plate {plate}: {plural(len(part), 'result')} of the instrument's without a signal (wells "
            f"{listed(part['well'].unique())}) cannot be refitted and are missing."
        )
        numbers = {"values": len(part), "wells": part["well"].nunique()}
        found.append(finding("calibrate", "result_without_signal", message, numbers, plate=str(plate)))
    return found


def _of_wells(bench: Bench, curves: pd.DataFrame) -> dict[str, np.ndarray]:
    """The limits of each well's curve (m,); `lod` only where it comes from blanks."""
    names = ("lod", "lloq", "uloq", "lowest_standard", "highest_standard")
    limits = {name: curves[name].to_numpy(dtype=float) for name in names}
    limits["lod"] = np.where(curves["lod_kind"] == "blanks", limits["lod"], np.nan)
    return {name: limit[bench.curve] for name, limit in limits.items()}


def _first_known(of_well: dict[str, np.ndarray], *names: str) -> tuple[np.ndarray, np.ndarray]:
    known = [np.isfinite(of_well[name]) for name in names]
    limit = np.select(known, [of_well[name] for name in names], np.nan)
    return limit, np.select(known, list(names), "").astype(object)


def _extreme(bench: Bench, values: np.ndarray, which: Literal["min", "max"]) -> np.ndarray:
    """Smallest or largest number among the sample wells of each well's plate and analyte (m,)."""
    sample = np.where(bench.wells["type"] == "sample", values, np.nan)
    return pd.Series(sample).groupby(bench.curve).transform(which).to_numpy(dtype=float)


def _interval(
    kind: np.ndarray, value: np.ndarray, low: np.ndarray, high: np.ndarray, low_source: np.ndarray,
    high_source: np.ndarray,
) -> Values:  # fmt: skip
    """Intervals from kinds: a point, (0, low], [high, ∞) or nothing."""
    point, below, above = np.isin(kind, ["observed", "extrapolated"]), kind == "below", kind == "above"
    number = np.where(point, value, np.nan)
    return Values(
        value=number,
        lower=np.select([point, below, above], [number, np.zeros(len(kind)), high], np.nan),
        upper=np.select([point, below, above], [number, low, np.full(len(kind), np.inf)], np.nan),
        status=kind,
        limit_source=np.select([below, above], [low_source, high_source], "").astype(object),
    )
