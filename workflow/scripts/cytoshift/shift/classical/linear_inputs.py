"""Do the baseline, covariates and doses handed to a linear model fit the outcome they are to explain?"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from cytoshift.shift.estimates import as_panel


def as_baseline(baseline: ArrayLike | None, shape: tuple[int, ...]) -> np.ndarray | None:
    """The baseline as a float array of the outcome's shape (subjects, features), or None where there is none.

    Raises ValueError when the shape is another or a value is infinite.
    """
    if baseline is None:
        return None
    own = as_panel(baseline, "baseline")
    if own.shape != shape:
        raise ValueError(f"baseline has the shape {own.shape}, outcome {shape}: they must be the same")
    return own


def as_covariates(covariates: ArrayLike | None, names: Sequence[str], subjects: int) -> tuple[np.ndarray, list[str]]:
    """Covariates as a float array (subjects, q), NaN where missing, and their names: covariate_1 … where none is given.

    Raises ValueError when subjects or names do not fit, or a value is infinite.
    """
    shared = np.empty((subjects, 0)) if covariates is None else np.asarray(covariates, dtype=float)
    if shared.ndim != 2 or shared.shape[0] != subjects:
        raise ValueError(f"covariates have the shape {shared.shape}; ({subjects}, columns) is needed")
    if np.isinf(shared).any():
        raise ValueError("covariates hold infinite values; a missing value is NaN")
    chosen = list(names) or [f"covariate_{number}" for number in range(1, shared.shape[1] + 1)]
    if len(chosen) != shared.shape[1]:
        raise ValueError(f"{len(chosen)} covariate names for {shared.shape[1]} columns")
    return shared, chosen


def as_doses(dose: ArrayLike, subjects: int | None = None) -> np.ndarray:
    """Doses in mg as a float array (subjects,), 0 for placebo and NaN where unknown.

    Raises ValueError for another shape (or number of subjects, where given), and for negative or infinite doses.
    """
    given = np.asarray(dose, dtype=float)
    if given.ndim != 1 or (subjects is not None and len(given) != subjects):
        wanted = "(subjects,)" if subjects is None else f"({subjects},)"
        raise ValueError(f"dose has the shape {given.shape}; one value per subject is needed: {wanted}")
    if np.isinf(given).any() or (given < 0).any():
        raise ValueError("a dose in mg is 0 (placebo) or more, and finite")
    return given
