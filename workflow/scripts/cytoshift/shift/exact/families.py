"""What may be claimed, after everything that was tested?

Holm and Benjamini–Hochberg adjust p-values within a family; the gate decides between families. Primary endpoints are
tested first; secondary ones open only when every primary is rejected, so that the chance of any false claim among
primary and secondary together stays at alpha. Exploratory results carry q-values and no decision.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

Tier = Literal["primary", "secondary", "exploratory"]
Decision = Literal["rejected", "not_rejected", "not_tested", "none"]


@dataclass(frozen=True)
class FamilyResult:
    """What was found for one endpoint in one contrast.

    Attributes:
        tier: of the endpoint.
        endpoint: its id.
        contrast: the contrast's id.
        p_values: one per hypothesis: a single one for a global test, otherwise one per feature. In a planned family
            they are already adjusted within the family (max-T or Holm); in an exploratory one they are not. NaN where
            missing.
    """

    tier: Tier
    endpoint: str
    contrast: str
    p_values: tuple[float, ...]


@dataclass(frozen=True)
class FamilyDecision:
    """What the plan allows to be said about one endpoint in one contrast; tuples have one entry per hypothesis.

    Attributes:
        tier: of the endpoint.
        endpoint: its id.
        contrast: the contrast's id.
        p_value: the smallest p-value of the family (missing counts as 1 in a planned family), NaN without any.
        p_adjusted: the smallest alpha at which each hypothesis would have been rejected, gate and Holm included;
            NaN where nothing is decided.
        q_values: Benjamini–Hochberg, in exploratory families; NaN elsewhere.
        level: the level the family was last tested at; NaN when it was not tested.
        decisions: the decision on each hypothesis.
        decision: rejected when at least one hypothesis is.
        fully_rejected: every hypothesis is rejected; only then do later families open.
        decided_by: the rule that decided, in words.
    """

    tier: Tier
    endpoint: str
    contrast: str
    p_value: float
    p_adjusted: tuple[float, ...]
    q_values: tuple[float, ...]
    level: float
    decisions: tuple[Decision, ...]
    decision: Decision
    fully_rejected: bool
    decided_by: str


def holm(p_values: np.ndarray) -> np.ndarray:
    """Holm's step-down adjustment; a missing p-value counts as 1.

    p_(i) = max over i' ≤ i of min(1, (m − i' + 1)·p_(i')). Reference: Holm (1979), Scand. J. Statistics 6:65.

    Args:
        p_values: p-values of the m hypotheses, NaN where missing.

    Returns:
        (m,) adjusted p-values in the same order.
    """
    p_values = _missing_as_one(p_values)
    order = np.argsort(p_values, kind="stable")
    steps = np.maximum.accumulate((len(p_values) - np.arange(len(p_values))) * p_values[order])
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(steps, 1.0)
    return adjusted


def benjamini_hochberg(p_values: np.ndarray) -> tuple[np.ndarray, int]:
    """Benjamini–Hochberg q-values; missing p-values are ignored.

    q_(i) = min over i' ≥ i of m·p_(i')/i'.
    Reference: Benjamini & Hochberg (1995), J. Royal Statistical Society B 57:289.

    Args:
        p_values: (features,) p-values, NaN where missing.

    Returns:
        (features,) q-values, NaN where missing, and m, the number of p-values used.
    """
    p_values = _checked(p_values)
    present = np.flatnonzero(~np.isnan(p_values))
    m = len(present)
    falling = present[np.argsort(p_values[present], kind="stable")[::-1]]
    q_values = np.full(len(p_values), np.nan)
    q_values[falling] = np.minimum(1.0, np.minimum.accumulate(m / np.arange(m, 0, -1) * p_values[falling]))
    return q_values, m


def decide(
    families: Sequence[FamilyResult], *, alpha: float = 0.05, secondary: Literal["in_order", "holm"] = "in_order"
) -> list[FamilyDecision]:
    """Apply the gate: which families are tested, at which level, and what each of their p-values means.

    Primary families share alpha by Holm: each is tested at alpha divided by the number not yet fully rejected. When
    every primary is fully rejected, the secondary families follow, in plan order, each at alpha as long as all before
    it were fully rejected; or sharing alpha by Holm in the same way. Each family controls its own error at any level,
    so the family-wise error of primary and secondary together is at most alpha.
    Reference: Bretz et al. (2009), Statistics in Medicine 28:586 (sequentially rejective graphs).

    Args:
        families: in plan order.
        alpha: of the plan.
        secondary: how the secondary families share alpha once they are open.

    Returns:
        One decision for each family, in the same order. Without a primary family everything is exploratory.
    """
    if not 0 < alpha < 1:
        raise ValueError(f"alpha lies between 0 and 1, got {alpha}")
    if secondary not in ("in_order", "holm"):
        raise ValueError(f"secondary is in_order or holm, got {secondary!r}")
    tiers = [family.tier for family in families]
    if unknown := sorted(set(tiers) - {"primary", "secondary", "exploratory"}):
        raise ValueError(f"tier {unknown[0]!r} is not one of primary, secondary, exploratory")
    if "primary" not in tiers:
        return [
            _undecided(family, "exploratory study: no primary endpoint, so nothing is decided") for family in families
        ]
    primary = [family for family in families if family.tier == "primary"]
    later = [family for family in families if family.tier == "secondary"]
    first = _decide_by_holm(primary, alpha, 0.0, "")
    gate = max(adjusted for decision in first for adjusted in decision.p_adjusted or (1.0,))
    closed = _first_closed(first)
    if secondary == "holm":
        second = _decide_by_holm(later, alpha, gate, closed)
    else:
        second = _decide_in_order(later, alpha, gate, closed)
    decided = {"primary": iter(first), "secondary": iter(second)}
    return [next(decided[family.tier]) if family.tier in decided else _explored(family) for family in families]


def _decide_by_holm(
    families: Sequence[FamilyResult], alpha: float, gate: float, closed_by: str
) -> list[FamilyDecision]:
    """Families that share alpha; `gate` is the smallest alpha that opens them, `closed_by` what kept them closed."""
    if not families:
        return []
    planned = [_missing_as_one(family.p_values) for family in families]
    worst = np.array([p_values.max(initial=0.0) if p_values.size else 1.0 for p_values in planned])
    order = np.argsort(worst, kind="stable")
    remaining = len(families) - np.arange(len(families))
    # opened[t]: the smallest alpha at which the t families with the smallest worst p-values are all fully rejected.
    opened = np.maximum(gate, np.concatenate([[0.0], np.maximum.accumulate(remaining * worst[order])[:-1]]))
    rejected = int(np.count_nonzero(_at_most(np.maximum.accumulate(np.maximum(gate, remaining * worst[order])), alpha)))
    decisions = {}
    for rank, index in enumerate(order.tolist()):
        steps = np.maximum(opened[: rank + 1, None], remaining[: rank + 1, None] * planned[index])
        level = alpha / remaining[min(rank, rejected)]
        words = f"{families[index].tier}: tested at {level:.4g}"
        if len(families) > 1:
            words += f", alpha shared by Holm over {len(families)} families"
        adjusted = np.minimum(steps.min(axis=0), 1.0)
        decisions[index] = _decision(families[index], adjusted, alpha, level, closed_by, words)
    return [decisions[index] for index in range(len(families))]


def _decide_in_order(
    families: Sequence[FamilyResult], alpha: float, gate: float, closed_by: str
) -> list[FamilyDecision]:
    """Families in plan order, each at the full alpha as long as all before it were fully rejected."""
    decisions: list[FamilyDecision] = []
    for family in families:
        adjusted = np.maximum(gate, _missing_as_one(family.p_values))
        words = f"{family.tier}: tested at {alpha:.4g}, because everything before it in the plan was rejected"
        decisions.append(_decision(family, adjusted, alpha, alpha, closed_by, words))
        gate = float(adjusted.max()) if adjusted.size else 1.0
        closed_by = closed_by or _first_closed(decisions)
    return decisions


def _decision(
    family: FamilyResult, adjusted: np.ndarray, alpha: float, level: float, closed_by: str, words: str
) -> FamilyDecision:
    """One planned family, closed when something before it was not fully rejected."""
    p_values = _missing_as_one(family.p_values)
    missing = int(np.isnan(np.asarray(family.p_values, dtype=float)).sum())
    rejected = np.zeros(len(adjusted), dtype=bool) if closed_by else _at_most(adjusted, alpha)
    refused: Decision = "not_tested" if closed_by else "not_rejected"
    decision_of: dict[bool, Decision] = {True: "rejected", False: refused}
    counted = f"; missing p-values counted as 1: {missing}" if missing else ""
    return FamilyDecision(
        tier=family.tier,
        endpoint=family.endpoint,
        contrast=family.contrast,
        p_value=float(p_values.min()) if p_values.size else float("nan"),
        p_adjusted=tuple(adjusted.tolist()),
        q_values=(float("nan"),) * len(adjusted),
        level=float("nan") if closed_by else float(level),
        decisions=tuple(decision_of[bool(one)] for one in rejected),
        decision=decision_of[bool(rejected.any())],
        fully_rejected=bool(rejected.size and rejected.all()),
        decided_by=(f"{family.tier}: not tested, because {closed_by}" if closed_by else words) + counted,
    )


def _explored(family: FamilyResult) -> FamilyDecision:
    """An exploratory family: q-values and no decision."""
    _, m = benjamini_hochberg(np.asarray(family.p_values, dtype=float))
    return _undecided(family, f"exploratory: Benjamini–Hochberg over m = {m} p-values, no decision")


def _undecided(family: FamilyResult, words: str) -> FamilyDecision:
    """A family without decision; q-values only where the p-values were not adjusted already."""
    p_values = np.asarray(family.p_values, dtype=float)
    nothing = (float("nan"),) * len(p_values)
    undecided: Decision = "none"
    exploratory = family.tier == "exploratory"
    return FamilyDecision(
        tier=family.tier,
        endpoint=family.endpoint,
        contrast=family.contrast,
        p_value=float(np.nanmin(p_values)) if np.isfinite(p_values).any() else float("nan"),
        p_adjusted=nothing,
        q_values=tuple(benjamini_hochberg(p_values)[0].tolist()) if exploratory else nothing,
        level=float("nan"),
        decisions=(undecided,) * len(p_values),
        decision=undecided,
        fully_rejected=False,
        decided_by=words,
    )


def _first_closed(decisions: Sequence[FamilyDecision]) -> str:
    """In words, the first family that was not fully rejected; empty when all were."""
    for decision in decisions:
        if not decision.fully_rejected:
            degree = "only partly" if decision.decision == "rejected" else "not"
            return f"{decision.tier} {decision.endpoint} in {decision.contrast} was {degree} rejected"
    return ""


def _at_most(p_values: np.ndarray, alpha: float) -> np.ndarray:
    """p ≤ alpha, forgiving the rounding of products such as 3 × 0.05/3."""
    return np.asarray(p_values <= alpha * (1 + 1e-12))


def _missing_as_one(p_values: np.ndarray | Sequence[float]) -> np.ndarray:
    """P-values with 1 where missing."""
    p_values = _checked(p_values)
    return np.where(np.isnan(p_values), 1.0, p_values)


def _checked(p_values: np.ndarray | Sequence[float]) -> np.ndarray:
    """P-values as floats, within [0, 1] or missing."""
    p_values = np.asarray(p_values, dtype=float)
    if p_values.ndim != 1 or (p_values < 0).any() or (p_values > 1).any():
        raise ValueError("p-values lie between 0 and 1, or are missing")
    return p_values
