"""Does the shift grow with the dose, and by how much per milligram?

Placebo is a dose of 0 mg. One slope stands for all doses; whether a straight line is a fair summary is told beside it,
never decided by it. For doses given to different people. Where the dose was chosen by tolerance or response rather
than by lot, the slope is an association. The exact joint test is in `dose_orbits`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from cytoshift.shift.classical.linear import ColumnFit, fit_last_column
from cytoshift.shift.classical.linear_inputs import as_baseline, as_covariates, as_doses
from cytoshift.shift.estimates import Estimates, add_note, as_panel, count_note, empty_notes, t_estimates

# More doses than this (by body weight, say) are told as a range.
DOSES_LISTED = 8


@dataclass(frozen=True)
class Departure:
    """How much better a mean for each dose fits than a straight line, one element per feature, shape (features,).

    `statistic` is F on `df` and `residual_df`; NaN where fewer than three doses, or the covariates, leave no test.
    """

    statistic: np.ndarray
    df: np.ndarray
    residual_df: np.ndarray
    p_value: np.ndarray


@dataclass(frozen=True)
class DoseCounts:
    """Subjects per feature: `n` in all, `lowest` of them at the lowest dose; arrays (features,).

    `counted` is true where at least two are above the lowest and two below the highest dose, so that no one person is
    the trend; `note` says what is lacking elsewhere, `doses` names the doses and the subjects at each.
    """

    n: np.ndarray
    lowest: np.ndarray
    counted: np.ndarray
    note: np.ndarray
    doses: np.ndarray


@dataclass(frozen=True)
class _Doses:
    """What the linear and the categorical model share; `counts` holds the subjects by dose and feature."""

    values: np.ndarray
    dose: np.ndarray
    present: np.ndarray
    shared: np.ndarray
    own: np.ndarray | None
    names: list[str]
    levels: np.ndarray
    counts: np.ndarray


def dose_trend(
    outcome: ArrayLike,
    dose: ArrayLike,
    covariates: ArrayLike | None = None,
    *,
    baseline: ArrayLike | None = None,
    covariate_names: Sequence[str] = (),
    level: float = 0.95,
) -> Estimates:
    """Slope of the outcome per mg of dose, by least squares on baseline, covariates and dose, for all features at once.

    `outcome` (subjects, features) on the analysis scale: follow-up given `baseline` (the same shape; ANCOVA), the
    change, or values at one visit; NaN where missing. `dose` (subjects,) in mg, 0 for placebo; `covariates`
    (subjects, q), shared by all features, indicators of the strata among them; named by `covariate_names`. A subject
    with any value missing is left out of that feature. In the answer `n_reference` counts the subjects at the lowest
    dose, `n_target` those above it. At least two subjects above the lowest and two below the highest dose are needed,
    so that no one person is the trend. `note` names the doses, the subjects at each, and the departure from a straight
    line. Raises ValueError when shapes do not fit or a dose is negative or infinite.
    """
    doses = _arrange(outcome, dose, covariates, baseline, covariate_names)
    found = _counts(doses.present, doses.dose)
    fit = _fit(doses, found.counted)
    note = np.where(found.counted, fit.note, found.note)
    note = add_note(note, found.n > 0, found.doses)
    estimated = found.counted & ~np.isnan(fit.estimate)
    note = add_note(note, estimated, _departure_texts(_departure(doses, fit), doses))
    return t_estimates(
        estimate=np.where(found.counted, fit.estimate, np.nan),
        se=fit.se,
        df=fit.df,
        n_reference=found.lowest,
        n_target=found.n - found.lowest,
        n=found.n,
        residual_variance=fit.residual_variance,
        note=note,
        method="dose_trend",
        level=level,
    )


def count_doses(present: ArrayLike, dose: ArrayLike) -> DoseCounts:
    """Who had which dose, per feature, and whether that is enough for a slope.

    `present` (subjects, features) says whose values enter, `dose` (subjects,) is in mg, NaN where unknown. Raises
    ValueError as `dose_trend` does.
    """
    used = np.asarray(present, dtype=bool)
    given = as_doses(dose, len(used))
    return _counts(used & ~np.isnan(given)[:, None], given)


def departure_from_linearity(
    outcome: ArrayLike,
    dose: ArrayLike,
    covariates: ArrayLike | None = None,
    *,
    baseline: ArrayLike | None = None,
    covariate_names: Sequence[str] = (),
) -> Departure:
    """F test of doses as categories over the straight line of `dose_trend`, with the same arguments and subjects.

    F = ((RSS_line − RSS_categories)/df)/(RSS_categories/residual_df). With a few subjects per dose it finds only gross
    bends: a large p-value does not show that the trend is straight. Raises ValueError as `dose_trend` does.
    """
    doses = _arrange(outcome, dose, covariates, baseline, covariate_names)
    everywhere = np.ones(doses.values.shape[1], dtype=bool)
    return _departure(doses, _fit(doses, everywhere))


def _arrange(
    outcome: ArrayLike,
    dose: ArrayLike,
    covariates: ArrayLike | None,
    baseline: ArrayLike | None,
    names: Sequence[str],
) -> _Doses:
    values = as_panel(outcome, "outcome")
    given = as_doses(dose, len(values))
    shared, chosen = as_covariates(covariates, names, len(values))
    own = as_baseline(baseline, values.shape)
    known = ~np.isnan(given) & ~np.isnan(shared).any(axis=1)
    present = ~np.isnan(values) & known[:, None]
    if own is not None:
        present &= ~np.isnan(own)
        chosen = ["baseline", *chosen]
    return _Doses(values, given, present, shared, own, chosen, *_levels(present, given))


def _fit(doses: _Doses, chosen: np.ndarray) -> ColumnFit:
    present = doses.present & chosen
    return fit_last_column(doses.values, doses.dose, present, doses.shared, doses.own, doses.names, "equal", "the dose")


def _levels(present: np.ndarray, dose: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The doses there are, and the subjects at each of them by feature."""
    levels = np.unique(dose[~np.isnan(dose)])
    counts = np.array([present[dose == one].sum(axis=0) for one in levels], dtype=int)
    return levels, counts.reshape(-1, present.shape[1])


