"""What do the replicate wells of a sample say together, and did the instrument's software say the same?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cytoshift.findings import Finding, action_of, finding, listed, plural
from cytoshift.frames import conform
from cytoshift.quality.rows import KEY, is_logarithmic, set_missing, unbounded_below
from cytoshift.quality.wells import find_uneven_wells
from cytoshift.study.settings import MaxReplicateCv
from cytoshift.tables import REPLICATES

MEAN_TOLERANCE = 1e-6
CV_TOLERANCE = 1e-4
_SAMPLES_NAMED = 5
NUMBERS = ("observed", "extrapolated")
DETECTED = (*NUMBERS, "above")


@dataclass(frozen=True)
class Collapsed:
    """One row per sample × feature (reference samples: per plate too), the replicates behind it, and what was found."""

    values: pd.DataFrame
    replicates: pd.DataFrame
    findings: list[Finding]


def collapse_replicates(rows: pd.DataFrame, references: set[str], limit: MaxReplicateCv) -> Collapsed:
    """Make one value of each sample's wells by averaging the ends of their intervals on the log scale.

    `rows` as from `unify`, duplicates settled; `references` are samples kept apart per plate (bridges, pools,
    controls); `limit` is the plan's for the CV. All wells below: the limit is the mean of the log limits; some below
    among numbers: (0, mean of the upper ends]; below and above together: missing. A blank well takes no part, nor an
    excluded one unless all are (the value is then marked excluded). Adds the columns `wells`, `plates`, `cv` (SD with
    n − 1 over the mean of the numbers, as a fraction) and `detected`: more than half of the wells have a number or lie
    above, whatever the status of their average.
    """
    placed, plates, findings = _one_plate(rows, references)
    ids = placed.groupby([*KEY, "plate"], sort=False, dropna=False).ngroup().to_numpy()
    all_excluded = np.bincount(ids, weights=~placed["excluded"], minlength=ids.max(initial=-1) + 1) == 0
    taken = ((placed["status"] != "missing") & (~placed["excluded"] | all_excluded[ids])).to_numpy()
    first = np.sort(np.unique(ids, return_index=True)[1])
    values = placed.iloc[first].copy()
    wells = np.bincount(ids[taken], minlength=len(first))
    mean, cv, numbers = _spread(placed, ids, len(first))
    alone = wells <= 1
    lone = first.copy()
    lone[ids[taken]] = np.flatnonzero(taken)
    for name in ("value", "lower", "upper", "status", "limit_source", "resolution"):
        values.loc[alone, name] = placed[name].to_numpy()[lone][alone]
    set_missing(values, wells == 0)
    values["excluded"] = all_excluded
    findings += _average_ends(placed[taken & ~alone[ids]], ids[taken & ~alone[ids]], values)
    seen = np.bincount(ids, weights=taken & placed["status"].isin(DETECTED).to_numpy(), minlength=len(first))
    values["detected"] = (2 * seen > wells) & (values["status"] != "missing").to_numpy()
    values["plates"] = plates[first]
    values["wells"], values["cv"] = np.maximum(wells, 1), np.where(numbers >= 2, cv, np.nan)
    outside = np.bincount(ids, weights=(placed["status"] == "extrapolated").to_numpy(), minlength=len(first)) > 0
    table = _replicates_table(values, rows, ids, mean, numbers)
    findings += _audit(placed, table) + find_uneven_wells(values, references) + _limit_cv(values, outside, limit)
    return Collapsed(values.drop(columns="well").reset_index(drop=True), table, findings)


def _one_plate(rows: pd.DataFrame, references: set[str]) -> tuple[pd.DataFrame, np.ndarray, list[Finding]]:
    """Give each sample × feature one plate, its commonest; and on how many plates its wells were (rows,).

    A well that is blank or excluded counts only where there is no other. Reference samples keep their plates.
    """
    plates = rows.loc[rows["plate"] != "", [*KEY, "plate"]]
    plates = plates[~plates["sample"].isin(references)].drop_duplicates()
    several = plates[plates.duplicated(KEY, keep=False)]
    if several.empty:
        return rows, np.ones(len(rows), dtype=int), []
    usable = (rows["status"] != "missing") & ~rows["excluded"]
    counted = rows.assign(usable=usable).merge(several[[*KEY, "plate"]], on=[*KEY, "plate"])
    counted = counted.groupby([*KEY, "plate"], sort=True)["usable"].agg(["sum", "size"]).reset_index()
    counted = counted.sort_values(["sum", "size"], ascending=False, kind="stable")
    commonest = counted.drop_duplicates(KEY).set_index(KEY)["plate"]
    on_plates = counted[counted["sum"] > 0].groupby(KEY).size()
    wanted = pd.MultiIndex.from_frame(rows[KEY])
    chosen = commonest.reindex(wanted).to_numpy()
    placed = rows.assign(plate=rows["plate"].where(pd.isna(chosen), chosen))
    times = on_plates.reindex(wanted).fillna(1).to_numpy(dtype=int)
    averaged = on_plates[on_plates > 1]
    if averaged.empty:
        return placed, times, []
    samples = averaged.index.get_level_values("sample").nunique()
    message = (
        f"{plural(samples, 'sample')} measured on more than one plate; all wells are averaged and the plate with "
        "most of them is named. If these are reference samples, say so in the sample sheet (type bridge or pool)."
    )
    numbers = {"samples": samples, "values": len(averaged)}
    return placed, times, [finding("quality", "sample_on_several_plates", message, numbers)]


def _spread(placed: pd.DataFrame, ids: np.ndarray, groups: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean, CV (n − 1) and count of the numbers as written, per group."""
    number = placed["written"].to_numpy(dtype=float, copy=True)
    logarithmic = is_logarithmic(placed)
    number[logarithmic] = np.exp2(number[logarithmic])
    used = np.isfinite(number) & ~placed["excluded"].to_numpy()
    count = np.bincount(ids[used], minlength=groups)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.bincount(ids[used], weights=number[used], minlength=groups) / count
        squares = np.bincount(ids[used], weights=(number[used] - mean[ids[used]]) ** 2, minlength=groups)
        cv = np.sqrt(squares / (count - 1)) / mean
    return mean, np.where(np.isfinite(cv), cv, np.nan), count


