"""Under which limit, and over which, is each well's concentration no number, and where does the limit come from?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from cytoshift.calibrate.instrument import dilution_factors
from cytoshift.calibrate.standards import Bench

Limit = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Bounds:
    """Limits of each well (m,), times its dilution, NaN where there is none or the dilution is not known.

    `low`, `high` and where each comes from: what a column or the limits file states, else the LOD (the ULOQ), else the
    lowest (highest) standard. `lloq` and `edge`: the quantification range, `edge` the ULOQ or a stated upper limit
    under it; `highest`: the stated upper limit, else the highest standard. `factor`: the dilution.
    """

    low: np.ndarray
    low_source: np.ndarray
    high: np.ndarray
    high_source: np.ndarray
    lloq: np.ndarray
    edge: np.ndarray
    edge_source: np.ndarray
    highest: np.ndarray
    highest_source: np.ndarray
    factor: np.ndarray


def find_bounds(bench: Bench, curves: pd.DataFrame, below: Literal["lod", "lloq"]) -> Bounds:
    """The limits that hold for each well.

    Parameters: `curves`, K rows of the table CURVES; `below`, the plan's: with `lloq` the LLOQ is the lower limit
    unless a stated limit is higher. An LOD that is the lowest standard is that standard, or the one it was moved to.
    """
    factor = dilution_factors(bench.wells)
    names = ("lod", "lloq", "uloq", "lowest_standard", "highest_standard")
    of_well = {name: curves[name].to_numpy(dtype=float)[bench.curve] * factor for name in names}
    kind = curves["lod_kind"].to_numpy(dtype=object)[bench.curve]
    lod = np.where(kind == "blanks", of_well["lod"], np.nan)
    lowest = np.where(kind == "lowest_standard", of_well["lod"], of_well["lowest_standard"])
    lloq, uloq = of_well["lloq"], of_well["uloq"]
    stated_low, stated_high = _stated(bench, factor, "lower"), _stated(bench, factor, "upper")
    low, low_source = _first_known(stated_low, _named(lod, "lod"), _named(lowest, "lowest_standard"))
    if below == "lloq":
        raised = np.isfinite(lloq) & ~(stated_low[0] > lloq)
        low, low_source = np.where(raised, lloq, low), np.where(raised, "lloq", low_source)
    top = _named(of_well["highest_standard"], "highest_standard")
    high, high_source = _first_known(stated_high, _named(uloq, "uloq"), top)
    highest, highest_source = _first_known(stated_high, top)
    stated_first = stated_high[0] <= np.where(np.isnan(uloq), np.inf, uloq)
    edge, edge_source = np.fmin(stated_high[0], uloq), np.where(stated_first, stated_high[1], "uloq")
    return Bounds(
        low, low_source, high, high_source, lloq, edge, edge_source.astype(object), highest, highest_source, factor
    )


def stated_signal_limits(bench: Bench) -> np.ndarray:
    """The lower limits of the limits file for signals (m,): as it gives them, as a signal is not multiplied."""
    wells = bench.wells
    limit = wells["limit_lower"].to_numpy(dtype=float) / wells["dilution"].fillna(1.0).to_numpy(dtype=float)
    return np.where(wells["limit_lower_source"] == "limits_file", limit, np.nan)


def _stated(bench: Bench, factor: np.ndarray, side: str) -> Limit:
    limit = np.where(np.isnan(factor), np.nan, bench.wells[f"limit_{side}"].to_numpy(dtype=float))
    return limit, bench.wells[f"limit_{side}_source"].to_numpy(dtype=object)


def _named(limit: np.ndarray, name: str) -> Limit:
    return limit, np.full(len(limit), name, dtype=object)


def _first_known(*limits: Limit) -> Limit:
    known = [np.isfinite(limit) for limit, _ in limits]
    limit = np.select(known, [limit for limit, _ in limits], np.nan)
    return limit, np.select(known, [source for _, source in limits], "").astype(object)
