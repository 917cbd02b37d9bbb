"""What each arm did by itself: shown beside a comparison of arms, never tested as the answer."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cytoshift.frames import conform
from cytoshift.shift.comparison import Comparison
from cytoshift.shift.notes import to_ratio
from cytoshift.shift.paired import paired_t
from cytoshift.shift.sides import Side
from cytoshift.study.study import ShiftPlan
from cytoshift.tables import ARM_CHANGES


def arm_changes(comparison: Comparison, plan: ShiftPlan) -> pd.DataFrame:
    """Mean change with t interval per arm (or condition) and feature; no rows with one arm or one visit."""
    contrast = comparison.contrast
    sides: list[tuple[str, np.ndarray, Side | None, Side]] = []
    everyone = np.ones(len(comparison.subjects), dtype=bool)
    if comparison.kind == "arms_change":
        for name, of_arm in ((contrast.arm, comparison.arm == 1), (contrast.against, comparison.arm == 0)):
            sides.append((str(name), of_arm, comparison.reference, comparison.target))
    elif comparison.control is not None:
        sides.append((str(contrast.arm), everyone, comparison.reference, comparison.target))
        sides.append((str(contrast.against), everyone, *comparison.control))
    frames = []
    for arm, chosen, before, after in sides:
        if before is None or not chosen.any():
            continue
        estimates = paired_t((after.tested - before.tested)[chosen], level=1 - plan.alpha)
        scale = comparison.features["scale"].to_numpy(dtype=object)
        frame = pd.DataFrame(
            {
                "contrast": contrast.id,
                "feature": comparison.features["feature"].to_numpy(dtype=object),
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
