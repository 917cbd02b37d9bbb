"""What does the plan let one conclude? Every endpoint in every contrast it names, tested jointly, then gated."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from cytoshift.findings import plural
from cytoshift.frames import conform
from cytoshift.shift.exact.families import FamilyDecision, FamilyResult, decide, holm
from cytoshift.shift.exact.global_test import global_test, planned_signs
from cytoshift.shift.exact.max_t import max_t
from cytoshift.shift.exact.rearrangements import Orbit, smallest_two_sided_p, two_sided_p
from cytoshift.shift.feature_words import features_named
from cytoshift.shift.orbits import JointNull
from cytoshift.study.contrasts import Endpoint
from cytoshift.tables import DECISIONS, FAMILIES

NO_STATISTIC = "no statistic where no subject carries information: p counts as 1"


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
    descriptive: str = ""


def resolve_features(endpoint: Endpoint, rows: pd.DataFrame) -> pd.Series:
    """Which rows of a contrast belong to an endpoint: the union of its words, less those of `except`."""
    return features_named(endpoint.features, rows) & ~features_named(endpoint.except_, rows)


def test_family(endpoint: Endpoint, rows: pd.DataFrame, null: JointNull | None, descriptive: str = "") -> Family:
    """Test one endpoint in one contrast.

    `rows` is the contrast's part of the SHIFTS table with a fresh 0 … index that matches the features of `null`.
    `descriptive` says why nothing may be decided in this contrast, whatever the p-values.
    """
    chosen = resolve_features(endpoint, rows).to_numpy()
    rows_in, positions = rows[chosen].reset_index(drop=True), np.flatnonzero(chosen)
    contrast = str(rows["contrast"].iloc[0]) if len(rows) else ""
    p_row, statistic = rows_in["p_value"].to_numpy(float), rows_in["statistic"].to_numpy(float)
    nothing = np.full(len(positions), np.nan)
    plain = Family(
        endpoint,
        contrast,
        rows_in,
        statistic,
        p_row,
        nothing,
        np.nan,
        np.nan,
        np.nan,
        "row",
        "",
        descriptive=descriptive,
    )
    if not len(positions):
        return replace(plain, p_kind="none", words="no feature of this endpoint was measured")
    if not jointly(endpoint):
        return replace(plain, words="Benjamini–Hochberg over the rows' own p-values")
    if null is None or null.orbit is None:
        return _without_joint_null(plain, null.words if null else "no joint test")
    orbit = null.orbit.take(positions)
    exact = replace(
        plain,
        statistic=np.where(orbit.defined, orbit.observed(), np.nan),
        p_value=two_sided_p(orbit),
        p_kind=null.kind,
        note="" if orbit.defined.all() else NO_STATISTIC,
    )
    if endpoint.test == "global":
        return _global_family(exact, orbit, null)
    if endpoint.correction == "holm":
        within = holm(exact.p_value)
        smallest = float(min(1.0, len(positions) * smallest_two_sided_p(orbit).min()))
        words = f"Holm over {plural(len(positions), 'feature')} by {null.words}"
        return replace(exact, p_within=within, p_family=float(within.min()), smallest=smallest, words=words)
    tested, counted = max_t(orbit), plural(len(positions), "feature")
    single = endpoint.correction == "max_t_single_step"
    within = tested.single_step if single else tested.step_down
    return replace(
        exact,
        p_within=within,
        p_family=float(within.min()),
        t_family=float(np.nanmax(np.abs(tested.statistic), initial=0.0)),
        smallest=tested.smallest_adjusted_p,
        words=f"{'single-step' if single else 'step-down'} max-T over {counted} by {null.words}",
    )


def jointly(endpoint: Endpoint) -> bool:
    """Does the endpoint need the joint null distribution? All but plain exploratory ones do."""
    plain = endpoint.tier == "exploratory" and endpoint.test == "each"
    return not (plain and endpoint.correction in (None, "benjamini_hochberg"))


def _without_joint_null(plain: Family, why: str) -> Family:
    """Where nothing can be rearranged jointly, Holm over the rows' own p-values; a global test is not possible."""
    if plain.endpoint.test == "global":
        return replace(plain, p_kind="none", words=why)
    within = holm(plain.p_value)
    return replace(
        plain, p_within=within, p_family=float(within.min()), words=f"Holm over the rows' own p-values: {why}"
    )


def _global_family(exact: Family, orbit: Orbit, null: JointNull) -> Family:
    endpoint = exact.endpoint
    result = global_test(orbit, planned_signs([endpoint.direction] * len(exact.rows)), sides=endpoint.sides)
    return replace(
        exact,
        p_within=np.full(len(exact.rows), result.p_value),
        p_family=result.p_value,
        t_family=result.statistic,
        smallest=result.smallest_p,
        words=f"global {endpoint.direction} test of {plural(result.n_features, 'feature')} by {null.words}",
        note=_global_note(endpoint, result.statistic, len(result.left_out)),
    )


def _global_note(endpoint: Endpoint, statistic: float, left_out: int) -> str:
    parts = [f"{plural(left_out, 'feature')} without a statistic left out"] if left_out else []
    if endpoint.direction != "any" and not np.isnan(statistic):
        opposite = {"decrease": "increase", "increase": "decrease"}[endpoint.direction]
        parts.append(f"together the features moved towards {endpoint.direction if statistic > 0 else opposite}")
    return "; ".join(parts)


def decide_families(families: list[Family], study: str, alpha: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The DECISIONS and FAMILIES tables of all tested families, in plan order, through the gate of METHODS §5."""
    results = [
        FamilyResult(
            "exploratory" if family.descriptive else family.endpoint.tier, family.endpoint.id, family.contrast,
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
    return family.p_within if jointly(family.endpoint) else family.p_value


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
    if decided.tier == "exploratory" and jointly(family.endpoint):
        note = [_row_note(family, lost) for lost in np.isnan(family.statistic)]
        return frame.assign(p_adjusted=family.p_within, decision="none", note=note)
    return frame.assign(
        p_adjusted=np.array(decided.p_adjusted, dtype=float),
        q_value=np.array(decided.q_values, dtype=float),
        decision=list(decided.decisions),
        note=[family.note if lost else "" for lost in np.isnan(family.statistic)],
    )


def _row_note(family: Family, lost: bool) -> str:
    return "; ".join(part for part in (family.descriptive, family.note if lost else "") if part)


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
        "decided_by": "; ".join(
            part for part in (family.words, family.descriptive or decided.decided_by, family.note) if part
        ),
    }
