"""Do cell counts add up: parts no larger than their parent, and leukocytes equal to their differential?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cytoshift.findings import Finding, finding, listed
from cytoshift.quality.fractions import find_disagreeing_fractions, find_sums_off
from cytoshift.vocabulary.names import population

TOTAL = "leukocytes"
PARTS = ("neutrophils", "lymphocytes", "monocytes", "eosinophils", "basophils")
SUM_TOLERANCE = 0.1
PART_TOLERANCE = 0.01  # rounding of both


def find_inconsistent_cells(values: pd.DataFrame, parents: pd.DataFrame) -> list[Finding]:
    """Report parts that exceed their parent, fractions above 1, sums off their total, fractions that counts deny.

    `values` as from `collapse_replicates` without excluded rows; `parents` has columns feature and parent (feature
    ids); of a count without one it is the nearest population of the vocabulary that the source counts. A non-detect is
    anything from 0 to its limit. The differential may differ from the leukocytes by 10 %; a part may exceed its parent
    by 1 % and the rounding of both. Fractions: `find_sums_off`, `find_disagreeing_fractions`.
    """
    cells = values[(values["layer"] == "cell") & (values["status"] != "missing")]
    known = cells["value"].notna()
    cells = cells.assign(least=cells["value"].where(known, 0.0), most=cells["value"].where(known, cells["upper"]))
    cells = cells[known | (cells["status"] == "below")]
    found = _above_one(cells)
    for source, part in cells.groupby("source", sort=False):
        table, most = (
            part.pivot_table(index="sample", columns="feature", values=end, aggfunc="first")
            for end in ("least", "most")
        )
        step = part.groupby("feature")["resolution"].max().reindex(table.columns).fillna(0.0)
        measure = part.groupby("feature")["measure"].first()
        plain = {str(name).removesuffix(f"@{source}"): str(name) for name in table.columns}
        found += _parts(table, step, measure, parents, plain)
        if TOTAL in plain and all(name in plain for name in PARTS):
            parts = [plain[name] for name in PARTS]
            found += _sum(part, table[parts], most[parts], plain[TOTAL], str(source))
    return found + find_sums_off(cells, parents, PARTS) + find_disagreeing_fractions(cells, parents)


def _above_one(cells: pd.DataFrame) -> list[Finding]:
    over = cells[(cells["measure"] == "fraction_of_parent") & ((cells["value"] > 1) | (cells["value"] < 0))]
    found = []
    for feature, part in over.groupby("feature", sort=False):
        message = f"{part['label'].iloc[0]}: {len(part)} fractions outside 0 to 1 (largest {part['value'].max():.4g})."
        numbers = {"values": len(part), "largest": float(part["value"].max())}
        found.append(finding("quality", "fraction_out_of_range", message, numbers, feature=str(feature)))
    return found


def _parts(
    table: pd.DataFrame, step: pd.Series, measure: pd.Series, parents: pd.DataFrame, plain: dict[str, str]
) -> list[Finding]:
    found = []
    related = parents[parents["feature"].isin(table.columns)][["feature", "parent"]].drop_duplicates()
    names = {feature: name for name, feature in plain.items()}
    for feature, written in related.itertuples(index=False):
        parent = written or _ancestor(names[feature], plain)
        whole = plain.get(parent, parent)
        if whole not in table.columns or measure[whole] != measure[feature] or measure[feature] == "fraction_of_parent":
            continue
        excess = table[feature] - table[whole] * (1 + PART_TOLERANCE) - step[feature] - step[whole]
        over = excess[excess > 0]
        if len(over):
            both = int((table[feature].notna() & table[whole].notna()).sum())
            message = (
                f"{feature} exceeds {parent}, its parent, in {len(over)} of {both} samples ({listed(over.index, 5)})."
            )
            numbers = {"samples": len(over), "of": both, "largest_ratio": float((table[feature] / table[whole]).max())}
            found.append(finding("quality", "part_exceeds_parent", message, numbers, feature=feature))
    return found


def _ancestor(population_id: str, plain: dict[str, str]) -> str:
    """The nearest population around one, by the vocabulary, that the source holds; '' where there is none."""
    try:
        around = population(population_id).parent
        while around and around not in plain:
            around = population(around).parent
    except KeyError:  # not in the vocabulary
        return ""
    return around or ""


def _sum(part: pd.DataFrame, least: pd.DataFrame, most: pd.DataFrame, whole: str, source: str) -> list[Finding]:
    """`least` and `most` (samples × parts) are what each part may add."""
    total = part[part["feature"] == whole].drop_duplicates("sample").set_index("sample")["value"].reindex(least.index)
    complete = least.notna().all(axis=1) & (total > 0)
    low, high = least.sum(axis=1), most.sum(axis=1)
    off = (np.maximum(np.maximum(low - total, total - high), 0.0) / total)[complete]
    if off.empty:
        return []
    beyond = off[off > SUM_TOLERANCE]
    message = (
        f"{source}: leukocytes agree with the sum of their five types within {100 * SUM_TOLERANCE:.0f} % in "
        f"{len(off) - len(beyond)} of {len(off)} samples (largest difference {100 * off.max():.1f} %)."
    )
    numbers = {"samples": len(off), "off": len(beyond), "largest": float(off.max()), "tolerance": SUM_TOLERANCE}
    if len(beyond):
        message += f" Beyond it: {listed(beyond.index, 5)}."
        return [finding("quality", "sum_off_total", message, numbers)]
    return [finding("quality", "sum_agrees", message, numbers, severity="note", action="nothing")]
