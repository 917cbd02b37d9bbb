"""What does the plan let one conclude? Every endpoint in every contrast it names, tested jointly, then gated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cytoshift.frames import conform
from cytoshift.shift.families import FamilyDecision, FamilyResult, decide, holm
from cytoshift.shift.global_test import global_test, planned_signs
from cytoshift.shift.max_t import max_t
from cytoshift.shift.orbits import JointNull
from cytoshift.study.contrasts import Endpoint
from cytoshift.tables import DECISIONS, FAMILIES


@dataclass(frozen=True)
class Family:
    """One endpoint in one contrast, tested but not yet decided.

    `rows` are the contrast's shifts of the family's features; the arrays run along them. `p_within` is adjusted within
    the family; a global test has one `p_family`, the others their smallest. `smallest` is the smallest p_family that
    the data could have given, `words` the rule in words.
    """

    endpoint: Endpoint
    contrast: str
    rows: pd.DataFrame
    statistic: np.ndarray
    p_value: np.ndarray
    p_within: np.ndarray
    p_family: float
    t_family: float
    smallest: float
    p_kind: str
    words: str
    note: str = ""


def resolve_features(endpoint: Endpoint, rows: pd.DataFrame) -> pd.Series:
    """Which rows of a contrast belong to an endpoint: the union of its words, less those of `except`."""
    return _matching(endpoint.features, rows) & ~_matching(endpoint.except_, rows)


def _matching(words: list[str], rows: pd.DataFrame) -> pd.Series:
    chosen = pd.Series(False, index=rows.index)
    plain = rows["feature"].str.split("@").str[0]
    for word in words:
        kind, _, value = word.partition(":")
        if word == "all":
            chosen |= True
        elif kind == "role" and value:
            chosen |= rows["roles"].str.split(",").map(lambda roles, value=value: value in roles)
        elif kind in ("layer", "source") and value:
            chosen |= rows[kind] == value
        else:
            chosen |= (rows["feature"] == word) | (plain == word)
    return chosen


def test_family(endpoint: Endpoint, rows: pd.DataFrame, null: JointNull | None) -> Family:
    """Test one endpoint in one contrast.

    `rows` is the contrast's part of the SHIFTS table with a fresh 0 … index that matches the features of `null`.
    """
    chosen = resolve_features(endpoint, rows).to_numpy()
    rows_in, positions = rows[chosen].reset_index(drop=True), np.flatnonzero(chosen)
    contrast = str(rows["contrast"].iloc[0]) if len(rows) else ""
    p_row, statistic = rows_in["p_value"].to_numpy(float), rows_in["statistic"].to_numpy(float)
    if (
        endpoint.tier == "exploratory"
        and endpoint.correction in (None, "benjamini_hochberg")
        and endpoint.test == "each"
    ):
        words = "Benjamini–Hochberg over the rows' own p-values"
        nothing = np.full(len(p_row), np.nan)
        return Family(endpoint, contrast, rows_in, statistic, p_row, nothing, np.nan, np.nan, np.nan, "row", words)
    if not len(positions) or null is None:
        ones = np.full(len(positions), np.nan)
        note = "no feature of this endpoint was measured" if not len(positions) else "nothing to rearrange"
        return Family(endpoint, contrast, rows_in, ones, ones, ones, np.nan, np.nan, np.nan, "none", note, note)
    orbit = null.orbit.take(positions)
    if endpoint.test == "global":
        result = global_test(orbit, planned_signs([endpoint.direction] * len(positions)), sides=endpoint.sides)
        words = f"global {endpoint.direction} test of {result.n_features} features by {null.kind}"
        note = _global_note(endpoint, result.statistic, len(result.left_out))
        return Family(
            endpoint, contrast, rows_in, np.where(orbit.defined, orbit.observed(), np.nan), p_row,
            np.full(len(positions), result.p_value), result.p_value, result.statistic, result.smallest_p,
            "global", words, note,
        )  # fmt: skip
    if endpoint.correction == "holm":
        within = holm(p_row)
        smallest = float(min(1.0, len(p_row) * np.nanmin(rows_in["smallest_p"].to_numpy(float), initial=1.0)))
        family_p = float(within.min())
        return Family(
            endpoint,
            contrast,
            rows_in,
            statistic,
            p_row,
            within,
            family_p,
            np.nan,
            smallest,
            "row",
            "Holm over the rows",
        )
    result_t = max_t(orbit)
    single = endpoint.correction == "max_t_single_step"
    within = result_t.single_step if single else result_t.step_down
    words = f"{'single-step' if single else 'step-down'} max-T over {len(positions)} features by {null.kind}"
    return Family(
        endpoint, contrast, rows_in, result_t.statistic, p_row, within, float(within.min()),
        float(np.nanmax(np.abs(result_t.statistic), initial=0.0)), result_t.smallest_adjusted_p, "max_t", words,
    )  # fmt: skip


def _global_note(endpoint: Endpoint, statistic: float, left_out: int) -> str:
    parts = [f"{left_out} features without a statistic left out"] if left_out else []
    if endpoint.direction != "any" and not np.isnan(statistic):
        opposite = {"decrease": "increase", "increase": "decrease"}[endpoint.direction]
        parts.append(f"together the features moved towards {endpoint.direction if statistic > 0 else opposite}")
    return "; ".join(parts)


def decide_families(families: list[Family], study: str, alpha: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The DECISIONS and FAMILIES tables of all tested families, in plan order, through the gate of METHODS §5."""
    results = [
        FamilyResult(
            family.endpoint.tier, family.endpoint.id, family.contrast,
            (family.p_family,) if _is_global(family) else tuple(_planned_p(family)),
        )
        for family in families
    ]  # fmt: skip
    decided = decide(results, alpha=alpha)
    rows = [_decision_rows(family, decision, study) for family, decision in zip(families, decided, strict=True)]
    summary = [_family_row(family, decision, study) for family, decision in zip(families, decided, strict=True)]
    return (
        conform(pd.concat(rows) if rows else pd.DataFrame(), DECISIONS),
        conform(pd.DataFrame(summary), FAMILIES),
    )


