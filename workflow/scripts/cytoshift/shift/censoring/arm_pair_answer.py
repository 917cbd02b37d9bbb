"""What do the fits of two arms' pairs with non-detects come to, and what is the reason where there is no answer?"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from cytoshift.shift.censoring.arm_pair_design import ArmDesign
from cytoshift.shift.censoring.arm_pair_fit import ArmPairFit, fit_arm_pairs, fixed_parameters, starting_values
from cytoshift.shift.censoring.arm_pair_likelihood import ArmPairData
from cytoshift.shift.censoring.arm_pair_profile import HIGHER, Sharpness, profile_limit, sharpness
from cytoshift.shift.censoring.censored_change import (
    NO_COMMON_PAIR,
    NO_MAXIMUM,
    NO_STANDARD_ERROR,
    NO_VARIATION,
    OPEN_ENDED,
    open_ends,
)
from cytoshift.shift.censoring.censored_profile import calibrated_t, likelihood_cut
from cytoshift.shift.censoring.pair_bounds import PairBounds
from cytoshift.shift.estimates import add_note, empty_notes

NUMBERS = (
    "estimate", "se", "df", "ci_low", "ci_high", "coverage", "statistic", "p_value", "residual_variance",
    "likelihood_ratio", "log_likelihood", "sd_reference", "sd_target", "correlation",
)  # fmt: skip
UNKNOWN = "the non-detects leave the difference unknown: no estimate and no p-value"
ONE_SIDED = {
    -1: "the difference is known from above only, no finite estimate",
    1: "the difference is known from below only, no finite estimate",
}
NO_INTERVAL = "the likelihood is too rough for a limit of the interval"
TOO_FEW = "too few subjects have a known value: no interval and no p-value"
NO_BASELINE = "not adjusted for the baseline"


@dataclass(frozen=True)
class _Fits:
    """The fits with and without a difference, and which analytes (analytes,) they answer how.

    `direction` is where δ goes to infinity, −1 or 1, or 0 where its estimate is finite.
    """

    data: ArmPairData
    fixed: np.ndarray
    fit: ArmPairFit
    null: ArmPairFit
    sharp: Sharpness
    flat: np.ndarray
    runaway: np.ndarray
    lost: np.ndarray
    direction: np.ndarray

    @property
    def usable(self) -> np.ndarray:
        """Analytes with a likelihood ratio."""
        return ~(self.flat | self.runaway | self.lost)


def answer_rows(design: ArmDesign, arms_alike_before: bool, level: float) -> dict[str, np.ndarray]:
    """Rows of analytes with non-detects: the `NUMBERS` and `note`, (analytes,) each.

    `arms_alike_before` says that the arm does not enter the mean of the reference visit, so that the value there is a
    covariate; where that visit is wholly beyond its limits it is none, and the target visit is compared as it is.
    """
    opening = open_ends(design.bounds)
    baseline = (opening[0] == 0) & arms_alike_before
    df, note = design.residual_df(baseline)
    answerable = ~np.isnan(df)
    fitted = answerable & (opening[1] == 0) & ((opening[0] == 0) | arms_alike_before)
    why = _why(design, opening)
    note = add_note(note, answerable & ~fitted, why + UNKNOWN)
    note = add_note(note, fitted & (opening[0] != 0), why + NO_BASELINE)
    rows = {name: np.full(len(df), np.nan) for name in NUMBERS}
    if fitted.any():
        fits = _fits(design.take(fitted), opening[:, fitted], arms_alike_before)
        worth = _effective_pairs(fits)
        left = df[fitted] - (fits.data.pairs - worth)
        left = np.where(left > 0, left, np.nan)
        low, high, higher = _limits(fits, worth, left, level)
        fits = replace(fits, runaway=fits.runaway | higher)
        found = _numbers(fits, worth, left, level, (low, high))
        said = np.full(len(df), "", dtype=object)
        said[fitted] = _words(fits, found, why[fitted])
        note = add_note(note, said != "", said)
        for name, values in found.items():
            rows[name][fitted] = values
        for name in ("sd_reference", "correlation"):
            rows[name][opening[0] != 0] = np.nan
    return rows | {"note": note}


def _fits(design: ArmDesign, opening: np.ndarray, arms_alike_before: bool) -> _Fits:
    data = design.data()
    fixed = fixed_parameters(data, opening != 0, arms_alike_before=arms_alike_before)
    fit = fit_arm_pairs(data, starting_values(data, fixed, opening), fixed)
    sharp = sharpness(data, fit)
    without = fixed.copy()
    without[:, data.delta] = True
    # The way back along the profile is shorter than that from afar, and ends on the same hill.
    near = fit.parameters - fit.parameters[:, [data.delta]] * sharp.tangent
    start = np.where(np.isnan(sharp.se)[:, None], starting_values(data, without, opening), near)
    start[:, data.delta] = 0.0
    null = fit_arm_pairs(data, start, without)
    held = [(part.still & ~fixed)[:, data.spreads] for part in (fit, null)]
    flat = held[0][:, :2].any(axis=1) | held[1][:, :2].any(axis=1)
    # With no pair known at both visits, a correlation of ±1 is a least upper bound; with one, an infinite density.
    runaway = ~flat & (~(fit.settled & null.settled) | ((held[0][:, 2] | held[1][:, 2]) & (data.known_pairs > 0)))
    runaway |= ~flat & (null.log_likelihood > fit.log_likelihood + HIGHER)
    lost = ~flat & ~runaway & sharp.open_low & sharp.open_high
    return _Fits(
        data, fixed, fit, null, sharp, flat, runaway, lost, sharp.open_high.astype(int) - sharp.open_low.astype(int)
    )


def _effective_pairs(fits: _Fits) -> np.ndarray:
    """(analytes,) pairs as counted: one without a known value as 1 − r², as in `censored_profile.effective_pairs`.

    Where a visit is out of sight nothing is known of the correlation r, and the pairs are those of the other visit.
    """
    data = fits.data
    unknown = np.bincount(data.unknown.analyte, minlength=len(data.pairs))
    correlation = np.clip(np.tanh(fits.fit.parameters[:, data.spreads.stop - 1]), 0.0, 1.0)
    return np.asarray(data.pairs - np.where(fits.fixed[:, data.spreads.stop - 1], 0.0, correlation**2) * unknown)


def _numbers(
    fits: _Fits, worth: np.ndarray, df: np.ndarray, level: float, limits: tuple[np.ndarray, np.ndarray]
) -> dict[str, np.ndarray]:
    data, fit, sharp = fits.data, fits.fit, fits.sharp
    usable, finite = fits.usable, fits.usable & (fits.direction == 0)
    unit = data.scale / data.exposure_unit
    log_sd_reference, log_sd_target, zeta = fit.parameters[:, data.spreads].T
    gain = np.where(usable, fit.log_likelihood - fits.null.log_likelihood, np.nan)
    ratio = np.maximum(2 * gain, 0.0)
    size = calibrated_t(ratio, worth, df)
    sign = np.where(finite, np.sign(fit.parameters[:, data.delta]), fits.direction)
    sd_reference, sd_target = np.exp(log_sd_reference) * data.scale, np.exp(log_sd_target) * data.scale
    root = np.sqrt(worth / df)
    alike = fits.fixed[:, data.alpha]
    given = sd_target / np.cosh(zeta)
    of_change = np.sqrt(sd_reference**2 + sd_target**2 - 2 * np.tanh(zeta) * sd_reference * sd_target)
    rows = {
        "estimate": np.where(finite, fit.parameters[:, data.delta] * unit, np.nan),
        "se": np.where(finite, sharp.se * unit * root, np.nan),
        "df": df,
        "ci_low": limits[0] * unit,
        "ci_high": limits[1] * unit,
        "coverage": np.full(len(df), level),
        "statistic": sign * size,
        "p_value": 2 * stats.t.sf(size, df),
        "residual_variance": np.where(finite, (np.where(alike, given, of_change) * root) ** 2, np.nan),
        "likelihood_ratio": ratio,
        "log_likelihood": fit.log_likelihood - data.known_values * np.log(data.scale),
        "sd_reference": sd_reference,
        "sd_target": sd_target,
        "correlation": np.tanh(zeta),
    }
    return {name: np.where(usable, values, np.nan) for name, values in rows.items()}


def _limits(fits: _Fits, worth: np.ndarray, df: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Profile limits in standard units, infinite where δ is; and where a fit on the way was better than the best."""
    data, fit, sharp = fits.data, fits.fit, fits.sharp
    cut = likelihood_cut(worth, df, level)
    counted = fits.usable & ~np.isnan(df)
    finite = counted & (fits.direction == 0)
    se = np.where(np.isnan(sharp.se), np.exp(fit.parameters[:, data.spreads.start + 1]), sharp.se)
    limits, higher = np.full((2, len(df)), np.nan), np.zeros(len(df), dtype=bool)
    for end, side in ((0, -1), (1, 1)):
        outwards = fit.parameters + (side * np.sqrt(cut) * se)[:, None] * sharp.tangent
        one_sided = counted & (fits.direction == -side)
        limits[end, counted & (fits.direction == side)] = side * np.inf
        for chosen, start in ((finite, outwards), (one_sided, fits.null.parameters)):
            if chosen.any():
                limits[end, chosen], above = profile_limit(
                    data.take(chosen), fit.log_likelihood[chosen], cut[chosen], start[chosen], fits.fixed[chosen], side,
                    (fit.parameters[chosen, data.delta], np.where(finite, sharp.se, np.nan)[chosen]),
                )  # fmt: skip
                higher[chosen] |= above
    return limits[0], limits[1], higher


