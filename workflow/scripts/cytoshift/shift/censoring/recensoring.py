"""What if the two visits of a subject were measured with different limits? Then both are judged by the larger one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from cytoshift.shift.censoring.substitution import POLICIES
from cytoshift.shift.grid import ABOVE, BELOW, MISSING
from cytoshift.shift.sides import Side


def recensor(
    reference: Side | None, target: Side, scale: pd.Series, policy: str
) -> tuple[Side | None, Side, np.ndarray]:
    """Censor both members of a pair at the larger of their limits, so that a change of limit is no change.

    A member below a lower limit, or observed at or under the other's limit, becomes below that limit (METHODS §3).
    `scale` is that of each feature. Returns the two sides and how many values were censored again per feature; without
    a reference side nothing changes.
    """
    if reference is None:
        return None, target, np.zeros(target.shown.shape[1], dtype=int)
    sides = (reference, target)
    limits = [np.where(side.status == BELOW, side.shown, -np.inf) for side in sides]
    limit = np.maximum(*limits)
    both = (reference.status != MISSING) & (target.status != MISSING) & np.isfinite(limit)
    counted = np.zeros(target.shown.shape[1], dtype=int)
    again: list[Side] = []
    for side in sides:
        lower = np.where(side.status == BELOW, side.shown < limit, side.shown <= limit)
        affected = both & lower & (side.status != ABOVE)
        tested = side.tested.copy()
        for name in scale.unique():
            columns = affected & (scale == name).to_numpy()
            tested[columns] = POLICIES[policy](limit[columns], name)
        again.append(
            replace(
                side,
                tested=tested,
                shown=np.where(affected, limit, side.shown),
                status=np.where(affected, BELOW, side.status).astype(np.int8),
                detected=np.where(affected, 0.0, side.detected),
                members=side.members or (side,),
            )
        )
        counted += affected.sum(axis=0)
    return again[0], again[1], counted
