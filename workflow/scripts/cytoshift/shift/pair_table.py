"""Which subjects entered each estimate, which did not, and why not."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cytoshift.frames import conform
from cytoshift.shift.comparison import Comparison
from cytoshift.shift.covariates import unknown_covariates
from cytoshift.shift.grid import STATUS_OF_CODE
from cytoshift.shift.methods import choose_method, on_detection_only
from cytoshift.shift.notes import MODELLED
from cytoshift.study.study import ShiftPlan
from cytoshift.tables import PAIRS


def list_pairs(comparison: Comparison, plan: ShiftPlan, methods: np.ndarray) -> pd.DataFrame:
    """The PAIRS table of one contrast: a row per feature × subject, feature by feature.

    `methods` (features,) says how each row was estimated: who has no pair may yet be in a mixed model, and the reason
    says so. Values are shown as they were written, before any were censored again at the larger limit of their pair.
    """
    contrast = comparison.contrast
    count, features = len(comparison.subjects), len(comparison.features)
    before, after = comparison.written
    reasons = _reasons(comparison, plan)
    reasons = np.where((reasons != "") & _modelled(comparison, methods), reasons + ": in the mixed model only", reasons)
    role = "both" if comparison.control is not None else "arm"
    empty = np.full((count, features), np.nan)
    frame = pd.DataFrame(
        {
            "contrast": contrast.id,
            "feature": np.repeat(comparison.features["feature"].to_numpy(dtype=object), count),
            "subject": np.tile(comparison.subjects, features),
            "arm": np.tile(comparison.samples["arm"].to_numpy(dtype=object), features),
            "role": np.tile(np.where(comparison.arm == 1, role, "against"), features),
            "used": (reasons == "").T.ravel(),
            "reason": reasons.T.ravel(),
            "reference": (empty if before is None else before.shown).T.ravel(),
            "target": after.shown.T.ravel(),
            "reference_status": "" if before is None else STATUS_OF_CODE[before.status.T.ravel()],
            "target_status": STATUS_OF_CODE[after.status.T.ravel()],
            "change": (empty if comparison.kind == "arms_at" else comparison.change).T.ravel(),
        }
    )
    return conform(frame, PAIRS)


def _modelled(comparison: Comparison, methods: np.ndarray) -> np.ndarray:
    """Who has a value in a mixed model, whether or not in a pair; (subjects, features)."""
    seen = np.zeros((len(comparison.subjects), len(comparison.features)), dtype=bool)
    if comparison.repeated is not None:
        np.logical_or.at(seen, comparison.repeated.subject, ~np.isnan(comparison.repeated.values))
    return seen & np.isin(methods, (*MODELLED, "crossover_model"))


def _reasons(comparison: Comparison, plan: ShiftPlan) -> np.ndarray:
    """Why a subject does not enter a feature's estimate, '' where it does; (subjects, features)."""
    reasons = np.full((len(comparison.subjects), len(comparison.features)), "", dtype=object)
    # In a test of detection a dropped non-detect counts: its value is what is missing, not its detection.
    detection = on_detection_only(comparison, plan)
    own = [side for side in (comparison.reference, comparison.target) if side is not None]
    others = [side for side in comparison.control or () if side is not None]
    for side, where in [(side, "") for side in own] + [
        (side, f" under {comparison.contrast.against}") for side in others
    ]:
        reason = np.where(side.reason == "", "", side.reason + where)
        reason = np.where(detection & ~np.isnan(side.detected), "", reason)
        reasons = np.where(reasons == "", reason, reasons)
    if comparison.periods is not None and choose_method(comparison, plan).method == "crossover":
        orders = comparison.periods.order.known
        alone = ~orders[:, None] & ~detection & (reasons == "") & orders.any()
        reasons = np.where(alone, "its two periods are not known", reasons)
    if comparison.kind != "paired":
        unknown = unknown_covariates(comparison, plan)
        reasons = np.where((reasons == "") & (unknown != ""), unknown, reasons)
    return reasons
