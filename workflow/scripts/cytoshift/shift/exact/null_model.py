"""What is left of each subject's outcome when everything but the arm has been taken into account?

The residuals of the model without arm are the scores that relabelling tests (`relabelling`). For arms that were not
randomised no relabelling was ever equally likely; residual permutation stands in, and its results are approximate.
"""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from cytoshift.shift.exact.rearrangements import FEATURES_PER_BLOCK, TIE_TOLERANCE, spans


def null_scores(outcome: np.ndarray, covariates: np.ndarray | None = None) -> np.ndarray:
    """Each subject's score for the arm effect in the model without arm: the residual of least squares on covariates.

    Args:
        outcome: (subjects, features) follow-up values or changes on the analysis scale; NaN where missing.
        covariates: (subjects, columns) numeric columns shared by all features (age, indicators of plates or strata),
            or (features, subjects, columns) where they differ by feature (its own baseline). An intercept is added.
            A subject with a missing covariate has no score.

    Returns:
        (subjects, features) residuals, NaN where the outcome or a covariate is missing.
    """
    outcome = np.asarray(outcome, dtype=float)
    subjects, features = outcome.shape
    columns = np.empty((subjects, 0)) if covariates is None else np.asarray(covariates, dtype=float)
    if columns.ndim == 2:
        columns = np.broadcast_to(columns, (features, *columns.shape))
    if columns.shape[:2] != (features, subjects):
        raise ValueError(f"covariates {columns.shape} do not fit outcomes of {subjects} subjects × {features} features")
    residuals = np.empty_like(outcome)
    for block in spans(features, FEATURES_PER_BLOCK):
        residuals[:, block] = _residuals(outcome.T[block], columns[block]).T
    return residuals


