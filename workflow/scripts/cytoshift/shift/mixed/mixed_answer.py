"""What did a mixed model answer, feature by feature, and in batches so that memory stays bounded?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from cytoshift.shift.estimates import Estimates, add_note, t_estimates
from cytoshift.shift.mixed.mixed_basis import Basis, coordinates, left_out, take_pattern
from cytoshift.shift.mixed.mixed_design import CellContrast, RepeatedDesign
from cytoshift.shift.mixed.mixed_tests import SmallSample
from cytoshift.shift.mixed.own_pairs import incomplete_subjects, samples_of, side_counts

Tests = Sequence[Sequence[CellContrast]]

# numpy sums along the first axis in another order where the last has length 1: batches are padded to this many.
NARROWEST = 8


@dataclass(frozen=True)
class FTest:
    """A joint test of several contrasts, one element per feature, shape (features,).

    `df_numerator` counts the contrasts that do not repeat others; a feature without a p-value says why in `note`.
    """

    statistic: np.ndarray
    df_numerator: np.ndarray
    df_denominator: np.ndarray
    p_value: np.ndarray
    note: np.ndarray


@dataclass(frozen=True)
class MixedFit:
    """The answer of a mixed model: one `Estimates` per contrast, one `FTest` per joint test, and what the fit found.

    `components` (features, …) on the analysis scale: the standard deviations of the subject, of a second effect (0
    without one) and of the residual; of an unstructured model, the covariance matrix of the visits. `boundary`
    (features,) is true where the best variance of a random effect is 0.
    """

    estimates: list[Estimates]
    tests: list[FTest]
    components: np.ndarray
    boundary: np.ndarray


@dataclass(frozen=True)
class Piece:
    """The answers for one batch, features first: per contrast (features, k), per test (features, tests)."""

    value: np.ndarray
    variance: np.ndarray
    df: np.ndarray
    reason: np.ndarray
    statistic: np.ndarray
    numerator: np.ndarray
    denominator: np.ndarray
    note: np.ndarray
    left_out: np.ndarray
    fitted: np.ndarray
    components: np.ndarray
    boundary: np.ndarray


def usable_values(outcome: ArrayLike, design: RepeatedDesign) -> np.ndarray:
    """The outcome (samples, features), NaN also where a sample's covariate is unknown. Raises as `samples_of` does."""
    unknown = np.isnan(design.columns).any(axis=1)
    return np.where(unknown[:, None], np.nan, samples_of(outcome, design))


def filled(values: np.ndarray) -> np.ndarray:
    """The same values, or one empty feature where there are none, so that a batch is never without columns."""
    return values if values.shape[1] else np.full((len(values), 1), np.nan)


def batches(features: int, step: int) -> Iterator[tuple[int, np.ndarray]]:
    """How many features each batch answers for, and which to fit: the last one is repeated up to `NARROWEST`."""
    for start in range(0, max(features, 1), step):
        stop = min(start + step, features)
        places = np.arange(start, max(stop, start + NARROWEST))
        yield stop - start, np.minimum(places, max(stop - 1, 0))


def join(pieces: Sequence[tuple[int, Piece]]) -> Piece:
    """All batches as one, without the padding."""
    return Piece(
        *(np.concatenate([getattr(piece, part.name)[:count] for count, piece in pieces]) for part in fields(Piece))
    )


def questions(contrasts: Sequence[CellContrast], tests: Tests) -> np.ndarray:
    """The contrasts and then the rows of all tests as one array (rows, q)."""
    return np.stack([one.vector for one in [*contrasts, *(row for test in tests for row in test)]])


