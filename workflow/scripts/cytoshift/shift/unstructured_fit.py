"""How do the visits of a subject vary together? The unstructured covariance of repeated visits by REML."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from cytoshift.shift.mixed_basis import Basis, take_pattern

STEPS, HALVINGS = 80, 25
CONVERGED = 1e-10
# The least share of the mean variance that the covariance the search starts from has in any direction.
LEAST_SHARE = 0.1
# A covariance with a direction of less than this share of its largest is not tried: it is singular to the arithmetic.
SINGULAR = 1e-10


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
    """Derivatives of the restricted deviance at a covariance (features, visits, visits), features first.

    `inverse` (features, q, q) is (X'V⁻¹X)⁻¹; `first` P_i, `second` Q_ij and `traces` are as in `KenwardRoger`;
    `coefficient` (features, q).
    """

    covariance: np.ndarray
    deviance: np.ndarray
    gradient: np.ndarray
    hessian: np.ndarray
    expected: np.ndarray
    inverse: np.ndarray
    first: np.ndarray
    second: np.ndarray
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

    `dropped` (features, q) marks columns of the basis that say nothing new. With Δ_i the unit of parameter i and S the
    inverse covariance of a set of visits, V⁻¹ changes by −SΔ_iS and the sums of SΔ_iSΔ_jS give all second derivatives.
    """
    total, log_determinant, inverses = _cross(sums, covariance)
    inverse, coefficient, square = _solve(total, dropped)
    features, m, width = len(covariance), len(sums.units), sums.width
    slopes = np.zeros((features, m, width**2))
    curves = np.zeros((features, m * m, width**2))
    trace, traces = np.zeros((features, m)), np.zeros((features, m, m))
    for product, count, weight in zip(sums.products, sums.counts, inverses, strict=True):
        turned = np.matmul(weight[:, None], sums.units)
        once = np.matmul(turned, weight[:, None])
        twice = np.matmul(turned[:, :, None], once[:, None, :])
        slopes -= np.matmul(once.reshape(features, m, -1), product)
        curves += np.matmul(twice.reshape(features, m * m, -1), product)
        trace += count[:, None] * np.einsum("fmtt->fm", turned)
        traces += count[:, None, None] * np.einsum("fitu,fjut->fij", turned, turned)
    slope = slopes.reshape(features, m, width, width)
    curve = curves.reshape(features, m, m, width, width)
    first, second = slope[..., :-1, :-1], curve[..., :-1, :-1]
    weights = np.concatenate([-coefficient, np.ones((features, 1))], axis=1)
    after = np.einsum("fiab,fb->fia", slope, weights)
    moved = np.matmul(inverse[:, None], first)
    doubled = np.einsum("fab,fijba->fij", inverse, second)
    joint = np.einsum("fiab,fjba->fij", moved, moved)
    pull = np.einsum("fa,fijab,fb->fij", weights, curve, weights)
    reach = np.einsum("fia,fab,fjb->fij", after[..., :-1], inverse, after[..., :-1])
    doubled, pull = doubled + doubled.transpose(0, 2, 1), pull + pull.transpose(0, 2, 1)
    return VisitFit(
        covariance=covariance,
        deviance=log_determinant - np.linalg.slogdet(inverse)[1] + square,
        gradient=trace + np.einsum("fiaa->fi", moved) + np.einsum("fa,fia->fi", weights, after),
        hessian=doubled - traces - joint + pull - 2 * reach,
        expected=traces - doubled + joint,
        inverse=inverse,
        first=first,
        second=second,
        traces=traces,
        coefficient=coefficient,
    )


def best_covariance(sums: VisitSums, dropped: np.ndarray) -> tuple[VisitFit, np.ndarray]:
    """The covariance of least restricted deviance, and which searches came to rest (features,).

    Newton's method, Fisher scoring where the surface is not convex, steps halved until the covariance is positive
    definite and the deviance does not rise. A feature at rest is not moved again.
    """
    here = fit_at(sums, starting_covariance(sums), dropped)
    rest = np.zeros(len(dropped), dtype=bool)
    for _ in range(STEPS):
        convex = np.linalg.eigvalsh(here.hessian)[:, 0] > 0
        curvature = np.where(convex[:, None, None], here.hessian, here.expected)
        step = -np.matmul(np.linalg.pinv(curvature, rcond=1e-13, hermitian=True), here.gradient[:, :, None])[:, :, 0]
        change = np.einsum("fm,mtu->ftu", step, sums.units)
        room = 1e-10 * (1 + np.abs(here.deviance))
        share = np.ones(len(rest))
        for _ in range(HALVINGS):
            moved = here.covariance + share[:, None, None] * change
            worse = ~rest & ~(deviance_of(sums, moved, dropped) <= here.deviance + room)
            if not worse.any():
                break
            share = np.where(worse, share / 2, share)
        spread = np.einsum("ftt->f", here.covariance) / change.shape[1]
        done = share * np.abs(change).max(axis=(1, 2)) <= CONVERGED * spread
        moved = np.where((rest | worse)[:, None, None], here.covariance, moved)
        rest = rest | (done & ~worse)
        here = fit_at(sums, moved, dropped)
        if rest.all():
            break
    return here, rest


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
