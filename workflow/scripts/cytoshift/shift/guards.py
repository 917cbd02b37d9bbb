"""What must a reader know before believing a contrast: a control that moved, an answer that hangs on the method."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from cytoshift.frames import conform
from cytoshift.shift.arms import ancova, arm_effect
from cytoshift.shift.comparison import Comparison
from cytoshift.shift.covariates import covariate_columns
from cytoshift.shift.families import benjamini_hochberg
from cytoshift.study.study import ShiftPlan
from cytoshift.tables import FINDINGS


def contrast_findings(
    comparison: Comparison, rows: pd.DataFrame, changes: pd.DataFrame, plan: ShiftPlan
) -> pd.DataFrame:
    """FINDINGS of one contrast, from its SHIFTS rows and ARM_CHANGES."""
    found = [
        *_too_few(comparison, rows, plan),
        *_control_moved(comparison, changes, plan),
        *_depends_on_assumption(comparison, rows, plan),
        *_aliased_with_plate(comparison),
    ]
    return conform(
        pd.DataFrame([{"stage": "shift", "contrast": comparison.contrast.id, **row} for row in found]), FINDINGS
    )


def _numbers(values: Mapping[str, object]) -> str:
    return "; ".join(
        f"{key}={value:.6g}" if isinstance(value, float) else f"{key}={value}" for key, value in values.items()
    )


def _too_few(comparison: Comparison, rows: pd.DataFrame, plan: ShiftPlan) -> list[dict[str, str]]:
    pairs = int(rows["n_informative"].fillna(0).max()) if len(rows) else 0
    smallest = float(rows["smallest_p"].min()) if len(rows) and rows["smallest_p"].notna().any() else 1.0
    if smallest <= plan.alpha:
        return []
    return [
        {
            "check": "cannot_be_rejected",
            "severity": "warning",
            "message": f"no feature of this contrast can reach p ≤ {plan.alpha:g} in an exact test, whatever happened",
            "numbers": _numbers({"informative": pairs, "smallest_p": smallest}),
            "action": "flagged",
        }
    ]


def _control_moved(comparison: Comparison, changes: pd.DataFrame, plan: ShiftPlan) -> list[dict[str, str]]:
    control = comparison.contrast.against
    own = changes[changes["arm"] == control]
    if control is None or not len(own):
        return []
    q_values, tested = benjamini_hochberg(own["p_value"].to_numpy(float))
    moved = own[(q_values < plan.alpha)]
    if not len(moved):
        return []
    names = ", ".join(moved.sort_values("p_value")["feature"].head(8))
    return [
        {
            "check": "control_moved",
            "severity": "warning",
            "message": f"{control} moved as well, without the intervention: {names}"
            + (" and others" if len(moved) > 8 else ""),
            "numbers": _numbers({"features": len(moved), "of": tested, "smallest_p": float(moved["p_value"].min())}),
            "action": "flagged",
        }
    ]


def _depends_on_assumption(comparison: Comparison, rows: pd.DataFrame, plan: ShiftPlan) -> list[dict[str, str]]:
    """Lord's paradox: change and baseline-adjusted difference side by side where arms were not randomised."""
    if comparison.kind != "arms_change" or plan.randomised or comparison.reference is None:
        return []
    covariates, names = covariate_columns(comparison, plan)
    change = arm_effect(comparison.change, comparison.arm, covariates, covariate_names=names)
    adjusted = ancova(
        comparison.target.tested,
        comparison.arm,
        covariates,
        baseline=comparison.reference.tested,
        covariate_names=names,
    )
    signs = np.sign(change.estimate) != np.sign(adjusted.estimate)
    decisions = (change.p_value < plan.alpha) != (adjusted.p_value < plan.alpha)
    both = ~np.isnan(change.p_value) & ~np.isnan(adjusted.p_value)
    return [
        {
            "check": "depends_on_assumption",
            "severity": "warning",
            "feature": str(comparison.features["feature"].iloc[index]),
            "message": "change and baseline-adjusted difference disagree: the answer depends on the assumption",
            "numbers": _numbers(
                {
                    "change": float(change.estimate[index]),
                    "change_p": float(change.p_value[index]),
                    "ancova": float(adjusted.estimate[index]),
                    "ancova_p": float(adjusted.p_value[index]),
                }
            ),
            "action": "flagged",
        }
        for index in np.flatnonzero(both & ((signs & ((change.p_value < 0.2) | (adjusted.p_value < 0.2))) | decisions))
    ]


def _aliased_with_plate(comparison: Comparison) -> list[dict[str, str]]:
    """Arms compared across plates that hold one arm only."""
    plates = pd.Series(comparison.plate)
    if comparison.kind == "paired" or not (plates != "").any():
        return []
    table = pd.crosstab(plates, comparison.arm)
    one_sided = int((table.min(axis=1) == 0).sum()) if table.shape[1] == 2 else len(table)
    share = float(table.max(axis=1).sum() / max(table.to_numpy().sum(), 1))
    base = float(table.sum().max() / max(table.to_numpy().sum(), 1))
    if share - base < 0.15 and not one_sided:
        return []
    text = "arms lie on different plates: a difference between arms may be a difference between plates"
    if comparison.kind == "arms_change":
        text += "; changes within a subject on one plate are not touched by it"
    return [
        {
            "check": "arm_confounded_with_plate",
            "severity": "warning",
            "message": text,
            "numbers": _numbers({"plates": len(table), "with_one_arm_only": one_sided, "largest_arm_share": share}),
            "action": "flagged",
        }
    ]
