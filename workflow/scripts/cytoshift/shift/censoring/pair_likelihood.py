"""How well does a bivariate normal explain the pairs of every analyte, known values and intervals alike?

Natural parameters are (m₁, m₂, log σ₁, log σ₂, artanh ρ), 1 the reference and 2 the target visit. A pair known at both
visits contributes its density, one known at one visit the density there times the conditional probability of the
other's interval, one known at neither the probability of a rectangle. Gradients and Hessians are analytic.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cytoshift.shift.censoring.bivariate_normal import LOG_ROOT_TWO_PI, interval_terms, rectangle_terms

PARAMETERS = 5
M1, M2, L1, L2, Z = range(PARAMETERS)
# A pair known at the target visit has the formulas of one known at the reference, with the visits exchanged.
EXCHANGED = np.array([M2, M1, L2, L1, Z])


@dataclass(frozen=True)
class KnownPairs:
    """Pairs known at both visits, per analyte (analytes,): count and moments of s = x + y and d = y − x.

    Centred moments keep their digits where subjects differ much more than visits do.
    """

    count: np.ndarray
    mean_sum: np.ndarray
    mean_change: np.ndarray
    sum_squares: np.ndarray
    change_squares: np.ndarray
    products: np.ndarray

    def take(self, analytes: np.ndarray) -> KnownPairs:
        """The moments of some analytes."""
        return KnownPairs(*(getattr(self, name)[analytes] for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class HalfKnownPairs:
    """Pairs known at one visit, one element per pair: the value, and the `ends` (2, N) of the other member."""

    analyte: np.ndarray
    subject: np.ndarray
    value: np.ndarray
    ends: np.ndarray

    def take(self, place: np.ndarray) -> HalfKnownPairs:
        """The pairs of some analytes; `place` is each analyte's new number, −1 for those left out."""
        kept = place[self.analyte] >= 0
        return HalfKnownPairs(place[self.analyte[kept]], self.subject[kept], self.value[kept], self.ends[:, kept])


@dataclass(frozen=True)
class UnknownPairs:
    """Pairs known at neither visit, one element per pair, with the `ends` (2, N) of both intervals."""

    analyte: np.ndarray
    subject: np.ndarray
    ends_1: np.ndarray
    ends_2: np.ndarray

    def take(self, place: np.ndarray) -> UnknownPairs:
        """The pairs of some analytes; `place` is each analyte's new number, −1 for those left out."""
        kept = place[self.analyte] >= 0
        return UnknownPairs(place[self.analyte[kept]], self.subject[kept], self.ends_1[:, kept], self.ends_2[:, kept])


@dataclass(frozen=True)
class Likelihood:
    """Log-likelihood of every analyte with its first and second derivatives by the natural parameters.

    `value` (analytes,), `gradient` (analytes, 5), `hessian` (analytes, 5, 5).
    """

    value: np.ndarray
    gradient: np.ndarray
    hessian: np.ndarray


@dataclass(frozen=True)
class Parts:
    """The same for single pairs: `value` (N,), `gradient` (5, N), `hessian` (5, 5, N), its upper triangle filled."""

    value: np.ndarray
    gradient: np.ndarray
    hessian: np.ndarray


