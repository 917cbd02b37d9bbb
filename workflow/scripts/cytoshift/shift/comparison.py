"""One contrast as arrays: which subjects enter, their two values per feature, and what is compared with what."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from cytoshift.shift.censoring.recensoring import recensor
from cytoshift.shift.grid import MISSING, Grid
from cytoshift.shift.orders.periods import Periods, Sides, periods_of
from cytoshift.shift.repeated import Repeated, repeated_samples
from cytoshift.shift.sides import Side, side_of
from cytoshift.study.contrasts import Contrast
from cytoshift.study.problem import Problem, Problems
from cytoshift.study.study import ShiftPlan, compared_arms, contrast_randomised

Kind = Literal["paired", "arms_change", "arms_at"]


@dataclass(frozen=True)
class Comparison:
    """One contrast ready for the estimators.

    kind: `paired` (within subjects; in a crossover a difference of differences where a control condition is named),
    `arms_change` (two arms, two visits), `arms_at` (two arms, one visit; `reference` is then empty).
    `arm` is 1 for the arm of interest and 0 for the comparison (paired: all 1). In a trend over doses `dose` holds the
    mg of each subject's arm, and `arm` is 1 above the lowest dose of the contrast. `control` holds the comparison
    condition's (reference, target) in a crossover. `subjects` and `samples` (one row per subject, for covariates) run
    along the first axis of every array; `plate` holds, by source, the plate of each subject's sample at the target
    visit. `randomised`: both arms took part in a randomisation. `written` are (reference, target) before values were
    censored again at the larger limit of their pair, `recensored` how many were, per feature. `repeated` holds the
    samples one by one where the contrast looks at three or more visits or asks for a mixed model, `periods` the order
    in which subjects took the conditions of a crossover.
    """

    contrast: Contrast
    kind: Kind
    randomised: bool
    subjects: np.ndarray
    arm: np.ndarray
    features: pd.DataFrame
    reference: Side | None
    target: Side
    control: tuple[Side | None, Side] | None
    written: tuple[Side | None, Side]
    recensored: np.ndarray
    samples: pd.DataFrame
    plate: dict[str, np.ndarray]
    repeated: Repeated | None = None
    dose: np.ndarray | None = None
    periods: Periods | None = None

    @property
    def exposure(self) -> np.ndarray:
        """What tells the subjects of a comparison of arms apart: the dose in mg, or the arm (1 and 0); (subjects,)."""
        return self.arm if self.dose is None else self.dose

    @property
    def sides(self) -> list[Side]:
        """Every side there is: reference, target, then the control condition's."""
        return [side for side in (self.reference, self.target, *(self.control or ())) if side is not None]

    @property
    def present(self) -> np.ndarray:
        """Values that are not missing, of every side; (sides, subjects, features)."""
        return np.stack([side.status != MISSING for side in self.sides])

    @property
    def change(self) -> np.ndarray:
        """target − reference [minus the same in the control condition], as tested; (subjects, features)."""
        return self.of_arm if self.control is None else self.of_arm - self.of_control

    @property
    def of_arm(self) -> np.ndarray:
        """target − reference as tested, or the target's values without a reference; (subjects, features)."""
        return self.target.tested - (0.0 if self.reference is None else self.reference.tested)

    @property
    def of_control(self) -> np.ndarray:
        """The same under the condition compared with; raises ValueError where there is none."""
        if self.control is None:
            raise ValueError(f"contrast {self.contrast.id} has no second condition of the same subjects")
        before, after = self.control
        return after.tested - (0.0 if before is None else before.tested)

    @property
    def change_of_detection(self) -> np.ndarray:
        """The same of detection (1 or 0 at each visit); (subjects, features)."""
        change = self.target.detected.copy()
        if self.reference is not None:
            change = change - self.reference.detected
        if self.control is not None:
            before, after = self.control
            change = change - after.detected + (0.0 if before is None else before.detected)
        return change

    def with_status(self, *codes: int) -> np.ndarray:
        """Values of these status codes, as they were written, of every side; (sides, subjects, features)."""
        sides = [side for side in (*self.written, *(self.control or ())) if side is not None]
        return np.stack([np.isin(side.status, codes) for side in sides])


