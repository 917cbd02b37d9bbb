"""What must a reader know before believing a contrast: a control that moved, an answer that hangs on the method."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from cytoshift.findings import Finding, finding, findings_table, listed
from cytoshift.shift.comparison import Comparison
from cytoshift.shift.composition_findings import composition_findings
from cytoshift.shift.exact.families import benjamini_hochberg
from cytoshift.shift.methods import estimate_features
from cytoshift.shift.orders.crossover_guards import crossover_findings
from cytoshift.study.settings import label_of
from cytoshift.study.study import ShiftPlan

# Plates that foretell the arm this much better than chance are said to be confounded with it.
SHARE_ABOVE_CHANCE = 0.15
# A difference in sign between two methods matters only where one of them saw something.
P_WORTH_A_WORD = 0.2


def contrast_findings(
    comparison: Comparison, rows: pd.DataFrame, changes: pd.DataFrame, plan: ShiftPlan
) -> pd.DataFrame:
    """FINDINGS of one contrast, from its SHIFTS rows and ARM_CHANGES."""
    return findings_table(
        [
            *_too_few(comparison, rows, plan),
            *_control_moved(comparison, changes, plan),
            *_depends_on_assumption(comparison, plan),
            *crossover_findings(comparison, plan),
            *composition_findings(comparison, plan),
            *_confounded_with_plate(comparison),
        ]
    )


def _too_few(comparison: Comparison, rows: pd.DataFrame, plan: ShiftPlan) -> list[Finding]:
    if rows["smallest_p"].isna().all() and (rows["n_informative"].fillna(0) > 0).any():
        return []  # there is no exact test, as between arms that were not randomised: it cannot fail
    smallest = float(rows["smallest_p"].min()) if rows["smallest_p"].notna().any() else 1.0
    if smallest <= plan.alpha:
        return []
    message = f"no feature of this contrast can reach p ≤ {plan.alpha:g} in an exact test, whatever happened"
    numbers = {"informative": int(rows["n_informative"].fillna(0).max()) if len(rows) else 0, "smallest_p": smallest}
    return [finding("shift", "cannot_be_rejected", message, numbers, contrast=comparison.contrast.id)]


def _control_moved(comparison: Comparison, changes: pd.DataFrame, plan: ShiftPlan) -> list[Finding]:
    control = _control(comparison, plan)
    own = changes[changes["arm"] == control]
    if control is None or not len(own):
        return []
    q_values, tested = benjamini_hochberg(own["p_value"].to_numpy(float))
    moved = own[q_values < plan.alpha].sort_values("p_value", kind="stable")
    if not len(moved):
        return []
    labels = comparison.features.set_index("feature")["label"]
    named = listed(moved["feature"].map(labels), 6)
    message = f"The comparison ({label_of(plan.arms, control)}) changed by itself: {named} ({comparison.contrast.id})"
    numbers = {"features": len(moved), "of": tested, "smallest_p": float(moved["p_value"].min())}
    return [finding("shift", "control_moved", message, numbers, contrast=comparison.contrast.id)]


def _control(comparison: Comparison, plan: ShiftPlan) -> str | None:
    """The arm that is compared with: `against`, or in a trend the one that got 0 mg."""
    if comparison.dose is None:
        return comparison.contrast.against
    return next((arm.id for arm in plan.arms if arm.dose_mg == 0), None)


def _depends_on_assumption(comparison: Comparison, plan: ShiftPlan) -> list[Finding]:
    """Lord's paradox: change and baseline-adjusted difference side by side where arms were not randomised."""
    if comparison.kind != "arms_change" or comparison.randomised or comparison.reference is None:
        return []
    change, adjusted = (
        estimate_features(replace(comparison, contrast=comparison.contrast.model_copy(update={"method": name})), plan)
        for name in ("change", "ancova")
    )
    both = change["p_value"].notna() & adjusted["p_value"].notna() & change["estimate"].notna()
    opposite = np.sign(change["estimate"]) != np.sign(adjusted["estimate"])
    signs = opposite & (np.fmin(change["p_value"], adjusted["p_value"]) < P_WORTH_A_WORD)
    decisions = (change["p_value"] < plan.alpha) != (adjusted["p_value"] < plan.alpha)
    message = "difference of changes and baseline-adjusted difference disagree: the answer depends on the assumption"
    return [
        finding(
            "shift",
            "depends_on_assumption",
            message,
            {
                "change": float(change["estimate"].iloc[index]),
                "change_p": float(change["p_value"].iloc[index]),
                "ancova": float(adjusted["estimate"].iloc[index]),
                "ancova_p": float(adjusted["p_value"].iloc[index]),
            },
            feature=str(comparison.features["feature"].iloc[index]),
            contrast=comparison.contrast.id,
        )
        for index in np.flatnonzero(both & (signs | decisions))
    ]


def _confounded_with_plate(comparison: Comparison) -> list[Finding]:
    """Arms compared across plates that hold one arm only, or nearly; source by source."""
    if comparison.kind == "paired":
        return []
    return [row for source in comparison.plate for row in _confounded_source(comparison, source)]


def _confounded_source(comparison: Comparison, source: str) -> list[Finding]:
    plates = pd.Series(comparison.plate[source])
    placed = (plates != "").to_numpy()
    table = pd.crosstab(plates[placed], comparison.exposure[placed])
    if table.shape[1] < 2:
        return []
    one_sided = int(((table > 0).sum(axis=1) == 1).sum())
    total = float(table.to_numpy().sum())
    share, chance = float(table.max(axis=1).sum() / total), float(table.sum().max() / total)
    if share - chance < SHARE_ABOVE_CHANCE and not one_sided:
        return []
    text = f"{source}: arms lie on different plates: a difference between arms may be a difference between plates"
    if comparison.kind == "arms_change":
        text += "; changes within a subject on one plate are not touched by it"
    numbers = {
        "plates": len(table),
        "with_one_arm_only": one_sided,
        "arm_foretold_by_plate": share,
        "by_chance": chance,
    }
    return [finding("shift", "arm_confounded_with_plate", text, numbers, contrast=comparison.contrast.id)]