def _average_ends(wells: pd.DataFrame, ids: np.ndarray, values: pd.DataFrame) -> list[Finding]:
    """Fill `values` in place for groups of several wells; `ids` are positions in `values`."""
    if wells.empty:
        return []
    groups = len(values)
    status = wells["status"].to_numpy()
    count = np.bincount(ids, minlength=groups)
    below, above, extrapolated = (
        np.bincount(ids[status == word], minlength=groups) for word in ("below", "above", "extrapolated")
    )
    several = count > 0
    logarithmic = is_logarithmic(wells)
    floor = unbounded_below(values)

    def mean_end(name: str) -> np.ndarray:
        end = wells[name].to_numpy()
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = np.bincount(ids, weights=np.where(logarithmic, end, np.log(end)), minlength=groups) / count
        return np.where(is_logarithmic(values), mean, np.exp(mean))

    low, high = mean_end("lower"), mean_end("upper")
    both = several & (below > 0) & (above > 0)
    result = np.select([both, below > 0, above > 0, 2 * extrapolated > count],
                       ["missing", "below", "above", "extrapolated"], "observed")  # fmt: skip
    number = np.isin(result, NUMBERS)
    new = {
        "value": np.where(number, low, np.nan),
        "lower": np.select([both, result == "below"], [np.nan, floor], low),
        "upper": np.select([both, result == "above"], [np.nan, np.inf], np.where(number, low, high)),
    }
    for name, column in new.items():
        values.loc[several, name] = column[several]
    values.loc[several, "status"] = result[several]
    bounding = status == result[ids]  # the limit is that of a well on the same side
    place, at = np.unique(ids[bounding], return_index=True)
    source = values["limit_source"].to_numpy(dtype=object, copy=True)
    source[several] = ""
    source[place] = wells["limit_source"].to_numpy(dtype=object)[bounding][at]
    values["limit_source"] = source
    return _mixture_findings(both, several & (below > 0) & (below < count) & ~both, 2 * below < count)


def _mixture_findings(both: np.ndarray, mixed: np.ndarray, mostly_detected: np.ndarray) -> list[Finding]:
    found = []
    if both.any():
        message = (
            f"{plural(int(both.sum()), 'value')} with one well below and another above its range: treated as missing."
        )
        found.append(finding("quality", "wells_contradict", message, {"values": int(both.sum())}, action="excluded"))
    if mixed.any():
        detected = int((mixed & mostly_detected).sum())
        message = (
            f"{plural(int(mixed.sum()), 'value')} with some wells below the limit and others with a number: known "
            f"only to lie below the mean of the upper ends. In {detected} of them most wells had a number."
        )
        numbers = {"values": int(mixed.sum()), "mostly_detected": detected}
        found.append(finding("quality", "wells_partly_below", message, numbers, severity="note", action="nothing"))
    return found


