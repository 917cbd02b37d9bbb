"""Least squares for all features at once, where each feature has its own missing subjects and its own baseline."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from cytoshift.shift.estimates import ROUNDING, add_note, empty_notes

Spread = Literal["equal", "hc3"]

# R's lm calls a column aliased when less than this share of its length is left beside the columns before it.
ALIASED = 1e-7
# Keeps one block of designs (features × subjects × columns) around 50 MB.
BLOCK_ELEMENTS = 6_000_000


@dataclass(frozen=True)
class ColumnFit:
    """The coefficient of one column per feature, shape (features,) each, and a note where it could not be had."""

    estimate: np.ndarray
    se: np.ndarray
    df: np.ndarray
    residual_variance: np.ndarray
    note: np.ndarray

    def first(self, features: int) -> "ColumnFit":
        """The answer for so many features from the start."""
        return ColumnFit(*(getattr(self, field)[:features] for field in self.__dataclass_fields__))


def fit_last_column(
    outcome: np.ndarray,
    column: np.ndarray,
    present: np.ndarray,
    shared: np.ndarray,
    own: np.ndarray | None,
    names: Sequence[str],
    spread: Spread,
    what: str = "the arm",
) -> ColumnFit:
    """Coefficient of `column` in outcome ~ 1 + own + shared + column, for every feature.

    `outcome`, `present` (which values enter) and `own` (a covariate of each feature, or None) have shape (subjects,
    features); `column` (subjects,); `shared` (subjects, q); `names` name own and shared, in that order; `what` is
    what notes call the column. By the theorem of Frisch, Waugh and Lovell the coefficient is a'y/a'a, with a what is
    left of the column beside the others, found by Gram–Schmidt run twice over each column (as accurate as Householder
    QR; Giraud et al. 2005).
    """
    subjects, features = outcome.shape
    columns = 2 + shared.shape[1] + (own is not None)
    step = max(1, BLOCK_ELEMENTS // max(1, subjects * columns))
    blocks = []
    for start in range(0, max(features, 1), step):
        # A block of one feature is given twice: numpy adds the elements of a single row in another order.
        places = np.arange(start, min(start + step, features))
        padded = np.repeat(places, 2) if len(places) == 1 else places
        weight = present[:, padded].T.astype(float)
        others = [np.ones(subjects), *([] if own is None else [own[:, padded].T]), *shared.T]
        design = np.stack([np.where(weight > 0, part, 0.0) for part in [*others, column]], axis=2)
        response = np.where(weight > 0, outcome[:, padded].T, 0.0)
        blocks.append(_fit_block(design, response, weight.sum(axis=1), names, spread, what).first(len(places)))
    joined = [np.concatenate([getattr(fit, field) for fit in blocks]) for field in ColumnFit.__dataclass_fields__]
    return ColumnFit(*joined)


def _fit_block(
    design: np.ndarray, response: np.ndarray, count: np.ndarray, names: Sequence[str], spread: Spread, what: str
) -> ColumnFit:
    basis, kept = orthonormal(design)
    direction, rank = basis[:, :, -1], kept.sum(axis=1)
    length = np.einsum("fs,fs->f", direction, design[:, :, -1])
    estimable = kept[:, -1] & (count > rank)
    fitted = np.einsum("fsc,fc->fs", basis, np.einsum("fsc,fs->fc", basis, response))
    residual = response - fitted
    df = np.where(estimable, count - rank, np.nan)
    variance = np.einsum("fs,fs->f", residual, residual) / df
    equal = estimable & (np.sqrt(variance) <= ROUNDING * np.abs(response).max(axis=1, initial=0.0))
    variance = np.where(equal, 0.0, variance)
    length = np.where(estimable, length, np.nan)
    note = alias_notes(design, kept, count, names, what)
    note = add_note(note, equal, "the model leaves no spread: no interval and no p-value")
    se = np.sqrt(variance) / length
    if spread == "hc3":
        se, undefined = _hc3(basis, residual, length)
        se = np.where(equal, 0.0, se)
        note = add_note(note, undefined & estimable & ~equal, f"one subject alone decides {what} effect: no HC3")
    return ColumnFit(
        estimate=np.einsum("fs,fs->f", direction, response) / length,
        se=se,
        df=df,
        residual_variance=variance if spread == "equal" else np.full(df.shape, np.nan),
        note=note,
    )


def orthonormal(design: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Orthonormal basis (features, subjects, columns); a column with nothing new is 0 there and not `kept`."""
    basis = np.zeros_like(design)
    kept = np.zeros((design.shape[0], design.shape[2]), dtype=bool)
    for column in range(design.shape[2]):
        rest = design[:, :, column]
        before = np.sqrt(np.einsum("fs,fs->f", rest, rest))
        earlier = basis[:, :, :column]
        for _ in range(2):
            rest = rest - np.einsum("fsc,fc->fs", earlier, np.einsum("fsc,fs->fc", earlier, rest))
        after = np.sqrt(np.einsum("fs,fs->f", rest, rest))
        kept[:, column] = after > ALIASED * before
        scale = np.where(kept[:, column], after, np.inf)
        basis[:, :, column] = rest / scale[:, None]
    return basis, kept


