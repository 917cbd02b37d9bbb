"""Do features measured at a higher level also spread more? The smooth trend of their variances over their level."""

from dataclasses import dataclass

import numpy as np

from cytoshift.shift.estimates import ROUNDING

# limma's: the share of features in one local fit, how often it is repeated with outlying features down-weighted, and
# the share of the range of levels within which neighbouring features share a fit.
LOCAL_SHARE = 0.4
ROBUST_ROUNDS = 3
NEIGHBOURS = 0.01


@dataclass(frozen=True)
class SplineTrend:
    """Least squares on a natural cubic spline.

    `fitted` (learned,) at the features learned from, `predicted` (others,) elsewhere, beyond the outer knots along a
    straight line; `variance` is the residual variance.
    """

    fitted: np.ndarray
    predicted: np.ndarray
    variance: float


def spline_trend(response: np.ndarray, level: np.ndarray, others: np.ndarray) -> SplineTrend:
    """A natural cubic spline of `response` over `level` (learned,), and its values at the levels `others`.

    As limma's fitFDist: a straight line below 6 features, one inner knot at their median below 30, else two at their
    terciles; never more coefficients than there are different levels. The trend at a level of NaN is NaN.
    """
    coefficients = min(1 + (level.size >= 3) + (level.size >= 6) + (level.size >= 30), np.unique(level).size)
    inner = np.quantile(level, np.linspace(0, 1, coefficients)[1:-1])
    # Where many features share a level, knots coincide: one of them says it all.
    knots = np.unique([level.min(), *inner, level.max()])
    design = _natural_basis(level, knots)
    coefficient, _, rank, _ = np.linalg.lstsq(design, response, rcond=None)
    fitted = design @ coefficient
    spread = float(((response - fitted) ** 2).sum() / (level.size - rank))
    return SplineTrend(fitted, _natural_basis(others, knots) @ coefficient, spread)


def _natural_basis(level: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """Columns that span the natural cubic splines with these knots (Hastie et al. 2009, equation 5.4)."""
    first, last = knots[0], knots[-1]
    width = last - first if last > first else 1.0
    place, at = (level - first) / width, (knots - first) / width
    if len(at) < 3:
        columns = [np.ones_like(place), place][: len(at)]
    else:
        above = [np.maximum(place - knot, 0.0) ** 3 for knot in at]
        slope = [(above[k] - above[-1]) / (at[-1] - at[k]) for k in range(len(at) - 1)]
        columns = [np.ones_like(place), place, *(part - slope[-1] for part in slope[:-1])]
    # NaN passes through the powers, not through the column of ones; adding 0 × place marks it there too.
    return np.stack(columns, axis=-1) + 0.0 * place[..., None]


def local_trend(response: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Robust local regression of `response` over `level` (features,): its fit at each feature.

    Cleveland's lowess (1979, doi:10.1080/01621459.1979.10481038) as in R: straight lines, tricube weights, three
    rounds of bisquare weights, features nearer than a hundredth of the range interpolated. Needs two features.
    """
    order = np.argsort(level, kind="stable")
    x, y = level[order], response[order]
    share = max(2, min(x.size, int(LOCAL_SHARE * x.size + 1e-7)))
    places = _fitting_places(x, NEIGHBOURS * (x[-1] - x[0]))
    weight = np.ones(x.size)
    for round_ in range(ROBUST_ROUNDS + 1):
        values = np.array([_local_fit(x, y, weight, place, share) for place in places])
        fit = np.interp(x, x[places], values)
        distance = np.abs(y - fit)
        scale = 6 * np.median(distance)
        # Nothing is an outlier where most residuals are rounding of the values or next to nothing beside the others.
        if round_ == ROBUST_ROUNDS or scale <= max(1e-7 * distance.mean(), ROUNDING * np.abs(y).max()):
            break
        weight = np.where(distance <= 0.999 * scale, (1 - (distance / scale) ** 2) ** 2, 0.0)
        weight = np.where(distance <= 0.001 * scale, 1.0, weight)
    trend = np.empty_like(fit)
    trend[order] = fit
    return trend


def _fitting_places(x: np.ndarray, apart: float) -> list[int]:
    """Positions in the sorted levels where a line is fitted: the last one within `apart` of the one before."""
    places = [0]
    while x[places[-1]] < x[-1]:
        here = x[places[-1]]
        next_level = int(np.searchsorted(x, here, side="right"))
        places.append(max(next_level, int(np.searchsorted(x, here + apart, side="right")) - 1))
    return places


def _local_fit(x: np.ndarray, y: np.ndarray, weight: np.ndarray, place: int, share: int) -> float:
    """The local line at one sorted position, from the `share` nearest features and those tied with the farthest."""
    here = x[place]
    # The window moves right for as long as its left end is farther away than the next feature on its right.
    left = int(np.searchsorted(x[: x.size - share] + x[share:], 2 * here, side="left"))
    reach = max(here - x[left], x[left + share - 1] - here)
    near = slice(left, int(np.searchsorted(x, here + reach, side="right")))
    distance = np.abs(x[near] - here)
    own = np.where(distance <= 0.001 * reach, 1.0, (1 - (distance / max(reach, 1e-300)) ** 3) ** 3)
    own = np.where(distance <= 0.999 * reach, own, 0.0) * weight[near]
    total = own.sum()
    if not total > 0:
        return float(y[place])
    own = own / total
    centre = own @ x[near]
    spread = own @ (x[near] - centre) ** 2
    if reach > 0 and np.sqrt(spread) > 0.001 * (x[-1] - x[0]):
        own = own * ((here - centre) / spread * (x[near] - centre) + 1)
    return float(own @ y[near])
