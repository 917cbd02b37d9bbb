"""Small studies for the report's tests: a plan, and tables that could have come from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from cytoshift.frames import conform, empty
from cytoshift.report.inputs import SCHEMAS, ReportTables
from cytoshift.study.study import FigurePlan, Study, stage_sections

MARKERS = {"il6": "IL-6", "tnf": "TNF-α", "il10": "IL-10"}
BETWEEN = {"id": "week_16", "reference": "baseline", "target": "week_16", "arm": "ldn", "against": "placebo"}
WITHIN = {"id": "week_16", "reference": "baseline", "target": "week_16"}
AT_START = {"id": "at_start", "at": "baseline", "arm": "ldn", "against": "placebo"}
PRIMARY = {"id": "inflammation", "tier": "primary", "contrasts": ["week_16"], "features": ["il6", "tnf"],
           "direction": "decrease", "test": "global"}  # fmt: skip


def make_study(**changes: Any) -> Study:
    """A randomised two-arm study with one primary endpoint, decided by a global test."""
    plan: dict[str, Any] = {
        "id": "demo", "title": "A pilot", "origin": "observed", "disease": "multiple sclerosis",
        "intervention": "low-dose naltrexone", "design": "parallel", "randomised": True,
        "visits": ["baseline", "week_16"],
        "arms": [{"id": "placebo", "control": True}, {"id": "ldn", "label": "LDN"}],
        "samples": {"file": "samples.csv"}, "contrasts": [BETWEEN],
        "endpoints": [PRIMARY, {"id": "everything", "tier": "exploratory", "features": ["all"]}],
    }  # fmt: skip
    return Study.model_validate(plan | changes)


def single_arm(**changes: Any) -> Study:
    """An open study of one arm."""
    return make_study(**({"design": "single_arm", "randomised": None, "arms": [], "contrasts": [WITHIN]} | changes))


def plan_of(study: Study) -> FigurePlan:
    """What pages need of it for names."""
    return FigurePlan.model_validate(stage_sections(study, FigurePlan))


def shift_row(feature: str = "il6", **changes: Any) -> dict[str, Any]:
    """One estimate: a ratio of 0.72 (0.55 to 0.94)."""
    row: dict[str, Any] = {
        "study": "demo", "contrast": "week_16", "source": "msd", "layer": "cytokine", "feature": feature,
        "as_written": feature, "label": MARKERS.get(feature, feature), "roles": "pro_inflammatory", "scale": "log2",
        "n_reference": 20, "n_target": 20, "n_pairs": 20, "below_reference": 1, "below_target": 3, "estimate": -0.474,
        "se": 0.19, "df": 19, "ci_low": -0.862, "ci_high": -0.089, "ratio": 0.72, "ratio_low": 0.55, "ratio_high": 0.94,
        "statistic": -2.5, "p_value": 0.021, "effect_size": -0.5, "effect_size_kind": "d_av", "n_informative": 20,
        "smallest_p": 0.0001, "detectable_ratio": 0.7, "method": "ancova", "p_method": "t", "ci_method": "t",
        "note": "",
    }  # fmt: skip
    return row | changes


def family_row(**changes: Any) -> dict[str, Any]:
    """The primary endpoint, rejected as a whole."""
    row: dict[str, Any] = {
        "study": "demo", "contrast": "week_16", "endpoint": "inflammation", "tier": "primary", "test": "global",
        "correction": "global decrease test of 2 features by 9,999 sign flips", "features": "il6,tnf", "n_features": 2,
        "direction": "decrease", "statistic": 5.1, "p_value": 0.0123, "p_adjusted": 0.0123, "smallest_p": 0.0001,
        "decision": "rejected", "decided_by": "primary: tested at 0.05",
    }  # fmt: skip
    return row | changes


def decision_row(feature: str = "il6", **changes: Any) -> dict[str, Any]:
    """What the plan says about one feature of the primary endpoint."""
    row: dict[str, Any] = {
        "study": "demo", "contrast": "week_16", "endpoint": "inflammation", "tier": "primary",
        "family": "week_16/inflammation", "feature": feature, "p_value": 0.021, "p_kind": "global",
        "p_adjusted": 0.0123, "decision": "rejected",
    }  # fmt: skip
    return row | changes


def finding_row(check: str, **changes: Any) -> dict[str, Any]:
    """A warning of quality."""
    row = {
        "stage": "quality",
        "check": check,
        "severity": "warning",
        "message": f"{check} was seen",
        "action": "flagged",
    }
    return row | changes


def make_tables(**rows: Sequence[dict[str, Any]] | pd.DataFrame) -> ReportTables:
    """Tables from rows; what is not named is a small study in which the primary endpoint was rejected."""
    usual: dict[str, Any] = {
        "shifts": [shift_row(name) for name in MARKERS],
        "families": [family_row(), family_row(endpoint="everything", tier="exploratory", test="each", decision="none",
                                              features="il6,tnf,il10", p_value=float("nan"), p_adjusted=float("nan"),
                                              correction="Benjamini–Hochberg over the rows' own p-values")],
        "decisions": [*(decision_row(name) for name in ("il6", "tnf")),
                      *(decision_row(name, endpoint="everything", tier="exploratory", decision="none", p_kind="row",
                                     q_value=0.04, p_adjusted=float("nan")) for name in MARKERS)],
        "samples": [{"sample": f"{subject}-{visit}", "subject": subject, "visit": visit, "arm": arm, "type": "sample"}
                    for subject, arm in (("P1", "ldn"), ("P2", "placebo")) for visit in ("baseline", "week_16")],
        "pairs": [{"contrast": "week_16", "feature": name, "subject": "P1", "arm": "ldn", "role": "arm", "used": True}
                  for name in MARKERS],
        "arm_changes": [{"contrast": "week_16", "feature": "il6", "arm": arm, "n_pairs": 10, "estimate": -0.2,
                         "ci_low": -0.4, "ci_high": 0.0, "ratio": 0.87, "ratio_low": 0.76, "ratio_high": 1.0}
                        for arm in ("ldn", "placebo")],
        "names": [{"source": "msd", "layer": "cytokine", "written": label, "feature": name, "label": label,
                   "how": "alias"} for name, label in MARKERS.items()],
    }  # fmt: skip
    frames = {}
    for name, table in SCHEMAS.items():
        if name in ReportTables.__dataclass_fields__:
            given = rows.get(name, usual.get(name, []))
            frames[name] = conform(pd.DataFrame(given), table) if len(given) else empty(table)
    return ReportTables(**frames)
