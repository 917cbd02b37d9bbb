"""Did the means of three or more visits shift, when nothing is assumed about how visits vary together?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from cytoshift.shift.estimates import ROUNDING, add_note, check_level, empty_notes
from cytoshift.shift.mixed.mixed_answer import (
    MixedFit,
    Piece,
    Tests,
    ask,
    batches,
    filled,
    finish,
    join,
    questions,
    usable_values,
)
from cytoshift.shift.mixed.mixed_basis import Basis, basis_of
from cytoshift.shift.mixed.mixed_design import CellContrast, RepeatedDesign
from cytoshift.shift.mixed.mixed_tests import KenwardRoger
from cytoshift.shift.mixed.own_pairs import subjects_with
from cytoshift.shift.mixed.unstructured_fit import (
    NEARLY_SINGULAR,
    VisitSums,
    best_covariance,
    fit_at,
    harmless,
    together,
    visit_sums,
    weighted_second,
)

# With fewer subjects per visit the covariance is too poorly known: each contrast is then taken from its own pairs.
SUBJECTS_PER_VISIT = 4
# A search that did not come to rest at a covariance this close to singular was on its way there.
TOWARDS_SINGULAR = 1e-3
# Features fitted together: bounded memory.
BATCH_ELEMENTS = 4_000_000


def unstructured(
    outcome: ArrayLike,
    design: RepeatedDesign,
    contrasts: Sequence[CellContrast],
    tests: Tests = (),
    *,
    level: float = 0.95,
    batch: int | None = None,
) -> MixedFit:
    """Contrasts of visits × arms in a mixed model for repeated measures (MMRM), for all features at once.

    `outcome` (samples, features), NaN where missing; one covariance of the visits for all arms, unstructured, by REML;
    standard errors and degrees of freedom after Kenward & Roger (1997). A subject with some of their visits stays in
    (missing at random). `tests` are lists of contrasts tested jointly by F. `batch` features are fitted together, which
    changes memory and nothing else.
    Features with fewer than 4 subjects per visit, or two visits no subject shares, have no estimate and a note that
    says so: take `own_pairs` for them. Raises ValueError when shapes do not fit, a subject has two samples at a visit,
    or the design has a second random effect.
    """
    values = usable_values(outcome, design)
    check_level(level)
    if design.grouping.size:
        raise ValueError(
            f"an unstructured covariance leaves no room for a random {design.grouping_name}: make it fixed"
        )
    place = _places(design)
    visits, columns = len(design.visits), design.columns.shape[1]
    parameters = visits * (visits + 1) // 2
    width = (columns + 1) ** 2
    weight = _sets(values, place) * visits**2 * width + (parameters + visits**2) * width + 4 * visits**4
    vectors, sizes = questions(contrasts, tests), (len(contrasts), [len(test) for test in tests])
    pieces = []
    for count, chosen in batches(values.shape[1], batch or max(8, BATCH_ELEMENTS // weight)):
        basis = basis_of(filled(values)[:, chosen], design.columns)
        pieces.append((count, _fit(basis, visit_sums(basis, place), design, vectors, sizes)))
    piece = join(pieces)
    return finish(
        piece, values, design, contrasts, tests, method="unstructured", p_method="kenward_roger_t", level=level
    )


def enough_subjects(outcome: ArrayLike, design: RepeatedDesign) -> np.ndarray:
    """Why a feature has too few subjects for `unstructured`, '' where it has enough; (features,)."""
    values = usable_values(outcome, design)
    return _too_few(subjects_with(~np.isnan(values), design), len(design.visits))


def _too_few(subjects: np.ndarray, visits: int) -> np.ndarray:
    needed = SUBJECTS_PER_VISIT * visits
    text = f"{needed} subjects needed for the covariance of {visits} visits, "
    return np.array([f"{text}{int(count)} found" if count < needed else "" for count in subjects], dtype=object)


def _places(design: RepeatedDesign) -> np.ndarray:
    place = np.full((design.subjects, len(design.visits)), -1)
    for sample, cell in enumerate(zip(design.subject, design.visit, strict=True)):
        if place[cell] >= 0:
            raise ValueError(f"a subject has two samples at {design.visits[cell[1]]}: an MMRM needs one of each visit")
        place[cell] = sample
    return place


def _sets(values: np.ndarray, place: np.ndarray) -> int:
    """How many different sets of visits the subjects of any feature have."""
    there = ~np.isnan(filled(values)[place]) & (place >= 0)[:, :, None]
    return len(np.unique(np.einsum("svf,v->sf", there, 2 ** np.arange(place.shape[1]))))


def _fit(
    basis: Basis, sums: VisitSums, design: RepeatedDesign, vectors: np.ndarray, sizes: tuple[int, Sequence[int]]
) -> Piece:
    note, estimable, fitted = _what_is_possible(basis, sums, design.visits)
    dropped = ~basis.kept[basis.pattern]
    sums, dropped = harmless(sums, ~fitted), dropped & fitted[:, None]
    covariance, at_rest = best_covariance(sums, dropped)
    spread = np.linalg.eigvalsh(covariance)
    share = spread[:, 0] / spread[:, -1]
    singular = fitted & (share <= np.where(at_rest, NEARLY_SINGULAR, TOWARDS_SINGULAR))
    note = add_note(note, singular, "the best covariance of the visits is singular: no estimate")
    lost = fitted & ~singular & ~at_rest
    note = add_note(note, lost, "the search for the covariance of the visits did not come to rest: no estimate")
    sound = fitted & ~singular & ~lost
    # A column that says nothing new has a 1 of its own in the inverse, which no contrast reads.
    fit = fit_at(sums, covariance, dropped)
    small = KenwardRoger.of(
        fit.inverse, fit.first, fit.spent, fit.traces, lambda weight: weighted_second(sums, covariance, weight)
    )
    scale = (basis.size**2)[:, None, None]
    added = np.where(sound[:, None], fit.coefficient, 0.0)
    return ask(
        basis, design, vectors, sizes, small, added, note=note,
        estimable=estimable & (sound | ~fitted), fitted=sound,
        components=np.where(sound[:, None, None], covariance * scale, np.nan),
        boundary=np.zeros(len(note), dtype=bool),
    )  # fmt: skip


def _what_is_possible(
    basis: Basis, sums: VisitSums, visits: Sequence[str]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Notes, which features can have an estimate, and which a standard error too."""
    features = len(basis.pattern)
    subjects = np.sum(sums.counts, axis=0) if sums.counts else np.zeros(features)
    few = _too_few(subjects, len(visits))
    note = add_note(empty_notes(features), few != "", few)
    possible = few == ""
    pairs = together(sums) if sums.counts else np.zeros((features, len(visits), len(visits)))
    for one in range(len(visits)):
        for other in range(one, len(visits)):
            what = f"both {visits[one]} and {visits[other]}" if one < other else visits[one]
            apart = possible & (pairs[:, one, other] < 2)
            note = add_note(note, apart, f"fewer than 2 subjects with {what}: no covariance of the visits")
            possible = possible & ~apart
    root = np.where(np.abs(basis.residual).max(axis=1, initial=0.0) > 0, basis.size, 0.0)
    exact = possible & (root <= ROUNDING * basis.largest)
    note = add_note(note, exact, "the model leaves no spread: no interval and no p-value")
    return note, possible, possible & ~exact