def _replicates_table(
    values: pd.DataFrame, rows: pd.DataFrame, ids: np.ndarray, mean: np.ndarray, numbers: np.ndarray
) -> pd.DataFrame:
    wells = np.bincount(ids, minlength=len(values))
    reported = [rows[name].groupby(ids).first().to_numpy() for name in ("reported_mean", "reported_cv")]
    shown = (values["layer"] == "cytokine").to_numpy() & (wells > 1)
    table = pd.DataFrame(
        {
            "source": values["source"],
            "sample": values["sample"],
            "analyte": values["feature"],
            "plate": values["plate"],
            "wells": wells,
            "numbers": numbers,
            "mean": mean,
            "cv": values["cv"],
            "reported_mean": reported[0],
            "reported_cv": reported[1],
        }
    )[shown]
    same_mean = _close(table["mean"], table["reported_mean"], MEAN_TOLERANCE)
    same_cv = _close(100 * table["cv"], table["reported_cv"], CV_TOLERANCE)
    comparable = (table["numbers"] >= 2) & table[["reported_mean", "reported_cv"]].notna().any(axis=1)
    agrees = (same_mean | table["reported_mean"].isna()) & (same_cv | table["reported_cv"].isna())
    table["agrees"] = np.select([~comparable, agrees], ["", "yes"], "no")
    return conform(table.reset_index(drop=True), REPLICATES)


def _close(ours: pd.Series, theirs: pd.Series, tolerance: float) -> pd.Series:
    return (ours - theirs).abs() <= tolerance * theirs.abs() + 1e-9


def _audit(placed: pd.DataFrame, table: pd.DataFrame) -> list[Finding]:
    """Does the instrument's own mean and CV follow from its wells, and with which divisor?"""
    found = []
    for source, part in table[table["agrees"] != ""].groupby("source", sort=False):
        divisor_n = np.sqrt((part["numbers"] - 1) / part["numbers"]).astype(float)
        given_cv = int(part["reported_cv"].notna().sum())
        numbers = {
            "replicated": int((table["source"] == source).sum()),
            "complete": len(part),
            "mean_agrees": int(_close(part["mean"], part["reported_mean"], MEAN_TOLERANCE).sum()),
            "cv_agrees_n_minus_1": int(_close(100 * part["cv"], part["reported_cv"], CV_TOLERANCE).sum()),
            "cv_agrees_n": int(_close(100 * part["cv"] * divisor_n, part["reported_cv"], CV_TOLERANCE).sum()),
        }
        divisor = "n" if numbers["cv_agrees_n"] > numbers["cv_agrees_n_minus_1"] else "n − 1"
        disagreeing = int((part["agrees"] == "no").sum())
        message = (
            f"{source}: the instrument's mean is the mean of its wells in {numbers['mean_agrees']} of {len(part)} "
            f"complete sets; its CV is SD/mean with divisor {divisor} in "
            f"{max(numbers['cv_agrees_n'], numbers['cv_agrees_n_minus_1'])} of {given_cv}."
        )
        severity, action = ("warning", "flagged") if disagreeing else ("note", "nothing")
        found.append(finding("quality", "replicate_audit", message, numbers, severity=severity, action=action))
    return found


def _limit_cv(values: pd.DataFrame, outside: np.ndarray, limit: MaxReplicateCv) -> list[Finding]:
    """Flag, or exclude in place, values whose wells disagree more than the plan allows.

    Values with an extrapolated well (`outside`, (values,)) are not held to it: outside the range of the standards no
    precision is promised, and their status says so already.
    """
    wide = (values["cv"] > limit.limit) & ~values["excluded"] & ~outside
    replicated = values["cv"].notna().groupby(values["feature"], sort=False).sum()
    found = []
    for feature, part in values[wide].groupby("feature", sort=False):
        numbers = {
            "beyond": len(part),
            "replicated": int(replicated[feature]),
            "limit": limit.limit,
            "largest_cv": float(part["cv"].max()),
        }
        samples = listed(part["sample"], _SAMPLES_NAMED)
        message = (
            f"{part['label'].iloc[0]}: replicate wells differ by more than a CV of {100 * limit.limit:.3g} % in "
            f"{len(part)} of {numbers['replicated']} samples: {samples}."
        )
        action = action_of(limit.on_fail)
        found.append(finding("quality", "replicate_cv", message, numbers, feature=str(feature), action=action))
    if limit.on_fail == "exclude":
        values.loc[wide, "excluded"] = True
    return found
