"""How much of a single arm's change would have come untreated, because people enter studies when they are high?

A value taken at the visit that decided who enters is high (or low) in part by chance, and the next one is not: on
average it is nearer to the mean of the population, by (1 − ρ)(mean of those selected − mean of the population). It is
known

- from a source that gives the population's mean and the correlation ρ of two values of one person, or
- from a second baseline that did not decide: the mean change between the baselines *is* that regression, also for
  features that did not decide themselves, and neither ρ nor the population's mean has to be known. With the regression
  line of the second on the first, (1 − slope)(mean − fixed point of the line) gives the same number. It serves in both
  directions: a baseline before the deciding one is as good as one after it.

Both suppose stable people: equal mean, spread and correlation at all untreated visits. Values further apart in time are
as a rule less alike, so what is seen between baselines two weeks apart is then too little for a follow-up months away.
Where both baselines decided (by their mean), their difference shows nothing, and only a source can answer. A randomised
control arm regresses as the treated one does; beside one this question does not arise.
Reference: Davis (1976), American Journal of Epidemiology 104:493; Barnett, van der Pols & Dobson (2005), International
Journal of Epidemiology 34:215.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from cytoshift.shift.classical.paired import paired_t
from cytoshift.shift.estimates import as_panel, check_level, masked_mean_and_squares
from cytoshift.shift.notes import to_ratio

NOT_QUANTIFIABLE = "not quantifiable here"
BASELINES, CITED = "baselines", "cited"
ASSUMPTIONS = {
    BASELINES: (
        "holds if only the visit named decided who entered, and nothing but chance moved subjects between the "
        "baselines; a follow-up further away can regress more"
    ),
    CITED: (
        "holds if subjects come from the cited population, only the named visit decided who entered, and two values of "
        "one person over the time of the contrast are as alike as the cited correlation says"
    ),
}
_KINDS = {"log2": ("ratio", "log2 change"), "logit": ("odds ratio", "logit change"), "identity": ("change", "change")}


@dataclass(frozen=True)
class CitedPopulation:
    """What a source says about such people before any selection, one element per feature, NaN where it says nothing.

    `mean` on the analysis scale (of logarithms: the log of a geometric mean or a median, never of an arithmetic mean);
    `correlation` (0 to 1) of two values of one person, on that scale, as far apart as the contrast's visits and not
    within selected subjects, where it is too low. `mean_se` is the mean's standard error and `correlation_n` the number
    of people behind the correlation; with both there is an interval.
    """

    mean: np.ndarray
    correlation: np.ndarray
    mean_se: np.ndarray
    correlation_n: np.ndarray


@dataclass(frozen=True)
class RegressionToMean:
    """The change expected without any treatment, one element per feature, on the analysis scale.

    `expected` has the sign of target − reference; `ci_low` and `ci_high` are NaN where no uncertainty is known.
    `share` is the part of the observed change that it could explain, from 0 (also where it points the other way) to 1.
    `correlation` is the cited one, or the slope of the second baseline on the deciding one: unlike their correlation
    it is not lowered by the selection. `basis` is 'baselines', 'cited' or ''; `words` say it for a page.
    """

    expected: np.ndarray
    se: np.ndarray
    ci_low: np.ndarray
    ci_high: np.ndarray
    share: np.ndarray
    correlation: np.ndarray
    basis: np.ndarray
    words: np.ndarray


@dataclass(frozen=True)
class _Expected:
    """What one of the two ways gives; `source` is its half sentence for the page, one per feature."""

    change: np.ndarray
    se: np.ndarray
    low: np.ndarray
    high: np.ndarray
    correlation: np.ndarray
    source: np.ndarray


def regression_to_mean(
    deciding: ArrayLike,
    observed: ArrayLike,
    scale: ArrayLike,
    *,
    other_baseline: ArrayLike | None = None,
    population: CitedPopulation | None = None,
    visits_averaged: int = 1,
    weight: float = 1.0,
    level: float = 0.95,
) -> RegressionToMean:
    """Expected change of a selected single arm without any treatment, for all features at once.

    From the other baseline where at least two subjects have both (mean difference, t interval); otherwise
    −(1 − ρ)(mean at the deciding visit − population mean), its interval by the delta method with the variance
    (1 − ρ²)²/(n − 3) of ρ: the values that decided are given, so mean and correlation of the source are all that is
    uncertain. With k visits whose mean decided, ρ becomes kρ/(1 + (k − 1)ρ) (Spearman–Brown).

    Args:
        deciding: (subjects, features) values at the visit that decided who entered, or the mean of those visits, of
            the subjects in the contrast; NaN where missing.
        observed: (features,) the contrast's estimate, target − reference; NaN where there is none.
        scale: (features,) log2, logit or identity; for the words.
        other_baseline: (subjects, features) values at an untreated visit that did not decide (several: their mean).
        population: what the plan cites; None for nothing.
        visits_averaged: k, the number of visits whose mean decided; then no other baseline may be one of them.
        weight: share of the deciding visit in the contrast's reference: 1 where the contrast starts from it, 1/k where
            it starts from the mean of k visits of which it is one. Where it starts from another visit regression has
            taken place before, and this function has no answer.
        level: confidence level.

    Returns:
        Expected change, its interval, the share of the observed change and the words of every feature.

    Raises:
        ValueError: shapes that do not fit, a correlation outside 0 to 1, or weight, k or level out of range.
    """
    values = as_panel(deciding, "deciding")
    change, scales = np.asarray(observed, dtype=float), np.asarray(scale, dtype=object)
    _check(values, change, scales, visits_averaged, weight)
    features = values.shape[1]
    found = _from_baselines(values, other_baseline, level)
    cited = _from_source(values, population, visits_averaged, level)
    seen = ~np.isnan(found.change)
    known = seen | ~np.isnan(cited.change)

    def chosen(name: str) -> np.ndarray:
        return np.where(seen, getattr(found, name), getattr(cited, name))

    # Adding 0 turns the −0 of a perfect correlation into 0.
    expected, low, high = (weight * chosen(name) + 0.0 for name in ("change", "low", "high"))
    share = np.full(features, np.nan)
    np.divide(expected, change, out=share, where=known & (change != 0) & ~np.isnan(change))
    share = np.clip(share, 0.0, 1.0)
    return RegressionToMean(
        expected=expected,
        se=weight * chosen("se"),
        ci_low=low,
        ci_high=high,
        share=share,
        correlation=chosen("correlation"),
        basis=np.where(known, np.where(seen, BASELINES, CITED), "").astype(object),
        words=_words(expected, low, high, share, scales, chosen("source")),
    )


def _from_baselines(deciding: np.ndarray, other: ArrayLike | None, level: float) -> _Expected:
    """The mean change from the deciding baseline to the other one."""
    empty = np.full(deciding.shape[1], np.nan)
    if other is None:
        return _Expected(empty, empty, empty, empty, empty, np.full(empty.shape, "", dtype=object))
    second = as_panel(other, "other_baseline")
    if second.shape != deciding.shape:
        raise ValueError(f"other_baseline has the shape {second.shape}, deciding {deciding.shape}")
    answer = paired_t(second - deciding, level=level)
    source = [f"seen between two baselines of {int(count)} subjects" for count in answer.n]
    return _Expected(
        answer.estimate, answer.se, answer.ci_low, answer.ci_high, _slope(deciding, second), np.array(source, object)
    )


def _slope(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Slope of the second on the first, per feature; NaN below three pairs or without spread."""
    both = ~np.isnan(first) & ~np.isnan(second)
    count, mean, squares = masked_mean_and_squares(np.where(both, first, np.nan))
    products = np.where(both, (first - mean) * second, 0.0).sum(axis=0)
    return np.divide(products, squares, out=np.full(count.shape, np.nan), where=(count >= 3) & (squares > 0))