def _counts(present: np.ndarray, dose: np.ndarray) -> DoseCounts:
    levels, counts = _levels(present, dose)
    n, lowest, highest = counts.sum(axis=0), _at_end(counts), _at_end(counts[::-1])
    note = add_note(empty_notes(n.size), n - lowest < 2, count_note(2, "subjects above the lowest dose", n - lowest))
    note = add_note(note, n - highest < 2, count_note(2, "subjects below the highest dose", n - highest))
    counted = (n - lowest >= 2) & (n - highest >= 2)
    return DoseCounts(n, lowest, counted, note, _dose_texts(levels, counts))


def _at_end(counts: np.ndarray) -> np.ndarray:
    """Subjects at the first dose anybody had, per feature."""
    if not len(counts):
        return np.zeros(counts.shape[1], dtype=int)
    return np.take_along_axis(counts, (counts > 0).argmax(axis=0)[None], axis=0)[0]


def _departure(doses: _Doses, line: ColumnFit) -> Departure:
    """The F test where the line was fitted; features with the same doses are fitted together."""
    spread, freedom = np.full((2, doses.values.shape[1]), np.nan)
    used = (doses.counts > 0) & ~np.isnan(line.estimate)
    patterns, group = np.unique(used, axis=1, return_inverse=True)
    for number, pattern in enumerate(patterns.T):
        middle, chosen = doses.levels[pattern][1:-1], group.reshape(-1) == number
        if not middle.size:
            continue
        # The line and an indicator for each dose between the ends: together the same fit as a mean for each dose. An
        # indicator comes last: it has no coefficient, and there is no test, where covariates say the same.
        between = (doses.dose[:, None] == middle).astype(float)
        shared = np.column_stack([doses.shared, doses.dose, between[:, :-1]])
        names = [*doses.names, *["dose"] * middle.size]
        own = None if doses.own is None else doses.own[:, chosen]
        fit = fit_last_column(
            doses.values[:, chosen], between[:, -1], doses.present[:, chosen], shared, own, names, "equal"
        )
        spread[chosen], freedom[chosen] = fit.residual_variance, fit.df
    extra = line.df - freedom
    testable = (extra > 0) & (spread > 0)
    gain = line.residual_variance * line.df - spread * freedom
    statistic = np.full(spread.shape, np.nan)
    np.divide(np.maximum(gain, 0.0), extra * spread, out=statistic, where=testable)
    return Departure(
        statistic=statistic,
        df=np.where(testable, extra, np.nan),
        residual_df=np.where(testable, freedom, np.nan),
        p_value=stats.f.sf(statistic, extra, freedom),
    )


def _dose_texts(levels: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """'0 mg: 10, 1.5 mg: 9, 4.5 mg: 11 subjects' per feature."""
    texts = []
    for counts in counted.T:
        here = [(one, int(count)) for one, count in zip(levels, counts, strict=True) if count]
        if len(here) <= DOSES_LISTED:
            texts.append(", ".join(f"{one:g} mg: {count}" for one, count in here) + " subjects")
        else:
            texts.append(f"{len(here)} doses from {here[0][0]:g} to {here[-1][0]:g} mg, {int(counts.sum())} subjects")
    return np.array(texts, dtype=object)


def _departure_texts(departure: Departure, doses: _Doses) -> np.ndarray:
    texts = []
    for levels, statistic, df, residual_df, p_value in zip(
        (doses.counts > 0).sum(axis=0),
        departure.statistic,
        departure.df,
        departure.residual_df,
        departure.p_value,
        strict=True,
    ):
        if levels < 3:
            texts.append("two doses: whether the trend is straight cannot be seen")
        elif np.isnan(statistic):
            texts.append("departure from a straight line cannot be tested")
        else:
            texts.append(
                f"departure from a straight line: F({df:g}, {residual_df:g}) = {statistic:.3g}, p = {p_value:.3g}"
            )
    return np.array(texts, dtype=object)
