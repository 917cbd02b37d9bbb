"""How well does a bivariate normal explain the pairs of two arms, each subject with means of its own?

The means of subject i are m₁ = Cᵢ·(a, α) before and m₂ = Cᵢ·(b, α + δ) after, with C the covariates' columns and, last,
the exposure: α is the arms' difference at the reference visit, δ what the target visit adds to it. Spreads σ₁ and σ₂
and the correlation are free. Parameters are (a, α, b, δ, log σ₁, log σ₂, artanh ρ), with analytic derivatives.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from cytoshift.shift.censoring.bivariate_normal import LOG_ROOT_TWO_PI
from cytoshift.shift.censoring.pair_bounds import PairBounds
from cytoshift.shift.censoring.pair_data import pair_data
from cytoshift.shift.censoring.pair_likelihood import (
    EXCHANGED,
    L1,
    L2,
    M1,
    M2,
    PARAMETERS,
    HalfKnownPairs,
    Likelihood,
    Parts,
    UnknownPairs,
    Z,
    half_known_parts,
    unknown_parts,
)

SPREADS = 3
# What is kept of a pair: its log-likelihood, 5 slopes, and the 15 curvatures of the upper triangle.
UPPER = np.triu_indices(PARAMETERS)
TERMS = 1 + PARAMETERS + len(UPPER[0])


def _term_numbers() -> np.ndarray:
    numbers = np.zeros((PARAMETERS, PARAMETERS), dtype=int)
    numbers[UPPER] = np.arange(1 + PARAMETERS, TERMS)
    return np.maximum(numbers, numbers.T)


CURVATURE = _term_numbers()
OWN = np.arange(TERMS)
# Where the terms of a pair known at the target visit belong, computed as if it were known at the reference visit.
TURNED = np.concatenate([[0], 1 + EXCHANGED, CURVATURE[EXCHANGED[UPPER[0]], EXCHANGED[UPPER[1]]]])


@dataclass(frozen=True)
class KnownMembers:
    """Pairs known at both visits, one element per pair, with their `values` (2, N)."""

    analyte: np.ndarray
    subject: np.ndarray
    values: np.ndarray

    def take(self, place: np.ndarray) -> KnownMembers:
        """The pairs of some analytes; `place` is each analyte's new number, −1 for those left out."""
        kept = place[self.analyte] >= 0
        return KnownMembers(place[self.analyte[kept]], self.subject[kept], self.values[:, kept])