def compare(grid: Grid, samples: pd.DataFrame, contrast: Contrast, plan: ShiftPlan) -> Comparison:
    """Select the subjects and values of one concrete contrast.

    `samples` is the SAMPLES table of the samples kept. A subject of two arms of a parallel study has no values. Raises
    Problems when a subject has two samples where one is meant (several specimens), or `where` names a column that is
    not there.
    """
    chosen = _where(samples, contrast)
    chosen = chosen[chosen["sample"].isin(grid.sample) & chosen["type"].isin(["", "sample"])]
    within = plan.design == "crossover" and contrast.against is not None
    kind: Kind = "paired"
    if contrast.compares_arms and not within:
        kind = "arms_at" if contrast.at is not None else "arms_change"
    arms = compared_arms(contrast, plan.arms)
    own = [contrast.arm] if within else arms
    concerned = chosen[chosen["arm"].isin(arms)] if arms else chosen
    named = concerned[concerned["visit"].isin(contrast.visits())]
    subjects = pd.Index(named["subject"].unique()).sort_values()
    after = contrast.at if contrast.at is not None else contrast.target
    before = None if contrast.at is not None else contrast.reference
    switched = _switched(named) if plan.design == "parallel" else pd.Index([])
    usable = concerned[~concerned["subject"].isin(switched)]
    of_arms = usable[usable["arm"].isin(own)] if own else usable

    def side(rows: pd.DataFrame, when: object) -> Side | None:
        return None if when is None else side_of(grid, rows, subjects, when, contrast.id, plan.visits, switched)

    def sides(rows: pd.DataFrame) -> tuple[Sides, np.ndarray]:
        pair = (side(rows, before), _needed(side(rows, after)))
        first, second, again = recensor(*pair, grid.features["scale"], plan.limits.policy)
        return (first, second), again

    written = (side(of_arms, before), _needed(side(of_arms, after)))
    (reference, target), recensored = sides(of_arms)
    control = periods = None
    randomised = contrast_randomised(contrast, plan.arms, plan.randomised, plan.design)
    if within:
        control, more = sides(usable[usable["arm"] == contrast.against])
        recensored = recensored + more
        periods = periods_of(samples, chosen, subjects, contrast, randomised, lambda rows: sides(rows)[0])
    described = _describe(named, subjects, plan)
    dose = _doses(described, contrast, plan)
    return Comparison(
        contrast=contrast,
        kind=kind,
        randomised=randomised,
        subjects=subjects.to_numpy(dtype=object),
        arm=_arm_of_interest(described, contrast, kind, dose),
        features=grid.features,
        reference=reference,
        target=target,
        control=control,
        written=written,
        recensored=recensored,
        samples=described,
        plate={source: _plates(grid, source, of_arms, subjects, contrast) for source in grid.plate},
        repeated=repeated_samples(grid, chosen if within else of_arms, subjects, contrast, plan),
        dose=dose,
        periods=periods,
    )


def take(
    comparison: Comparison, *, subjects: np.ndarray | None = None, features: np.ndarray | None = None
) -> Comparison:
    """The same comparison with the subjects, the features, or both of boolean masks only."""
    rows = np.ones(len(comparison.subjects), dtype=bool) if subjects is None else subjects
    columns = np.ones(len(comparison.features), dtype=bool) if features is None else features

    def part(side: Side | None) -> Side | None:
        return None if side is None else side.take(rows, columns)

    control = comparison.control
    return replace(
        comparison,
        subjects=comparison.subjects[rows],
        arm=comparison.arm[rows],
        features=comparison.features[columns].reset_index(drop=True),
        reference=part(comparison.reference),
        target=comparison.target.take(rows, columns),
        control=None if control is None else (part(control[0]), control[1].take(rows, columns)),
        written=(part(comparison.written[0]), comparison.written[1].take(rows, columns)),
        recensored=comparison.recensored[columns],
        samples=comparison.samples[rows].reset_index(drop=True),
        plate={source: plates[rows] for source, plates in comparison.plate.items()},
        repeated=None if comparison.repeated is None else comparison.repeated.take(rows, columns),
        dose=None if comparison.dose is None else comparison.dose[rows],
        periods=None if comparison.periods is None else comparison.periods.take(rows, columns),
    )


def _doses(described: pd.DataFrame, contrast: Contrast, plan: ShiftPlan) -> np.ndarray | None:
    """mg of each subject's arm (subjects,), where the contrast is a trend over doses."""
    if contrast.trend is None:
        return None
    of_arm = {arm.id: arm.dose_mg for arm in plan.arms if arm.dose_mg is not None}
    return described["arm"].map(of_arm).to_numpy(dtype=float)


def _arm_of_interest(described: pd.DataFrame, contrast: Contrast, kind: Kind, dose: np.ndarray | None) -> np.ndarray:
    if kind == "paired":
        return np.ones(len(described))
    if dose is not None:
        return (dose > dose.min(initial=np.inf)).astype(float)
    return (described["arm"] == contrast.arm).to_numpy(dtype=float)


def _needed(side: Side | None) -> Side:
    if side is None:
        raise ValueError("a contrast needs a target visit, or `at`")
    return side


def _where(samples: pd.DataFrame, contrast: Contrast) -> pd.DataFrame:
    for column, wanted in contrast.where.items():
        if column not in samples.columns:
            raise Problems(
                [Problem(f"contrast {contrast.id}", "where", f"there is no column {column!r} in the samples")]
            )
        samples = samples[samples[column].isin(wanted)]
    return samples


def _switched(named: pd.DataFrame) -> pd.Index:
    """Subjects of a parallel study that appear in more than one arm."""
    arms = named.groupby("subject")["arm"].nunique()
    return arms.index[arms > 1]


def _describe(named: pd.DataFrame, subjects: pd.Index, plan: ShiftPlan) -> pd.DataFrame:
    """One row per subject: the first value that is not blank, visits in the plan's order, whatever the sheet's."""
    order = {visit.id: place for place, visit in enumerate(plan.visits)}
    ordered = named.assign(_place=named["visit"].map(order)).sort_values(["_place", "sample"], kind="stable")
    text = ordered.drop(columns=["_place", "dose_mg", "study_day"]).astype("object")
    first = text.where(text != "").groupby("subject", sort=False).first()
    return first.reindex(subjects).fillna("").rename_axis("subject").reset_index()


def _plates(grid: Grid, source: str, samples: pd.DataFrame, subjects: pd.Index, contrast: Contrast) -> np.ndarray:
    """Plate of each subject's sample at the last visit the contrast names that has one."""
    plates = pd.Series(grid.plate[source], index=grid.sample)
    found = pd.Series("", index=subjects, dtype=object)
    for visit in contrast.visits():
        there = samples[samples["visit"] == visit].drop_duplicates("subject")
        here = pd.Series(plates.reindex(there["sample"]).to_numpy(), index=there["subject"]).dropna()
        here = here[here != ""]
        found[here.index.intersection(subjects)] = here
    return found.to_numpy(dtype=object)
