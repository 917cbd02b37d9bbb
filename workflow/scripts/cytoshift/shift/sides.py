"""The values of one side of a comparison: each subject at one visit, or averaged over several."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cytoshift.shift.grid import ABOVE, BELOW, EXTRAPOLATED, MISSING, OBSERVED, Grid
from cytoshift.study.contrasts import Mean
from cytoshift.study.problem import Problem, Problems
from cytoshift.study.settings import Visit, label_of


@dataclass(frozen=True)
class Side:
    """Values of shape (subjects, features), as in `Grid`.

    `detected` is 1, 0 or NaN; `reason` says why a value is missing ('' where it is not); `sampled` (subjects,) tells
    who has a sample at every visit of this side. `members` are the visits of a mean, or the one of a side that was
    censored again, as they were written; empty for a visit as it was written.
    """

    tested: np.ndarray
    shown: np.ndarray
    status: np.ndarray
    detected: np.ndarray
    reason: np.ndarray
    sampled: np.ndarray
    members: tuple[Side, ...] = ()

    def take(self, subjects: np.ndarray, features: np.ndarray) -> Side:
        """The same side with the subjects and features of two boolean masks."""

        def part(values: np.ndarray) -> np.ndarray:
            return values[subjects][:, features]

        tested, shown, status = part(self.tested), part(self.shown), part(self.status)
        members = tuple(member.take(subjects, features) for member in self.members)
        return Side(tested, shown, status, part(self.detected), part(self.reason), self.sampled[subjects], members)


def side_of(
    grid: Grid,
    samples: pd.DataFrame,
    subjects: pd.Index,
    when: object,
    contrast: str,
    visits: list[Visit],
    switched: pd.Index,
) -> Side:
    """The side at a visit or at the mean of several; subjects in `switched` have no values, and the reason says why."""
    named = when.mean if isinstance(when, Mean) else [str(when)]
    sides = []
    for visit in named:
        there = samples[samples["visit"] == visit]
        sides.append(_at_visit(grid, there, subjects, visit, label_of(visits, visit), contrast, switched))
    return sides[0] if len(sides) == 1 else _average(sides)


def _at_visit(
    grid: Grid, samples: pd.DataFrame, subjects: pd.Index, visit: str, label: str, contrast: str, switched: pd.Index
) -> Side:
    twice = samples[samples["subject"].duplicated()]
    if len(twice):
        subject = twice["subject"].iloc[0]
        names = ", ".join(samples.loc[samples["subject"] == subject, "sample"])
        message = f"subject {subject!r} has several samples at {visit} ({names}); choose with `where: {{specimen: …}}`"
        raise Problems([Problem(f"contrast {contrast}", "where", message)])
    places = grid.sample.get_indexer(pd.Index(samples["sample"])).astype(float)
    rows = pd.Series(places, index=samples["subject"]).reindex(subjects)
    sampled = rows.notna().to_numpy()
    shape = (len(subjects), grid.tested.shape[1])
    tested, shown, detected = (np.full(shape, np.nan) for _ in range(3))
    status = np.full(shape, MISSING, dtype=np.int8)
    reason = np.full(shape, f"no sample at {label}", dtype=object)
    reason[subjects.isin(switched)] = "the subject appears in more than one arm"
    index = rows[sampled].to_numpy(dtype=int)
    tested[sampled], shown[sampled], detected[sampled] = grid.tested[index], grid.shown[index], grid.detected[index]
    status[sampled] = grid.status[index]
    gone = np.where(status[sampled] == MISSING, f"no value at {label}", f"non-detect at {label}, dropped by the policy")
    reason[sampled] = np.where(np.isnan(tested[sampled]), gone, "")
    return Side(tested, shown, status, detected, reason, sampled)


def _average(sides: list[Side]) -> Side:
    """Mean on the analysis scale; every visit must be there; any non-detect makes the mean one of the same kind."""
    statuses = np.stack([side.status for side in sides])
    below, above = (statuses == BELOW).any(axis=0), (statuses == ABOVE).any(axis=0)
    status = np.where((statuses == EXTRAPOLATED).any(axis=0), EXTRAPOLATED, OBSERVED)
    status = np.where(below, BELOW, np.where(above, ABOVE, status))
    status = np.where((statuses == MISSING).any(axis=0) | (below & above), MISSING, status).astype(np.int8)
    gone = status == MISSING
    tested, shown, detected = (
        np.where(gone, np.nan, np.mean([getattr(side, name) for side in sides], axis=0))
        for name in ("tested", "shown", "detected")
    )
    reason = sides[0].reason
    for side in sides[1:]:
        reason = np.where(reason == "", side.reason, reason)
    reason = np.where(gone & (reason == ""), "below and above a limit at visits that are averaged", reason)
    detected = np.where(np.isnan(detected), np.nan, (detected > 0.5).astype(float))
    sampled = np.all([side.sampled for side in sides], axis=0)
    return Side(tested, shown, status, detected, reason, sampled, tuple(sides))