def _from_source(
    deciding: np.ndarray, population: CitedPopulation | None, visits_averaged: int, level: float
) -> _Expected:
    """−(1 − λ)(mean − population mean), λ the correlation of the mean of the deciding visits with a later value."""
    check_level(level)
    features = deciding.shape[1]
    names = ("mean", "correlation", "mean_se", "correlation_n")
    given = [np.full(features, np.nan) if population is None else getattr(population, name) for name in names]
    centre, rho, centre_se, people = (np.asarray(one, dtype=float) for one in given)
    for name, one in zip(names, (centre, rho, centre_se, people), strict=True):
        if one.shape != (features,):
            raise ValueError(f"population {name} has the shape {one.shape}; one per feature is needed: ({features},)")
    if (rho < 0).any() or (rho > 1).any():
        raise ValueError("the correlation of two values of one person lies between 0 and 1")
    _, mean, _ = masked_mean_and_squares(deciding)
    stretch = 1 + (visits_averaged - 1) * rho
    excess, kept = mean - centre, visits_averaged * rho / stretch
    rho_se = (1 - rho**2) / np.sqrt(np.where(people > 3, people - 3, np.nan))
    se = np.hypot(excess * visits_averaged / stretch**2 * rho_se, (1 - kept) * centre_se)
    expected = -(1 - kept) * excess
    half = stats.norm.isf((1 - level) / 2) * se
    sources = ("from the cited mean and correlation", "from the cited mean and correlation, taken as exact")
    source = np.where(np.isnan(se), sources[1], sources[0]).astype(object)
    return _Expected(expected, se, expected - half, expected + half, rho, source)


def _words(
    expected: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    share: np.ndarray,
    scale: np.ndarray,
    source: np.ndarray,
) -> np.ndarray:
    """'ratio 0.81 (0.70 to 0.93) expected without treatment, 39 % of the observed log2 change; seen between …'."""
    shown = [np.where(scale == "identity", values, to_ratio(values, scale)) for values in (expected, low, high)]
    texts = []
    for change, part, kind, where, middle, first, last in zip(expected, share, scale, source, *shown, strict=True):
        if np.isnan(change):
            texts.append(f"{NOT_QUANTIFIABLE}: no second baseline, and no cited population mean and correlation")
            continue
        name, whole = _KINDS[kind]
        limits = "" if np.isnan(first) else f" ({first:.3g} to {last:.3g})"
        texts.append(f"{name} {middle:.3g}{limits} expected without treatment{_part(part, whole)}; {where}")
    return np.array(texts, dtype=object)


def _part(share: float, whole: str) -> str:
    if np.isnan(share):
        return ""
    if share == 0:
        return f", none of the observed {whole}"
    words = "all" if share == 1 else "less than 1 %" if share < 0.01 else f"{100 * share:.0f} %"
    return f", {words} of the observed {whole}"


def _check(values: np.ndarray, observed: np.ndarray, scale: np.ndarray, visits_averaged: int, weight: float) -> None:
    if observed.shape != (values.shape[1],) or scale.shape != observed.shape:
        raise ValueError(f"observed {observed.shape} and scale {scale.shape} for {values.shape[1]} features")
    unknown = sorted({str(one) for one in scale} - set(_KINDS))
    if unknown:
        raise ValueError(f"scale {unknown[0]!r} is not one of {', '.join(_KINDS)}")
    if visits_averaged < 1 or not 0 < weight <= 1:
        raise ValueError(f"visits_averaged {visits_averaged} is at least 1, weight {weight} above 0 and at most 1")
