"""One contrast as arrays: which subjects enter, their two values per feature, and what is compared with what."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from cytoshift.shift.grid import ABOVE, BELOW, EXTRAPOLATED, MISSING, OBSERVED, Grid
from cytoshift.study.contrasts import Contrast, Mean, When
from cytoshift.study.problem import Problem, Problems
from cytoshift.study.study import ShiftPlan

Kind = Literal["paired", "arms_change", "arms_at"]


@dataclass(frozen=True)
class Side:
    """Values of one side of a comparison, each array (subjects, features), as in `Grid`."""

    tested: np.ndarray
    shown: np.ndarray
    status: np.ndarray


@dataclass(frozen=True)
class Comparison:
    """One contrast ready for the estimators.

    kind: `paired` (within subjects; in a crossover a difference of differences where a control condition is named),
    `arms_change` (two arms, two visits), `arms_at` (two arms, one visit; `reference` is then empty).
    `arm` is 1 for the arm of interest and 0 for the comparison (paired: all 1). `control` holds the comparison
    condition's (reference, target) in a crossover. `subjects`, `plate` and `samples` (one row per subject, for
    covariates) run along the first axis of every array.
    """

    contrast: Contrast
    kind: Kind
    subjects: np.ndarray
    arm: np.ndarray
    features: pd.DataFrame
    reference: Side | None
    target: Side
    control: tuple[Side | None, Side] | None
    samples: pd.DataFrame
    plate: np.ndarray

    @property
    def non_detects(self) -> np.ndarray:
        """Non-detects (below or above a limit) of every side; (sides, subjects, features)."""
        sides = [self.reference, self.target, *(self.control or ())]
        return np.stack([np.isin(side.status, (BELOW, ABOVE)) for side in sides if side is not None])

    @property
    def present(self) -> np.ndarray:
        """Values that are not missing, of every side; (sides, subjects, features)."""
        sides = [self.reference, self.target, *(self.control or ())]
        return np.stack([side.status != MISSING for side in sides if side is not None])

    @property
    def change(self) -> np.ndarray:
        """target − reference [minus the same in the control condition], as tested; (subjects, features)."""
        change = self.target.tested - (0.0 if self.reference is None else self.reference.tested)
        if self.control is not None:
            before, after = self.control
            change = change - (after.tested - (0.0 if before is None else before.tested))
        return change


def compare(grid: Grid, samples: pd.DataFrame, contrast: Contrast, plan: ShiftPlan) -> Comparison:
    """Select the subjects and values of one concrete contrast.

    `samples` is the SAMPLES table of the samples kept. Raises Problems when a subject has two samples where one is
    meant (several specimens) or when `where` names a column that is not there.
    """
    chosen = _where(samples, contrast)
    chosen = chosen[chosen["sample"].isin(grid.sample) & chosen["type"].isin(["", "sample"])]
    within = plan.design == "crossover" and contrast.against is not None
    kind: Kind = "paired"
    if contrast.against is not None and not within:
        kind = "arms_at" if contrast.at is not None else "arms_change"
    arms = [arm for arm in (contrast.arm, None if within else contrast.against) if arm is not None]
    of_arms = chosen[chosen["arm"].isin(arms)] if arms else chosen
    other = chosen[chosen["arm"] == contrast.against]
    # who passed the control condition alone is a lost pair, not a stranger
    everyone = pd.concat([of_arms, other.assign(arm=contrast.arm)]) if within else of_arms
    named = everyone[everyone["visit"].isin(contrast.visits())]
    subjects = pd.Index(named["subject"].unique()).sort_values()
    after = contrast.at if contrast.at is not None else contrast.target
    reference = None if contrast.at is not None else _side(grid, of_arms, subjects, contrast.reference, contrast)
    control = None
    if within:
        before = None if contrast.at is not None else _side(grid, other, subjects, contrast.reference, contrast)
        control = (before, _side(grid, other, subjects, after, contrast))
    described = named.drop_duplicates("subject").set_index("subject").reindex(subjects).reset_index()
    return Comparison(
        contrast=contrast,
        kind=kind,
        subjects=subjects.to_numpy(dtype=object),
        arm=np.ones(len(subjects)) if kind == "paired" else (described["arm"] == contrast.arm).to_numpy(dtype=float),
        features=grid.features,
        reference=reference,
        target=_side(grid, of_arms, subjects, after, contrast),
        control=control,
        samples=described,
        plate=grid.plate[grid.sample.get_indexer(pd.Index(described["sample"]))],
    )


def _where(samples: pd.DataFrame, contrast: Contrast) -> pd.DataFrame:
    for column, wanted in contrast.where.items():
        if column not in samples.columns:
            raise Problems(
                [Problem(f"contrast {contrast.id}", "where", f"there is no column {column!r} in the samples")]
            )
        samples = samples[samples[column].isin(wanted)]
    return samples


def _side(grid: Grid, samples: pd.DataFrame, subjects: pd.Index, when: When | None, contrast: Contrast) -> Side:
    visits = when.mean if isinstance(when, Mean) else [str(when)]
    sides = [_at_visit(grid, samples[samples["visit"] == visit], subjects, visit, contrast) for visit in visits]
    return sides[0] if len(sides) == 1 else _average(sides)


def _at_visit(grid: Grid, samples: pd.DataFrame, subjects: pd.Index, visit: str, contrast: Contrast) -> Side:
    twice = samples[samples["subject"].duplicated()]
    if len(twice):
        subject = twice["subject"].iloc[0]
        names = ", ".join(samples.loc[samples["subject"] == subject, "sample"])
        message = f"subject {subject!r} has several samples at {visit} ({names}); choose with `where: {{specimen: …}}`"
        raise Problems([Problem(f"contrast {contrast.id}", "where", message)])
    rows = pd.Series(
        grid.sample.get_indexer(pd.Index(samples["sample"])).astype(float), index=samples["subject"]
    ).reindex(subjects)
    present = rows.notna().to_numpy()
    shape = (len(subjects), grid.tested.shape[1])
    side = Side(np.full(shape, np.nan), np.full(shape, np.nan), np.full(shape, MISSING, dtype=np.int8))
    index = rows[present].to_numpy(dtype=int)
    side.tested[present], side.shown[present] = grid.tested[index], grid.shown[index]
    side.status[present] = grid.status[index]
    return side


def _average(sides: list[Side]) -> Side:
    """Mean on the analysis scale; every visit must be there; any non-detect makes the mean one of the same kind."""
    statuses = np.stack([side.status for side in sides])
    below, above = (statuses == BELOW).any(axis=0), (statuses == ABOVE).any(axis=0)
    status = np.where((statuses == EXTRAPOLATED).any(axis=0), EXTRAPOLATED, OBSERVED)
    status = np.where(below, BELOW, np.where(above, ABOVE, status))
    status = np.where((statuses == MISSING).any(axis=0) | (below & above), MISSING, status).astype(np.int8)
    tested = np.mean([side.tested for side in sides], axis=0)
    shown = np.mean([side.shown for side in sides], axis=0)
    gone = status == MISSING
    return Side(np.where(gone, np.nan, tested), np.where(gone, np.nan, shown), status)


def take(
    comparison: Comparison, *, subjects: np.ndarray | None = None, features: np.ndarray | None = None
) -> Comparison:
    """The same comparison with the subjects, the features, or both of boolean masks only."""
    rows = np.ones(len(comparison.subjects), dtype=bool) if subjects is None else subjects
    columns = np.ones(len(comparison.features), dtype=bool) if features is None else features

    def part(side: Side) -> Side:
        return Side(*(values[rows][:, columns] for values in (side.tested, side.shown, side.status)))

    def maybe(side: Side | None) -> Side | None:
        return None if side is None else part(side)

    control = comparison.control
    return replace(
        comparison,
        subjects=comparison.subjects[rows],
        arm=comparison.arm[rows],
        features=comparison.features[columns].reset_index(drop=True),
        reference=maybe(comparison.reference),
        target=part(comparison.target),
        control=None if control is None else (maybe(control[0]), part(control[1])),
        samples=comparison.samples[rows].reset_index(drop=True),
        plate=comparison.plate[rows],
    )