def _is_global(family: Family) -> bool:
    return family.endpoint.test == "global" or not len(family.rows)


def _planned_p(family: Family) -> np.ndarray:
    exploratory = family.endpoint.tier == "exploratory" and family.p_kind == "row"
    return family.p_value if exploratory else family.p_within


def _decision_rows(family: Family, decided: FamilyDecision, study: str) -> pd.DataFrame:
    """A global test decides the endpoint, not its features: their rows then carry no decision of their own."""
    frame = pd.DataFrame(
        {
            "study": study,
            "contrast": family.contrast,
            "endpoint": family.endpoint.id,
            "tier": family.endpoint.tier,
            "family": f"{family.contrast}/{family.endpoint.id}",
            "feature": family.rows["feature"].to_numpy(dtype=object),
            "statistic": family.statistic,
            "p_value": family.p_value,
            "p_kind": family.p_kind,
        }
    )
    if _is_global(family):
        return frame.assign(decision="none", note="decided for the endpoint as a whole, not for this feature")
    return frame.assign(
        p_adjusted=np.array(decided.p_adjusted, dtype=float),
        q_value=np.array(decided.q_values, dtype=float),
        decision=list(decided.decisions),
        note=family.note,
    )


def _family_row(family: Family, decided: FamilyDecision, study: str) -> dict[str, object]:
    endpoint = family.endpoint
    adjusted = [value for value in decided.p_adjusted if not np.isnan(value)]
    return {
        "study": study,
        "contrast": family.contrast,
        "endpoint": endpoint.id,
        "tier": endpoint.tier,
        "test": endpoint.test,
        "correction": family.words,
        "features": ",".join(family.rows["feature"]),
        "n_features": len(family.rows),
        "direction": endpoint.direction,
        "statistic": family.t_family,
        "p_value": family.p_family,
        "p_adjusted": min(adjusted) if adjusted else np.nan,
        "smallest_p": family.smallest,
        "decision": decided.decision,
        "decided_by": "; ".join(part for part in (family.words, decided.decided_by, family.note) if part),
    }
