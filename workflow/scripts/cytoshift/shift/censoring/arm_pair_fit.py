"""Which difference of arms, spreads and correlation make the pairs of every analyte most likely?

All analytes are fitted at once by the safeguarded Newton search of `climb`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cytoshift.shift.censoring.arm_pair_likelihood import ArmPairData
from cytoshift.shift.censoring.climb import Rows, Slope, climb_within

# In standard units, of log σ₁, log σ₂ and artanh ρ: a fit that ends on one of these has run away, or the correlation
# is ±1 for all that can be told.
LOWEST, HIGHEST = np.array([-7.0, -7.0, -10.0]), np.array([16.0, 16.0, 10.0])
# The search begins inside this range of artanh ρ, |ρ| ≤ 0.995.
FIRST_ZETA = 3.0
STEPS = 40
# Half the decrement estimates how much likelihood is left to gain; a gain below rounding cannot be seen.
SETTLED, NEARLY_SETTLED = 1e-18, 1e-7
# A curvature that is 0 is not divided by.
LEAST = 1e-300
# So many standard deviations beyond its limits a visit says nothing any more.
OUT_OF_SIGHT = 45.0


@dataclass(frozen=True)
class ArmPairFit(Rows):
    """Maximum of each analyte's likelihood, in standard units (see `ArmPairData` for the parameters).

    `parameters` (analytes, p), `log_likelihood` (analytes,), `gradient` (analytes, p) and `hessian` (analytes, p, p)
    by all parameters; `settled` (analytes,) whether the search ended at a maximum; `still` (analytes, p) which
    parameters stood still: fixed, or held at the edge of their range.
    """

    parameters: np.ndarray
    log_likelihood: np.ndarray
    gradient: np.ndarray
    hessian: np.ndarray
    settled: np.ndarray
    still: np.ndarray


def fixed_parameters(data: ArmPairData, beyond: np.ndarray, *, arms_alike_before: bool) -> np.ndarray:
    """(analytes, p) which parameters the data or the model leave no choice.

    A column that adds nothing has no coefficient; `beyond` (2, analytes) names visits without a value inside their
    limits, whose mean and spread, and the correlation, are out of sight; `arms_alike_before` sets α = 0.
    """
    columns = data.columns.shape[2]
    fixed = np.zeros((len(data.pairs), data.parameters), dtype=bool)
    fixed[:, : 2 * columns] = ~np.tile(data.kept, 2)
    for visit in (0, 1):
        place = slice(visit * columns, (visit + 1) * columns)
        fixed[:, place] |= beyond[visit][:, None]
        fixed[:, data.spreads.start + visit] |= beyond[visit]
    fixed[:, data.spreads.stop - 1] |= beyond.any(axis=0)
    if arms_alike_before:
        fixed[:, data.alpha] = True
    return fixed


def starting_values(data: ArmPairData, fixed: np.ndarray, opening: np.ndarray) -> np.ndarray:
    """Least squares with every non-detect placed beyond its limit; 0 for parameters that are fixed.

    `opening` (2, analytes) is −1 where every value of a visit is below its limit, +1 where every one is above: there
    the mean is put out of sight. Returns (analytes, p).
    """
    columns = data.columns.shape[2]
    count = np.maximum(data.pairs, 1)
    across = np.ascontiguousarray(data.columns.transpose(0, 2, 1))
    start = np.zeros((len(count), data.parameters))
    rest = []
    for visit in (0, 1):
        values = np.ascontiguousarray(np.where(np.isnan(data.middle[visit]), 0.0, data.middle[visit]).T)
        place = slice(visit * columns, (visit + 1) * columns)
        coefficients = (across @ values[:, :, None])[:, :, 0] / count[:, None]
        if visit == 1:
            coefficients[:, -1] -= start[:, data.alpha]
        start[:, place] = np.where(fixed[:, place], 0.0, coefficients)
        fitted = start[:, place].copy()
        if visit == 1:
            fitted[:, -1] += start[:, data.alpha]
        present = np.where(np.isnan(data.middle[visit]), 0.0, 1.0).T
        rest.append(values - present * (data.columns @ fitted[:, :, None])[:, :, 0])
    squares = [np.maximum((part**2).sum(axis=1) / count, 1e-12) for part in rest]
    correlation = (rest[0] * rest[1]).sum(axis=1) / count / np.sqrt(squares[0] * squares[1])
    limit = np.tanh(FIRST_ZETA)
    spreads = [0.5 * np.log(squares[0]), 0.5 * np.log(squares[1]), np.arctanh(np.clip(correlation, -limit, limit))]
    spreads = np.clip(np.stack(spreads, axis=1), LOWEST, HIGHEST)
    start[:, data.spreads] = np.where(fixed[:, data.spreads], 0.0, spreads)
    # The first column is that of the intercept: 1 for everybody.
    start[:, [0, columns]] += OUT_OF_SIGHT * opening.T
    return start


def fit_arm_pairs(
    data: ArmPairData, start: np.ndarray, fixed: np.ndarray, settled_below: float = SETTLED
) -> ArmPairFit:
    """Maximise every analyte's likelihood over the parameters that are not `fixed`, from `start` (analytes, p).

    The search (see `climb`) takes no step longer than one standard deviation, and ends when its decrement is below
    `settled_below`.
    """
    columns = data.columns.shape[2]
    unlimited = np.full(data.spreads.start, np.inf)

    def longest(parameters: np.ndarray) -> np.ndarray:
        """A mean moves by one standard deviation of its visit, a spread by the factor e."""
        length = np.ones_like(parameters)
        length[:, :columns] = np.exp(parameters[:, data.spreads.start])[:, None]
        length[:, columns : 2 * columns] = np.exp(parameters[:, data.spreads.start + 1])[:, None]
        return length

    slope = Slope(
        lowest=np.concatenate([-unlimited, LOWEST]),
        highest=np.concatenate([unlimited, HIGHEST]),
        longest=longest,
        least=LEAST,
        by_cholesky=True,
    )
    top = climb_within(data, ArmPairData.likelihood, start, fixed, slope, steps=STEPS, settled=settled_below)
    return ArmPairFit(
        parameters=top.parameters,
        log_likelihood=top.log_likelihood,
        gradient=top.gradient,
        hessian=top.hessian,
        settled=top.decrement <= NEARLY_SETTLED,
        still=top.still,
    )
