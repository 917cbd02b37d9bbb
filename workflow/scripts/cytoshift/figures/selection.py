"""Which features deserve a plot of their own, and what was decided about each?"""

from __future__ import annotations

import pandas as pd

from cytoshift.figures.standing import UNPLANNED, standings

_TIERS = {"primary": 0, "secondary": 1, "exploratory": 2}
_STATES = {"rejected": 0, "not_rejected": 1, "not_tested": 2, "none": 3, "": 3}


def decided(decisions: pd.DataFrame) -> pd.DataFrame:
    """One row per contrast × feature: the decision that counts most.

    decisions: the decisions table. Returns contrast, feature, tier, planned (primary or secondary), decision,
    p_adjusted, standing: the most favourable planned decision where there is one, else the exploratory row. A feature
    of a global endpoint that also stands in a planned family of its own keeps that family's decision.
    """
    ranked = decisions.assign(
        tier_rank=decisions["tier"].map(_TIERS).fillna(2).astype(int),
        state_rank=decisions["decision"].map(_STATES).fillna(3).astype(int),
    )
    ranked["planned"] = ranked["tier_rank"] < 2
    # A planned row always stands before an exploratory one; among planned rows a rejection stands first.
    ranked = ranked.sort_values(
        ["planned", "state_rank", "tier_rank"], ascending=[False, True, True], kind="stable"
    ).drop_duplicates(["contrast", "feature"])
    columns = ["contrast", "feature", "tier", "planned", "decision", "p_adjusted", "standing"]
    ranked["standing"] = standings(ranked)
    return ranked.sort_index()[columns].reset_index(drop=True)


def with_decisions(shifts: pd.DataFrame, decisions: pd.DataFrame) -> pd.DataFrame:
    """The shifts table with tier, planned, decision, p_adjusted, standing of `decided` beside each row, order kept."""
    joined = shifts.merge(decided(decisions), on=["contrast", "feature"], how="left", sort=False)
    joined["planned"] = joined["planned"].astype("boolean").fillna(False).astype(bool)
    joined["standing"] = joined["standing"].astype("object").where(joined["standing"].notna(), UNPLANNED)
    for column in ("tier", "decision"):
        joined[column] = joined[column].astype("object").where(joined[column].notna(), "").astype(str)
    return joined


def rank_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of `with_decisions`, planned first (primary before secondary), then the smallest p; missing p last."""
    order = rows.assign(
        _tier=rows["tier"].map(_TIERS).fillna(3).where(rows["planned"], 2),
        _order=range(len(rows)),
    ).sort_values(["_tier", "p_value", "_order"], na_position="last", kind="stable")
    return order.drop(columns=["_tier", "_order"])


def select_features(shifts: pd.DataFrame, decisions: pd.DataFrame, limit: int = 60) -> pd.DataFrame:
    """The features that get a section and a plot: every planned one first, then the smallest p, `limit` at most.

    shifts, decisions: the tables. Returns one row per feature with feature, contrast (the one it is shown in: a
    planned one where there is one, else that with its smallest p), planned, p_value, in the order of showing.
    Rows without an estimate are shown only when planned.
    """
    ranked = rank_rows(with_decisions(shifts, decisions))
    worth = ranked[ranked["planned"] | ranked["estimate"].notna()]
    chosen = worth.drop_duplicates("feature").head(limit)
    return chosen[["feature", "contrast", "planned", "p_value"]].reset_index(drop=True)
