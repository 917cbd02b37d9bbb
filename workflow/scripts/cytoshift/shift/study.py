"""Every contrast of a study, estimated; every endpoint, decided."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from cytoshift.frames import conform
from cytoshift.shift.arm_changes import arm_changes
from cytoshift.shift.comparison import Comparison, compare
from cytoshift.shift.endpoints import decide_families, jointly, test_family
from cytoshift.shift.grid import make_grid
from cytoshift.shift.guards import contrast_findings
from cytoshift.shift.orbits import JointNull, joint_null
from cytoshift.shift.pair_table import list_pairs
from cytoshift.shift.rows import shift_rows
from cytoshift.shift.subjects.untreated_change import cited_population, untreated_change
from cytoshift.study.contrasts import concerned, expand
from cytoshift.study.problem import Problem, Problems, did_you_mean
from cytoshift.study.study import ShiftPlan
from cytoshift.tables import ARM_CHANGES, FINDINGS, PAIRS, REGRESSION_TO_MEAN, SHIFTS, Table


@dataclass(frozen=True)
class Shifts:
    """Tables of shift_estimate; `without_flagged` holds SHIFTS again, without the samples that quality flagged."""

    shifts: pd.DataFrame
    without_flagged: pd.DataFrame
    pairs: pd.DataFrame
    arm_changes: pd.DataFrame
    regression_to_mean: pd.DataFrame
    findings: pd.DataFrame


@dataclass(frozen=True)
class Decisions:
    """Tables of shift_decide."""

    decisions: pd.DataFrame
    families: pd.DataFrame


def estimate_shifts(panel: pd.DataFrame, samples: pd.DataFrame, plan: ShiftPlan) -> Shifts:
    """Estimate every contrast of the plan for every feature of the panel.

    `panel` is a PANEL table, `samples` the SAMPLES table after quality (with a text column `flags`, '' where nothing
    was flagged). Raises Problems where a contrast cannot be said on these samples.
    """
    if not len(panel):
        raise Problems([Problem("study file", "", "nothing is left to estimate: every value is missing or excluded")])
    _refuse_absent_features(panel, plan)
    grid = make_grid(panel, plan.limits.policy)
    flagged = samples["flags"] != "" if "flags" in samples else pd.Series(False, index=samples.index)
    cited = cited_population(panel, plan)
    shifts, without, pairs, changes, untreated, findings = [], [], [], [], [], []
    for contrast in expand(plan.contrasts):
        comparison = compare(grid, samples, contrast, plan)
        rows = shift_rows(comparison, plan)
        shifts.append(rows)
        pairs.append(list_pairs(comparison, plan, rows["method"].to_numpy(dtype=object)))
        changes.append(arm_changes(comparison, plan))
        untreated.append(untreated_change(grid, samples, comparison, rows, cited, plan))
        findings.append(contrast_findings(comparison, rows, changes[-1], plan))
        if flagged.any():
            clean = compare(grid, samples[~flagged], contrast, plan)
            if len(clean.subjects):
                without.append(shift_rows(clean, plan))
    return Shifts(
        shifts=_joined(shifts, SHIFTS),
        without_flagged=_joined(without, SHIFTS),
        pairs=_joined(pairs, PAIRS),
        arm_changes=_joined(changes, ARM_CHANGES),
        regression_to_mean=_joined(untreated, REGRESSION_TO_MEAN),
        findings=_joined(findings, FINDINGS),
    )


def _refuse_absent_features(panel: pd.DataFrame, plan: ShiftPlan) -> None:
    """A feature that a planned endpoint names and no file holds would shrink the endpoint without a word."""
    features = set(panel["feature"])
    known = features | {feature.split("@")[0] for feature in features}
    problems = [
        Problem(
            "study file",
            f"endpoints[{endpoint.id}].features",
            f"{word!r} is not in the data{did_you_mean(word, known)}; the data have {', '.join(sorted(known))}",
        )
        for endpoint in plan.endpoints
        for word in endpoint.features
        if word != "all" and ":" not in word and word not in known
    ]
    if problems:
        raise Problems(problems)


def decide_endpoints(panel: pd.DataFrame, samples: pd.DataFrame, shifts: pd.DataFrame, plan: ShiftPlan) -> Decisions:
    """Test the plan's endpoints jointly and decide them through the gate (METHODS §§4, 5).

    `shifts` is what `estimate_shifts` returned for the same panel and plan.
    """
    grid = make_grid(panel, plan.limits.policy)
    nulls: dict[str, JointNull] = {}
    families = []
    for endpoint in plan.endpoints:
        for contrast in concerned(endpoint, plan.contrasts):
            comparison = compare(grid, samples, contrast, plan)
            if contrast.id not in nulls and jointly(endpoint):
                nulls[contrast.id] = joint_null(comparison, plan)
            rows = shifts[shifts["contrast"] == contrast.id].reset_index(drop=True)
            families.append(test_family(endpoint, rows, nulls.get(contrast.id), _descriptive(comparison)))
    return Decisions(*decide_families(families, plan.id, plan.alpha))


def _descriptive(comparison: Comparison) -> str:
    """Why nothing may be decided in a contrast: conditions that everybody passed in an order nobody drew."""
    if comparison.control is not None and not comparison.randomised:
        return "descriptive: the order of conditions was not randomised, so nothing is decided"
    return ""


def _joined(frames: list[pd.DataFrame], table: Table) -> pd.DataFrame:
    filled = [frame for frame in frames if len(frame)]
    return conform(pd.concat(filled) if filled else pd.DataFrame(), table)
