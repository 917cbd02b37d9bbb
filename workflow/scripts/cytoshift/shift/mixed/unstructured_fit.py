"""How do the visits of a subject vary together? The unstructured covariance of repeated visits by REML."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from cytoshift.shift.mixed.mixed_basis import Basis, take_pattern

STEPS, HALVINGS = 60, 20
# A full Newton step that would lower the deviance by less than this is the last one taken.
CONVERGED = 1e-12
# The least share of the mean variance that the covariance the search starts from has in any direction.
LEAST_SHARE = 0.1
# A covariance with a direction of less than this share of its largest is not tried: it is singular to the arithmetic.
SINGULAR = 1e-10
# Nor is a search followed further once its covariance is as close to singular as this.
NEARLY_SINGULAR = 1e-8


@dataclass(frozen=True)
class VisitSums:
    """Cross-products of [basis, residual] between visits, features first.

    `products` holds, for each set of visits that subjects have, (features, visits², c²): the sums over those subjects;
    `counts` (features,) how many they are; `sets` which visits, (visits,) masks. `units` (m, visits, visits) are the
    derivatives of the covariance in its m = visits·(visits + 1)/2 parameters.
    """

    products: list[np.ndarray]
    counts: list[np.ndarray]
    sets: list[np.ndarray]
    units: np.ndarray
    width: int


@dataclass(frozen=True)
class VisitFit:
    """The restricted deviance at a covariance (features, visits, visits) with its derivatives, features first.

    `inverse` Φ (features, q, q) is (X'V⁻¹X)⁻¹; `first` P_i (features, m, q, q), `traces` tr(V⁻¹V_iV⁻¹V_j) and `spent`
    tr(ΦQ_ij) (features, m, m) are as in `KenwardRoger`; `coefficient` (features, q).
    """

    covariance: np.ndarray
    deviance: np.ndarray
    gradient: np.ndarray
    hessian: np.ndarray
    expected: np.ndarray
    inverse: np.ndarray
    first: np.ndarray
    spent: np.ndarray
    traces: np.ndarray
    coefficient: np.ndarray


def visit_sums(basis: Basis, place: np.ndarray) -> VisitSums:
    """The sums of features on their basis; `place` (subjects, visits) is the sample of each, −1 where there is none."""
    subjects, visits = place.shape
    features, columns = len(basis.pattern), basis.kept.shape[1]
    first = np.unique(basis.pattern, return_index=True)[1]
    taken = (place >= 0)[None, :, :]
    there = basis.present[first][:, place] & taken
    code = (there * 2 ** np.arange(visits)).sum(axis=2)
    shared = np.where(taken[..., None], basis.orthonormal[:, place], 0.0)
    own = np.where(taken, basis.residual[:, place], 0.0)
    width = columns + 1
    products, counts, sets = [], [], []
    for found in np.unique(code[code > 0]):
        chosen = (code == found).astype(float)
        part = (shared * chosen[:, :, None, None]).reshape(len(first), subjects, visits * columns)
        chosen = take_pattern(chosen, basis.pattern)
        mine = (own * chosen[:, :, None]).transpose(0, 2, 1)
        total = np.empty((features, visits, visits, width, width))
        inner = np.matmul(part.transpose(0, 2, 1), part).reshape(-1, visits, columns, visits, columns)
        total[..., :columns, :columns] = take_pattern(inner.transpose(0, 1, 3, 2, 4), basis.pattern)
        cross = np.matmul(mine, take_pattern(part, basis.pattern)).reshape(features, visits, visits, columns)
        total[..., columns, :columns] = cross
        total[..., :columns, columns] = cross.transpose(0, 2, 1, 3)
        total[..., columns, columns] = np.matmul(mine, mine.transpose(0, 2, 1))
        products.append(total.reshape(features, visits**2, width**2))
        counts.append(np.broadcast_to(chosen.sum(axis=1), (features,)))
        sets.append((int(found) >> np.arange(visits)) % 2 == 1)
    units = []
    for one in range(visits):
        for other in range(one, visits):
            unit = np.zeros((visits, visits))
            unit[one, other] = unit[other, one] = 1.0
            units.append(unit)
    return VisitSums(products, counts, sets, np.array(units), width)


def together(sums: VisitSums) -> np.ndarray:
    """How many subjects have both visits, (features, visits, visits)."""
    return np.sum(
        [count[:, None, None] * np.outer(chosen, chosen) for count, chosen in zip(sums.counts, sums.sets, strict=True)],
        axis=0,
    )


def starting_covariance(sums: VisitSums) -> np.ndarray:
    """Products of least-squares residuals over the subjects with both visits, made positive definite."""
    visits = sums.units.shape[1]
    last = sums.width**2 - 1
    total = np.sum([product[:, :, last].reshape(-1, visits, visits) for product in sums.products], axis=0)
    start = total / np.maximum(together(sums), 1.0)
    value, vector = np.linalg.eigh((start + start.transpose(0, 2, 1)) / 2)
    floor = LEAST_SHARE * np.maximum(value.mean(axis=1, keepdims=True), 1e-300)
    return np.matmul(vector * np.maximum(value, floor)[:, None, :], vector.transpose(0, 2, 1))


def deviance_of(sums: VisitSums, covariance: np.ndarray, dropped: np.ndarray) -> np.ndarray:
    """−2 log of the restricted likelihood (features,), ∞ where the covariance is not positive definite."""
    spread = np.linalg.eigvalsh(covariance)
    sound = spread[:, 0] > SINGULAR * np.abs(spread[:, -1])
    safe = np.where(sound[:, None, None], covariance, np.eye(covariance.shape[1]))
    total, log_determinant = _cross(sums, safe)[:2]
    inverse, _, square = _solve(total, dropped)
    return np.where(sound, log_determinant - np.linalg.slogdet(inverse)[1] + square, np.inf)


def fit_at(sums: VisitSums, covariance: np.ndarray, dropped: np.ndarray) -> VisitFit:
    """Deviance, its derivatives and the matrices of Kenward & Roger at a positive definite covariance.

    `dropped` (features, q) marks columns of the basis that say nothing new. With Δ_i the unit of parameter i, S the
    inverse covariance of a set of visits and C_tu the cross-products of visits t and u, V⁻¹ changes by −SΔ_iS; a second
    derivative is Σ_tu (SΔ_iSΔ_jS)_tu C_tu weighted over columns, which is tr(Δ_iSΔ_jG) with G = SK'S and K_tu the
    weighted sum of C_tu. So no matrix per pair of parameters is ever built.
    """
    total, log_determinant, inverses = _cross(sums, covariance)
    inverse, coefficient, square = _solve(total, dropped)
    features, m, width = len(covariance), len(sums.units), sums.width
    visits = sums.units.shape[1]
    weights = np.concatenate([-coefficient, np.ones((features, 1))], axis=1)
    shrink = np.zeros((features, width, width))
    shrink[:, :-1, :-1] = inverse
    read = np.stack([shrink, weights[:, :, None] * weights[:, None, :]], axis=3).reshape(features, width**2, 2)
    slopes, trace = np.zeros((features, m, width**2)), np.zeros((features, m))
    pairs = np.zeros((3, features, visits**2, visits**2))
    flat = sums.units.reshape(m, -1)
    for product, count, weight in zip(sums.products, sums.counts, inverses, strict=True):
        once = np.matmul(np.matmul(weight[:, None], sums.units), weight[:, None])
        slopes -= np.matmul(once.reshape(features, m, -1), product)
        trace += count[:, None] * np.matmul(flat, weight.reshape(features, -1, 1))[:, :, 0]
        summed = np.matmul(product, read).reshape(features, visits, visits, 2)
        pairs[0] += count[:, None, None] * _pairs(weight, weight)
        for place in range(2):
            turned = np.matmul(np.matmul(weight, summed[..., place].transpose(0, 2, 1)), weight)
            pairs[1 + place] += _pairs(weight, turned)
    traces, spent, pull = (np.matmul(np.matmul(flat, part), flat.T) for part in pairs)
    slope = slopes.reshape(features, m, width, width)
    first = slope[..., :-1, :-1]
    after = np.matmul(slope, weights[:, None, :, None])[..., 0]
    moved = np.matmul(inverse[:, None], first)
    joint = np.matmul(
        moved.reshape(features, m, -1), moved.transpose(0, 1, 3, 2).reshape(features, m, -1).transpose(0, 2, 1)
    )
    reach = np.matmul(np.matmul(after[..., :-1], inverse), after[..., :-1].transpose(0, 2, 1))
    curved = spent + pull
    return VisitFit(
        covariance=covariance,
        deviance=log_determinant - np.linalg.slogdet(inverse)[1] + square,
        gradient=trace + np.trace(moved, axis1=2, axis2=3) + np.matmul(after, weights[:, :, None])[:, :, 0],
        hessian=curved + curved.transpose(0, 2, 1) - traces - joint - 2 * reach,
        expected=traces - spent - spent.transpose(0, 2, 1) + joint,
        inverse=inverse,
        first=first,
        spent=spent,
        traces=traces,
        coefficient=coefficient,
    )


def weighted_second(sums: VisitSums, covariance: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Σ_ij W_ij Q_ij of Kenward & Roger (features, q, q), for `weight` W (features, m, m)."""
    features, visits, width = len(covariance), sums.units.shape[1], sums.width
    flat = sums.units.reshape(len(sums.units), -1)
    spread = np.matmul(np.matmul(flat.T, weight), flat).reshape(features, visits, visits, visits, visits)
    total = np.zeros((features, 1, width**2))
    for product, inverse in zip(sums.products, _cross(sums, covariance)[2], strict=True):
        inner = np.einsum("fabcd,fbc->fad", spread, inverse)
        outer = np.matmul(np.matmul(inverse, inner), inverse)
        total += np.matmul(outer.reshape(features, 1, -1), product)
    return total.reshape(features, width, width)[:, :-1, :-1]


def _pairs(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The array that gives tr(Δ_i A Δ_j B) between the units Δ_i and Δ_j written out: A_bc B_da at (ab, cd)."""
    features, visits, _ = one.shape
    product = one[:, None, :, :, None] * other.transpose(0, 2, 1)[:, :, None, None, :]
    return product.reshape(features, visits**2, visits**2)


def best_covariance(sums: VisitSums, dropped: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The covariance of least restricted deviance (features, visits, visits), and which searches came to rest.

    Newton's method, Fisher scoring where the surface is not convex, steps halved until the covariance is positive
    definite and the deviance does not rise. A feature at rest, or on its way to a singular covariance, is moved no
    more.
    """
    found, rest = starting_covariance(sums), np.zeros(len(dropped), dtype=bool)
    active = np.arange(len(dropped))
    for _ in range(STEPS):
        part, out = _take(sums, active), dropped[active]
        here = fit_at(part, found[active], out)
        moved, gain, stuck = _step(part, here, out)
        found[active] = moved
        rest[active] = gain <= CONVERGED
        spread = np.linalg.eigvalsh(moved)
        singular = spread[:, 0] <= NEARLY_SINGULAR * spread[:, -1]
        active = active[(gain > CONVERGED) & ~stuck & ~singular]
        if not active.size:
            break
    return found, rest


def _step(sums: VisitSums, here: VisitFit, dropped: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The covariance after one step, what the full step promised of the deviance, and where no share of it helped."""
    convex = np.linalg.eigvalsh(here.hessian)[:, 0] > 0
    curvature = np.where(convex[:, None, None], here.hessian, here.expected)
    step = -np.matmul(np.linalg.pinv(curvature, rcond=1e-13, hermitian=True), here.gradient[:, :, None])[:, :, 0]
    change = np.matmul(step[:, None, :], sums.units.reshape(len(sums.units), -1)).reshape(here.covariance.shape)
    room = here.deviance + 1e-10 * (1 + np.abs(here.deviance))
    share = np.ones(len(step))
    worse = np.arange(len(step))
    for _ in range(HALVINGS):
        moved = here.covariance[worse] + share[worse, None, None] * change[worse]
        height = deviance_of(_take(sums, worse), moved, dropped[worse])
        worse = worse[~(height <= room[worse])]
        if not worse.size:
            break
        share[worse] /= 2
    share[worse] = 0.0
    gain = np.where(convex, np.abs((step * here.gradient).sum(axis=1)) / 2, np.inf)
    return here.covariance + share[:, None, None] * change, gain, share == 0


def _take(sums: VisitSums, chosen: np.ndarray) -> VisitSums:
    if len(chosen) == len(sums.counts[0]):
        return sums
    products = [product[chosen] for product in sums.products]
    return replace(sums, products=products, counts=[count[chosen] for count in sums.counts])


def harmless(sums: VisitSums, where: np.ndarray) -> VisitSums:
    """The sums with features that cannot be fitted replaced by ones that can; their answers are not used."""
    if not where.any():
        return sums
    visits, width = sums.units.shape[1], sums.width
    plain = np.einsum("tu,ab->tuab", np.eye(visits), np.eye(width)).reshape(visits**2, width**2)
    products = [np.where(where[:, None, None], 0.0, product) for product in sums.products]
    counts = [np.where(where, 0.0, count) for count in sums.counts]
    everywhere = np.ones(visits, dtype=bool)
    return replace(
        sums,
        products=[*products, where[:, None, None] * plain * 10.0],
        counts=[*counts, where * 10.0],
        sets=[*sums.sets, everywhere],
    )


def _cross(sums: VisitSums, covariance: np.ndarray) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """The weighted cross-product (features, c, c), the log-determinant of V, and the inverse for each set of visits."""
    features, visits, _ = covariance.shape
    total, log_determinant = np.zeros((features, 1, sums.width**2)), np.zeros(features)
    inverses = []
    for product, count, chosen in zip(sums.products, sums.counts, sums.sets, strict=True):
        part = covariance[:, chosen][:, :, chosen]
        inverse = np.zeros_like(covariance)
        inverse[:, np.outer(chosen, chosen)] = np.linalg.inv(part).reshape(features, -1)
        inverses.append(inverse)
        total += np.matmul(inverse.reshape(features, 1, visits**2), product)
        log_determinant += count * np.linalg.slogdet(part)[1]
    return total.reshape(features, sums.width, sums.width), log_determinant, inverses


def _solve(total: np.ndarray, dropped: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    matrix = total[:, :-1, :-1] + dropped[:, :, None] * np.eye(dropped.shape[1])
    inverse = np.linalg.inv(matrix)
    coefficient = np.matmul(inverse, total[:, :-1, -1:])[:, :, 0]
    return inverse, coefficient, total[:, -1, -1] - (coefficient * total[:, :-1, -1]).sum(axis=1)
