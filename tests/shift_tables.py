"""Small panels and plans for the tests of the shift stage."""

from typing import Any

import numpy as np
import pandas as pd

from cytoshift.frames import conform
from cytoshift.study.study import ShiftPlan
from cytoshift.tables import PANEL, SAMPLES

FEATURES = ["il6", "tnf", "il10", "mcp1"]


def make_plan(**changes: Any) -> ShiftPlan:
    plan: dict[str, Any] = {
        "id": "toy",
        "design": "single_arm",
        "randomised": None,
        "strata": [],
        "visits": [{"id": "v1"}, {"id": "v2"}, {"id": "v3"}],
        "arms": [],
        "samples": {"file": "samples.csv"},
        "limits": {"policy": "limit_over_sqrt2"},
        "indices": [],
        "outcomes": [],
        "contrasts": [{"id": "shift", "reference": "v1", "target": "v2"}],
        "endpoints": [{"id": "all", "tier": "exploratory", "features": ["all"]}],
        "alpha": 0.05,
        "seed": 1,
    }
    return ShiftPlan.model_validate(plan | changes)


def make_tables(rows: list[tuple[str, str, str, dict[str, float]]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Panel and samples from (subject, visit, arm, {feature: log2 value}); below 0 it is a non-detect at −value."""
    samples, panel = [], []
    for subject, visit, arm, values in rows:
        sample = f"{subject}|{visit}|{arm}"
        samples.append({"sample": sample, "subject": subject, "visit": visit, "arm": arm, "type": "sample"})
        for feature, value in values.items():
            row = {"sample": sample, "source": "msd", "layer": "cytokine", "feature": feature, "label": feature}
            below = value < 0
            panel.append(
                row
                | {"scale": "log2", "status": "below" if below else "observed", "plate": "p1", "detected": not below}
                | {"value": np.nan if below else value, "lower": -np.inf if below else value, "upper": abs(value)}
            )
    return conform(pd.DataFrame(panel), PANEL), conform(pd.DataFrame(samples), SAMPLES)


def paired_rows(subjects: int, seed: int = 3) -> list[tuple[str, str, str, dict[str, float]]]:
    rng = np.random.default_rng(seed)
    return [
        (f"s{subject}", visit, "", dict(zip(FEATURES, rng.normal(5, 1, 4), strict=True)))
        for subject in range(subjects)
        for visit in ("v1", "v2", "v3")
    ]


def values_of(
    rows: list[tuple[str, str, str, dict[str, float]]], visit: str, feature: str, arm: str = ""
) -> np.ndarray:
    return np.array([values[feature] for _, when, under, values in rows if when == visit and under == arm])


def arm_rows(per_arm: int, seed: int = 5) -> list[tuple[str, str, str, dict[str, float]]]:
    rng = np.random.default_rng(seed)
    return [
        (f"{arm}{subject}", visit, arm, dict(zip(FEATURES, rng.normal(5, 1, 4), strict=True)))
        for arm in ("ldn", "placebo")
        for subject in range(per_arm)
        for visit in ("v1", "v2")
    ]


PARALLEL: dict[str, Any] = {
    "design": "parallel",
    "randomised": True,
    "arms": [{"id": "placebo", "control": True}, {"id": "ldn"}],
    "contrasts": [{"id": "effect", "reference": "v1", "target": "v2", "arm": "ldn", "against": "placebo"}],
}