def ask(
    basis: Basis,
    design: RepeatedDesign,
    vectors: np.ndarray,
    sizes: tuple[int, Sequence[int]],
    small: SmallSample,
    added: np.ndarray,
    *,
    note: np.ndarray,
    estimable: np.ndarray,
    fitted: np.ndarray,
    components: np.ndarray,
    boundary: np.ndarray,
    grouped: int = 0,
) -> Piece:
    """Put the questions (`questions`) to a fitted batch.

    `sizes`: how many are contrasts, and the rows of each test. `small` holds the model's covariance on `grouped`
    coefficients of a random effect and then the basis, and `added` (features, q) what the model adds to the
    least-squares coefficients, both in units of the basis's `size`. `estimable` features have an estimate, `fitted`
    ones a standard error too; `note` says why not.
    """
    cells = int(design.cell.max()) + 1
    found, reasons = coordinates(basis, vectors, design.names, cells)
    own, reason = take_pattern(found, basis.pattern), take_pattern(reasons, basis.pattern)
    features, contrasts = len(basis.pattern), sizes[0]
    own = np.broadcast_to(own, (features, *own.shape[1:]))
    reason = np.broadcast_to(reason, (features, len(vectors)))
    size = basis.size[:, None]
    value = np.matmul(own, (basis.coefficient + added * size)[:, :, None])[:, :, 0]
    padded = np.concatenate([np.zeros((*own.shape[:2], grouped)), own], axis=2)
    variance, df = small.variance_and_df(padded[:, :contrasts])
    known = (reason == "") & estimable[:, None]
    sound = known[:, :contrasts] & fitted[:, None]
    joint = np.full((features, len(sizes[1]), 3), np.nan)
    start = contrasts
    for place, count in enumerate(sizes[1]):
        rows = slice(start, start + count)
        usable = known[:, rows].all(axis=1) & fitted
        parts = small.f_test(padded[:, rows], (value / size)[:, rows])
        joint[:, place] = np.where(usable[:, None], np.stack(parts, axis=1), np.nan)
        start += count
    spare = take_pattern(left_out(basis, design.names, cells), basis.pattern)
    return Piece(
        value=np.where(known, value, np.nan)[:, :contrasts],
        variance=np.where(sound, variance * size**2, np.nan),
        df=np.where(sound, df, np.nan),
        reason=np.where(estimable[:, None], reason, ""),
        statistic=joint[:, :, 0],
        numerator=joint[:, :, 1],
        denominator=joint[:, :, 2],
        note=note,
        left_out=np.where(estimable, spare, ""),
        fitted=fitted,
        components=components,
        boundary=boundary,
    )


def finish(
    piece: Piece,
    values: np.ndarray,
    design: RepeatedDesign,
    contrasts: Sequence[CellContrast],
    tests: Tests,
    *,
    method: str,
    p_method: str,
    level: float,
) -> MixedFit:
    """The batch answers as `Estimates` and `FTest`, with the counts and notes of each contrast."""
    estimates = []
    for place, contrast in enumerate(contrasts):
        n_target, n_reference, n = side_counts(values, design, contrast)
        reason = piece.reason[:, place]
        note = _noted(piece, reason)
        lost = piece.fitted & (reason == "") & np.isnan(piece.df[:, place])
        note = add_note(note, lost, "the deviance is flat: no degrees of freedom")
        incomplete = incomplete_subjects(values, design, contrast)
        kept = piece.fitted & (reason == "") & (incomplete > 0)
        note = add_note(note, kept, _kept_texts(incomplete))
        estimates.append(
            t_estimates(
                estimate=piece.value[:, place],
                se=np.sqrt(piece.variance[:, place]),
                df=piece.df[:, place],
                n_reference=n_reference,
                n_target=n_target,
                n=n,
                residual_variance=np.full(n.shape, np.nan),
                note=note,
                method=method,
                level=level,
                p_method=p_method,
            )
        )
    start, answered = len(contrasts), []
    for place, test in enumerate(tests):
        reasons = piece.reason[:, start : start + len(test)]
        start += len(test)
        first = np.array([next((text for text in row if text), "") for row in reasons], dtype=object)
        statistic, numerator, denominator = (
            part[:, place] for part in (piece.statistic, piece.numerator, piece.denominator)
        )
        p_value = stats.f.sf(statistic, numerator, denominator)
        answered.append(FTest(statistic, numerator, denominator, p_value, _noted(piece, first)))
    return MixedFit(estimates, answered, piece.components, piece.boundary)


def _kept_texts(incomplete: np.ndarray) -> np.ndarray:
    known = {}
    for count in np.unique(incomplete).tolist():
        who = "1 subject without every visit of the contrast stays" if count == 1 else (
            f"{count} subjects without every visit of the contrast stay")  # fmt: skip
        known[count] = f"{who} in, as missing at random"
    return np.array([known[count] for count in incomplete.tolist()], dtype=object)


def _noted(piece: Piece, reason: np.ndarray) -> np.ndarray:
    """The features' notes with why this contrast has no estimate, or else which columns were left out."""
    note = add_note(piece.note, reason != "", reason)
    return add_note(note, (reason == "") & (piece.left_out != ""), piece.left_out)
