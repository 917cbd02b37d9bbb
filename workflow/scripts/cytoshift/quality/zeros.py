"""Zero is not a concentration: zeros and negative numbers become non-detects, with a limit and a finding."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cytoshift.findings import Finding, finding, plural
from cytoshift.quality.rows import set_below, set_missing

FEATURE = ["source", "feature"]


def censor_nonpositive(rows: pd.DataFrame) -> list[Finding]:
    """Turn zero or negative concentrations and zero counts into non-detects, in place, and say so.

    A concentration ≤ 0 lies below the smallest positive number of its analyte and plate (of its analyte, where the
    plate has none); a zero count below half the smallest step its file can express. Fractions and scores may be zero.
    """
    observed = rows["status"].isin(["observed", "extrapolated"]) & (rows["value"] <= 0)
    zero = (observed & (rows["measure"] == "concentration")).to_numpy()
    found = []
    if zero.any():
        upper = np.full(len(rows), np.nan)
        upper[zero] = _smallest_positive(rows, rows[zero])
        found += _describe(rows[zero], "zero_concentration", "a concentration of zero or less", "its smallest number")
        set_below(rows, zero & ~np.isnan(upper), upper, "lowest_observed")
        set_missing(rows, zero & np.isnan(upper))
    empty = (observed & rows["measure"].isin(["count_per_ul", "events"])).to_numpy()
    if empty.any():
        found += _describe(rows[empty], "zero_count", "a count of zero", "half the smallest step of the file")
        step = np.where(rows["resolution"].isna(), _smallest_step(rows), rows["resolution"])
        set_below(rows, empty & ~np.isnan(step), step / 2, "lowest_observed")
        set_missing(rows, empty & np.isnan(step))
    return found


def _smallest_positive(rows: pd.DataFrame, wanted: pd.DataFrame) -> np.ndarray:
    """Smallest positive number of each wanted row's analyte on its plate, or anywhere (rows of `wanted`,)."""
    positive = rows[(rows["status"] == "observed") & (rows["value"] > 0) & ~rows["excluded"]]
    per_plate = positive.groupby([*FEATURE, "plate"])["value"].min()
    overall = positive.groupby(FEATURE)["value"].min()
    here = per_plate.reindex(pd.MultiIndex.from_frame(wanted[[*FEATURE, "plate"]])).to_numpy(dtype=float)
    anywhere = overall.reindex(pd.MultiIndex.from_frame(wanted[FEATURE])).to_numpy(dtype=float)
    return np.where(np.isnan(here), anywhere, here)


def _smallest_step(rows: pd.DataFrame) -> np.ndarray:
    """Smallest difference between distinct numbers of each row's feature (rows,)."""
    distinct = rows.loc[rows["value"].notna(), [*FEATURE, "value"]].drop_duplicates()
    distinct = distinct.sort_values([*FEATURE, "value"])
    distinct["step"] = distinct.groupby(FEATURE)["value"].diff()
    smallest = distinct.groupby(FEATURE)["step"].min()
    return smallest.reindex(pd.MultiIndex.from_frame(rows[FEATURE])).to_numpy(dtype=float)


def _describe(rows: pd.DataFrame, check: str, what: str, limit: str) -> list[Finding]:
    found = []
    for feature, part in rows[~rows["excluded"]].groupby("feature", sort=False):
        message = f"{part['label'].iloc[0]}: {plural(len(part), 'value')} written as {what}; taken as below {limit}."
        numbers = {"values": len(part), "samples": part["sample"].nunique()}
        found.append(finding("quality", check, message, numbers, severity="note", feature=str(feature)))
    return found
