"""Was a value entered twice? Identical copies are dropped and counted; conflicting ones are never settled silently."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cytoshift.findings import Finding, finding, plural
from cytoshift.quality.rows import KEY, set_missing, unbounded_below
from cytoshift.study.problem import Problem, Problems

PLACE = [*KEY, "plate", "well"]
AMOUNTS = ("concentration", "count_per_ul", "events")  # compared by ratio, so averaged as logarithms
CONTENT = ["status", "value", "lower", "upper"]


@dataclass(frozen=True)
class Settled:
    """Rows with one value per place, and what was found."""

    rows: pd.DataFrame
    findings: list[Finding]


def settle_duplicates(rows: pd.DataFrame, rule: str) -> Settled:
    """Leave one row per source × sample × feature × plate × well.

    `rows` as from `unify`; rows in distinct named wells are replicates and stay, rows without a well or in the same
    one are duplicates. Identical values are counted and one is kept, a blank beside a value is dropped. Conflicting
    values follow `rule`: error, drop (becomes missing), mean (of the ends of the intervals, on the log scale for
    concentrations and counts), first or last in file order. Excluded rows take no part. Raises Problems listing every
    conflict when the rule is error.
    """
    twice = rows.duplicated(PLACE, keep=False).to_numpy() & ~rows["excluded"].to_numpy()
    if not twice.any():
        return Settled(rows, [])
    copies = rows[twice]
    group = copies.groupby(PLACE, sort=False, dropna=False)
    given = copies["status"] != "missing"
    contents = copies[given].drop_duplicates([*PLACE, *CONTENT]).groupby(PLACE, sort=False, dropna=False).size()
    ids = group.ngroup().to_numpy()
    keys = copies.drop_duplicates(PLACE).set_index(PLACE).index
    different = contents.reindex(keys, fill_value=0).to_numpy()
    conflicting = (different > 1)[ids]
    if rule == "error" and conflicting.any():
        raise Problems(_problems(copies[conflicting], ids[conflicting]))
    kept = _kept(copies, ids, given.to_numpy(), last=rule == "last")
    settled = rows.drop(index=copies.index[~kept])
    where = settled.index.isin(copies.index[kept & conflicting])
    if rule == "drop":
        set_missing(settled, where)
        settled.loc[where, "excluded"] = True
    elif rule == "mean" and where.any():
        _average(settled, copies[conflicting])
    return Settled(settled.reset_index(drop=True), _findings(copies, ids, conflicting, rule))


def _kept(copies: pd.DataFrame, ids: np.ndarray, given: np.ndarray, last: bool) -> np.ndarray:
    """The row that stands for each group: its first (or last) value, a blank only when there is nothing else."""
    order = np.arange(len(copies))
    rank = np.lexsort((-order if last else order, ~given, ids))
    first_of_group = np.r_[True, np.diff(ids[rank]) != 0]
    kept = np.zeros(len(copies), dtype=bool)
    kept[rank[first_of_group]] = True
    return kept


def _average(settled: pd.DataFrame, copies: pd.DataFrame) -> None:
    """Replace each conflicting place by the mean of its bounds; below and above together cannot be averaged."""
    copies = copies[copies["status"] != "missing"]
    ends = ["lower", "upper"]
    amount = copies["measure"].isin(AMOUNTS)
    with np.errstate(divide="ignore"):  # a zero, not yet taken for a non-detect, keeps the mean at zero
        logarithms = np.log(copies[ends].clip(lower=0.0))
    scaled = copies.assign(**{name: copies[name].mask(amount, logarithms[name]) for name in ends})
    means = scaled.groupby(PLACE, sort=False, dropna=False)[ends].mean()
    back = means.index.get_level_values("measure").isin(AMOUNTS)
    means.loc[back] = np.exp(means.loc[back])
    below = (copies["status"] == "below").groupby([copies[name] for name in PLACE], sort=False).any()
    above = (copies["status"] == "above").groupby([copies[name] for name in PLACE], sort=False).any()
    places = pd.MultiIndex.from_frame(settled[PLACE])
    at = places.get_indexer_for(means.index)
    rows = settled.index[at]
    low, high, has_below, has_above = (
        means["lower"].to_numpy(),
        means["upper"].to_numpy(),
        below.reindex(means.index).to_numpy(dtype=bool),
        above.reindex(means.index).to_numpy(dtype=bool),
    )
    settled.loc[rows, "value"] = np.where(has_below | has_above, np.nan, low)
    settled.loc[rows, "lower"] = np.where(has_below, unbounded_below(settled.loc[rows]), low)
    settled.loc[rows, "upper"] = np.where(has_above, np.inf, high)
    settled.loc[rows, "status"] = np.where(has_below, "below", np.where(has_above, "above", "observed"))
    set_missing(settled, settled.index.isin(rows[has_below & has_above]))


def _problems(copies: pd.DataFrame, ids: np.ndarray) -> list[Problem]:
    problems = []
    for _, group in copies.groupby(ids, sort=False):
        first = group.iloc[0]
        lines = " and ".join(f"{number:.0f}" for number in group["source_row"] if number == number)
        well = f", well {first['well']}" if first["well"] else ""
        message = (
            f"sample '{first['sample']}'{well} has conflicting values of '{first['as_written'] or first['feature']}': "
            f"{_both(group)}; set `duplicates:` to drop, mean, first or last, exclude one of them, "
            "or name the column of wells if these are replicates"
        )
        problems.append(Problem(first["source_file"], f"row {lines}" if lines else "", message))
    return problems


def _findings(copies: pd.DataFrame, ids: np.ndarray, conflicting: np.ndarray, rule: str) -> list[Finding]:
    found = []
    outcome = {
        "drop": "treated as missing",
        "mean": "averaged, as the study file asks",
        "first": "the first is used, as the study file asks",
        "last": "the last is used, as the study file asks",
    }
    for source, part in copies.groupby("source", sort=False):
        here = copies["source"].to_numpy() == source
        numbers = {
            "surplus_rows": len(part) - len(np.unique(ids[here])),
            "conflicting": len(np.unique(ids[here & conflicting])),
            "samples": part["sample"].nunique(),
        }
        message = (
            f"{source}: {plural(numbers['surplus_rows'], 'surplus row')} in {plural(numbers['samples'], 'sample')} "
            f"that were entered more than once; {numbers['conflicting']} of them hold different values."
        )
        action = "excluded" if numbers["conflicting"] == 0 else "flagged"
        found.append(finding("quality", "duplicated_rows", message, numbers, severity="note", action=action))
    for _, group in copies[conflicting].groupby(ids[conflicting], sort=False):
        first = group.iloc[0]
        message = (
            f"Sample {first['sample']} has conflicting values of {first['label']}: {_both(group)}; "
            f"{outcome.get(rule, rule)}."
        )
        found.append(
            finding(
                "quality",
                "duplicate_conflict",
                message,
                {"values": _both(group).replace(" and ", " | ")},
                sample=first["sample"],
                feature=first["feature"],
                plate=first["plate"],
                action="excluded" if rule == "drop" else "flagged",
            )
        )
    return found


def _both(group: pd.DataFrame) -> str:
    group = group[group["status"] != "missing"]
    words = [
        f"below {row.upper:.6g}" if row.status == "below" else f"above {row.lower:.6g}"
        if row.status == "above" else f"{row.value:.6g}"
        for row in group[CONTENT].itertuples()
    ]  # fmt: skip
    return " and ".join(words)
