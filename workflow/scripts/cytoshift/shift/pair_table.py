"""Which subjects entered each estimate, which did not, and why not."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cytoshift.frames import conform
from cytoshift.shift.comparison import Comparison, Side
from cytoshift.shift.grid import MISSING, STATUS_OF_CODE
from cytoshift.study.contrasts import Mean, When
from cytoshift.study.settings import Visit, label_of
from cytoshift.tables import PAIRS


def list_pairs(comparison: Comparison, visits: list[Visit]) -> pd.DataFrame:
    """The PAIRS table of one contrast: a row per feature × subject, feature by feature; `visits` name the reasons."""
    contrast, change = comparison.contrast, comparison.change
    subjects, features = change.shape
    used = ~np.isnan(change)
    after = contrast.at if contrast.at is not None else contrast.target
    reasons = np.full((subjects, features), "", dtype=object)
    sides: list[tuple[Side | None, When | None, str]] = [(comparison.reference, contrast.reference, "")]
    sides.append((comparison.target, after, ""))
    if comparison.control is not None:
        sides.append((comparison.control[0], contrast.reference, f" under {contrast.against}"))
        sides.append((comparison.control[1], after, f" under {contrast.against}"))
    for side, when, where in sides:
        if side is not None:
            _give_reasons(reasons, side, f"{_words(when, visits)}{where}")
    before = comparison.reference
    role = "both" if comparison.control is not None else "arm"
    roles = np.where(comparison.arm == 1, role, "against")
    empty = np.full((subjects, features), np.nan)
    frame = pd.DataFrame(
        {
            "contrast": contrast.id,
            "feature": np.repeat(comparison.features["feature"].to_numpy(dtype=object), subjects),
            "subject": np.tile(comparison.subjects, features),
            "arm": np.tile(comparison.samples["arm"].to_numpy(dtype=object), features),
            "role": np.tile(roles, features),
            "used": used.T.ravel(),
            "reason": np.where(used, "", reasons).T.ravel(),
            "reference": (empty if before is None else before.shown).T.ravel(),
            "target": comparison.target.shown.T.ravel(),
            "reference_status": "" if before is None else STATUS_OF_CODE[before.status.T.ravel()],
            "target_status": STATUS_OF_CODE[comparison.target.status.T.ravel()],
            "change": (empty if comparison.kind == "arms_at" else change).T.ravel(),
        }
    )
    return conform(frame, PAIRS)


def _words(when: When | None, visits: list[Visit]) -> str:
    if isinstance(when, Mean):
        return "mean of " + ", ".join(label_of(visits, visit) for visit in when.mean)
    return label_of(visits, str(when))


def _give_reasons(reasons: np.ndarray, side: Side, where: str) -> None:
    absent = (side.status == MISSING).all(axis=1)
    open_ = reasons == ""
    reasons[open_ & absent[:, None]] = f"no sample at {where}"
    reasons[open_ & ~absent[:, None] & (side.status == MISSING)] = f"no value at {where}"
    dropped = (side.status != MISSING) & np.isnan(side.tested)
    reasons[(reasons == "") & dropped] = f"non-detect at {where}, dropped by the plan's policy"
