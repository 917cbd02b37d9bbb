"""How little of an analyte can a plate detect, and between which concentrations does it measure?"""

from dataclasses import dataclass

import numpy as np

from cytoshift.calibrate.curve import inverse
from cytoshift.calibrate.fit import SAME_LEVEL, Fits

SIGMAS = 3.0
# Turns a median absolute deviation into the SD of a normal distribution.
MAD_TO_SD = 1.4826


@dataclass(frozen=True)
class DetectionLimits:
    """Limits of detection of K curves, before dilution, in the unit of the standards.

    `lod`: NaN where undefined. `kind`: "blanks", "lowest_standard", "undefined" or "" (no curve and no standard).
    `lod_robust`: the same from median and MAD. `signal`, `signal_robust`: signal at these limits, NaN without blanks.
    `blanks`: blank wells of the curve. `blank_signal`: their mean. `reason`: why not from blanks, or why undefined.
    """

    lod: np.ndarray
    kind: np.ndarray
    lod_robust: np.ndarray
    signal: np.ndarray
    signal_robust: np.ndarray
    blanks: np.ndarray
    blank_signal: np.ndarray
    reason: np.ndarray


@dataclass(frozen=True)
class Levels:
    """Standards by level, shape (K, L) in rising concentration, NaN behind the last level of a curve.

    `concentration`: what they hold; `recovery`: mean of what the curve reads over that; `cv`: SD (n − 1) over mean of
    what it reads, NaN with one well; `wells`: wells of the level. A well past an asymptote has no reading and makes
    recovery and CV of its level NaN.
    """

    concentration: np.ndarray
    recovery: np.ndarray
    cv: np.ndarray
    wells: np.ndarray


@dataclass(frozen=True)
class QuantificationRange:
    """LLOQ and ULOQ of K curves in the unit of the standards, NaN with a `reason` where there is no range."""

    lloq: np.ndarray
    uloq: np.ndarray
    reason: np.ndarray


def detection_limits(fits: Fits, blanks: np.ndarray, analyte: np.ndarray, *, min_blanks: int = 4) -> DetectionLimits:
    """Limits of detection from the blanks: mean + 3 SD of their raw signal, read off each curve.

    `blanks` (K, n): raw signals of the blank wells, NaN where there is none; `analyte` (K,): curves with equal entries
    are plates of one analyte, and share the SD. It is pooled within plates, √(Σ(y − ȳ_plate)² / Σ(n_plate − 1)), where
    that leaves at least min_blanks / 2 degrees of freedom; else (one blank per plate) taken over all blanks, which adds
    the spread between plates. The robust limit is the plate's median + 3 × 1.4826 MAD, the MAD of deviations from the
    plate medians (each × √(n/(n − 1)) when several plates are pooled, as plates with few blanks deviate too little
    from their own median), or of all blanks as above.

    An analyte with fewer than `min_blanks` blanks over its plates gets its lowest standard instead. A signal outside
    the asymptotes is "undefined".
    """
    blanks = np.asarray(blanks, dtype=float)
    blanks = np.where(np.isfinite(blanks), blanks, np.nan)
    count = np.isfinite(blanks).sum(axis=1)
    mean, median = _mean(blanks), _median(blanks)
    _, group = np.unique(np.asarray(analyte).astype(str), return_inverse=True)
    total = np.bincount(group, weights=count)[group]
    sd, sd_robust = _pooled_spread(blanks, group, min_blanks)
    enough = total >= min_blanks
    here = enough & (count > 0)
    signal = np.where(here, mean + SIGMAS * sd, np.nan)
    signal_robust = np.where(here, median + SIGMAS * sd_robust, np.nan)
    fitted = fits.model != ""
    lod, lod_robust = (_inside(inverse(part, fits.parameters)) for part in (signal, signal_robust))
    standard = ~here & np.isfinite(fits.lowest)
    kind = np.full(len(fits), "", dtype=object)
    kind[standard] = "lowest_standard"
    kind[here & fitted] = "blanks"
    undefined = here & fitted & np.isnan(lod)
    kind[undefined] = "undefined"
    reason = np.full(len(fits), "", dtype=object)
    reason[~enough] = [f"{number:.0f} blanks on all plates, {min_blanks} are needed" for number in total[~enough]]
    reason[enough & (count == 0)] = "no blank on this plate"
    reason[here & ~fitted] = "no standard curve"
    for row in np.flatnonzero(undefined):
        side = "below the lower" if signal[row] <= fits.parameters[row, 0] else "above the upper"
        reason[row] = f"mean + 3 SD of the blanks is {signal[row]:.6g}, {side} asymptote of the curve"
    return DetectionLimits(
        np.where(standard, fits.lowest, lod), kind, np.where(standard, np.nan, lod_robust),
        signal, signal_robust, count, mean, reason,
    )  # fmt: skip