def _words(fits: _Fits, found: dict[str, np.ndarray], why: np.ndarray) -> np.ndarray:
    """What must be said of each analyte; '' where nothing."""
    finite = fits.usable & (fits.direction == 0)
    note = empty_notes(len(finite))
    note = add_note(note, fits.flat, NO_VARIATION)
    note = add_note(note, fits.runaway, NO_MAXIMUM)
    note = add_note(note, fits.lost, why + UNKNOWN)
    for direction, text in ONE_SIDED.items():
        note = add_note(note, fits.usable & (fits.direction == direction), why + text)
    seen = ~fits.fixed[:, fits.data.spreads].any(axis=1)
    note = add_note(note, fits.usable & seen & (fits.data.known_pairs == 0), NO_COMMON_PAIR)
    note = add_note(note, finite & np.isnan(fits.sharp.se), NO_STANDARD_ERROR)
    counted = fits.usable & ~np.isnan(found["df"])
    note = add_note(note, fits.usable & ~counted, TOO_FEW)
    note = add_note(note, counted & (np.isnan(found["ci_low"]) | np.isnan(found["ci_high"])), NO_INTERVAL)
    return add_note(note, finite & (np.isinf(found["ci_low"]) | np.isinf(found["ci_high"])), OPEN_ENDED)


def _why(design: ArmDesign, opening: np.ndarray) -> np.ndarray:
    """'every target value is below its limit: ' where that is so, of all subjects or of an arm; '' elsewhere."""
    why = empty_notes(opening.shape[1])
    arms = [("", np.ones(len(design.exposure), dtype=bool))]
    if design.two_arms:
        arms += [(" of the target arm", design.target_arm), (" of the reference arm", design.reference_arm)]
    bounds, told = design.bounds, np.zeros_like(opening, dtype=bool)
    for name, members in arms:
        limits = (bounds.reference_lower, bounds.reference_upper, bounds.target_lower, bounds.target_upper)
        ends = open_ends(PairBounds(*(part[members] for part in limits)))
        for visit, label in ((1, "target"), (0, "reference")):
            for end, side in ((-1, "below"), (1, "above")):
                there = (ends[visit] == end) & ~told[visit]
                why = add_note(why, there, f"every {label} value{name} is {side} its limit")
        told |= (ends != 0) & (name == "")
    return np.where(why == "", "", why + ": ")
