"""How far would the subjects of a contrast within one arm have changed untreated, because of how they were selected?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cytoshift.frames import conform
from cytoshift.shift.comparison import Comparison, compare
from cytoshift.shift.estimates import add_note, empty_notes
from cytoshift.shift.grid import ABOVE, BELOW, Grid
from cytoshift.shift.notes import to_ratio
from cytoshift.shift.subjects.regression_to_mean import ASSUMPTIONS, CITED, CitedPopulation, regression_to_mean
from cytoshift.study.contrasts import Mean
from cytoshift.study.problem import Problem, Problems, did_you_mean
from cytoshift.study.selection import Population, plain_unit, start_of
from cytoshift.study.sources import is_log_unit
from cytoshift.study.study import ShiftPlan
from cytoshift.tables import REGRESSION_TO_MEAN

NORMAL_95 = 1.96
# What a unit of the files comes to in the units of the panel.
FACTORS = {("%", "fraction"): 0.01, ("10^9/l", "cells/ul"): 1000.0, ("10^3/ul", "cells/ul"): 1000.0}


@dataclass(frozen=True)
class Cited:
    """What the plan cites for the features of a panel, on their analysis scale, and from where; arrays (features,)."""

    population: CitedPopulation
    source: np.ndarray


def cited_population(panel: pd.DataFrame, plan: ShiftPlan) -> Cited:
    """The populations of the plan's selection for the features of a PANEL table, in order of first appearance.

    Raises Problems for a feature that is not in the data, and for a mean in another unit or outside its scale.
    """
    described = panel.drop_duplicates("feature")[["feature", "scale", "unit"]].reset_index(drop=True)
    features = list(described["feature"])
    numbers = {name: np.full(len(features), np.nan) for name in CitedPopulation.__dataclass_fields__}
    source = empty_notes(len(features))
    problems = []
    for number, entry in enumerate(plan.selection.populations if plan.selection else [], start=1):
        key = f"selection.populations[{number}]"
        named = [name for name in features if entry.feature in (name, name.split("@")[0])]
        if len(named) != 1:
            what = (
                "is held by several sources" if named else f"is not in the data{did_you_mean(entry.feature, features)}"
            )
            problems.append(Problem("study file", f"{key}.feature", f"{entry.feature!r} {what}"))
            continue
        place = features.index(named[0])
        scale, unit = str(described["scale"][place]), str(described["unit"][place])
        factor = _factor(entry.unit, unit)
        if factor is None:
            message = f"{entry.unit!r} is not the unit of {entry.feature!r} here, {unit!r}; convert the mean"
            problems.append(Problem("study file", f"{key}.unit", message))
            continue
        mean, low, high = _on_scale(entry, factor, "identity" if is_log_unit(unit) else scale)
        if np.isinf([mean, low, high]).any() or np.isnan(mean):
            message = f"{entry.mean:g} {entry.unit} with its limits does not fit the {scale} scale of {entry.feature!r}"
            problems.append(Problem("study file", f"{key}.mean", message))
            continue
        people = np.nan if entry.people is None else float(entry.people)
        for name, value in zip(numbers, (mean, entry.correlation, (high - low) / (2 * NORMAL_95), people), strict=True):
            numbers[name][place] = value
        source[place] = entry.source
    if problems:
        raise Problems(problems)
    return Cited(CitedPopulation(**numbers), source)


def untreated_change(
    grid: Grid, samples: pd.DataFrame, comparison: Comparison, rows: pd.DataFrame, cited: Cited, plan: ShiftPlan
) -> pd.DataFrame:
    """The REGRESSION_TO_MEAN rows of one contrast: features for which it can be quantified, none between arms.

    `grid` and `samples` are what the comparison was made from, `rows` its SHIFTS.
    """
    contrast = comparison.contrast
    within = comparison.kind == "paired" and comparison.control is None and contrast.reference is not None
    start = start_of(contrast, plan.selection, plan.visits)
    if not within or start.why:
        return conform(pd.DataFrame(), REGRESSION_TO_MEAN)
    used = comparison.present.all(axis=0) & ~np.isnan(comparison.change)
    deciding, non_detect = _values_at(grid, samples, comparison, start.deciding, plan)
    other = _values_at(grid, samples, comparison, start.others, plan)[0] if start.others else None
    scale = comparison.features["scale"].to_numpy(dtype=object)
    found = regression_to_mean(
        np.where(used, deciding, np.nan),
        rows["estimate"].to_numpy(dtype=float),
        scale,
        other_baseline=None if other is None else np.where(used, other, np.nan),
        population=cited.population,
        visits_averaged=len(start.deciding),
        weight=start.weight,
        level=1 - plan.alpha,
    )
    note = np.array([ASSUMPTIONS.get(basis, "") for basis in found.basis], dtype=object)
    if not start.stated:
        note = add_note(note, note != "", "the plan does not say which visit decided: the first baseline is taken to")
    note = add_note(note, (non_detect & used).any(axis=0), "numbers stand in for non-detects at the deciding visit")
    frame = pd.DataFrame(
        {
            "contrast": contrast.id,
            "feature": comparison.features["feature"].to_numpy(dtype=object),
            "label": comparison.features["label"].to_numpy(dtype=object),
            "scale": scale,
            "expected": found.expected,
            "ci_low": found.ci_low,
            "ci_high": found.ci_high,
            "expected_ratio": to_ratio(found.expected, scale),
            "ratio_low": to_ratio(found.ci_low, scale),
            "ratio_high": to_ratio(found.ci_high, scale),
            "share_of_change": found.share,
            "correlation": found.correlation,
            "deciding": ",".join(start.deciding),
            "basis": found.basis,
            "source": np.where(found.basis == CITED, cited.source, ""),
            "note": note,
        }
    )
    known = (found.basis != "") & rows["estimate"].notna().to_numpy()
    return conform(frame[known], REGRESSION_TO_MEAN)


def _values_at(
    grid: Grid, samples: pd.DataFrame, comparison: Comparison, visits: list[str], plan: ShiftPlan
) -> tuple[np.ndarray, np.ndarray]:
    """Values (subjects, features) of the comparison's subjects at these visits, and which stand for a non-detect.

    Several visits are averaged, as in a contrast.
    """
    when = visits[0] if len(visits) == 1 else Mean(mean=visits)
    part = compare(grid, samples, comparison.contrast.model_copy(update={"reference": when}), plan)
    side = part.target if part.written[0] is None else part.written[0]
    place = pd.Index(part.subjects).get_indexer(pd.Index(comparison.subjects))
    known = (place >= 0)[:, None]
    return np.where(known, side.tested[place], np.nan), known & np.isin(side.status[place], (BELOW, ABOVE))


def _on_scale(entry: Population, factor: float, scale: str) -> np.ndarray:
    """Mean and its limits on the analysis scale, NaN where there are none; infinite outside the scale's domain."""
    ends = np.array([entry.mean, entry.mean_low, entry.mean_high], dtype=float) * factor
    with np.errstate(divide="ignore", invalid="ignore"):
        if scale == "identity":
            return ends
        scaled = np.log2(ends) if scale == "log2" else np.log(ends) - np.log1p(-ends)
    return np.where(np.isnan(scaled) & ~np.isnan(ends), np.inf, scaled)


def _factor(written: str, unit: str) -> float | None:
    """What turns a number in the unit as written into one in the unit of the panel; None where nothing does."""
    plain, needed = plain_unit(written), plain_unit(unit)
    needed = "fraction" if needed.startswith("fractionof") else needed
    return 1.0 if plain == needed else FACTORS.get((plain, needed))