@dataclass(frozen=True)
class ArmPairData:
    """The pairs of A analytes in standard units: value = centre + scale × standard value.

    `pairs`, `known_values`, `known_pairs` (A,) count pairs, exactly known values, and pairs known at both visits.
    `columns` (A, subjects, c) are orthogonal, 0 for subjects without a pair, with mean square 1 over the others; a
    column that adds nothing is 0 and not `kept` (A, c). The last is the exposure less what the others say of it, and
    one unit of the exposure is `exposure_unit` (A,) of it. `middle` (2, subjects, A) has a value for every member.
    """

    pairs: np.ndarray
    known_values: np.ndarray
    known_pairs: np.ndarray
    centre: np.ndarray
    scale: np.ndarray
    columns: np.ndarray
    kept: np.ndarray
    exposure_unit: np.ndarray
    middle: np.ndarray
    known: KnownMembers
    half_known: tuple[HalfKnownPairs, HalfKnownPairs]
    unknown: UnknownPairs

    @property
    def alpha(self) -> int:
        """The number of α among the parameters; (a, α) come first."""
        return self.columns.shape[2] - 1

    @property
    def delta(self) -> int:
        """The number of δ among the parameters; (b, δ) come second."""
        return 2 * self.columns.shape[2] - 1

    @property
    def spreads(self) -> slice:
        """The places of log σ₁, log σ₂ and artanh ρ among the parameters."""
        return slice(self.delta + 1, self.delta + 1 + SPREADS)

    @property
    def parameters(self) -> int:
        """How many parameters there are."""
        return self.delta + 1 + SPREADS

    def take(self, analytes: np.ndarray) -> ArmPairData:
        """The data of the analytes of a boolean mask."""
        place = np.where(analytes, np.cumsum(analytes) - 1, -1)
        lists = {"known", "half_known", "unknown", "middle"}
        own = {part.name: getattr(self, part.name)[analytes] for part in fields(self) if part.name not in lists}
        return replace(
            self,
            **own,
            middle=self.middle[:, :, analytes],
            known=self.known.take(place),
            half_known=(self.half_known[0].take(place), self.half_known[1].take(place)),
            unknown=self.unknown.take(place),
        )

    def likelihood(self, parameters: np.ndarray) -> Likelihood:
        """Log-likelihood and derivatives at parameters (A, parameters), in standard units."""
        terms = self.pair_terms(parameters)
        value = terms[0].sum(axis=1)
        slopes, curvatures = self._total(terms)
        # α moves both means, δ the second alone.
        slopes[:, self.alpha] += slopes[:, self.delta]
        curvatures[:, self.alpha] += curvatures[:, self.delta]
        curvatures[:, :, self.alpha] += curvatures[:, :, self.delta]
        return Likelihood(value, slopes, curvatures)

    def pair_terms(self, parameters: np.ndarray) -> np.ndarray:
        """(21, A, subjects) each pair's log-likelihood, slopes and curvatures by (m₁, m₂, log σ₁, log σ₂, ζ)."""
        analytes, subjects, columns = self.columns.shape
        before, after = parameters[:, :columns], parameters[:, columns : 2 * columns].copy()
        after[:, -1] += parameters[:, self.alpha]
        means = np.stack([(self.columns @ part[:, :, None])[:, :, 0] for part in (before, after)])
        spreads = parameters[:, self.spreads].T
        terms = np.zeros((TERMS, analytes * subjects))
        first, second = self.half_known

        def of(pairs: KnownMembers | HalfKnownPairs | UnknownPairs) -> np.ndarray:
            return np.concatenate([means[:, pairs.analyte, pairs.subject], spreads[:, pairs.analyte]])

        found: list[tuple[KnownMembers | HalfKnownPairs | UnknownPairs, Parts, np.ndarray]] = [
            (self.known, known_parts(self.known, of(self.known)), OWN),
            (first, half_known_parts(first, of(first)), OWN),
            (second, half_known_parts(second, of(second)[EXCHANGED]), TURNED),
            (self.unknown, unknown_parts(self.unknown, of(self.unknown)), OWN),
        ]
        for pairs, parts, order in found:
            stacked = np.concatenate([parts.value[None], parts.gradient, parts.hessian[UPPER]])
            terms[order[:, None], pairs.analyte * subjects + pairs.subject] = stacked
        return terms.reshape(TERMS, analytes, subjects)

    def _total(self, terms: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Sums over subjects by the coefficients of both means and the spreads."""
        analytes, _, columns = self.columns.shape
        places = (slice(0, columns), slice(columns, 2 * columns))
        slopes = np.zeros((analytes, self.parameters))
        curvatures = np.zeros((analytes, self.parameters, self.parameters))
        # One product per analyte: its bits do not depend on how many there are.
        across = np.ascontiguousarray(self.columns.transpose(0, 2, 1))

        def along_columns(part: np.ndarray) -> np.ndarray:
            return (across @ part[:, :, None])[:, :, 0]

        for i, place in zip((M1, M2), places, strict=True):
            slopes[:, place] = along_columns(terms[1 + i])
            for j, other in zip((M1, M2), places, strict=True):
                weighted = self.columns * terms[CURVATURE[i, j]][:, :, None]
                curvatures[:, place, other] = across @ weighted
            for j, spread in enumerate((L1, L2, Z), start=self.delta + 1):
                mixed = along_columns(terms[CURVATURE[i, spread]])
                curvatures[:, place, j] = curvatures[:, j, place] = mixed
        for i, spread in enumerate((L1, L2, Z), start=self.delta + 1):
            slopes[:, i] = terms[1 + spread].sum(axis=1)
            for j, other_spread in enumerate((L1, L2, Z), start=self.delta + 1):
                curvatures[:, i, j] = terms[CURVATURE[spread, other_spread]].sum(axis=1)
        return slopes, curvatures


def known_parts(pairs: KnownMembers, parameters: np.ndarray) -> Parts:
    """Bivariate normal density; `parameters` is (5, N)."""
    m1, m2, l1, l2, z = parameters
    w1, w2, cosh, sinh = np.exp(-l1), np.exp(-l2), np.cosh(z), np.sinh(z)
    h, k = (pairs.values[0] - m1) * w1, (pairs.values[1] - m2) * w2
    # What is left of each member beside the other, in units of its conditional spread.
    u, v = h * cosh - k * sinh, k * cosh - h * sinh
    value = -l1 - l2 + np.log(cosh) - 2 * LOG_ROOT_TWO_PI - 0.5 * (h**2 + v**2)
    gradient = np.stack([cosh * u * w1, cosh * v * w2, cosh * u * h - 1, cosh * v * k - 1, np.tanh(z) + u * v])
    hessian = np.zeros((PARAMETERS, PARAMETERS, len(h)))
    along_1, along_2, along = cosh * h + u, cosh * k + v, cosh * sinh
    turn_1, turn_2 = sinh * u - cosh * v, sinh * v - cosh * u
    second = {
        (M1, M1): -((cosh * w1) ** 2), (M1, M2): along * w1 * w2, (M2, M2): -((cosh * w2) ** 2),
        (M1, L1): -cosh * w1 * along_1, (M1, L2): along * w1 * k, (M1, Z): w1 * turn_1,
        (M2, L1): along * w2 * h, (M2, L2): -cosh * w2 * along_2, (M2, Z): w2 * turn_2,
        (L1, L1): -cosh * h * along_1, (L1, L2): along * h * k, (L1, Z): h * turn_1,
        (L2, L2): -cosh * k * along_2, (L2, Z): k * turn_2, (Z, Z): cosh**-2 - u**2 - v**2,
    }  # fmt: skip
    for (i, j), part in second.items():
        hessian[i, j] = part
    return Parts(value, gradient, hessian)


def arm_pair_data(bounds: PairBounds, basis: np.ndarray, kept: np.ndarray, exposure_length: np.ndarray) -> ArmPairData:
    """Sort the pairs of every analyte by what is known of them, beside the columns that explain their means.

    Args:
        bounds: limits of both members of every pair.
        basis: (analytes, subjects, c) orthonormal columns, 0 where there is no pair; the exposure's comes last.
        kept: (analytes, c) which of them say something new.
        exposure_length: (analytes,) length of what is left of the exposure beside the other columns; 0 where nothing.
    """
    data = pair_data(bounds)
    both = bounds.present.copy()
    for pairs in (*data.half_known, data.unknown):
        both[pairs.subject, pairs.analyte] = False
    # Analyte by analyte, subjects in order: a sum has the same bits whatever else is in the arrays.
    analyte, subject = np.nonzero(both.T)
    root = np.sqrt(data.pairs)
    return ArmPairData(
        pairs=data.pairs,
        known_values=data.known_values,
        known_pairs=both.sum(axis=0),
        centre=data.centre,
        scale=data.scale,
        columns=np.ascontiguousarray(basis) * root[:, None, None],
        kept=kept,
        exposure_unit=exposure_length / np.maximum(root, 1.0),
        middle=data.middle,
        known=KnownMembers(analyte, subject, data.middle[:, subject, analyte]),
        half_known=data.half_known,
        unknown=data.unknown,
    )