def level_readings(expected: np.ndarray, read: np.ndarray) -> Levels:
    """Sum up what a curve reads in its standards, level by level.

    `expected` (K, n): what each standard well holds, NaN or 0 where it is no standard; `read` (K, n): what the curve
    reads there (0 and inf past an asymptote). Wells whose expected concentrations agree to 1e-9 are one level.
    """
    expected = np.where(np.asarray(expected, dtype=float) > 0, expected, np.nan)
    order = np.argsort(expected, axis=1, kind="stable")
    expected = np.take_along_axis(expected, order, axis=1)
    read = np.take_along_axis(np.asarray(read, dtype=float), order, axis=1)
    present = np.isfinite(expected)
    new = np.zeros(expected.shape, dtype=int)
    new[:, 1:] = np.diff(expected, axis=1) > SAME_LEVEL * expected[:, 1:]
    level = np.where(present, np.cumsum(new, axis=1), -1)
    shape = (len(expected), max(int(level.max(initial=-1)) + 1, 1))
    concentration, recovery, cv = (np.full(shape, np.nan) for _ in range(3))
    wells = np.zeros(shape, dtype=int)
    usable = np.where(np.isfinite(read) & (read > 0), read, np.nan)
    for at in range(shape[1]):
        here = level == at
        number = here.sum(axis=1)
        some = number > 0
        mean = np.where(here, usable, 0.0).sum(axis=1)[some] / number[some]
        deviation = np.where(here[some], usable[some] - mean[:, None], 0.0)
        squares = np.square(deviation).sum(axis=1)
        wells[:, at] = number
        concentration[some, at] = np.where(here, expected, 0.0).sum(axis=1)[some] / number[some]
        recovery[some, at] = mean / concentration[some, at]
        several = number[some] > 1
        cv[some, at] = np.where(several, np.sqrt(squares / np.where(several, number[some] - 1, 1)) / mean, np.nan)
    return Levels(concentration, recovery, cv, wells)


def quantification_range(
    levels: Levels,
    *,
    recovery: float = 0.2,
    recovery_at_ends: float = 0.25,
    max_cv: float = 0.2,
    max_cv_at_ends: float = 0.25,
) -> QuantificationRange:
    """LLOQ and ULOQ: ends of the longest run of neighbouring levels that the curve reads well.

    Every level of the run has a recovery within 1 ± `recovery` and, where it has several wells, a CV ≤ `max_cv`; the
    two ends have the wider limits. Among runs of equal length the one that spans the larger ratio is taken, then the
    lower one. A run needs two levels. Levels left out of the fit are not in `levels` and do not interrupt a run.
    """
    inner = _passes(levels, recovery, max_cv)
    end = _passes(levels, recovery_at_ends, max_cv_at_ends)
    curves, count = levels.concentration.shape
    failures = np.concatenate([np.zeros((curves, 1), dtype=int), np.cumsum(~inner, axis=1)], axis=1)
    best, span = np.zeros(curves, dtype=int), np.zeros(curves)
    lloq, uloq = np.full(curves, np.nan), np.full(curves, np.nan)
    for length in range(2, count + 1):
        for first in range(count - length + 1):
            last = first + length - 1
            valid = end[:, first] & end[:, last] & (failures[:, last] == failures[:, first + 1])
            with np.errstate(invalid="ignore"):
                ratio = levels.concentration[:, last] / levels.concentration[:, first]
            better = valid & ((length > best) | (ratio > span * (1 + SAME_LEVEL)))
            best, span = np.where(better, length, best), np.where(better, ratio, span)
            lloq = np.where(better, levels.concentration[:, first], lloq)
            uloq = np.where(better, levels.concentration[:, last], uloq)
    reason = np.full(curves, "", dtype=object)
    reason[best == 0] = "no two neighbouring standards have recovery and CV in range"
    reason[levels.wells.sum(axis=1) == 0] = "no standards"
    return QuantificationRange(lloq, uloq, reason)


def _passes(levels: Levels, recovery: float, max_cv: float) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        read = np.abs(levels.recovery - 1) <= recovery * (1 + SAME_LEVEL)
        return read & ((levels.wells == 1) | (levels.cv <= max_cv * (1 + SAME_LEVEL)))


def _pooled_spread(blanks: np.ndarray, group: np.ndarray, min_blanks: int) -> tuple[np.ndarray, np.ndarray]:
    """SD and 1.4826 MAD of the blanks of each curve's analyte, shape (K,)."""
    known = np.isfinite(blanks)
    count = known.sum(axis=1)
    sd, robust = np.full(len(blanks), np.nan), np.full(len(blanks), np.nan)
    for which in range(group.max(initial=-1) + 1):
        rows = np.flatnonzero((group == which) & (count > 0))
        if count[rows].sum() < 2:
            continue
        within = blanks[rows] - _mean(blanks[rows])[:, None]
        df = (count[rows] - 1).sum()
        apart = blanks[rows] - _median(blanks[rows])[:, None]
        if df >= min(min_blanks / 2, count[rows].sum() - 1):
            if len(rows) > 1:
                number = count[rows][:, None]
                apart = np.where(number > 1, apart * np.sqrt(number / np.maximum(number - 1, 1)), np.nan)
            spread = np.sqrt(np.nansum(np.square(within)) / df)
        else:
            everything = blanks[rows][known[rows]]
            apart, spread = everything - np.median(everything), np.std(everything, ddof=1)
        sd[group == which] = spread
        robust[group == which] = MAD_TO_SD * np.nanmedian(np.abs(apart))
    return sd, robust


def _mean(values: np.ndarray) -> np.ndarray:
    known = np.isfinite(values)
    count = known.sum(axis=1)
    return np.where(count > 0, np.where(known, values, 0.0).sum(axis=1) / np.maximum(count, 1), np.nan)


def _median(values: np.ndarray) -> np.ndarray:
    result = np.full(len(values), np.nan)
    some = np.isfinite(values).any(axis=1)
    if some.any():
        result[some] = np.nanmedian(values[some], axis=1)
    return result


def _inside(concentration: np.ndarray) -> np.ndarray:
    return np.where((concentration > 0) & np.isfinite(concentration), concentration, np.nan)
