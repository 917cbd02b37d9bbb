"""What did each feature's estimate come out as, and how sure are we? The one shape every estimator answers in."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

# A spread below this share of the largest value is rounding noise of the arithmetic, not variation between subjects.
ROUNDING = 1e-12
# What an estimator says about each feature, as columns of a frame.
COLUMNS = ["n_reference", "n_target", "n", "estimate", "se", "df", "ci_low", "ci_high", "statistic", "p_value", "note"]


@dataclass(frozen=True)
class Estimates:
    """Estimates of one contrast, one element per feature; every array has shape (features,).

    `n_reference` and `n_target` count the subjects on each side, `n` the pairs (paired methods) or subjects (others)
    used. `estimate`, `se`, `ci_low`, `ci_high` are on the analysis scale, always target − reference. `coverage` is
    what the interval attains: the level asked for, or more where an exact method moves in steps. `residual_variance`
    is what moderation squeezes, empty where a method has no single one. A feature without an estimate or p-value says
    why in `note`; elsewhere the note is ''.
    """

    n_reference: np.ndarray
    n_target: np.ndarray
    n: np.ndarray
    estimate: np.ndarray
    se: np.ndarray
    df: np.ndarray
    ci_low: np.ndarray
    ci_high: np.ndarray
    coverage: np.ndarray
    statistic: np.ndarray
    p_value: np.ndarray
    residual_variance: np.ndarray
    note: np.ndarray
    method: str
    p_method: str
    ci_method: str


def as_panel(values: ArrayLike, name: str) -> np.ndarray:
    """Values as a float array of shape (subjects, features) in which NaN, and nothing else, means missing.

    Raises ValueError when the shape is another or a value is infinite.
    """
    panel = np.asarray(values, dtype=float)
    if panel.ndim != 2:
        raise ValueError(f"{name} needs the shape (subjects, features), not {panel.shape}")
    if np.isinf(panel).any():
        raise ValueError(f"{name} holds infinite values; a missing value is NaN")
    return panel


def check_level(level: float) -> float:
    """The confidence level, if it is one: raises ValueError outside (0, 1)."""
    if not 0 < level < 1:
        raise ValueError(f"level {level} is not between 0 and 1; 0.95 is the usual one")
    return level


def empty_notes(features: int) -> np.ndarray:
    """Object array of shape (features,) full of ''."""
    return np.full(features, "", dtype=object)


def add_note(notes: np.ndarray, where: np.ndarray, text: str | np.ndarray) -> np.ndarray:
    """Notes with `text` (one, or one per feature) appended where the mask is true, after '; ' if one is there."""
    separated = np.where(notes == "", "", notes + "; ")
    return np.where(where, separated + text, notes)


def count_note(needed: int, unit: str, found: np.ndarray) -> np.ndarray:
    """One text per feature: '2 pairs needed, 1 found'."""
    return np.array([f"{needed} {unit} needed, {int(count)} found" for count in found], dtype=object)


def masked_mean_and_squares(panel: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Count, mean and sum of squared deviations of each column, missing values left out; mean NaN where count is 0."""
    present = ~np.isnan(panel)
    count = present.sum(axis=0)
    total = np.where(present, panel, 0.0).sum(axis=0)
    mean = np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0)
    squares = np.where(present, panel - mean, 0.0) ** 2
    return count, mean, squares.sum(axis=0)


def largest_size(panel: np.ndarray) -> np.ndarray:
    """Largest absolute value of each column, 0 where nothing is present."""
    return np.where(np.isnan(panel), 0.0, np.abs(panel)).max(axis=0, initial=0.0)


def t_interval(estimate: np.ndarray, se: np.ndarray, df: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Limits estimate ∓ t(1 − (1 − level)/2; df)·se, NaN where se is 0 or missing."""
    usable = np.where(se > 0, se, np.nan)
    half = stats.t.isf((1 - level) / 2, df) * usable
    return estimate - half, estimate + half


def t_estimates(
    *,
    estimate: np.ndarray,
    se: np.ndarray,
    df: np.ndarray,
    n_reference: np.ndarray,
    n_target: np.ndarray,
    n: np.ndarray,
    residual_variance: np.ndarray,
    note: np.ndarray,
    method: str,
    level: float,
    p_method: str = "t",
) -> Estimates:
    """Estimates whose statistic is estimate/se on Student's t with `df` degrees of freedom.

    Where se is 0 or missing the estimate stands without interval and p-value; the caller has put the reason in `note`.
    Raises ValueError when the level is not between 0 and 1.
    """
    check_level(level)
    usable = se > 0
    statistic = np.divide(estimate, se, out=np.full(se.shape, np.nan), where=usable)
    low, high = t_interval(estimate, se, df, level)
    return Estimates(
        n_reference=n_reference,
        n_target=n_target,
        n=n,
        estimate=estimate,
        se=se,
        df=df,
        ci_low=low,
        ci_high=high,
        coverage=np.where(usable, level, np.nan),
        statistic=statistic,
        p_value=2 * stats.t.sf(np.abs(statistic), df),
        residual_variance=residual_variance,
        note=note,
        method=method,
        p_method=p_method,
        ci_method=p_method,
    )
