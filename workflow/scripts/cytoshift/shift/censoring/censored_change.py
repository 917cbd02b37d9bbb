"""By how much did an analyte change between two visits of the same subjects when some values are non-detects?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from cytoshift.shift.censoring.censored_pairs import (
    DELTA,
    FIXED_SHIFT,
    FULL,
    KAPPA,
    LAMBDA,
    UNEQUAL_SPREAD,
    ZETA,
    PairFit,
    fit_pairs,
    fit_without_shift,
    starting_values,
)
from cytoshift.shift.censoring.censored_profile import (
    calibrated_t,
    effective_pairs,
    far_start,
    likelihood_cut,
    likelihood_ratio,
    profile_limit,
    shift_se,
)
from cytoshift.shift.censoring.pair_bounds import PairBounds
from cytoshift.shift.censoring.pair_data import PairData, pair_data
from cytoshift.shift.censoring.pair_scores import censored_t, pair_scores
from cytoshift.shift.classical.paired import paired_t
from cytoshift.shift.estimates import Estimates, add_note, check_level, count_note, empty_notes

FEWEST_PAIRS = 3
# A shift so far that the visit without a known value is beyond its limits with certainty (standard units).
FAR = 200.0

NOTHING_KNOWN = "no visit has values that fix its mean: no estimate and no p-value"
NO_MAXIMUM = "no finite estimate: the likelihood has no maximum, too few pairs are known at both visits; no interval"
NO_VARIATION = "the values known hardly vary: no estimate, no interval and no p-value"
ONE_SIDED = {
    (1, -1): "every target value is below its limit: no finite estimate, the change is known from above only",
    (1, 1): "every target value is above its limit: no finite estimate, the change is known from below only",
    (0, -1): "every reference value is below its limit: no finite estimate, the change is known from below only",
    (0, 1): "every reference value is above its limit: no finite estimate, the change is known from above only",
}
OPEN_ENDED = "the non-detects leave the interval open on one side or both"
NO_COMMON_PAIR = "no pair is known at both visits: the correlation is not identified"
DISTRIBUTION_CHANGED = "the distribution changed; direction not established"
SPREAD_UNKNOWN = "whether the spread changed cannot be told"
BY_SCORES = "p-value from the censored t"
NO_STANDARD_ERROR = "the likelihood is too flat for a standard error"


NUMBERS = (
    "estimate", "se", "df", "ci_low", "ci_high", "coverage", "statistic", "p_value", "residual_variance",
    "likelihood_ratio", "log_likelihood", "sd", "correlation", "spread_ratio", "spread_p", "spread_estimate",
)  # fmt: skip


@dataclass(frozen=True)
class CensoredChange:
    """The change of every analyte and what the fit says besides; arrays (analytes,).

    `estimates` are in the units of the analysis scale. `likelihood_ratio` is W against no change; `log_likelihood` the
    maximum, or its least upper bound where there is none, in the units of the analysis scale; `sd` and `correlation`
    those of the fit. `spread_ratio` is σ_target/σ_reference of the companion fit with a spread for each visit,
    `spread_p` its calibrated likelihood-ratio p-value against equal spread, `spread_estimate` its change.
    `distribution_changed` flags rows whose direction is not established, `approximate` those with many non-detects,
    `by_scores` those whose p-value is that of the censored t, because the likelihood has no maximum.
    Everything but `estimates` is NaN or False where every value is known, and where there is no fit.
    """

    estimates: Estimates
    likelihood_ratio: np.ndarray
    log_likelihood: np.ndarray
    sd: np.ndarray
    correlation: np.ndarray
    spread_ratio: np.ndarray
    spread_p: np.ndarray
    spread_estimate: np.ndarray
    distribution_changed: np.ndarray
    approximate: np.ndarray
    by_scores: np.ndarray


def censored_change(
    bounds: PairBounds, *, level: float = 0.95, approximate_above: float = 0.4, spread_alpha: float = 0.1
) -> CensoredChange:
    """Maximum-likelihood change of censored pairs with a calibrated profile interval, all analytes at once.

    The pair model is bivariate normal with means (μ − δ/2, μ + δ/2), one spread and a free correlation; intervals enter
    with their probability. p-value and interval come from t = √(ν(e^{W/n} − 1)) on ν = n − 1 degrees of freedom, n the
    effective number of pairs. An analyte without non-detects gets the paired t, which is the same. Where one visit has
    no finite mean there is no estimate, and the one limit that exists is given; where the likelihood has no maximum the
    p-value is that of `censored_t`. Not for analytes with hardly any known value: test detection.

    Args:
        bounds: limits of both members of every pair, on the analysis scale.
        level: confidence level of the intervals.
        approximate_above: share of non-detects beyond which a row is flagged as approximate.
        spread_alpha: the p-value of unequal spread below which the direction of a row is not established.

    Raises:
        ValueError: the level is not between 0 and 1.
    """
    check_level(level)
    pairs, share = bounds.pairs, np.nan_to_num(bounds.non_detect_share)
    rows = {name: np.full(len(pairs), np.nan) for name in NUMBERS} | {"note": empty_notes(len(pairs))}
    known = share == 0
    few = ~known & (pairs < FEWEST_PAIRS)
    opening = open_ends(bounds)
    lost = ~known & ~few & (opening != 0).all(axis=0)
    one_sided = ~known & ~few & ~lost & (opening != 0).any(axis=0)
    finite = ~known & ~few & ~lost & ~one_sided
    rows["note"] = add_note(rows["note"], few, count_note(FEWEST_PAIRS, "pairs", pairs))
    rows["note"] = add_note(rows["note"], lost, NOTHING_KNOWN)
    exact = bounds.take(known)
    _put(rows, known, vars(paired_t(exact.change, level=level)))
    if finite.any():
        _put(rows, finite, _finite_rows(pair_data(bounds.take(finite)), level))
    if one_sided.any():
        _put(rows, one_sided, _one_sided_rows(pair_data(bounds.take(one_sided)), opening[:, one_sided], level))
    unanswered = (rows["note"] == NO_MAXIMUM) | (one_sided & np.isnan(rows["p_value"]))
    by_scores = _by_scores(bounds, rows, unanswered)
    approximate = (share > approximate_above) & ~np.isnan(rows["p_value"])
    with np.errstate(invalid="ignore"):
        # A direction is claimed only where p is small; elsewhere either sign of an estimate near 0 means nothing.
        turned = np.sign(rows["spread_estimate"]) * np.sign(rows["estimate"]) < 0
        turned &= rows["p_value"] <= 1 - level
    changed = (rows["spread_p"] < spread_alpha) | turned
    many = f"more than {100 * approximate_above:.3g} % non-detects: approximate"
    rows["note"] = add_note(rows["note"], approximate, many)
    claimed = rows["p_value"] <= 1 - level
    rows["note"] = add_note(rows["note"], changed & claimed, DISTRIBUTION_CHANGED)
    asides = np.array([f"the spread may have changed as well (p = {value:.2g})" for value in rows["spread_p"]], object)
    rows["note"] = add_note(rows["note"], changed & ~claimed, asides)
    own = {name: rows[name] for name in Estimates.__dataclass_fields__ if name in rows}
    estimates = Estimates(
        n_reference=pairs, n_target=pairs, n=pairs, **own,
        method="censored_pairs", p_method="calibrated_lr", ci_method="profile",
    )  # fmt: skip
    return CensoredChange(
        estimates=estimates,
        distribution_changed=changed,
        approximate=approximate,
        by_scores=by_scores,
        **{name: rows[name] for name in CensoredChange.__dataclass_fields__ if name in rows},
    )


def _by_scores(bounds: PairBounds, rows: dict[str, np.ndarray], lacking: np.ndarray) -> np.ndarray:
    """Fill in p-values from the scores where the likelihood gave none; a mask of the analytes that have one now."""
    if not lacking.any():
        return lacking
    part = bounds.take(lacking)
    found = censored_t(pair_scores(part), part)
    for name in ("statistic", "df", "p_value"):
        rows[name][lacking] = getattr(found, name)
    filled = lacking & ~np.isnan(rows["p_value"])
    rows["note"] = add_note(rows["note"], filled, BY_SCORES)
    rows["note"] = add_note(rows["note"], lacking & ~filled, "no p-value")
    return filled


def open_ends(bounds: PairBounds) -> np.ndarray:
    """(2, analytes) −1 where every value of a visit is below its limit, +1 where every one is above, 0 elsewhere."""
    down = ~np.isfinite(bounds.lower).any(axis=1)
    up = ~np.isfinite(bounds.upper).any(axis=1)
    return up.astype(int) - down.astype(int)


def _put(rows: dict[str, np.ndarray], where: np.ndarray, found: dict[str, np.ndarray]) -> None:
    for name, target in rows.items():
        if name in found:
            target[where] = found[name]


def fits_with_and_without(data: PairData) -> tuple[PairFit, PairFit, np.ndarray, np.ndarray]:
    """The fits with and without a shift, and (analytes,) masks of where values hardly vary and where nothing is best.

    With no pair known at both visits, a correlation of ±1 is a least upper bound; with one, an infinite density.
    """
    fit = fit_pairs(data, starting_values(data), FULL)
    null = fit_without_shift(data)
    flat = fit.held[:, LAMBDA] | null.held[:, LAMBDA]
    runaway = ~flat & ~(fit.settled & null.settled)
    runaway |= ~flat & (fit.held[:, ZETA] | null.held[:, ZETA]) & (data.known.count > 0)
    return fit, null, flat, runaway


def _finite_rows(data: PairData, level: float) -> dict[str, np.ndarray]:
    """Analytes whose means are finite at both visits."""
    fit, null, flat, runaway = fits_with_and_without(data)
    usable = ~flat & ~runaway
    note = add_note(add_note(empty_notes(len(usable)), flat, NO_VARIATION), runaway, NO_MAXIMUM)
    worth = effective_pairs(data, np.tanh(fit.parameters[:, ZETA]))
    rows = _ratio_rows(data, fit, null, np.sign(fit.parameters[:, DELTA]), level, worth)
    standard_error = shift_se(fit, worth, rows["df"])
    rows["estimate"] = fit.parameters[:, DELTA] * data.scale
    rows["se"] = standard_error * data.scale
    rows["residual_variance"] = rows["se"] ** 2 * worth
    rows["sd"] = np.exp(fit.parameters[:, LAMBDA]) * data.scale
    rows["correlation"] = np.tanh(fit.parameters[:, ZETA])
    note = add_note(note, usable & (data.known.count == 0), NO_COMMON_PAIR)
    note = add_note(note, usable & np.isnan(standard_error), NO_STANDARD_ERROR)
    rows["ci_low"], rows["ci_high"] = (np.full(len(usable), np.nan) for _ in range(2))
    part = data.take(usable)
    cut = likelihood_cut(worth[usable], rows["df"][usable], level)
    for name, side in (("ci_low", -1), ("ci_high", 1)):
        start = fit.parameters[usable].copy()
        start[:, DELTA] += side * np.sqrt(cut) * np.nan_to_num(standard_error[usable], nan=1.0)
        rows[name][usable] = profile_limit(part, fit.log_likelihood[usable], cut, start, side) * part.scale
    note = add_note(note, np.isinf(rows["ci_low"]) | np.isinf(rows["ci_high"]), OPEN_ENDED)
    rows |= _spread_rows(data, fit, usable)
    note = add_note(note, usable & np.isnan(rows["spread_p"]), SPREAD_UNKNOWN)
    return {name: np.where(usable, values, np.nan) for name, values in rows.items()} | {"note": note}


def _spread_rows(data: PairData, fit: PairFit, usable: np.ndarray) -> dict[str, np.ndarray]:
    """The companion fit with a spread for each visit, and its likelihood ratio against equal spread.

    Calibrated with ν = n − 2 it is the Pitman–Morgan test where every value is known.
    """
    rows = {name: np.full(len(usable), np.nan) for name in ("spread_ratio", "spread_p", "spread_estimate")}
    part = data.take(usable)
    wide = fit_pairs(part, fit.parameters[usable], UNEQUAL_SPREAD)
    sound = wide.settled & ~wide.held[:, KAPPA] & ~(wide.held[:, ZETA] & (part.known.count > 0))
    ratio = np.maximum(2 * (wide.log_likelihood - fit.log_likelihood[usable]), 0.0)
    df = part.pairs - 2.0
    found = {
        "spread_ratio": np.exp(wide.parameters[:, KAPPA]),
        "spread_p": 2 * stats.t.sf(calibrated_t(ratio, part.pairs, df), df),
        "spread_estimate": wide.parameters[:, DELTA] * part.scale,
    }
    for name, values in found.items():
        rows[name][usable] = np.where(sound, values, np.nan)
    return rows


def _one_sided_rows(data: PairData, opening: np.ndarray, level: float) -> dict[str, np.ndarray]:
    """Analytes one visit of which is wholly beyond its limit: its mean, and with it the change, goes to infinity."""
    visit = (opening[0] == 0).astype(int)  # the visit without a finite mean
    end = np.where(visit == 1, opening[1], opening[0])
    direction = np.where(visit == 1, end, -end)
    fit = fit_pairs(data, far_start(data, 1 - visit, direction * FAR), FIXED_SHIFT)
    null = fit_without_shift(data)
    usable = fit.settled & null.settled
    note = empty_notes(len(visit))
    for (which, where), text in ONE_SIDED.items():
        note = add_note(note, usable & (visit == which) & (end == where), text)
    note = add_note(note, ~usable, NO_VARIATION)
    # Nothing is known of the correlation: a pair without a known value counts for nothing.
    rows = _ratio_rows(data, fit, null, direction, level, data.informed)
    cut = likelihood_cut(rows["df"] + 1, rows["df"], level)
    for name, side in (("ci_low", -1), ("ci_high", 1)):
        rows[name] = np.full(len(visit), side * np.inf)
        there = usable & (direction == -side)
        if there.any():
            part = data.take(there)
            limit = profile_limit(part, fit.log_likelihood[there], cut[there], starting_values(part), side)
            rows[name][there] = limit * part.scale
    return {name: np.where(usable, values, np.nan) for name, values in rows.items()} | {"note": note}


def _ratio_rows(
    data: PairData, fit: PairFit, null: PairFit, direction: np.ndarray, level: float, worth: np.ndarray
) -> dict[str, np.ndarray]:
    """Likelihood ratio against no change, its t and p-value; `worth` is the effective number of pairs."""
    worth = np.where(worth > 1, worth, np.nan)
    df = worth - 1.0
    ratio = likelihood_ratio(data, fit, null)
    size = calibrated_t(ratio, worth, df)
    return {
        "df": df,
        "likelihood_ratio": ratio,
        "log_likelihood": fit.log_likelihood - data.known_values * np.log(data.scale),
        "statistic": direction * size,
        "p_value": 2 * stats.t.sf(size, df),
        "coverage": np.full(len(df), level),
    }
