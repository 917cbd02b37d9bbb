"""Which coefficients of a repeated-visits design can be told apart, given the values each feature really has?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cytoshift.shift.classical.linear import ALIASED


@dataclass(frozen=True)
class Basis:
    """Features (first axis, or `pattern`) on an orthonormal basis of their design.

    Features that miss the same samples share a pattern: `orthonormal` (patterns, samples, q) is 0 in samples without a
    value and in columns that say nothing new, which are not `kept` (patterns, q); `triangle` (patterns, q, q) times the
    basis is the design. `pattern` (features,) is each feature's; `present` (features, samples); `coefficient`
    (features, q) is the least-squares fit on the basis, `residual` (features, samples) what it leaves, divided by
    `size` (features,), its root mean square, 1 where nothing is left.
    """

    orthonormal: np.ndarray
    triangle: np.ndarray
    kept: np.ndarray
    pattern: np.ndarray
    present: np.ndarray
    coefficient: np.ndarray
    residual: np.ndarray
    size: np.ndarray
    largest: np.ndarray


def basis_of(outcome: np.ndarray, columns: np.ndarray) -> Basis:
    """The basis of `columns` (samples, q) for each feature of `outcome` (samples, features), NaN where missing.

    A sample whose column is NaN is missing for all features. Gram–Schmidt run twice, columns in order, a column dropped
    where less than 1e-7 of its length is new, as R's lm does. Every array product has the shape of one feature, so that
    the answer does not depend on which features are fitted together.
    """
    values = outcome.T
    known = ~np.isnan(columns).any(axis=1)
    present = ~np.isnan(values) & known
    packed = np.packbits(present, axis=1)
    _, first, pattern = np.unique(packed, axis=0, return_index=True, return_inverse=True)
    design = np.where(present[first][:, :, None], np.where(known[:, None], columns, 0.0), 0.0)
    basis, triangle, kept = _orthonormal(design)
    response = np.where(present, values, 0.0)[:, :, None]
    own = take_pattern(basis, pattern)
    coefficient = np.matmul(own.transpose(0, 2, 1), response)
    residual = np.where(present, (response - np.matmul(own, coefficient))[:, :, 0], 0.0)
    # Once more, so that rounding of large means does not stay in small residuals.
    more = np.matmul(own.transpose(0, 2, 1), residual[:, :, None])
    residual = np.where(present, residual - np.matmul(own, more)[:, :, 0], 0.0)
    size = np.sqrt((residual**2).sum(axis=1) / np.maximum(present.sum(axis=1), 1))
    size = np.where(size > 0, size, 1.0)
    return Basis(
        orthonormal=basis,
        triangle=triangle,
        kept=kept,
        pattern=pattern.reshape(-1),
        present=present,
        coefficient=(coefficient + more)[:, :, 0],
        residual=residual / size[:, None],
        size=size,
        largest=np.abs(response[:, :, 0]).max(axis=1, initial=0.0),
    )


def take_pattern(values: np.ndarray, pattern: np.ndarray) -> np.ndarray:
    """What belongs to each feature's pattern; not copied where all features share one."""
    return values if len(values) == 1 else values[pattern]


def coordinates(basis: Basis, vectors: np.ndarray, names: Sequence[str], cells: int) -> tuple[np.ndarray, np.ndarray]:
    """Contrasts (k, q) of the design's columns on the basis: (patterns, k, q), and why one cannot be estimated.

    The first `cells` columns are means that add up to the intercept.

    The reasons (patterns, k) are '' where the contrast lies in the row space of the design, which is when any solution
    of the normal equations gives the same estimate of it.
    """
    patterns, columns = basis.kept.shape
    found = np.zeros((patterns, len(vectors), columns))
    reasons = np.full((patterns, len(vectors)), "", dtype=object)
    for column in range(columns):
        upper = basis.triangle[:, :, column]
        implied = np.einsum("ukc,uc->uk", found[:, :, :column], upper[:, :column])
        rest = vectors[:, column] - implied
        kept = basis.kept[:, column]
        diagonal = np.where(kept, upper[:, column], 1.0)
        found[:, :, column] = np.where(kept[:, None], rest / diagonal[:, None], 0.0)
        room = np.sqrt(np.einsum("ukc,ukc->uk", found, found) * np.einsum("uc,uc->u", upper, upper)[:, None])
        lost = ~kept[:, None] & (np.abs(rest) > ALIASED * (room + np.abs(vectors[:, column])))
        for where, which in np.argwhere(lost):
            if reasons[where, which] == "":
                reasons[where, which] = _why(basis, where, column, names, cells)
    return found, reasons


def left_out(basis: Basis, names: Sequence[str], cells: int) -> np.ndarray:
    """One text per pattern naming the columns after the first `cells` that say nothing new; '' where there are none."""
    texts = []
    for kept in basis.kept:
        gone = [name for name, stays in zip(names[cells:], kept[cells:], strict=True) if not stays]
        texts.append(f"{', '.join(gone)} left out: the columns before say the same" if gone else "")
    return np.array(texts, dtype=object)


def _why(basis: Basis, pattern: int, column: int, names: Sequence[str], cells: int) -> str:
    upper = basis.triangle[pattern, :, column]
    if not np.abs(upper).max(initial=0.0) > 0:
        return f"no value at {names[column]}: no estimate"
    kept = np.flatnonzero(basis.kept[pattern, :column])
    weights = np.linalg.solve(basis.triangle[pattern][np.ix_(kept, kept)], upper[kept])
    # Means add up to the intercept: a weight that most of them share says nothing.
    shares, counts = np.unique(np.round(weights[kept < cells], 6), return_counts=True)
    if len(shares):
        weights[kept < cells] -= shares[counts.argmax()]
    others = [names[int(place)] for place, weight in zip(kept, weights, strict=True) if abs(weight) > 1e-6]
    return f"{names[column]} cannot be told from {', '.join(others)}: no estimate"


def _orthonormal(design: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    patterns, _, columns = design.shape
    basis = np.zeros_like(design)
    triangle = np.zeros((patterns, columns, columns))
    kept = np.zeros((patterns, columns), dtype=bool)
    for column in range(columns):
        rest = design[:, :, column : column + 1]
        before = np.sqrt((rest**2).sum(axis=1))
        earlier = basis[:, :, :column]
        for _ in range(2 if column else 0):
            weight = np.matmul(earlier.transpose(0, 2, 1), rest)
            triangle[:, :column, column] += weight[:, :, 0]
            rest = rest - np.matmul(earlier, weight)
        after = np.sqrt((rest**2).sum(axis=1))
        kept[:, column] = (after > ALIASED * before)[:, 0]
        triangle[:, column, column] = np.where(kept[:, column], after[:, 0], 0.0)
        basis[:, :, column] = np.where(
            kept[:, column, None], (rest / np.where(after > 0, after, 1.0)[:, None])[:, :, 0], 0.0
        )
    return basis, triangle, kept
