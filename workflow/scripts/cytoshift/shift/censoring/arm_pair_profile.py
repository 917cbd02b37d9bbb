"""Which differences between arms do pairs with non-detects still allow, and how sharply do they tell?

The rule is that of `censored_profile`: a difference is inside the interval while its likelihood-ratio statistic stays
below the cut.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cytoshift.shift.censoring.arm_pair_fit import LEAST, ArmPairFit, fit_arm_pairs
from cytoshift.shift.censoring.arm_pair_likelihood import ArmPairData
from cytoshift.shift.censoring.censored_profile import CLOSE_ENOUGH, FARTHEST_LIMIT, ROUNDS, LimitSearch, next_place
from cytoshift.shift.censoring.climb import newton_direction

# A standard error so large (in standard deviations of the target visit), or none at all, may mean no finite estimate.
SUSPICIOUS = 1e3
# So far on, in standard deviations, the likelihood has fallen or never will; by less than this is not at all.
FAR, NO_FALL = 45.0, 1e-6
# By more than this above the maximum there is another, or none at all.
HIGHER = 1e-6
# Decrement of the fits along a profile: their likelihood is then off by half of that, far less than the cut is met.
PROFILE_SETTLED = 1e-13


@dataclass(frozen=True)
class Sharpness:
    """How the likelihood falls off around a fit; arrays (analytes,) unless said otherwise, in standard units.

    `se` is the standard error of δ from the curvature, NaN where that is too flat; `tangent` (analytes, p) where the
    best other parameters go as δ does; `open_low` and `open_high` say that δ may fall, or rise, without end at no cost.
    """

    se: np.ndarray
    tangent: np.ndarray
    open_low: np.ndarray
    open_high: np.ndarray


def profile_tangent(data: ArmPairData, fit: ArmPairFit) -> tuple[np.ndarray, np.ndarray]:
    """How the best other parameters move with δ, and how sharply the profile is curved.

    (analytes, p), 1 for δ itself, and (analytes,), NaN where there is no curvature to speak of.
    """
    still = fit.still.copy()
    still[:, data.delta] = True
    tangent = newton_direction(fit.hessian[:, :, data.delta], fit.hessian, still, least=LEAST, by_cholesky=True)
    own = -fit.hessian[:, data.delta, data.delta]
    curvature = own - (fit.hessian[:, data.delta] * tangent).sum(axis=1)
    tangent[:, data.delta] = 1.0
    return tangent, np.where(curvature > 1e-10 * np.abs(own), curvature, np.nan)


def sharpness(data: ArmPairData, fit: ArmPairFit) -> Sharpness:
    """Standard error of δ at the maximum, and whether there is one at a finite δ."""
    tangent, curvature = profile_tangent(data, fit)
    se = 1 / np.sqrt(curvature)
    spread = np.exp(fit.parameters[:, data.spreads.start + 1])
    suspect = ~(se <= SUSPICIOUS * spread)
    ends = np.zeros((2, len(se)), dtype=bool)
    if suspect.any():
        part, here = data.take(suspect), fit.take(suspect)
        for side, end in ((-1, 0), (1, 1)):
            on = here.parameters + side * FAR * spread[suspect, None] * tangent[suspect]
            on[:, data.spreads] = here.parameters[:, data.spreads]
            ends[end, suspect] = part.likelihood(on).value >= here.log_likelihood - NO_FALL
    return Sharpness(np.where(suspect, np.nan, se), tangent, ends[0], ends[1])


def profile_limit(
    data: ArmPairData,
    log_likelihood: np.ndarray,
    cut: np.ndarray,
    start: np.ndarray,
    fixed: np.ndarray,
    side: int,
    top: tuple[np.ndarray, np.ndarray] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """The δ on one side at which the profile likelihood has fallen by cut/2, in standard units.

    Steps on the signed root √W, whose slope is the score of δ at the constrained fit: to where the cubic through the
    last two places meets the cut, or by Newton's rule, and always inside the bracket. The other parameters go along the
    tangent of the profile.

    Args:
        data: pairs of the analytes.
        log_likelihood: (analytes,) its maximum, or its least upper bound where there is no maximum.
        cut: (analytes,) W at the limit.
        start: (analytes, p) parameters to begin from; their δ is the first trial.
        fixed: (analytes, p) parameters that stay as they are; δ need not be among them.
        side: −1 for the lower, +1 for the upper limit.
        top: δ at the maximum and its standard error, each (analytes,), where there is one.

    Returns:
        (analytes,) limits, infinite where the profile likelihood never falls so far and NaN where a fit on the way does
        not come to rest, and (analytes,) whether a fit on the way lies higher than the maximum, or without bound.
    """
    analytes, delta = len(cut), data.delta
    limit, higher = np.full(analytes, side * np.inf), np.zeros(analytes, dtype=bool)
    search = LimitSearch(
        start[:, delta].copy(), np.full(analytes, np.nan), np.full(analytes, np.nan), start.copy(), np.ones(analytes)
    )
    # Place, root and slope of the place by the root of the last trial; at a maximum the slope is the standard error.
    last = np.full((3, analytes), np.nan) if top is None else np.stack([top[0], np.zeros(analytes), side * top[1]])
    fixed = fixed.copy()
    fixed[:, delta] = True
    who, part, root_cut, most = np.arange(analytes), data, np.sqrt(cut), log_likelihood
    for _ in range(ROUNDS):
        if not len(who):
            break
        fit = fit_arm_pairs(part, search.parameters, fixed, PROFILE_SETTLED)
        root = np.sqrt(np.maximum(2 * (most - fit.log_likelihood), 0.0))
        gap = root_cut - root
        search.inside = np.where(gap > 0, search.place, search.inside)
        search.outside = np.where(gap <= 0, search.place, search.outside)
        width = np.abs(search.outside - search.inside)
        found = (np.abs(gap) < CLOSE_ENOUGH) | (width < 1e-12 * (1 + np.abs(search.place)))
        gone = np.abs(search.place) > FARTHEST_LIMIT
        limit[who[found]] = search.place[found]
        # A correlation of ±1 with a pair known at both visits is an infinite density.
        above = (fit.log_likelihood > most + HIGHER) | (fit.still[:, part.spreads][:, 2] & (part.known_pairs > 0))
        above &= ~fixed[:, part.spreads][:, 2]
        higher[who[above]] = True
        limit[who[above | ~fit.settled]] = np.nan
        gone |= above | ~fit.settled
        with np.errstate(divide="ignore", invalid="ignore"):
            here = np.stack([search.place, root, root / -fit.gradient[:, delta]])
            step = _step_to(root_cut, here, last)
        search.place, search.stride = next_place(search, step, gap, side)
        tangent, _ = profile_tangent(part, fit)
        search.parameters = fit.parameters + (search.place - here[0])[:, None] * tangent
        search.parameters[:, delta] = search.place
        left = ~(found | gone)
        who, part, root_cut, most = who[left], part.take(left), root_cut[left], most[left]
        search, fixed, last = search.take(left), fixed[left], here[:, left]
    # What did not come to rest within the rounds is bracketed as tightly as a float allows.
    limit[who] = search.place
    return limit, higher


def _step_to(root: np.ndarray, here: np.ndarray, last: np.ndarray) -> np.ndarray:
    """From here to where the place as a cubic of the root reaches `root`; Newton's step where that is far off it."""
    newton = (root - here[1]) * here[2]
    span = here[1] - last[1]
    t = (root - last[1]) / span
    rise = here[0] - last[0]
    cubic = t**2 * (3 - 2 * t) * rise + t * (1 - t) ** 2 * span * last[2] + t**2 * (t - 1) * span * here[2] - rise
    return np.where(np.abs(cubic - newton) < 0.5 * np.abs(newton), cubic, newton)
