"""The samples of a contrast that looks at three or more visits, as a mixed model needs them: one by one."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from cytoshift.shift.grid import Grid
from cytoshift.study.contrasts import Contrast
from cytoshift.study.problem import Problem, Problems
from cytoshift.study.study import ShiftPlan

MIXED_MODELS = ("mmrm", "random_intercept", "blocked")


@dataclass(frozen=True)
class Repeated:
    """Values (samples, features) on the analysis scale, stand-ins for non-detects included; NaN where missing.

    `subject` (samples,) is the place of each sample's subject in the comparison, `visit` and `arm` (samples,) are ids,
    `visits` those of the model in the plan's order, `plate` the plate of each sample by source.
    """

    values: np.ndarray
    subject: np.ndarray
    visit: np.ndarray
    arm: np.ndarray
    visits: list[str]
    plate: dict[str, np.ndarray]

    def take(self, subjects: np.ndarray, features: np.ndarray) -> Repeated:
        """The same samples with the subjects and features of two boolean masks."""
        rows = subjects[self.subject]
        place = np.cumsum(subjects) - 1
        return replace(
            self,
            values=self.values[rows][:, features],
            subject=place[self.subject[rows]],
            visit=self.visit[rows],
            arm=self.arm[rows],
            plate={source: plates[rows] for source, plates in self.plate.items()},
        )


def visits_of_model(contrast: Contrast, plan: ShiftPlan) -> list[str]:
    """Visits a mixed model of this contrast looks at, in the plan's order; none where none is asked for.

    `auto` takes the visits that a contrast within subjects names, from three on; a mixed model asked for by name takes
    all visits. A trend over doses takes none: its visits are averaged. Arms, and the conditions of a crossover, are
    compared so by name only.
    """
    if contrast.trend is not None:
        return []
    if plan.design == "crossover" and contrast.against is not None:
        return [visit.id for visit in plan.visits if contrast.method == "crossover_model"]
    if contrast.method in MIXED_MODELS:
        return [visit.id for visit in plan.visits]
    named = set(contrast.visits())
    if contrast.method != "auto" or contrast.at is not None or contrast.against is not None or len(named) < 3:
        return []
    return [visit.id for visit in plan.visits if visit.id in named]


def repeated_samples(
    grid: Grid, samples: pd.DataFrame, subjects: pd.Index, contrast: Contrast, plan: ShiftPlan
) -> Repeated | None:
    """The samples of these subjects at the visits of the model, or nothing where the contrast needs no model.

    `samples` are those of the contrast's arms; of all conditions in a crossover. Raises Problems when a subject has two
    samples at a visit, under one condition.
    """
    visits = visits_of_model(contrast, plan)
    chosen = samples[samples["visit"].isin(visits) & samples["subject"].isin(subjects)]
    if not visits or chosen.empty:
        return None
    twice = chosen[chosen.duplicated(["subject", "visit", "arm"])]
    if len(twice):
        subject, visit = twice["subject"].iloc[0], twice["visit"].iloc[0]
        message = f"subject {subject!r} has several samples at {visit}; choose with `where: {{specimen: …}}`"
        raise Problems([Problem(f"contrast {contrast.id}", "where", message)])
    # In order of subject, visit and condition, whatever the order of the sheet.
    order = pd.Index(visits).get_indexer(pd.Index(chosen["visit"]))
    place = subjects.get_indexer(pd.Index(chosen["subject"]))
    condition = pd.factorize(chosen["arm"], sort=True)[0]
    chosen = chosen.iloc[np.lexsort([condition, order, place])]
    rows = grid.sample.get_indexer(pd.Index(chosen["sample"]))
    return Repeated(
        values=grid.tested[rows],
        subject=subjects.get_indexer(pd.Index(chosen["subject"])),
        visit=chosen["visit"].to_numpy(dtype=object),
        arm=chosen["arm"].to_numpy(dtype=object),
        visits=[visit for visit in visits if (chosen["visit"] == visit).any()],
        plate={source: plates[rows] for source, plates in grid.plate.items()},
    )
