"""Do fractions agree with the counts beside them, and do those that make up their parent add up to it?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cytoshift.findings import Finding, finding, listed, plural
from cytoshift.vocabulary.measures import plain_id

COUNTS = ("events", "count_per_ul")
DISAGREES = 0.02  # relative; rounding of all three numbers is allowed for besides
SUM_TOLERANCE = 0.05
# Siblings that add up this closely in this share of the samples are meant to make up their parent.
CLOSE, MOSTLY, FEWEST = 0.02, 0.8, 5


def find_disagreeing_fractions(cells: pd.DataFrame, parents: pd.DataFrame) -> list[Finding]:
    """Report fractions that are not their population's count over that of the parent in the same source and sample.

    `cells` has columns source, sample, feature, measure, value, resolution; `parents` has feature and parent. Two per
    cent and the rounding of the three numbers are allowed. Only numbers are compared, not non-detects.
    """
    parent_of = dict(zip(parents["feature"], parents["parent"], strict=True))
    found = []
    for source, part in cells[cells["value"].notna()].groupby("source", sort=False):
        table, step, known = _laid_out(part, str(source))
        for (population, measure), feature in known.items():
            if measure != "fraction_of_parent":
                continue
            whole = plain_id(str(parent_of.get(feature, "")), str(source), "events")
            for counted in COUNTS:
                names = known.get((population, counted)), known.get((whole, counted))
                if names[0] is not None and names[1] is not None:
                    found += _disagreement(table, step, feature, (names[0], names[1]), whole, counted)
    return found


def _laid_out(part: pd.DataFrame, source: str) -> tuple[pd.DataFrame, pd.Series, dict[tuple[str, str], str]]:
    """Values as samples × features, the step of each feature, and the feature of each population and measure."""
    table = part.pivot_table(index="sample", columns="feature", values="value", aggfunc="first")
    step = part.groupby("feature")["resolution"].max().fillna(0.0)
    measures = part.drop_duplicates("feature")
    known = {
        (plain_id(feature, source, measure), measure): feature
        for feature, measure in zip(measures["feature"], measures["measure"], strict=True)
    }
    return table, step, known


def _disagreement(
    table: pd.DataFrame, step: pd.Series, feature: str, counts: tuple[str, str], whole: str, measure: str
) -> list[Finding]:
    fraction, part, total = (table[name] for name in (feature, *counts))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = part / total.where(total > 0)
        rounding = step[feature] + step[counts[0]] / total + ratio * step[counts[1]] / total
    apart = (fraction - ratio).abs()
    compared = apart.notna()
    off = table.index[compared & (apart > DISAGREES * np.maximum(fraction, ratio) + rounding)]
    if not len(off):
        return []
    words = "events" if measure == "events" else "counts"
    message = (
        f"{feature}: the fraction is not what the {words} of it and of {whole} say in {len(off)} of "
        f"{int(compared.sum())} samples ({listed(off, 5)})."
    )
    worst = apart[off].idxmax()
    numbers = {"samples": len(off), "of": int(compared.sum()), "fraction": float(fraction[worst]),
               "of_counts": float(ratio[worst])}  # fmt: skip
    return [finding("quality", "fraction_disagrees_with_counts", message, numbers, feature=feature)]


def find_sums_off(cells: pd.DataFrame, parents: pd.DataFrame, differential: tuple[str, ...]) -> list[Finding]:
    """Report samples in which fractions that make up their parent do not add up to 1.

    Parameters as in `find_disagreeing_fractions`. Fractions of one parent make it up where they are the `differential`
    of the leukocytes, or where their sum is 1 within 2 % in four samples of five; overlapping populations are left
    alone. The sum may be off by 5 % and the rounding of the parts.
    """
    fractions = cells[(cells["measure"] == "fraction_of_parent") & cells["value"].notna()]
    parent = fractions["feature"].map(dict(zip(parents["feature"], parents["parent"], strict=True))).fillna("")
    found = []
    for (source, whole), part in fractions[parent != ""].groupby(["source", parent], sort=False):
        table, step, known = _laid_out(part, str(source))
        populations = {population for population, _ in known}
        of_blood = set(differential) <= populations
        if of_blood:
            table = table[[known[population, "fraction_of_parent"] for population in differential]]
        complete = table.dropna()
        if table.shape[1] < 2 or complete.empty:
            continue
        off = (complete.sum(axis=1) - 1.0).abs() - float(step.reindex(table.columns).sum()) / 2
        makes_up = len(off) >= FEWEST and (off <= CLOSE).mean() >= MOSTLY
        beyond = off[off > SUM_TOLERANCE]
        if (of_blood or makes_up) and len(beyond):
            found.append(_sum_finding(str(source), plain_id(str(whole), str(source), "events"), complete, beyond))
    return found


def _sum_finding(source: str, whole: str, complete: pd.DataFrame, beyond: pd.Series) -> Finding:
    sums = complete.loc[beyond.index].sum(axis=1)
    message = (
        f"{source}: the fractions of {whole} add up to 1 in {len(complete) - len(beyond)} of "
        f"{plural(len(complete), 'sample')}, not in {listed(beyond.index, 5)} ({sums.min():.3g} to {sums.max():.3g})."
    )
    numbers = {"samples": len(complete), "off": len(beyond), "tolerance": SUM_TOLERANCE}
    numbers |= {"smallest": float(sums.min()), "largest": float(sums.max())}
    return finding("quality", "fractions_off_sum", message, numbers)
