"""The covariates of a contrast as columns of a design: numbers as they are, categories as indicators."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cytoshift.shift.comparison import Comparison
from cytoshift.study.problem import Problem, Problems
from cytoshift.study.study import ShiftPlan


def covariate_columns(comparison: Comparison, plan: ShiftPlan) -> tuple[np.ndarray, list[str]]:
    """Columns (subjects, q) for the contrast's `adjust`, and their names; NaN where a subject's covariate is unknown.

    A category with k levels gives k − 1 indicators, levels in sorted order, the first being the base. The value is that
    of the subject's first sample of the contrast. Raises Problems when a covariate declared a number is not one.
    """
    columns: list[np.ndarray] = []
    names: list[str] = []
    kinds = {covariate.id: covariate.kind for covariate in plan.samples.covariates}
    for name in comparison.contrast.adjust:
        text = comparison.plate if name == "plate" else comparison.samples[name].to_numpy(dtype=object)
        values = pd.Series(text).astype("object").where(pd.Series(text) != "", None)
        numbers = pd.to_numeric(values, errors="coerce")
        numeric = bool(values.notna().any() and numbers.notna().equals(values.notna()))
        if kinds.get(name) == "number" and not numeric:
            wrong = values[values.notna() & numbers.isna()]
            found = repr(wrong.iloc[0]) if len(wrong) else "nothing"
            where = f"contrast {comparison.contrast.id}"
            raise Problems([Problem(where, f"adjust {name}", f"is declared a number, but {found} was found")])
        if numeric and kinds.get(name) != "category" and name != "plate":
            columns.append(numbers.to_numpy(dtype=float))
            names.append(name)
            continue
        for level in sorted(values.dropna().unique())[1:]:
            columns.append(np.where(values.isna(), np.nan, (values == level).astype(float)))
            names.append(f"{name} {level}")
    if not columns:
        return np.empty((len(comparison.subjects), 0)), []
    return np.column_stack(columns), names


def strata_of(comparison: Comparison, plan: ShiftPlan) -> np.ndarray | None:
    """The randomisation stratum of each subject as one text, or None for a single stratum."""
    if not plan.strata:
        return None
    parts = [comparison.samples[name].astype(str) for name in plan.strata]
    return np.array(["|".join(row) for row in zip(*parts, strict=True)], dtype=object)
