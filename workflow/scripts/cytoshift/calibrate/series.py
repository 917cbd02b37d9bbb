"""Which dilution series do the standards' stated concentrations follow, and which of them are off it?

Standards are made by diluting one tube again and again by the same factor, so their concentrations are known twice:
as the file states them, and from their neighbours. A lost decimal point (215.625 read as 215625) shows at once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

ROUNDING = 0.01  # relative: concentrations printed with three or four digits
SMALLEST_FOLD = 1.2
FEWEST_LEVELS = 4
MOST_OFF = 0.25  # share of the levels; with more, the others are no series
MOST_SKIPPED = 2  # steps left out between two consecutive standards
FEWEST_SHARING = 3  # analytes of a plate whose standards take the same steps
_POWER_OF_TEN = 0.03  # how near a factor must be to 10, 100, … to be a lost decimal point, in ln
_CELLS = 2_000_000  # curves × pairs of levels × levels at once, which bounds memory


@dataclass(frozen=True)
class Series:
    """What the dilution series says of K curves × L levels.

    `fold` (K,) is the factor between consecutive standards (above 1), NaN where no series is established; `implied`
    (K, L) the concentration of each level on it, NaN where that is not known; `off` (K, L) marks stated concentrations
    that the series contradicts; `steps` (K, L) counts dilutions from the first level.
    """

    fold: np.ndarray
    implied: np.ndarray
    off: np.ndarray
    steps: np.ndarray


def find_series(expected: np.ndarray, plate: np.ndarray | None = None) -> Series:
    """Find the constant factor between consecutive standards of each curve, and the standards that do not fit it.

    Parameters: `expected` (K curves, L levels) in the concentrations' unit, NaN where absent, levels in the order of
    their numbers (rising or falling); `plate` (K,) says which curves share their tubes: where several analytes of a
    plate take the same steps, an analyte with damaged or few levels is judged by them.
    A series is the factor and start that most levels agree with, to within the rounding of the printed digits; all but
    a quarter of at least four levels must agree. Steps may be left out (up to two in a row). A deviating level inside
    the series is off it; one at an end only where it breaks the order of the levels, where it is a power of ten away,
    or where other analytes have that level on their series: otherwise the end may be a step of another size. Where no
    series is established nothing is off.
    """
    levels = expected.shape[1]
    logs = np.log(np.where(expected > 0, expected, np.nan))
    tolerance = _rounding(expected)
    batch = max(_CELLS // max(levels**3 // 2, 1), 1)
    parts = [
        _own_series(logs[first : first + batch], tolerance[first : first + batch])
        for first in range(0, len(logs), batch)
    ]
    if not parts or not levels:
        nothing = np.full(expected.shape, np.nan)
        return Series(np.full(len(expected), np.nan), nothing, np.zeros(expected.shape, dtype=bool), nothing.copy())
    fits = _Fits(*(np.concatenate(field) for field in zip(*(part.fields() for part in parts), strict=True)))
    if plate is not None:
        for name in np.unique(plate):
            fits = _judge_together(logs, tolerance, fits, plate == name)
    known = ~np.isnan(fits.step)
    implied = np.where(known[:, None], np.exp(fits.start[:, None] - fits.step[:, None] * fits.position), np.nan)
    return Series(np.where(known, np.exp(np.abs(fits.step)), np.nan), implied, fits.off, fits.position)


@dataclass(frozen=True)
class _Fits:
    """ln concentration = start − step × position; (K,), (K,), (K, L), (K, L), (K, L)."""

    start: np.ndarray
    step: np.ndarray
    position: np.ndarray
    on: np.ndarray
    off: np.ndarray

    def fields(self) -> tuple[np.ndarray, ...]:
        return self.start, self.step, self.position, self.on, self.off


def _rounding(expected: np.ndarray) -> np.ndarray:
    """How far a stated concentration may lie from the true one for its printed digits, in ln (K, L)."""
    half = np.array([0.5 * 10.0 ** -max(map(_decimals, row), default=0) for row in expected.tolist()])
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = half[:, None] / expected
    return np.clip(np.where(expected > 0, relative, ROUNDING), ROUNDING, SMALLEST_FOLD - 1)


def _decimals(number: float) -> int:
    if not np.isfinite(number) or float(number).is_integer():
        return 0
    digits, _, exponent = repr(number).partition("e")
    return max(len(digits.partition(".")[2]) - int(exponent or 0), 0)


def _own_series(logs: np.ndarray, tolerance: np.ndarray) -> _Fits:
    """The series of each curve by itself: every pair of levels proposes one, the most agreed with is taken."""
    curves, levels = logs.shape
    pairs = sorted(((i, j) for i in range(levels) for j in range(i + 1, levels)), key=lambda pair: pair[0] - pair[1])
    if not pairs:
        return _no_fits(curves, levels)
    i, j = np.array(pairs).T
    step = (logs[:, i] - logs[:, j]) / (j - i)
    step = np.where(np.abs(step) >= np.log(SMALLEST_FOLD), step, np.nan)
    place = (logs[:, i, None] - logs[:, None, :]) / step[:, :, None] + i[:, None]
    position = np.round(place)
    allowed = tolerance[:, None, :] + np.maximum(tolerance[:, i], tolerance[:, j])[:, :, None]
    size = np.abs(step)[:, :, None]
    with np.errstate(invalid="ignore"):
        near = np.abs(place - position) * size <= np.minimum(allowed, size / 4)
    extra = np.where(near, position - np.arange(levels), np.nan)
    on = (extra == 0) | _skipped(extra) | _skipped(-extra[:, :, ::-1])[:, :, ::-1]
    best = np.argmax(on.sum(axis=2), axis=1)
    row = np.arange(curves)
    on, position = on[row, best], position[row, best]
    return _claim(logs, tolerance, on, np.where(on, position, np.nan))


def _skipped(extra: np.ndarray) -> np.ndarray:
    """Levels after the last regular one that lie a few steps further on, never going back."""
    last = extra.shape[2] - 1 - np.argmax((extra == 0)[:, :, ::-1], axis=2)
    with np.errstate(invalid="ignore"):
        further = (extra > 0) & (extra <= MOST_SKIPPED) & (np.arange(extra.shape[2]) > last[:, :, None])
    steps = np.where(further, extra, 0)
    return further & (steps == np.maximum.accumulate(steps, axis=2)) & (extra == 0).any(axis=2)[:, :, None]


def _claim(logs: np.ndarray, tolerance: np.ndarray, on: np.ndarray, position: np.ndarray) -> _Fits:
    present = ~np.isnan(logs)
    count, stray = on.sum(axis=1), (present & ~on).sum(axis=1)
    established = (count >= FEWEST_LEVELS) & (stray <= MOST_OFF * present.sum(axis=1))
    start, step = _line(logs, tolerance, on & established[:, None], position)
    position, inside = _between(position, on)
    implied = start[:, None] - step[:, None] * position
    with np.errstate(invalid="ignore"):
        powers = (logs - implied) / np.log(10)
        decimal_point = (np.round(powers) != 0) & (np.abs(powers - np.round(powers)) * np.log(10) <= _POWER_OF_TEN)
        disorder = _breaks_order(logs, on, np.sign(step))
        off = established[:, None] & present & ~on & ~np.isnan(implied) & (inside | decimal_point | disorder)
    known = (on | off) & established[:, None]
    return _Fits(start, step, np.where(known, position, np.nan), on & established[:, None], off)


def _line(
    logs: np.ndarray, tolerance: np.ndarray, on: np.ndarray, position: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Start and step by least squares over the levels that agree, those with more digits counting more."""
    weight = np.where(on, 1 / tolerance**2, 0.0)
    x, y = np.where(on, position, 0.0), np.where(on, logs, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        total = weight.sum(axis=1)
        mean_x, mean_y = (weight * x).sum(axis=1) / total, (weight * y).sum(axis=1) / total
        dx, dy = x - mean_x[:, None], y - mean_y[:, None]
        slope = (weight * dx * dy).sum(axis=1) / (weight * dx**2).sum(axis=1)
    return mean_y - slope * mean_x, -slope


def _between(position: np.ndarray, on: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positions of levels off the series, from the nearest levels on it; and which lie between two of them."""
    curves, levels = position.shape
    index = np.arange(levels)
    before = np.maximum.accumulate(np.where(on, index, -1), axis=1)
    after = np.minimum.accumulate(np.where(on, index, levels)[:, ::-1], axis=1)[:, ::-1]
    row = np.arange(curves)[:, None]
    from_before = position[row, np.clip(before, 0, None)] + (index - before)
    from_after = position[row, np.clip(after, None, levels - 1)] - (after - index)
    has_before, has_after = before >= 0, after < levels
    agree = has_before & has_after & (from_before == from_after)
    filled = np.select([on, agree, has_before & ~has_after, has_after & ~has_before],
                       [position, from_before, from_before, from_after], np.nan)  # fmt: skip
    return filled, agree & ~on


def _breaks_order(logs: np.ndarray, on: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """Does a level lie on the wrong side of the levels on the series before or after it?"""
    falling = logs * -direction[:, None]  # rises along the levels
    highest_before = np.maximum.accumulate(np.where(on, falling, -np.inf), axis=1)
    lowest_after = np.minimum.accumulate(np.where(on, falling, np.inf)[:, ::-1], axis=1)[:, ::-1]
    return (falling <= highest_before) | (falling >= lowest_after)


def _judge_together(logs: np.ndarray, tolerance: np.ndarray, fits: _Fits, here: np.ndarray) -> _Fits:
    """Judge the curves of a plate by the steps that most of them take, where they do."""
    rows = np.flatnonzero(here)
    led = rows[~np.isnan(fits.step[rows])]
    if len(led) < FEWEST_SHARING:
        return fits
    step = np.median(fits.step[led])
    sharing = led[np.abs(fits.step[led] - step) <= ROUNDING]
    if len(sharing) < max(FEWEST_SHARING, len(led) / 2):
        return fits
    position, agreed = _commonest(np.where(fits.on[sharing], fits.position[sharing], np.nan))
    position = np.where(agreed >= FEWEST_SHARING, position, np.nan)
    apart = np.setdiff1d(led, sharing)
    rows = np.setdiff1d(rows, apart)
    start = logs[rows] + step * position
    close = np.abs(start[:, :, None] - start[:, None, :]) <= tolerance[rows][:, :, None] + tolerance[rows][:, None, :]
    on = close[np.arange(len(rows)), np.argmax(close.sum(axis=2), axis=1)]
    present = ~np.isnan(start)
    off = present & ~on
    enough = (on.sum(axis=1) >= FEWEST_LEVELS - 1) & (off.sum(axis=1) <= MOST_OFF * present.sum(axis=1))
    judged, on, off = rows[enough], on[enough], off[enough]
    begin, own_step = _line(logs[judged], tolerance[judged], on, np.broadcast_to(position, on.shape))
    known = np.where(on | off, position, np.nan)
    fresh = {name: array.copy() for name, array in zip(vars(fits), fits.fields(), strict=True)}
    for name, values in zip(fresh, (begin, own_step, known, on, off), strict=True):
        fresh[name][judged] = values
    return replace(fits, **fresh)


def _commonest(position: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The commonest position of each level over curves (L,), and how many curves have it."""
    same = (position[:, None, :] == position[None, :, :]).sum(axis=0)
    best = np.argmax(same, axis=0)
    index = np.arange(position.shape[1])
    return position[best, index], same[best, index]


def _no_fits(curves: int, levels: int) -> _Fits:
    none, grid = np.full(curves, np.nan), np.full((curves, levels), np.nan)
    return _Fits(none, none.copy(), grid, grid > 0, grid > 0)
