"""The covariates of a contrast as columns of a design: numbers as they are, categories as indicators."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cytoshift.shift.comparison import Comparison, take
from cytoshift.study.problem import Problem, Problems
from cytoshift.study.study import ShiftPlan


@dataclass(frozen=True)
class Covariates:
    """Columns (subjects, q) with their names, NaN where a subject's covariate is unknown, and the coding in words."""

    columns: np.ndarray
    names: list[str]
    words: str


def design_groups(comparison: Comparison) -> Iterator[np.ndarray]:
    """Masks of the features that share a design: one by one source where plates are adjusted for, else all at once."""
    if "plate" not in comparison.contrast.adjust:
        yield np.ones(len(comparison.features), dtype=bool)
        return
    sources = comparison.features["source"]
    for source in sources.unique():
        yield (sources == source).to_numpy()


def covariates_of(comparison: Comparison, plan: ShiftPlan) -> Covariates:
    """The covariates of features that share a design (see `design_groups`).

    A category with k levels gives k − 1 indicators, levels in sorted order, the first being the base. The value is the
    subject's first that is not blank, visits in the plan's order; the plate that of the target visit, and none for
    features without plates. Raises Problems when a covariate declared a number is not one.
    """
    columns: list[np.ndarray] = []
    names: list[str] = []
    words: list[str] = []
    kinds = {covariate.id: covariate.kind for covariate in plan.samples.covariates}
    for name in comparison.contrast.adjust:
        values = _values(comparison, name)
        if values is None:
            continue
        numbers = pd.to_numeric(values, errors="coerce")
        numeric = bool(values.notna().any() and numbers.notna().equals(values.notna())) and name != "plate"
        if kinds.get(name) == "number" and not numeric:
            wrong = values[values.notna() & numbers.isna()]
            found = repr(wrong.iloc[0]) if len(wrong) else "nothing"
            where = f"contrast {comparison.contrast.id}"
            raise Problems([Problem(where, f"adjust {name}", f"is declared a number, but {found} was found")])
        if numeric and kinds.get(name) != "category":
            columns.append(numbers.to_numpy(dtype=float))
            names.append(name)
            words.append(f"{name} (number)")
            continue
        levels = sorted(values.dropna().unique())
        for level in levels[1:]:
            columns.append(np.where(values.isna(), np.nan, (values == level).astype(float)))
            names.append(f"{name} {level}")
        words.append(f"{name} ({len(levels)} categories)")
    shared = np.column_stack(columns) if columns else np.empty((len(comparison.subjects), 0))
    return Covariates(shared, names, "adjusted for " + ", ".join(words) if words else "")


def _values(comparison: Comparison, name: str) -> pd.Series | None:
    """A covariate as text, None where blank; nothing at all for plates of features that have none."""
    if name == "plate":
        sources = comparison.features["source"].unique()
        text = comparison.plate.get(str(sources[0])) if len(sources) == 1 else None
        if text is None or not (text != "").any():
            return None
    else:
        text = comparison.samples[name].to_numpy(dtype=object)
    values = pd.Series(text).astype("object")
    return values.where(values != "", None)


def unknown_covariates(comparison: Comparison, plan: ShiftPlan) -> np.ndarray:
    """'covariate age is not known' where a subject lacks one, '' elsewhere; (subjects, features)."""
    reasons = np.full((len(comparison.subjects), len(comparison.features)), "", dtype=object)
    for group in design_groups(comparison):
        part = take(comparison, features=group)
        for name in comparison.contrast.adjust:
            values = _values(part, name)
            if values is not None:
                blank = values.isna().to_numpy()[:, None] & group & (reasons == "")
                reasons[blank] = f"covariate {name} is not known"
    return reasons


def strata_of(comparison: Comparison, plan: ShiftPlan) -> np.ndarray | None:
    """The randomisation stratum of each subject as one text, or None for a single stratum."""
    if not plan.strata:
        return None
    parts = [comparison.samples[name].astype(str) for name in plan.strata]
    return np.array(["|".join(row) for row in zip(*parts, strict=True)], dtype=object)
