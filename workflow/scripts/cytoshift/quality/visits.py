"""Are the visits real and in order: derived visits, dates that go backwards, a condition that always came first."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd

from cytoshift.findings import Finding, action_of, finding, plural
from cytoshift.study.settings import Arm, DerivedVisit, Visit, label_of

RELATIVE = 1e-6
SHARE = 0.95
FEWEST_CELLS = 10
SCREEN = 4096  # cells looked at before a whole visit is compared


def find_derived_visits(
    rows: pd.DataFrame, samples: pd.DataFrame, visits: list[Visit], rule: DerivedVisit
) -> tuple[list[str], list[Finding]]:
    """Find visits whose numbers are the mean of two other visits of the same subjects.

    `rows` as from `unify` (numbers as written, so that substituted constants count); `samples` the sample table;
    `visits` and `rule` from the plan. A visit is derived when, over subject × arm × feature cells with all three
    numbers and two different parents, at least 10, it equals their mean within 1e-6 relative in ≥ 95 %. Returns the
    derived visits and one finding each.
    """
    cube = _visit_cube(rows, samples, visits)
    derived: list[str] = []
    found = []
    for index, visit in enumerate(visits):
        others = [other for other in range(len(visits)) if other != index and visits[other].id not in derived]
        for first, second in combinations(others, 2):
            hits, cells, trivial = _means_of(cube[index], cube[first], cube[second])
            if cells - trivial < FEWEST_CELLS or hits - trivial < SHARE * (cells - trivial):
                continue
            derived.append(visit.id)
            names = [label_of(visits, visits[k].id) for k in (index, first, second)]
            message = (
                f"Visit {names[0]} is the mean of {names[1]} and {names[2]} in {hits} of {cells} comparable values: "
                "it was computed, not measured."
            )
            if rule.on_fail == "exclude":
                message += " Its samples are left out."
            numbers = {
                "visit": visit.id,
                "mean_of": f"{visits[first].id}+{visits[second].id}",
                "equal": hits,
                "cells": cells,
                "cells_where_parents_differ": cells - trivial,
            }
            found.append(finding("quality", "derived_visit", message, numbers, action=action_of(rule.on_fail)))
            break
    return derived, found


def find_disorder(samples: pd.DataFrame, visits: list[Visit]) -> list[Finding]:
    """Find subjects whose study days run against the order of the planned visits.

    `samples` is the sample table (study_day in days); order is compared within subject × arm, since in a crossover each
    condition has its own days. Visits on the same day are in order.
    """
    order = {visit.id: position for position, visit in enumerate(_in_time(visits))}
    dated = samples[samples["study_day"].notna() & samples["visit"].isin(order)]
    dated = dated.assign(position=dated["visit"].map(order)).sort_values(["subject", "arm", "position"], kind="stable")
    group = dated.groupby(["subject", "arm"], sort=False)
    dated["step"] = group["study_day"].diff()
    dated["earlier"] = group["visit"].shift()
    found = []
    for subject, part in dated[dated["step"] < 0].groupby("subject", sort=False):
        steps = [
            f"{label_of(visits, row['visit'])} lies {-row['step']:.0f} days before {label_of(visits, row['earlier'])}"
            for row in part.to_dict("records")
        ]
        message = f"Subject {subject}: visits out of date order ({'; '.join(steps)}). A date may be mistyped."
        numbers = {"days": float(part["step"].min()), "visit": part["visit"].iloc[int(part["step"].argmin())]}
        found.append(finding("quality", "visits_out_of_order", message, numbers, subject=str(subject)))
    return found


def find_order_effect(samples: pd.DataFrame, arms: list[Arm]) -> list[Finding]:
    """In a crossover, say whether one condition always came first (or last), which no analysis can tell from time.

    `samples` is the sample table; the order comes from study days, or where there are none from `period`.
    """
    when = samples["study_day"].astype(float)
    basis = "study day"
    if when.isna().all():
        when, basis = pd.to_numeric(samples["period"], errors="coerce").astype(float), "period"
    known = samples.assign(when=when)[when.notna().to_numpy() & (samples["arm"] != "").to_numpy()]
    starts = (
        known.groupby(["subject", "arm"])["when"]
        .min()
        .reset_index()
        .pivot_table(index="subject", columns="arm", values="when")
    )
    starts = starts[starts.notna().sum(axis=1) >= 2]
    found: list[Finding] = []
    if len(starts) < 3:
        return found
    for side, extreme in (("first", starts.min(axis=1)), ("last", starts.max(axis=1))):
        at = starts.eq(extreme, axis=0)
        alone = bool((at.sum(axis=1) == 1).all())
        for arm in starts.columns[at.all()] if alone else []:
            message = (
                f"{label_of(arms, arm)} was always the {side} condition ({len(starts)} of {len(starts)} subjects): its "
                "difference from the others cannot be told from time, habituation or carry-over."
            )
            numbers = {"arm": arm, "subjects": len(starts), "of": len(starts), "order_from": basis}
            found.append(finding("quality", f"condition_always_{side}", message, numbers))
    return found


def find_undated(samples: pd.DataFrame, crossover: bool) -> list[Finding]:
    """Say when the order of visits (or conditions) cannot be checked for want of dates."""
    undated = int(samples["study_day"].isna().sum())
    ordered_by_period = crossover and (samples["period"] != "").any()
    if not undated or ordered_by_period or samples.empty:
        return []
    what = "order of conditions" if crossover else "order of visits"
    message = f"{plural(undated, 'sample')} of {len(samples)} without a date: the {what} cannot be checked for them."
    numbers = {"undated": undated, "samples": len(samples)}
    return [finding("quality", "no_dates", message, numbers, severity="note", action="nothing")]


def _in_time(visits: list[Visit]) -> list[Visit]:
    times = [visit.time for visit in visits]
    if any(time is None for time in times):
        return visits
    return sorted(visits, key=lambda visit: visit.time or 0.0)


def _visit_cube(rows: pd.DataFrame, samples: pd.DataFrame, visits: list[Visit]) -> np.ndarray:
    """Numbers as written, visits × (subject·arm × feature), replicate wells averaged."""
    keyed = samples.drop_duplicates("sample").set_index("sample")
    part = rows.loc[rows["written"].notna() & rows["sample"].isin(keyed.index), ["sample", "feature", "written"]]
    about = keyed.loc[part["sample"], ["subject", "arm", "visit"]]
    visit = about["visit"].map({v.id: k for k, v in enumerate(visits)}).to_numpy(dtype=float)
    cell = pd.DataFrame({
        "subject": about["subject"].to_numpy(), "arm": about["arm"].to_numpy(), "feature": part["feature"].to_numpy()
    }).groupby(["subject", "arm", "feature"], sort=True).ngroup().to_numpy()  # fmt: skip
    width = int(cell.max(initial=-1)) + 1
    known = ~np.isnan(visit)
    place = visit[known].astype(int) * width + cell[known]
    total = np.bincount(place, weights=part["written"].to_numpy()[known], minlength=len(visits) * width)
    count = np.bincount(place, minlength=len(visits) * width)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan).reshape(len(visits), width)


def _means_of(visit: np.ndarray, first: np.ndarray, second: np.ndarray) -> tuple[int, int, int]:
    """In how many of how many cells `visit` is the mean of `first` and `second`, and where all three are one number."""
    for end in (SCREEN, len(visit)):
        mean = (first[:end] + second[:end]) / 2
        known = np.isfinite(visit[:end]) & np.isfinite(mean)
        equal = np.abs(visit[:end] - mean)[known] <= RELATIVE * np.abs(mean[known])
        trivial = equal & (first[:end] == second[:end])[known]
        hits, cells, alike = int(equal.sum()), int(known.sum()), int(trivial.sum())
        if cells - alike >= FEWEST_CELLS and hits - alike < SHARE / 2 * (cells - alike):
            break
    return hits, cells, alike
