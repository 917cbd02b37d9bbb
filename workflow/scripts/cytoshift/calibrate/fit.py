"""Which standard curve do the standards of each plate and analyte lie on, and how well is it known?

4PL and 5PL on the log of the raw signal, blanks as concentration 0, all plates and analytes at once.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.stats import f as f_distribution
from scipy.stats import norm

from cytoshift.calibrate.batch import SIZE, Box, Point, condition, invert, sum_wells, take
from cytoshift.calibrate.curve import from_working, log_signal, working
from cytoshift.calibrate.start import Scaled, scale, search

Curve = Literal["auto", "5pl", "4pl"]

FEWEST_LEVELS = {"4pl": 5, "5pl": 6}
# Curves per block: the arrays of a block stay in the processor's cache.
BLOCK = 400
# Concentrations nearer to each other than this share are one level.
SAME_LEVEL = 1e-9
# A highest standard under this share of the upper asymptote leaves it a guess.
PLATEAU = 0.5


@dataclass(frozen=True)
class Fits:
    """Standard curves of K plates × analytes; every array has one row per curve.

    `parameters` (K, 5): a, b, c, d, g as in `curve`; NaN without a fit. `covariance` (K, 5, 5): of the working
    parameters ln a, ln(d − a), ln b, ln c, ln g, with 0 for parameters that are held. `model`: "5pl", "4pl" or "".
    `reason`: why this model, or why none. `residual_sd`: of ln signal at weight 1. `df`: wells less parameters.
    `condition`: of the scaled information. `sse`: weighted, of ln signal. `wells`: wells in the fit. `lowest`,
    `highest`: smallest and largest concentration above 0 in the fit. `note`: what the standards do not show, or "".
    """

    parameters: np.ndarray
    covariance: np.ndarray
    model: np.ndarray
    reason: np.ndarray
    residual_sd: np.ndarray
    df: np.ndarray
    condition: np.ndarray
    sse: np.ndarray
    wells: np.ndarray
    lowest: np.ndarray
    highest: np.ndarray
    note: np.ndarray

    def __len__(self) -> int:
        return len(self.model)


def fit_curves(
    concentration: np.ndarray,
    signal: np.ndarray,
    weights: np.ndarray | None = None,
    curve: Curve = "auto",
    lower: np.ndarray | None = None,
    *,
    flat_alpha: float = 0.01,
    max_condition: float = 1e12,
) -> Fits:
    """Fit a 4PL or 5PL to the standards of K plates × analytes by weighted least squares on ln signal.

    `concentration` (K, n): what each well holds, 0 for blanks; `signal` (K, n): raw signal; `weights` (K, n): inverse
    relative variances of ln signal, or None for 1. NaN in any, a signal ≤ 0 or a weight ≤ 0 leaves the well out.
    `curve`: "4pl"; "5pl"; or "auto", the 5PL where AICc (Hurvich & Tsai 1989) prefers it. A 5PL gives way to the 4PL
    too where its asymmetry runs to the limit of what is sought (0.02 or 50), or the condition number of its scaled
    information exceeds `max_condition`. `lower` (K,): a lower asymptote
    that is known, in the unit of signal (≤ 0 is taken as 0), or NaN.

    No curve is given, with the reason, below 5 distinct concentrations (6 for "5pl"; blanks count as one), and where
    the signal does not rise: neither Kendall's test for a rise nor the F-test against a constant reaches `flat_alpha`.
    Raises ValueError where the shapes differ.
    """
    signal, concentration = np.asarray(signal, dtype=float), np.asarray(concentration, dtype=float)
    weights = np.ones(signal.shape) if weights is None else np.asarray(weights, dtype=float)
    lower = np.full(len(signal), np.nan) if lower is None else np.asarray(lower, dtype=float)
    if signal.ndim != 2 or not signal.shape == concentration.shape == weights.shape or lower.shape != signal.shape[:1]:
        raise ValueError("concentration, signal and weights have one shape (curves, wells), lower has (curves,)")
    used = np.isfinite(concentration) & np.isfinite(signal) & np.isfinite(weights)
    with np.errstate(invalid="ignore"):
        used &= (concentration >= 0) & (signal > 0) & (weights > 0)
    not_positive = (np.isfinite(concentration) & (np.where(np.isfinite(signal), signal, 1) <= 0)).sum(axis=1)
    concentration, signal, weights = _sorted(
        *(np.where(used, part, np.nan) for part in (concentration, signal, weights))
    )
    blocks = []
    for at in range(0, max(len(signal), 1), BLOCK):
        rows = slice(at, at + BLOCK)
        block = (concentration[rows], signal[rows], weights[rows], lower[rows])
        blocks.append(_fit_block(*block, curve, flat_alpha, max_condition))
    fits = Fits(*(np.concatenate([getattr(block, name) for block in blocks]) for name in Fits.__dataclass_fields__))
    for row in np.flatnonzero(not_positive):
        left_out = f"{not_positive[row]} wells with a signal of 0 or less are not in the fit"
        fits.note[row] = "; ".join(filter(None, [fits.note[row], left_out]))
    return fits


def _sorted(concentration: np.ndarray, *others: np.ndarray) -> list[np.ndarray]:
    """Wells by concentration, then signal: their order in the file then changes no bit."""
    order = np.argsort(others[0], axis=1, kind="stable")
    second = np.argsort(np.take_along_axis(concentration, order, axis=1), axis=1, kind="stable")
    order = np.take_along_axis(order, second, axis=1)
    return [np.take_along_axis(part, order, axis=1) for part in (concentration, *others)]


def _fit_block(
    concentration: np.ndarray, signal: np.ndarray, weights: np.ndarray, lower: np.ndarray,
    curve: Curve, flat_alpha: float, max_condition: float,
) -> Fits:  # fmt: skip
    fits = _nothing_fitted(concentration)
    levels = _count_levels(concentration)
    fewest = FEWEST_LEVELS["5pl" if curve == "5pl" else "4pl"]
    for row in np.flatnonzero(levels < fewest):
        fits.reason[row] = f"{levels[row]} distinct concentrations with a signal, a curve needs {fewest}"
    able = np.flatnonzero(levels >= fewest)
    if len(able) == 0:
        return fits
    scaled = scale(concentration[able], signal[able], weights[able], lower[able])
    four, box = search(scaled, asymmetric=False)
    _record(fits, able, scaled, four, box, "4pl", max_condition)
    fits.reason[able] = "4PL as asked"
    if curve != "4pl":
        few = levels[able] < FEWEST_LEVELS["5pl"]
        for row in able[few]:
            fits.reason[row] = f"{levels[row]} distinct concentrations, a 5PL needs {FEWEST_LEVELS['5pl']}"
        enough = np.flatnonzero(~few)
        if len(enough):
            _try_5pl(fits, able[enough], scaled.take(enough), four.logs[:, enough], curve, max_condition)
    _refuse_flat(fits, able, scaled, flat_alpha)
    return fits


def _try_5pl(
    fits: Fits, rows: np.ndarray, scaled: Scaled, four: np.ndarray, curve: Curve, max_condition: float
) -> None:
    five, box = search(scaled, asymmetric=True, also=four)
    conditions = condition(five.information, _free(five, box))
    known = np.isfinite(scaled.lower)
    with np.errstate(invalid="ignore"):  # too few wells for either: both are infinite
        gain = _aicc(fits.sse[rows], fits.wells[rows], 4 - known) - _aicc(five.sse, fits.wells[rows], 5 - known)
    singular = conditions > max_condition
    at_limit = (five.logs[4] <= box.low[4]) | (five.logs[4] >= box.high[4])
    better = ~singular & ~at_limit if curve == "5pl" else ~singular & ~at_limit & (gain > 0)
    for place, (row, taken, ill, aicc, number) in enumerate(zip(rows, better, singular, gain, conditions, strict=True)):
        if at_limit[place]:
            limit = np.exp(five.logs[4, place])
            fits.reason[row] = f"4PL: the standards do not identify the asymmetry (it runs to its limit of {limit:.2g})"
        elif ill:
            fits.reason[row] = f"4PL: the standards do not identify the asymmetry (condition number {number:.1g})"
        elif curve == "5pl":
            fits.reason[row] = "5PL as asked"
        elif taken:
            fits.reason[row] = f"5PL: AICc lower by {aicc:.1f}"
        elif np.isfinite(aicc):
            fits.reason[row] = f"4PL: the asymmetry is not identified (AICc of the 5PL higher by {-aicc:.1f})"
        else:
            fits.reason[row] = f"4PL: {fits.wells[row]:.0f} wells are too few to tell a 5PL from it"
    chosen = np.flatnonzero(better)
    if len(chosen):
        _record(fits, rows[chosen], scaled.take(chosen), take(five, chosen), box.take(chosen), "5pl", max_condition)


def _record(
    fits: Fits, rows: np.ndarray, scaled: Scaled, point: Point, box: Box, model: str, max_condition: float
) -> None:
    free = _free(point, box)
    conditions = condition(point.information, free)
    # Without an upper asymptote in sight d and c cannot be told apart: d is held, the curve between standards is not.
    lost = (conditions > max_condition) & free[1]
    free[1] &= ~lost
    conditions = np.where(lost, condition(point.information, free), conditions)
    parameters = (5 if model == "5pl" else 4) - np.isfinite(scaled.lower)
    fits.parameters[rows] = from_working(scaled.unscale(point.logs))
    fits.model[rows] = model
    fits.sse[rows], fits.condition[rows] = point.sse, conditions
    fits.df[rows] = fits.wells[rows] - parameters
    with np.errstate(divide="ignore", invalid="ignore"):
        fits.residual_sd[rows] = np.sqrt(np.where(fits.df[rows] > 0, point.sse / fits.df[rows], np.nan))
    inverse = np.moveaxis(invert(point.information, free), 2, 0)
    fits.covariance[rows] = inverse * np.square(fits.residual_sd[rows])[:, None, None]
    fits.note[rows] = _notes(fits.parameters[rows], fits.highest[rows], point, box)


def _notes(parameters: np.ndarray, highest: np.ndarray, point: Point, box: Box) -> np.ndarray:
    """What the standards do not show of each curve, shape (K,)."""
    top = log_signal(np.log(highest), list(working(parameters).T))
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.exp(top - np.log(parameters[:, 3]))
    at_face = ((point.logs <= box.low) | (point.logs >= box.high)) & (box.low < box.high)
    notes = np.full(len(parameters), "", dtype=object)
    for row in np.flatnonzero((share < PLATEAU) | at_face[0]):
        parts = []
        if share[row] < PLATEAU:
            parts.append(f"the highest standard gives {100 * share[row]:.2g} % of the fitted upper asymptote")
        if at_face[0, row]:
            parts.append("the standards show no lower asymptote")
        notes[row] = "; ".join(parts)
    return notes


def _free(point: Point, box: Box) -> np.ndarray:
    """Which working parameters, shape (5, K), the data placed, rather than a face of the box."""
    return (point.logs > box.low) & (point.logs < box.high)


def _aicc(sse: np.ndarray, wells: np.ndarray, parameters: np.ndarray) -> np.ndarray:
    """Corrected Akaike criterion; the residual variance counts as a parameter. Infinite with too few wells."""
    count = parameters + 1
    room = wells - count - 1
    penalty = 2 * count + 2 * count * (count + 1) / np.where(room > 0, room, 1)
    fitted = wells * np.log(np.maximum(sse, np.finfo(float).tiny) / wells)
    return np.where(room > 0, fitted + penalty, np.inf)


def _refuse_flat(fits: Fits, rows: np.ndarray, scaled: Scaled, alpha: float) -> None:
    wells = scaled.wells
    total = sum_wells(wells.weight)
    mean = sum_wells(wells.weight * wells.log_y) / total
    around = sum_wells(wells.weight * np.square(wells.log_y - mean))
    df = fits.df[rows]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = ((around - fits.sse[rows]) / (fits.wells[rows] - df - 1)) / (fits.sse[rows] / df)
        from_constant = f_distribution.sf(ratio, fits.wells[rows] - df - 1, df)
    trend = _trend(wells.log_x, wells.log_y, wells.weight > 0)
    rises = (norm.sf(trend) <= alpha) | (np.where(np.isnan(from_constant), 1.0, from_constant) <= alpha)
    falls = norm.sf(-trend) <= alpha
    for row in rows[falls]:
        _withdraw(fits, row, "the signal falls while the concentration rises")
    for row in rows[~rises & ~falls]:
        _withdraw(fits, row, "the signal does not rise with the concentration")


def _trend(x: np.ndarray, y: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Kendall's S over its standard deviation (ties in x allowed for), per column of (n, K)."""
    score, ties = np.zeros(x.shape[1]), np.zeros(x.shape[1])
    for well in range(len(x)):
        both = present & present[well]
        with np.errstate(invalid="ignore"):
            same = (x == x[well]) | (np.abs(x - x[well]) <= SAME_LEVEL)
        score += (both * ~same * np.where(x > x[well], 1.0, -1.0) * np.sign(y - y[well])).sum(axis=0) / 2
        tied = (both & same).sum(axis=0)
        ties += np.where(present[well], (tied - 1) * (2 * tied + 5), 0)
    count = present.sum(axis=0)
    variance = (count * (count - 1) * (2 * count + 5) - ties) / 18
    return score / np.sqrt(np.maximum(variance, 1e-300))


