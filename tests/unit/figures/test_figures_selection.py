"""Which features get a plot: everything planned, then the clearest."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cytoshift.figures.selection import decided, select_features, with_decisions
from cytoshift.frames import conform
from cytoshift.tables import DECISIONS, SHIFTS


def shifts(rows: list[tuple[str, str, float, float]]) -> pd.DataFrame:
    names = ["contrast", "feature", "estimate", "p_value"]
    return conform(pd.DataFrame(rows, columns=names), SHIFTS)


def decisions(rows: list[tuple[str, str, str, str]]) -> pd.DataFrame:
    return conform(pd.DataFrame(rows, columns=["contrast", "feature", "tier", "decision"]), DECISIONS)


def test_planned_first_primary_before_secondary_then_the_smallest_p() -> None:
    table = shifts([("w", name, 1.0, p) for name, p in [("a", 0.9), ("b", 0.5), ("c", 0.001), ("d", 0.2), ("e", 0.01)]])
    plan = decisions([("w", "b", "secondary", "not_rejected"), ("w", "a", "primary", "not_rejected")])
    assert list(select_features(table, plan)["feature"]) == ["a", "b", "c", "e", "d"]
    assert list(select_features(table, plan, limit=3)["feature"]) == ["a", "b", "c"]


def test_a_feature_is_shown_in_its_planned_contrast_else_where_it_is_clearest() -> None:
    table = shifts([("w8", "a", 1, 0.001), ("w16", "a", 1, 0.3), ("w8", "b", 1, 0.2), ("w16", "b", 1, 0.02)])
    chosen = select_features(table, decisions([("w16", "a", "primary", "not_rejected")]))
    assert dict(zip(chosen["feature"], chosen["contrast"], strict=True)) == {"a": "w16", "b": "w16"}


def test_features_without_an_estimate_are_shown_only_when_planned() -> None:
    table = shifts([("w", "planned", np.nan, np.nan), ("w", "other", np.nan, np.nan), ("w", "fine", 1.0, 0.4)])
    chosen = select_features(table, decisions([("w", "planned", "primary", "not_rejected")]))
    assert list(chosen["feature"]) == ["planned", "fine"]


def test_a_planned_decision_outweighs_the_exploratory_row_of_the_same_feature() -> None:
    rows = [("w", "a", "exploratory", "none"), ("w", "a", "secondary", "not_tested"), ("w", "a", "primary", "rejected")]
    only = decided(decisions(rows)).iloc[0]
    assert (only["planned"], only["tier"], only["decision"]) == (True, "primary", "rejected")


def test_no_decisions_at_all_is_an_exploratory_study() -> None:
    chosen = select_features(shifts([("w", "a", 1.0, 0.5), ("w", "b", 1.0, 0.1)]), decisions([]))
    assert list(chosen["feature"]) == ["b", "a"]
    assert not chosen["planned"].any()


def test_a_feature_of_a_global_endpoint_is_decided_together_unless_its_own_family_decides_it() -> None:
    note = "decided for the endpoint as a whole, not for this feature"
    rows = [("w", name, "primary", "none", note) for name in ("whole", "own", "open")]
    rows += [("w", "own", "secondary", "rejected", ""), ("w", "open", "secondary", "not_rejected", "")]
    rows += [("w", name, "exploratory", "none", "") for name in ("whole", "own", "open", "rest")]
    table = conform(pd.DataFrame(rows, columns=["contrast", "feature", "tier", "decision", "note"]), DECISIONS)
    measured = shifts([("w", name, 1.0, 0.1) for name in ("whole", "own", "open", "rest", "unlisted")])
    joined = with_decisions(measured, table).set_index("feature")["standing"]
    assert joined.to_dict() == {
        "whole": "together", "own": "rejected", "open": "not_rejected", "rest": "unplanned", "unlisted": "unplanned"
    }  # fmt: skip


def test_an_exploratory_global_endpoint_plans_nothing() -> None:
    rows = [("w", "a", "exploratory", "none", "decided for the endpoint as a whole, not for this feature")]
    table = conform(pd.DataFrame(rows, columns=["contrast", "feature", "tier", "decision", "note"]), DECISIONS)
    assert list(decided(table)["standing"]) == ["unplanned"]
