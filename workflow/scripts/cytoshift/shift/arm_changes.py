"""What each arm did by itself: shown beside a comparison of arms, never tested as the answer."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cytoshift.frames import conform
from cytoshift.shift.censoring.censored_change import censored_change
from cytoshift.shift.censoring.pair_bounds import bounds_of_sides
from cytoshift.shift.classical.paired import paired_t
from cytoshift.shift.comparison import Comparison
from cytoshift.shift.methods import on_detection_only
from cytoshift.shift.notes import to_ratio
from cytoshift.shift.sides import Side
from cytoshift.study.study import ShiftPlan, compared_arms
from cytoshift.tables import ARM_CHANGES


def arm_changes(comparison: Comparison, plan: ShiftPlan) -> pd.DataFrame:
    """Change and interval per arm (or condition) and feature; no rows with one arm or one visit.

    Features that are tested on detection only have no rows: where nearly nothing is known no change can be estimated.
    """
    contrast = comparison.contrast
    sides: list[tuple[str, np.ndarray, Side | None, Side]] = []
    everyone = np.ones(len(comparison.subjects), dtype=bool)
    censored = plan.limits.policy == "censored"
    own = comparison.written if censored else (comparison.reference, comparison.target)
    if comparison.kind == "arms_change":
        under = comparison.samples["arm"].to_numpy(dtype=object)
        sides += [(name, under == name, *own) for name in compared_arms(contrast, plan.arms)]
    elif comparison.control is not None:
        sides.append((str(contrast.arm), everyone, *own))
        sides.append((str(contrast.against), everyone, *comparison.control))
    features = ~on_detection_only(comparison, plan)
    described = comparison.features[features]
    frames = []
    for arm, chosen, before, after in sides:
        if before is None or not chosen.any():
            continue
        before, after = before.take(chosen, features), after.take(chosen, features)
        if censored:
            estimates = censored_change(bounds_of_sides(before, after), level=1 - plan.alpha).estimates
        else:
            estimates = paired_t(after.tested - before.tested, level=1 - plan.alpha)
        scale = described["scale"].to_numpy(dtype=object)
        frame = pd.DataFrame(
            {
                "contrast": contrast.id,
                "feature": described["feature"].to_numpy(dtype=object),
                "arm": arm,
                "n_pairs": estimates.n,
                "estimate": estimates.estimate,
                "ci_low": estimates.ci_low,
                "ci_high": estimates.ci_high,
                "p_value": estimates.p_value,
            }
        )
        for name, source in (("ratio", "estimate"), ("ratio_low", "ci_low"), ("ratio_high", "ci_high")):
            frame[name] = to_ratio(frame[source].to_numpy(float), scale)
        frames.append(frame)
    return conform(pd.concat(frames) if frames else pd.DataFrame(), ARM_CHANGES)
