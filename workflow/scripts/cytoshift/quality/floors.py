"""Which numbers did somebody write in place of a non-detect because they are the least (or most) there is?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cytoshift.findings import Finding, finding
from cytoshift.quality.rows import set_below

FEWEST_VALUES = 12  # of an analyte on a plate; with fewer its plates are pooled
LEAST_TIMES, LEAST_SHARE, EXCESS = 3, 0.05, 2
COARSE_SHARE = 0.5  # distinct numbers over numbers, at most, where rounding explains a repeated end
GROUP = ["source", "feature", "group"]


def find_floors(rows: pd.DataFrame) -> list[Finding]:
    """Find the floors and ceilings of cytokines and turn their values into intervals, in place.

    Floor: the minimum of an analyte on a plate (with < 12 values there, pooled over such plates) occurs ≥ 3 times, in
    ≥ 5 %, and more than twice as often as any of the next three distinct values. Its upper end is the smallest value
    above it, which is true whether the limit, its half or its √2-th part was written. The mirror rule finds ceilings. A
    minimum that repeats because values are coarsely rounded is reported as resolution. Where the file itself writes
    non-detects for the analyte on that plate, its numbers are numbers.
    """
    found: list[Finding] = []
    for lowest in (True, False):
        values = floor_candidates(rows)
        ends = _repeated_ends(count_values(values), lowest)
        ends = ends[~_writes_its_own(rows, values, ends, "below" if lowest else "above")]
        found += _censor(rows, values, ends[ends["stands_out"]], lowest)
        if lowest:
            found += _coarse(rows, ends[~ends["stands_out"]])
    return found


def floor_candidates(rows: pd.DataFrame) -> pd.DataFrame:
    """Cytokine numbers that could be substitutes, with `group`: the plate, or '' for plates with few values.

    Columns source, feature, plate, value, group; indexed like `rows`.
    """
    # nobody could write a constant into a concentration that was computed here
    written = (rows["layer"] == "cytokine") & ~rows["concentration"].isin(["refit", "signal"])
    numbers = rows[written & (rows["status"] == "observed") & ~rows["excluded"]]
    numbers = numbers[["source", "feature", "plate", "value"]]
    size = numbers.groupby(["source", "feature", "plate"])["value"].transform("size")
    return numbers.assign(group=numbers["plate"].where(size >= FEWEST_VALUES, ""))


def count_values(values: pd.DataFrame) -> pd.DataFrame:
    """How often each number occurs per source × feature × group, in increasing order; groups with ≥ 12 numbers.

    Columns source, feature, group, value, times, total.
    """
    counts = values.groupby([*GROUP, "value"], sort=True).size().rename("times").reset_index()
    counts["total"] = counts.groupby(GROUP)["times"].transform("sum")
    return counts[counts["total"] >= FEWEST_VALUES]


def _repeated_ends(counts: pd.DataFrame, lowest: bool) -> pd.DataFrame:
    """Smallest (or largest) numbers that repeat, their neighbour, and whether they stand out from the next three."""
    ordered = counts if lowest else counts.iloc[::-1]
    rank = ordered.groupby(GROUP, sort=False).cumcount()
    ends = ordered[rank == 0].set_index(GROUP)
    ends["neighbour"] = ordered[rank == 1].set_index(GROUP)["value"]
    ends["next_times"] = ordered[rank.between(1, 3)].groupby(GROUP)["times"].max()
    ends["distinct"] = counts.groupby(GROUP).size()
    repeated = (ends["times"] >= LEAST_TIMES) & (ends["times"] >= LEAST_SHARE * ends["total"])
    ends = ends[repeated & ends["neighbour"].notna()].reset_index()
    return ends.assign(stands_out=ends["times"] > EXCESS * ends["next_times"])


def _writes_its_own(rows: pd.DataFrame, values: pd.DataFrame, ends: pd.DataFrame, status: str) -> np.ndarray:
    """Which ends belong to an analyte and plate whose non-detects (of that side) the file writes as such (ends,)."""
    written = rows[(rows["layer"] == "cytokine") & (rows["status"] == status) & ~rows["excluded"]]
    written = written.loc[written["limit_source"] != "floor", ["source", "feature", "plate"]].drop_duplicates()
    own_group = values.loc[values["group"] != "", ["source", "feature", "plate"]].drop_duplicates()
    alone = pd.MultiIndex.from_frame(written).isin(pd.MultiIndex.from_frame(own_group))
    groups = pd.MultiIndex.from_frame(written.assign(plate=written["plate"].where(alone, "")))
    return np.asarray(pd.MultiIndex.from_frame(ends[GROUP]).isin(groups))


def _censor(rows: pd.DataFrame, values: pd.DataFrame, ends: pd.DataFrame, lowest: bool) -> list[Finding]:
    """Turn the rows at each end into non-detects, in place."""
    if ends.empty:
        return []
    limits = ends.set_index([*GROUP, "value"])["neighbour"]
    limit = limits.reindex(pd.MultiIndex.from_frame(values[[*GROUP, "value"]])).to_numpy(dtype=float)
    per_row = pd.Series(limit, index=values.index).reindex(rows.index).to_numpy(dtype=float)
    at = ~np.isnan(per_row)
    if lowest:
        set_below(rows, at, per_row, "floor")
    else:
        rows.loc[at, "value"], rows.loc[at, "upper"] = np.nan, np.inf
        rows.loc[at, "lower"] = per_row[at]
        rows.loc[at, ["status", "limit_source"]] = ["above", "floor"]
    labels = rows.drop_duplicates("feature").set_index("feature")["label"]
    kind, side, bound = ("floor", "smallest", "below") if lowest else ("ceiling", "largest", "above")
    found = []
    for end in ends.to_dict("records"):
        where = f" on plate {end['group']}" if end["group"] else ""
        message = (
            f"{labels[end['feature']]}{where}: the {side} number, {end['value']:.6g}, stands {end['times']} times "
            f"among {end['total']} values and was probably written in place of a non-detect; taken as {bound} "
            f"{end['neighbour']:.6g}."
        )
        numbers = {
            "value": end["value"],
            "times": end["times"],
            "values": end["total"],
            "limit": end["neighbour"],
            "next_values_at_most": int(end["next_times"]),
        }
        check = f"substituted_{kind}"
        found.append(finding("quality", check, message, numbers, feature=end["feature"], plate=end["group"]))
    return found


def _coarse(rows: pd.DataFrame, ends: pd.DataFrame) -> list[Finding]:
    """Report rounding so coarse that the smallest number repeats."""
    ends = ends[ends["distinct"] <= COARSE_SHARE * ends["total"]]
    labels = rows.drop_duplicates("feature").set_index("feature")["label"]
    found = []
    for feature, part in ends.groupby("feature", sort=False):
        step = float((part["neighbour"] - part["value"]).min())
        times = int(part["times"].max())
        message = (
            f"{labels[feature]}: the smallest number repeats ({times} times), but so do the next ones: values come in "
            f"coarse steps (the next is {step:.6g} higher). This is resolution, not a floor."
        )
        numbers = {
            "value": float(part["value"].iloc[0]),
            "times": times,
            "step": step,
            "next_values_at_most": int(part["next_times"].max()),
        }
        found.append(
            finding(
                "quality",
                "coarse_resolution",
                message,
                numbers,
                severity="note",
                feature=str(feature),
                action="nothing",
            )
        )
    return found
