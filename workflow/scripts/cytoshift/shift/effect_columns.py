"""How large is each row's shift in units of the spread between subjects, with an interval where theory has one?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cytoshift.shift.censoring.interval_regression import interval_mean
from cytoshift.shift.censoring.pair_bounds import limits_of_side
from cytoshift.shift.classical.effects import paired_effect, standardised_by_baseline
from cytoshift.shift.classical.ranks import matched_rank_biserial
from cytoshift.shift.comparison import Comparison
from cytoshift.shift.intervals import interval_features
from cytoshift.shift.notes import MODELLED
from cytoshift.shift.sides import Side
from cytoshift.study.study import ShiftPlan


def with_effect_sizes(frame: pd.DataFrame, comparison: Comparison, plan: ShiftPlan) -> pd.DataFrame:
    """The rows of a contrast with effect_size, effect_low, effect_high and effect_size_kind (METHODS §7).

    Paired: d_av with noncentral-t limits, from the censored fit and without limits where there are non-detects; rank
    tests: matched rank-biserial; models: estimate over the SD at baseline; detection: the odds ratio. `frame` has
    effect_size already where an estimator had one of its own, and odds_ratio, odds_low, odds_high of detection.
    """
    detection = frame["method"].str.startswith("detection").to_numpy()
    low, high = np.full((2, len(frame)), np.nan)
    kind: str | np.ndarray = "baseline_sd" if comparison.dose is None else "baseline_sd_per_mg"
    if comparison.kind == "paired" and comparison.reference is not None and comparison.control is None:
        if (frame["method"] == "signed_rank").any():
            size, kind = matched_rank_biserial(comparison.change), "matched_rank_biserial"
        else:
            effect = paired_effect(comparison.reference.tested, comparison.target.tested, level=1 - plan.alpha)
            censored = frame["method"].str.contains("censored").to_numpy()
            size = np.where(censored, frame["effect_size"].to_numpy(dtype=float), effect.estimate)
            kind = np.where(censored, "d_av_censored", effect.kind)
            modelled = frame["method"].isin(MODELLED).to_numpy()
            if modelled.any():
                by_model = _by_baseline(frame["estimate"].to_numpy(dtype=float), comparison, plan)
                size, kind = np.where(modelled, by_model, size), np.where(modelled, "baseline_sd", kind)
            low, high = (np.where(censored | modelled, np.nan, limit) for limit in (effect.low, effect.high))
    else:
        size = _by_baseline(frame["estimate"].to_numpy(dtype=float), comparison, plan)
    found = {"effect_size": (size, "odds_ratio"), "effect_low": (low, "odds_low"), "effect_high": (high, "odds_high")}
    for name, (values, odds) in found.items():
        frame[name] = np.where(detection, frame.get(odds, np.nan), values)
    frame["effect_size_kind"] = np.where(detection, "odds_ratio_of_detection", kind)
    frame.loc[frame["effect_size"].isna(), "effect_size_kind"] = ""
    return frame


def _by_baseline(estimate: np.ndarray, comparison: Comparison, plan: ShiftPlan) -> np.ndarray:
    """Estimates over the SD of the values before anything happened; from a censored fit where some are non-detects."""
    everyone = np.ones(len(comparison.subjects), dtype=bool)
    side: Side
    if comparison.reference is not None:
        side, who = comparison.reference, everyone
    elif comparison.control is not None:
        side, who = comparison.control[1], everyone
    else:
        side, who = comparison.target, comparison.arm == 0
    size = standardised_by_baseline(estimate, side.tested[who])
    intervals = interval_features(comparison, plan)
    if intervals.any():
        low, high = limits_of_side(side.take(who, intervals))
        spread = np.sqrt(interval_mean(low, high).residual_variance)
        size[intervals] = estimate[intervals] / np.where(spread > 0, spread, np.nan)
    return size
