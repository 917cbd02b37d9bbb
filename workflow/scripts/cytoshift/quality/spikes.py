"""Which numbers stand so often, anywhere in the range, that somebody must have written them in place of a result?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cytoshift.findings import Finding, finding, listed, plural
from cytoshift.quality.floors import count_values, floor_candidates
from cytoshift.quality.rows import set_below

LEAST_TIMES, LEAST_SHARE, EXCESS = 10, 0.02, 5
FEATURE = ["source", "feature"]


def find_spikes(rows: pd.DataFrame) -> list[Finding]:
    """Find constants written in place of cytokine results and turn them into non-detects, in place.

    A constant is one number that occurs ≥ 10 times, in ≥ 2 % of the analyte's values, and more than 5 times as often
    as any other. Its upper end is the smallest value above it on its plate (anywhere, for plates with fewer than 12
    values). Values below it mean that it was no limit of detection: the finding says so. Where several numbers each
    pile up beyond 5 times what is usual they may be limits of several plates; no single bound is right, so they are
    only reported. A constant that is the largest number is left to the rule for ceilings.
    """
    values = floor_candidates(rows)
    counts = count_values(values.assign(group=""))
    if counts.empty:
        return []
    ordered = counts.sort_values([*FEATURE, "times"], ascending=[True, True, False], kind="stable")
    rank = ordered.groupby(FEATURE, sort=False).cumcount()
    top = ordered[rank == 0].set_index(FEATURE)
    top["other"] = ordered[rank == 1].set_index(FEATURE)["times"]
    top["typical"] = counts.groupby(FEATURE)["times"].median()
    top["largest"] = counts.groupby(FEATURE)["value"].max()
    enough = (top["times"] >= LEAST_TIMES) & (top["times"] >= LEAST_SHARE * top["total"])
    lone = enough & (top["times"] > EXCESS * top["other"]) & (top["value"] < top["largest"])
    piled = enough & ~lone & (top["times"] > EXCESS * top["typical"]) & (top["value"] < top["largest"])
    labels = rows.drop_duplicates("feature").set_index("feature")["label"]
    found = _censor(rows, values, top[lone], labels)
    return found + _piles(counts, top[piled], labels)


def _censor(rows: pd.DataFrame, values: pd.DataFrame, constants: pd.DataFrame, labels: pd.Series) -> list[Finding]:
    """Turn the rows at each constant into non-detects, in place."""
    if constants.empty:
        return []
    joined = values.join(constants["value"].rename("constant"), on=FEATURE)
    joined = joined[joined["constant"].notna()]
    greater = joined[joined["value"] > joined["constant"]]
    on_plate = greater.groupby([*FEATURE, "group"])["value"].min()
    anywhere = greater.groupby(FEATURE)["value"].min()
    lower = joined[joined["value"] < joined["constant"]].groupby(FEATURE).size()
    here = joined[joined["value"] == joined["constant"]]
    limit = on_plate.reindex(pd.MultiIndex.from_frame(here[[*FEATURE, "group"]])).to_numpy(dtype=float)
    pooled = anywhere.reindex(pd.MultiIndex.from_frame(here[FEATURE])).to_numpy(dtype=float)
    limit = np.where((here["group"] == "") | np.isnan(limit), pooled, limit)
    per_row = pd.Series(limit, index=here.index).reindex(rows.index).to_numpy(dtype=float)
    set_below(rows, ~np.isnan(per_row), per_row, "floor")
    limits = pd.Series(limit, index=here.index).groupby([here[name] for name in FEATURE]).agg(["min", "max"])
    return [
        _describe(key, constant, int(lower.get(key, 0)), limits.loc[key], str(labels[key[1]]))
        for key, constant in zip(constants.index, constants.to_dict("records"), strict=True)
    ]


def _describe(key: tuple[str, str], constant: dict, lower: int, limits: pd.Series, label: str) -> Finding:
    low, high = float(limits["min"]), float(limits["max"])
    bound = f"{low:.6g}" if low == high else f"{low:.6g} to {high:.6g}, the smallest number above it on its plate"
    message = (
        f"{label}: the number {constant['value']:.6g} stands {constant['times']} times among {constant['total']} "
        f"values, any other at most {int(constant['other'])} times: a constant written in place of non-detects; taken "
        f"as below {bound}."
    )
    if lower:
        message += (
            f" {plural(lower, 'real value lies', 'real values lie')} below it, so it is no detection limit: these "
            "bounds rest on the assumption that the constant stood for low values."
        )
    numbers = {
        "value": constant["value"],
        "times": constant["times"],
        "values": constant["total"],
        "limit_from": low,
        "limit_to": high,
        "values_below_it": lower,
        "next_most_frequent": int(constant["other"]),
    }
    check = "substituted_constant" if lower else "substituted_floor"
    return finding("quality", check, message, numbers, feature=key[1])


def _piles(counts: pd.DataFrame, piled: pd.DataFrame, labels: pd.Series) -> list[Finding]:
    found = []
    for top in piled.reset_index().to_dict("records"):
        feature = top["feature"]
        here = counts[(counts["source"] == top["source"]) & (counts["feature"] == feature)]
        high = here[(here["times"] >= LEAST_TIMES) & (here["times"] > EXCESS * top["typical"])]
        piles = listed(
            f"{value:.6g} ({times} times)" for value, times in zip(high["value"], high["times"], strict=True)
        )
        message = (
            f"{labels[feature]}: values pile up at {piles}; the usual number stands "
            f"{plural(int(top['typical']), 'time')}. "
            "They may be limits written in place of non-detects, but nothing says of what, so they stay numbers."
        )
        numbers = {
            "values": int(top["total"]),
            "piled_up": int(high["times"].sum()),
            "smallest": float(here["value"].min()),
        }
        found.append(finding("quality", "repeated_values", message, numbers, feature=str(feature)))
    return found