def _hc3(basis: np.ndarray, residual: np.ndarray, length: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """HC3 standard error of the last column's coefficient, and where it does not exist."""
    pull = basis[:, :, -1] / length[:, None]
    free = 1 - np.einsum("fsc,fsc->fs", basis, basis)
    alone = free < 1e-10
    # A subject with a column of their own (the only one on a plate) has residual 0 and no pull on the arm.
    undefined = (alone & (np.abs(basis[:, :, -1]) > ALIASED)).any(axis=1)
    terms = np.where(alone, 0.0, pull * residual / np.where(alone, 1.0, free))
    return np.where(undefined, np.nan, np.sqrt(np.einsum("fs,fs->f", terms, terms))), undefined


def alias_notes(
    design: np.ndarray, kept: np.ndarray, count: np.ndarray, names: Sequence[str], what: str = "the arm"
) -> np.ndarray:
    """What the design leaves unanswered: columns left out, too few subjects, a last column that others add up to.

    `design` (features, subjects, columns) begins with the intercept, 0 for subjects without a value; `kept` (features,
    columns) as `orthonormal` has it; `count` (features,) subjects with a value; `names` are those of the columns
    between the first and the last, `what` that of the last. Returns notes (features,), "" where all is well.
    """
    note = empty_notes(count.size)
    enough = count > kept.sum(axis=1)
    aliased = ~kept[:, -1] & enough
    for position, name in enumerate(names, start=1):
        left_out = enough & ~aliased & ~kept[:, position]
        note = add_note(note, left_out, f"{name} left out: the columns before it say the same")
    short = np.array([f"{int(number)} subjects for {kept.shape[1]} coefficients" for number in count], dtype=object)
    note = add_note(note, ~enough, "no residual degrees of freedom: " + short)
    if aliased.any():
        note[aliased] = _alias_texts(design[aliased], names, what)
    return note


def _alias_texts(design: np.ndarray, names: Sequence[str], what: str) -> np.ndarray:
    """Which covariates add up to the column, for features where they do."""
    others, arm = design[:, :, :-1], design[:, :, -1]
    weights = np.einsum("fcs,fs->fc", np.linalg.pinv(others, rcond=1e-10), arm)
    share = np.abs(weights) * np.sqrt(np.einsum("fsc,fsc->fc", others, others))
    involved = share[:, 1:] > 1e-6 * np.sqrt(np.einsum("fs,fs->f", arm, arm))[:, None]
    texts = []
    for row in involved:
        found = [name for name, hit in zip(names, row, strict=True) if hit]
        texts.append(f"{what} is aliased with {', '.join(found) or 'the intercept'}: no estimate")
    return np.array(texts, dtype=object)