def known_likelihood(known: KnownPairs, parameters: np.ndarray) -> Likelihood:
    """Density of the pairs known at both visits, from their moments; `parameters` is (analytes, 5)."""
    m1, m2, l1, l2, z = parameters.T
    n, up, down = known.count, np.exp(2 * z), np.exp(-2 * z)
    w1, w2 = np.exp(-l1), np.exp(-l2)
    sums, changes = known.mean_sum - m1 - m2, known.mean_change - m2 + m1
    ss, dd = known.sum_squares + n * sums**2, known.change_squares + n * changes**2
    sd = known.products + n * sums * changes
    # With h, k the standardised members: a = h − k and b = h + k are sums of multiples of s and d.
    near, far = 0.5 * (w1 - w2), 0.5 * (w1 + w2)
    a_sum, b_sum = n * (near * sums - far * changes), n * (far * sums - near * changes)
    aa = near**2 * ss - 2 * near * far * sd + far**2 * dd
    bb = far**2 * ss - 2 * near * far * sd + near**2 * dd
    ab = near * far * (ss + dd) - (near**2 + far**2) * sd
    # −2 log density = α·a² + β·b² + constants; every derivative of a² and b² is a mix of the same five sums.
    alpha, beta = 0.25 * (1 + up), 0.25 * (1 + down)
    value = -n * (l1 + l2 - np.logaddexp(z, -z) + np.log(2) + 2 * LOG_ROOT_TWO_PI) - 0.5 * (alpha * aa + beta * bb)
    gradient_a = np.stack([-2 * w1 * a_sum, 2 * w2 * a_sum, -(aa + ab), ab - aa])
    gradient_b = np.stack([-2 * w1 * b_sum, -2 * w2 * b_sum, -(bb + ab), ab - bb])
    gradient = np.zeros((PARAMETERS, len(n)))
    gradient[:Z] = -0.5 * (alpha * gradient_a + beta * gradient_b)
    gradient[L1] -= n
    gradient[L2] -= n
    gradient[Z] = n * np.tanh(z) - 0.25 * (up * aa - down * bb)
    hessian = np.zeros((PARAMETERS, PARAMETERS, len(n)))
    second_a = {
        (M1, M1): 2 * n * w1**2, (M2, M2): 2 * n * w2**2, (M1, M2): -2 * n * w1 * w2,
        (M1, L1): w1 * (b_sum + 3 * a_sum), (M1, L2): -w1 * (b_sum - a_sum),
        (M2, L2): w2 * (b_sum - 3 * a_sum), (M2, L1): -w2 * (b_sum + a_sum),
        (L1, L1): (bb + 4 * ab + 3 * aa) / 2, (L2, L2): (bb - 4 * ab + 3 * aa) / 2, (L1, L2): (aa - bb) / 2,
    }  # fmt: skip
    second_b = {
        (M1, M1): 2 * n * w1**2, (M2, M2): 2 * n * w2**2, (M1, M2): 2 * n * w1 * w2,
        (M1, L1): w1 * (3 * b_sum + a_sum), (M1, L2): w1 * (b_sum - a_sum),
        (M2, L2): w2 * (3 * b_sum - a_sum), (M2, L1): w2 * (b_sum + a_sum),
        (L1, L1): (3 * bb + 4 * ab + aa) / 2, (L2, L2): (3 * bb - 4 * ab + aa) / 2, (L1, L2): (bb - aa) / 2,
    }  # fmt: skip
    for (i, j), by_a in second_a.items():
        hessian[i, j] = hessian[j, i] = -0.5 * (alpha * by_a + beta * second_b[i, j])
    mixed = -0.25 * (up * gradient_a - down * gradient_b)
    hessian[:Z, Z] = hessian[Z, :Z] = mixed
    hessian[Z, Z] = n / np.cosh(z) ** 2 - 0.5 * (up * aa + down * bb)
    return Likelihood(value, gradient.T, hessian.transpose(2, 0, 1))


def half_known_parts(pairs: HalfKnownPairs, parameters: np.ndarray) -> Parts:
    """Density of the known value times the conditional probability of the other's interval; `parameters` is (5, N)."""
    m1, m2, l1, l2, z = parameters
    w1, w2, cosh, sinh = np.exp(-l1), np.exp(-l2), np.cosh(z), np.sinh(z)
    h, k = (pairs.value - m1) * w1, (pairs.ends - m2) * w2
    log_probability, at_lower, at_upper = interval_terms(*(k * cosh - h * sinh))
    k = np.where(np.isfinite(k), k, 0.0)
    v = k * cosh - h * sinh
    slope = np.stack([-at_lower, at_upper])
    bend = np.stack([v[0] * at_lower - at_lower**2, -v[1] * at_upper - at_upper**2])
    cross = at_lower * at_upper
    both = np.ones_like(v)
    # First and second derivatives of the two conditional ends v = k·cosh z − h·sinh z by the parameters.
    by = np.stack([sinh * w1 * both, -cosh * w2 * both, sinh * h * both, -cosh * k, k * sinh - h * cosh])
    again = {
        (M1, L1): -sinh * w1 * both, (L1, L1): -sinh * h * both, (M1, Z): cosh * w1 * both, (L1, Z): cosh * h * both,
        (M2, L2): cosh * w2 * both, (L2, L2): cosh * k, (M2, Z): -sinh * w2 * both, (L2, Z): -sinh * k, (Z, Z): v,
    }  # fmt: skip
    gradient = (slope * by).sum(axis=1)
    hessian = np.zeros((PARAMETERS, PARAMETERS, len(h)))
    for i in range(PARAMETERS):
        for j in range(i, PARAMETERS):
            hessian[i, j] = (bend * by[i] * by[j]).sum(axis=0) + cross * (by[i, 0] * by[j, 1] + by[i, 1] * by[j, 0])
            if (i, j) in again:
                hessian[i, j] += (slope * again[i, j]).sum(axis=0)
    gradient[M1] += h * w1
    gradient[L1] += h**2 - 1
    hessian[M1, M1] -= w1**2
    hessian[M1, L1] -= 2 * h * w1
    hessian[L1, L1] -= 2 * h**2
    return Parts(-l1 - 0.5 * h**2 - LOG_ROOT_TWO_PI + log_probability, gradient, hessian)


