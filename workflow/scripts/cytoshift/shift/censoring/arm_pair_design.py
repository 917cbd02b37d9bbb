"""Who was in which arm, what else explains the values of the two visits, and is there enough to tell the arms apart?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from cytoshift.shift.censoring.arm_pair_likelihood import ArmPairData, arm_pair_data
from cytoshift.shift.censoring.pair_bounds import PairBounds
from cytoshift.shift.classical.linear import alias_notes, orthonormal
from cytoshift.shift.classical.linear_inputs import as_covariates
from cytoshift.shift.estimates import add_note, count_note, empty_notes

FEWEST_PER_ARM = 2


@dataclass(frozen=True)
class ArmDesign:
    """The pairs of two arms and what explains their means.

    `bounds` hold no pair where a covariate is unknown. `exposure` (subjects,) is 0 or 1, or a dose; `shared` (subjects,
    q) are the covariates called `names`. `reference_arm` and `target_arm` (subjects,) are the subjects at the lowest
    exposure and the others; `two_arms` says that no more than two exposures occur.
    """

    bounds: PairBounds
    exposure: np.ndarray
    shared: np.ndarray
    names: list[str]
    reference_arm: np.ndarray
    target_arm: np.ndarray
    two_arms: bool

    def take(self, analytes: np.ndarray | slice) -> ArmDesign:
        """The same for the analytes of a mask or a slice."""
        return replace(self, bounds=self.bounds.take(np.arange(self.bounds.present.shape[1])[analytes]))

    @property
    def counts(self) -> tuple[np.ndarray, np.ndarray]:
        """Pairs in the reference and in the target arm, (analytes,) each."""
        present = self.bounds.present
        return present[self.reference_arm].sum(axis=0), present[self.target_arm].sum(axis=0)

    @property
    def counted(self) -> np.ndarray:
        """(analytes,) whether each of two arms has the pairs it needs."""
        reference, target = self.counts
        enough = (reference >= FEWEST_PER_ARM) & (target >= FEWEST_PER_ARM)
        return enough if self.two_arms else np.ones_like(enough)

    def columns(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Intercept, covariates and exposure, as they are and orthonormal, and which say something new.

        (analytes, subjects, c) twice, 0 without a pair, and (analytes, c).
        """
        together = np.column_stack([np.ones(len(self.exposure)), self.shared, self.exposure])
        design = np.where(self.bounds.present.T[:, :, None], together, 0.0)
        basis, kept = orthonormal(design)
        return design, basis, kept

    def data(self) -> ArmPairData:
        """The pairs in standard units beside orthogonal columns."""
        design, basis, kept = self.columns()
        length = np.einsum("fs,fs->f", np.ascontiguousarray(basis[:, :, -1]), np.ascontiguousarray(design[:, :, -1]))
        return arm_pair_data(self.bounds, basis, kept, length)

    def residual_df(self, baseline: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Residual degrees of freedom (analytes,), NaN with the reason in notes (analytes,) where there is no answer.

        `baseline` (analytes,) says where the value at the reference visit takes a degree of freedom as a covariate.
        """
        design, _, kept = self.columns()
        count, coefficients = self.bounds.pairs, kept.sum(axis=1) + baseline
        note = alias_notes(design, kept, count, self.names, "the arm" if self.two_arms else "the dose")
        short = (count > kept.sum(axis=1)) & (count <= coefficients)
        words = [f"{number} subjects for {kept.shape[1] + 1} coefficients" for number in count]
        texts = np.array(["no residual degrees of freedom: " + text for text in words], dtype=object)
        note = add_note(note, short, texts)
        note = np.where(self.counted, note, self.count_note())
        there = self.counted & kept[:, -1] & (count > coefficients)
        return np.where(there, count - coefficients, np.nan), note

    def count_note(self) -> np.ndarray:
        """What each arm lacks in pairs, per analyte; '' where nothing."""
        note = empty_notes(len(self.bounds.pairs))
        for count, side in zip(self.counts[::-1], ("target", "reference"), strict=True):
            note = add_note(
                note, count < FEWEST_PER_ARM, count_note(FEWEST_PER_ARM, f"values in the {side} arm", count)
            )
        return note


def arm_design(
    bounds: PairBounds, exposure: ArrayLike, covariates: ArrayLike | None, covariate_names: Sequence[str]
) -> ArmDesign:
    """The design of a comparison of arms, checked.

    Raises:
        ValueError: shapes do not fit, an exposure is negative or not a number, or a covariate is infinite.
    """
    subjects = len(bounds.present)
    doses = np.asarray(exposure, dtype=float)
    if doses.shape != (subjects,):
        raise ValueError(f"exposure has the shape {doses.shape}; one value per subject is needed: ({subjects},)")
    if not (np.isfinite(doses) & (doses >= 0)).all():
        raise ValueError("exposure must be 0 (reference) or 1 (target), or a dose ≥ 0, for every subject")
    shared, names = as_covariates(covariates, covariate_names, subjects)
    without = np.isnan(shared).any(axis=1)
    levels = np.unique(doses)
    lowest = 0.0 if set(levels) <= {0.0, 1.0} else levels[0]
    return ArmDesign(
        bounds=bounds.only(~without),
        exposure=doses,
        shared=shared,
        names=names,
        reference_arm=doses == lowest,
        target_arm=doses != lowest,
        two_arms=len(levels) <= 2,
    )