def _residuals(values: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Least-squares residuals of (features, subjects) values on (features, subjects, columns) and an intercept."""
    present = ~np.isnan(values) & ~np.isnan(columns).any(axis=2)
    design = np.concatenate([np.ones((*values.shape, 1)), columns], axis=2)
    design = np.where(present[:, :, None], design, 0.0)
    # Columns of unit length make the rank decision of the pseudo-inverse independent of the covariates' units.
    length = np.sqrt((design**2).sum(axis=1, keepdims=True))
    design = design / np.where(length > 0, length, 1.0)
    values = np.where(present, values, 0.0)
    basis, spread, _ = np.linalg.svd(design, full_matrices=False)
    basis = basis * (spread > 1e-10 * spread.max(axis=1, keepdims=True, initial=0.0))[:, None, :]
    residuals = values
    for _ in range(2):  # the second projection removes the rounding error of the first
        residuals = residuals - (basis @ (basis.transpose(0, 2, 1) @ residuals[:, :, None]))[:, :, 0]
    # Where the covariates fit the outcome exactly, what is left is rounding error and says nothing.
    scale = np.abs(values).max(axis=1, keepdims=True, initial=0.0)
    residuals = np.where(np.abs(residuals).max(axis=1, keepdims=True, initial=0.0) > 1e-12 * scale, residuals, 0.0)
    return np.where(present, residuals, np.nan)


@dataclass(frozen=True)
class FreedmanLaneOrbit:
    """S* of residual permutation: permute the null residuals, add the null fit back, refit with the arm.

    S* = √(n − q) · ãᵀPe / (‖ã‖ ‖(I − H)Pe‖), the partial correlation of arm and outcome after refitting; ã is the arm
    less its own fit on the q columns of the null model and H their hat matrix. Approximate: residuals are only nearly
    exchangeable, and no act of randomisation stands behind them.

    Attributes:
        labels: (subjects, draws) ã permuted.
        basis: (columns, subjects, draws) orthonormal columns of the null model under the same permutations.
        residuals: (features, subjects) null residuals e; 0 where missing (the missing value is put at its null fit).
    """

    labels: np.ndarray
    basis: np.ndarray
    residuals: np.ndarray
    complete: bool = False
    mirrored: bool = False

    @property
    def draws(self) -> int:
        """The number of permutations, the data as they are included."""
        return int(self.labels.shape[1])

    @property
    def defined(self) -> np.ndarray:
        """(features,) True where a residual differs from 0 and the arm is not explained by the covariates."""
        return np.any(self.residuals != 0, axis=1) & bool(np.any(self.labels[:, 0] != 0))

    @property
    def tolerance(self) -> np.ndarray:
        """(features,) two values of S closer than this are tied."""
        return TIE_TOLERANCE * np.abs(self.residuals).sum(axis=1)

    def observed(self) -> np.ndarray:
        """(features,) S of the data as they are."""
        return self.statistics(slice(0, len(self.residuals)), slice(0, 1))[:, 0]

    def statistics(self, features: slice, draws: slice) -> np.ndarray:
        """(features, draws) S* of a block."""
        residuals = self.residuals[features]
        left = (residuals**2).sum(axis=1)[:, None] - sum((residuals @ column[:, draws]) ** 2 for column in self.basis)
        freedom = self.residuals.shape[1] - len(self.basis)
        squares = (residuals**2).sum(axis=1)
        tiny = 1e-12 * np.where(squares > 0, squares, 1.0)[:, None]
        return (residuals @ self.labels[:, draws]) * np.sqrt(freedom / np.maximum(left, tiny))

    def take(self, features: np.ndarray) -> Self:
        """The same orbit for these features, in this order."""
        return replace(self, residuals=self.residuals[features])


def freedman_lane_orbit(
    outcome: np.ndarray,
    target: np.ndarray,
    covariates: np.ndarray | None = None,
    *,
    draws: int = 9_999,
    rng: np.random.Generator,
) -> FreedmanLaneOrbit:
    """Approximate joint permutation test of arms that were not randomised, adjusted for covariates.

    Reference: Freedman & Lane (1983), J. Business & Economic Statistics 1:292;
    Winkler et al. (2014), NeuroImage 92:381.

    Args:
        outcome: (subjects, features) follow-up values or changes; NaN where missing.
        target: (subjects,) True in the target arm.
        covariates: (subjects, columns) without missing values, shared by all features; an intercept is added.
        draws: random permutations beside the identity.
        rng: source of the permutations.

    Returns:
        The orbit, for `max_t`, `global_test` and `two_sided_p`; whatever uses it is labelled approximate.

    Raises:
        ValueError: a covariate is missing; such subjects are left out beforehand, for all features alike.
    """
    residuals = np.nan_to_num(null_scores(outcome, covariates)).T
    subjects = residuals.shape[1]
    columns = np.empty((subjects, 0)) if covariates is None else np.asarray(covariates, dtype=float)
    if np.isnan(columns).any():
        raise ValueError("a covariate is missing: leave its subject out before permuting residuals")
    design = np.column_stack([np.ones(subjects), columns])
    design = design / np.where(np.any(design != 0, axis=0), np.linalg.norm(design, axis=0), 1.0)
    basis, spread, _ = np.linalg.svd(design, full_matrices=False)
    basis = basis[:, spread > 1e-10 * spread.max()]
    arm = null_scores(np.asarray(target, dtype=float)[:, None], columns)[:, 0]
    length = np.linalg.norm(arm)
    arm = arm / length if length > 1e-10 else np.zeros(subjects)
    # Permuting the model's side of the products by P⁻¹ is permuting the residuals by P.
    order = rng.permuted(np.tile(np.arange(subjects), (draws + 1, 1)), axis=1).T
    order[:, 0] = np.arange(subjects)
    scale = np.sqrt((residuals**2).sum(axis=1, keepdims=True))
    return FreedmanLaneOrbit(
        labels=arm[order],
        basis=np.stack([column[order] for column in basis.T]),
        residuals=residuals / np.where(scale > 0, scale, 1.0),
    )