def _withdraw(fits: Fits, row: int, reason: str) -> None:
    fits.model[row], fits.reason[row], fits.note[row] = "", reason, ""
    for part in (fits.parameters, fits.covariance, fits.residual_sd, fits.df, fits.condition, fits.sse):
        part[row] = np.nan


def _nothing_fitted(concentration: np.ndarray) -> Fits:
    count = len(concentration)
    empty = np.full(count, np.nan)
    positive = np.where(concentration > 0, concentration, np.nan)
    none = np.isnan(positive).all(axis=1)
    return Fits(
        parameters=np.full((count, SIZE), np.nan),
        covariance=np.full((count, SIZE, SIZE), np.nan),
        model=np.full(count, "", dtype=object),
        reason=np.full(count, "", dtype=object),
        residual_sd=empty.copy(), df=empty.copy(), condition=empty.copy(), sse=empty.copy(),
        wells=np.isfinite(concentration).sum(axis=1).astype(float),
        lowest=np.where(none, np.nan, np.where(np.isnan(positive), np.inf, positive).min(axis=1, initial=np.inf)),
        highest=np.where(none, np.nan, np.where(np.isnan(positive), 0.0, positive).max(axis=1, initial=0.0)),
        note=np.full(count, "", dtype=object),
    )  # fmt: skip


def _count_levels(concentration: np.ndarray) -> np.ndarray:
    """Distinct concentrations per row of (K, n), NaN not counted."""
    if concentration.shape[1] == 0:
        return np.zeros(len(concentration), dtype=int)
    ordered = np.sort(concentration, axis=1)
    with np.errstate(invalid="ignore"):
        new = np.diff(ordered, axis=1) > SAME_LEVEL * ordered[:, 1:]
    return np.isfinite(ordered[:, 0]) + new.sum(axis=1)
