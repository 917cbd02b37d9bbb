"""How sure is a mixed model of a contrast: degrees of freedom after Satterthwaite or Kenward and Roger, and F tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

# Directions with less than this share of the largest variance are the same question asked twice, as in lmerTest.
SAME_QUESTION = 1e-8


class SmallSample(Protocol):
    """What a fitted model knows of its contrasts; features first, `vectors` (features, k, coefficients)."""

    def variance_and_df(self, vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Variance and degrees of freedom of each contrast, (features, k)."""

    def f_test(self, vectors: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """F, its numerator's and its denominator's degrees of freedom, (features,); `values` (features, k)."""


@dataclass(frozen=True)
class Satterthwaite:
    """Degrees of freedom from the Hessian of the deviance (Satterthwaite 1946; Fai & Cornelius 1996).

    `covariance` (features, q, q) of the coefficients; `slopes` (features, parameters, q, q) its derivatives in the
    variance parameters; `hessian` (features, parameters, parameters) of the deviance in them. df = 2v²/(g'Ag), v the
    variance of the contrast, g its gradient, A twice the inverse Hessian. It does not depend on how the parameters are
    written, because the deviance is flat where it is least.
    """

    covariance: np.ndarray
    slopes: np.ndarray
    hessian: np.ndarray

    def variance_and_df(self, vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See `SmallSample`; df is NaN where the deviance has no minimum in every direction."""
        variance = _quadratic(vectors, self.covariance)
        gradient = np.stack([_quadratic(vectors, self.slopes[:, i]) for i in range(self.slopes.shape[1])], axis=2)
        sound = np.linalg.eigvalsh(self.hessian)[:, 0] > 0
        safe = np.where(sound[:, None, None], self.hessian, np.eye(self.hessian.shape[1]))
        spread = _quadratic(gradient, np.linalg.inv(safe))
        usable = sound[:, None] & (spread > 0)
        return variance, np.where(usable, variance**2 / np.where(usable, spread, 1.0), np.nan)

    def f_test(self, vectors: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """As lmerTest: principal directions of the contrasts' covariance, each with df ν_i; 2E/(E − k), E = Σν/(ν − 2).

        The denominator depends at 1e-3 on how the contrasts are written (Fai & Cornelius 1996), and is 2 where a
        direction has no more than 2.
        """
        joint = np.matmul(np.matmul(vectors, self.covariance), vectors.transpose(0, 2, 1))
        size, direction = np.linalg.eigh(joint)
        counted = size > SAME_QUESTION * size[:, -1:]
        rotated = np.matmul(direction.transpose(0, 2, 1), vectors)
        variance, df = self.variance_and_df(rotated)
        turned = np.matmul(direction.transpose(0, 2, 1), values[:, :, None])[:, :, 0]
        square = np.where(counted, turned**2 / np.where(counted, variance, 1.0), 0.0)
        rank = counted.sum(axis=1)
        few = (counted & (df <= 2)).any(axis=1)
        share = np.where(counted & (df > 2), df / np.where(df > 2, df - 2, 1.0), 0.0).sum(axis=1)
        together = np.divide(2 * share, share - rank, out=np.full(rank.shape, np.nan), where=share > rank)
        highest, lowest = np.where(counted, df, -np.inf).max(axis=1), np.where(counted, df, np.inf).min(axis=1)
        alike = highest - lowest < 1e-8
        denominator = np.where(alike, highest, np.where(few, 2.0, together))
        denominator = np.where((counted & np.isnan(df)).any(axis=1), np.nan, denominator)
        return square.sum(axis=1) / np.maximum(rank, 1), rank.astype(float), denominator


@dataclass(frozen=True)
class KenwardRoger:
    """The small-sample adjustment of Kenward & Roger (1997, doi:10.2307/2533558) for a covariance linear in parameters.

    `covariance` Φ (features, q, q) is the inverse of X'V⁻¹X, `adjusted` the same for small samples; `first` P_i
    (features, m, q, q) = −X'V⁻¹V_iV⁻¹X; `weight` W (features, m, m) is the inverse of the expected information. The
    second derivatives of V are 0, as in pbkrtest and for SAS's type=UN.
    """

    covariance: np.ndarray
    adjusted: np.ndarray
    first: np.ndarray
    weight: np.ndarray

    @staticmethod
    def of(
        covariance: np.ndarray,
        first: np.ndarray,
        spent: np.ndarray,
        traces: np.ndarray,
        second: Callable[[np.ndarray], np.ndarray],
    ) -> KenwardRoger:
        """Φ_A = Φ + 2Φ{Σ W_ij(Q_ij − P_iΦP_j)}Φ with Q_ij = X'V⁻¹V_iV⁻¹V_jV⁻¹X.

        `spent` tr(ΦQ_ij) and `traces` tr(V⁻¹V_iV⁻¹V_j), (features, m, m), make the information; `second` returns
        Σ W_ij Q_ij (features, q, q) for weights W.
        """
        features, m = first.shape[:2]
        turned = np.matmul(covariance[:, None], first)
        other = turned.transpose(0, 1, 3, 2).reshape(features, m, -1).transpose(0, 2, 1)
        joint = np.matmul(turned.reshape(features, m, -1), other)
        information = traces - spent - spent.transpose(0, 2, 1) + joint
        weight = 2 * np.linalg.pinv(information, rcond=1e-12, hermitian=True)
        mixed = np.matmul(weight, first.reshape(features, m, -1)).reshape(first.shape)
        middle = second(weight) - np.matmul(np.matmul(first, covariance[:, None]), mixed).sum(axis=1)
        adjusted = covariance + 2 * np.matmul(np.matmul(covariance, middle), covariance)
        return KenwardRoger(covariance, (adjusted + adjusted.transpose(0, 2, 1)) / 2, first, weight)

    def variance_and_df(self, vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Adjusted variance, and df = 2v²/(g'Wg) with v the variance before adjustment."""
        reach = np.matmul(vectors, self.covariance)
        variance = np.einsum("fka,fka->fk", reach, vectors)
        gradient = np.einsum("fka,fiab,fkb->fki", reach, self.first, reach)
        spread = np.einsum("fki,fij,fkj->fk", gradient, self.weight, gradient)
        df = np.divide(2 * variance**2, spread, out=np.full(spread.shape, np.nan), where=spread > 0)
        return _quadratic(vectors, self.adjusted), df

    def f_test(self, vectors: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The scaled F of Kenward & Roger: A1, A2, B, g, c1 to c3 as in their paper and in pbkrtest."""
        joint = np.matmul(np.matmul(vectors, self.covariance), vectors.transpose(0, 2, 1))
        size, direction = np.linalg.eigh(joint)
        counted = size > SAME_QUESTION * size[:, -1:]
        rotated = np.where(counted[:, :, None], np.matmul(direction.transpose(0, 2, 1), vectors), 0.0)
        turned = np.where(counted, np.matmul(direction.transpose(0, 2, 1), values[:, :, None])[:, :, 0], 0.0)
        rank = counted.sum(axis=1).astype(float)
        # On principal directions LΦL' is diagonal; repeated questions are rows of 0 with a variance of 1.
        reach = np.matmul(rotated, self.covariance) / np.sqrt(np.where(counted, size, 1.0))[:, :, None]
        moved = np.einsum("fka,fiab,flb->fikl", reach, self.first, reach)
        trace = np.einsum("fikk->fi", moved)
        a1 = np.einsum("fi,fij,fj->f", trace, self.weight, trace)
        a2 = np.einsum("fij,fikl,fjlk->f", self.weight, moved, moved)
        spread = np.matmul(np.matmul(rotated, self.adjusted), rotated.transpose(0, 2, 1))
        spread = spread + np.where(counted, 0.0, 1.0)[:, :, None] * np.eye(counted.shape[1])
        wald = np.einsum("fk,fk->f", turned, np.linalg.solve(spread, turned[:, :, None])[:, :, 0])
        q = np.maximum(rank, 1.0)
        known = a2 > 0
        a2 = np.where(known, a2, 1.0)
        b = (a1 + 6 * a2) / (2 * q)
        g = ((q + 1) * a1 - (q + 4) * a2) / ((q + 2) * a2)
        c1, c2, c3 = (part / (3 * q + 2 * (1 - g)) for part in (g, q - g, q + 2 - g))
        v0, v1, v2 = 1 + c1 * b, 1 - c2 * b, 1 - c3 * b
        # With one question 1 − A2/q and V1 are the same number, which may be 0.
        ratio = np.where(np.abs(v1) > 1e-10, (1 - a2 / q) / np.where(np.abs(v1) > 1e-10, v1, 1.0), 1.0)
        rho = ratio**2 * np.where(np.abs(v0) < 1e-10, 0.0, v0) / (q * v2)
        df = 4 + (q + 2) / (q * rho - 1)
        scale = np.where(np.abs(df - 2) < 1e-2, 1.0, df * (1 - a2 / q) / np.where(np.abs(df - 2) < 1e-2, 1.0, df - 2))
        return np.where(known, scale * wald / q, np.nan), rank, np.where(known, df, np.nan)


def _quadratic(vectors: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Each vector's quadratic form: vectors (features, k, q), matrix (features, q, q) to (features, k)."""
    return (np.matmul(vectors, matrix) * vectors).sum(axis=2)