def unknown_parts(pairs: UnknownPairs, parameters: np.ndarray) -> Parts:
    """Probability of the rectangle of two intervals; `parameters` is (5, N)."""
    m1, m2, l1, l2, z = parameters
    w1, w2, rho, rest = np.exp(-l1), np.exp(-l2), np.tanh(z), np.cosh(z) ** -2
    h, k = (pairs.ends_1 - m1) * w1, (pairs.ends_2 - m2) * w2
    terms = rectangle_terms(h, k, z)
    h, k = np.where(np.isfinite(h), h, 0.0), np.where(np.isfinite(k), k, 0.0)
    f, g, c = terms.edge_1, terms.edge_2, terms.corner
    # Second derivatives of the probability by the ends and z, all relative to it.
    ff, gg = -h * f - rho * c.sum(axis=1), -k * g - rho * c.sum(axis=0)
    across_1, across_2 = h[:, None] - rho * k[None], k[None] - rho * h[:, None]
    fz, gz = -(across_1 * c).sum(axis=1), -(across_2 * c).sum(axis=0)
    cz = _over_corners(c * (across_1 * across_2 - rho * rest))
    by_mean, by_spread = [-w1 * f, -w2 * g], [-h * f, -k * g]
    gradient = np.stack([*(part.sum(axis=0) for part in by_mean + by_spread), rest * _over_corners(c)])
    hessian = np.zeros((PARAMETERS, PARAMETERS, len(z)))
    second = {
        (M1, M1): w1**2 * ff.sum(axis=0), (M1, L1): w1 * (h * ff + f).sum(axis=0),
        (L1, L1): (h**2 * ff + h * f).sum(axis=0),
        (M2, M2): w2**2 * gg.sum(axis=0), (M2, L2): w2 * (k * gg + g).sum(axis=0),
        (L2, L2): (k**2 * gg + k * g).sum(axis=0),
        (M1, M2): w1 * w2 * _over_corners(c), (M1, L2): w1 * _over_corners(k[None] * c),
        (M2, L1): w2 * _over_corners(h[:, None] * c), (L1, L2): _over_corners(h[:, None] * k[None] * c),
        (M1, Z): -w1 * fz.sum(axis=0), (M2, Z): -w2 * gz.sum(axis=0),
        (L1, Z): -(h * fz).sum(axis=0), (L2, Z): -(k * gz).sum(axis=0), (Z, Z): cz,
    }  # fmt: skip
    for (i, j), part in second.items():
        hessian[i, j] = part - gradient[i] * gradient[j]
    return Parts(terms.log_probability, gradient, hessian)


def _over_corners(part: np.ndarray) -> np.ndarray:
    """Sum over the first two axes, one after the other: the order, and so the bits, are then always the same."""
    return part.sum(axis=0).sum(axis=0)


def sum_by_analyte(parts: Parts, analyte: np.ndarray, analytes: int, order: np.ndarray) -> Likelihood:
    """Add up single pairs; `order` says which natural parameter each of the parts' parameters is."""
    value = np.bincount(analyte, parts.value, minlength=analytes)
    gradient = np.zeros((PARAMETERS, analytes))
    hessian = np.zeros((PARAMETERS, PARAMETERS, analytes))
    for i in range(PARAMETERS):
        gradient[order[i]] = np.bincount(analyte, parts.gradient[i], minlength=analytes)
        for j in range(i, PARAMETERS):
            total = np.bincount(analyte, parts.hessian[i, j], minlength=analytes)
            hessian[order[i], order[j]] = hessian[order[j], order[i]] = total
    return Likelihood(value, gradient.T, hessian.transpose(2, 0, 1))
